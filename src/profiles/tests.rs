use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::evidence::Dialect;

#[test]
fn the_table_is_the_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/profiles/data");
    let files = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    let files: BTreeSet<String> = files.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
    assert_eq!(names().map(str::to_owned).collect::<BTreeSet<_>>(), files);
    assert!(names().is_sorted());
}

#[test]
fn every_profile_is_usable() {
    for (profile, name) in all().zip(names()) {
        assert_eq!(profile.name, name);
        assert!(!profile.version.is_empty() && !profile.source.is_empty() && !profile.auth.is_empty(), "{name}");
        assert!(profile.waits().is_some(), "{name} has no row of timeouts");
        assert!(profile.requests.is_empty() || profile.prompts().next().is_some(), "{name} has no ordinary request");
        assert!(profile.requests.is_sorted_by_key(|request| request.usage), "{name}");
        assert_eq!(profile.base == BaseRule::Root, !profile.adds.is_empty(), "{name}");
        for (header, value) in &profile.headers {
            assert_eq!(*header, header.to_lowercase(), "{name}");
            assert!(
                http::HeaderName::from_bytes(header.as_bytes()).is_ok() && http::HeaderValue::from_str(value).is_ok(),
                "{name}: {header}"
            );
            assert!(Scheme::ALL.iter().all(|scheme| scheme.header() != header), "{name} keeps a key");
        }
    }
}

#[test]
fn every_body_is_a_request_of_its_dialect() {
    for profile in all() {
        for request in &profile.requests {
            let (name, kind) = (&profile.name, &request.kind);
            let body = request.with_model("some-model");
            let holds = ["messages", "input", "contents", "prompt"].iter().any(|member| body.get(member).is_some());
            assert!(holds, "{name} {kind} has no messages");
            let asks = body["model"] == "some-model" || request.path("some-model").contains("/some-model:");
            assert!(asks, "{name} {kind} asks for no model");
            assert!(!body.to_string().contains("test-model"), "{name} {kind}");
            let google = request.dialect() == Dialect::GoogleGenerate;
            assert_eq!(google, body.get("contents").is_some(), "{name} {kind}");
            assert!(google || request.dialect().route() == request.bare_route(), "{name} {kind} goes to a route of no dialect");
        }
    }
}

#[test]
fn a_full_size_body_has_the_tools_and_the_bytes() {
    for profile in all() {
        for request in profile.requests.iter().filter(|request| request.was_cut()) {
            let body = request.full_size("m");
            let (name, kind) = (&profile.name, &request.kind);
            if let Some(bytes) = request.bytes {
                let length = body.to_string().len();
                assert!(length * 10 > bytes * 9 && length < bytes * 11 / 10 + 2000, "{name} {kind}: {length} of {bytes} bytes");
            }
            if let Some(tools) = request.tools {
                let names: BTreeSet<String> = body["tools"].as_array().expect("tools").iter().map(ToString::to_string).collect();
                assert_eq!(names.len(), tools, "{name} {kind}");
            }
        }
    }
}

#[test]
fn names_are_found_however_they_are_typed() {
    assert_eq!(find("opencode").expect("known").name, "opencode");
    assert_eq!(find(" Claude_Code ").expect("known").name, "claude-code");
    let unknown = find("claude").expect_err("unknown");
    assert!(unknown.near.contains(&"claude-code"), "{unknown}");
    assert!(find("").expect_err("unknown").near.is_empty());
}

#[test]
fn storms_are_known_by_status_and_type() {
    let opencode = find("opencode").expect("known");
    let requests = |status, labelled| opencode.sends_on(status, labelled).map(|sent| sent.requests);
    assert_eq!((requests(400, false), requests(400, true)), (Some(2), Some(7)));
    // A status that was not recorded is treated as those of its kind are.
    assert_eq!(
        (requests(422, false), requests(413, true), requests(502, false), requests(429, true)),
        (Some(2), Some(7), Some(9), Some(9))
    );
    let claude = find("claude-code").expect("known");
    assert_eq!((claude.sends_on(422, false), claude.sends_on(400, false).map(|sent| sent.requests)), (None, Some(6)));
}

#[test]
fn a_client_without_a_name_is_no_client_whose_name_is_unknown() {
    let agent = |name: &str| find(name).expect("known").agent();
    assert_eq!((agent("opencode"), agent("rig"), agent("zed")), (Agent::Known, Agent::None, Agent::Unknown));
}
