//! The tool against real servers: nginx, HAProxy and LiteLLM in front of a simulated upstream.
//!
//! A server that is not installed skips its tests, visibly. With `LLMDOCTOR_REAL=require` that is a failure. Each test asserts that the
//! server was really asked, by its own count or by its headers in the evidence.
#![cfg(unix)]

mod servers;

use std::fmt::Write as _;
use std::process::Command;

use llmdoctor::evidence::Evidence;
use llmdoctor::sim::Tempo;
use serde_json::{Value, json};
use servers::{LITELLM_KEY, UPSTREAM_KEY, Upstream, deployment, free_port, haproxy, litellm, nginx, nginx_proxy};
use tempfile::TempDir;

const EXE: &str = env!("CARGO_BIN_EXE_llmdoctor");
const MODEL: &str = "gpt-4o-mini";

/// What a check said and recorded.
struct Checked {
    report: Value,
    evidence: Evidence,
}

/// Runs a quick check. With `LLMDOCTOR_REAL_KEEP=FOLDER` its evidence stays there, named after the case.
fn check(case: &str, base: &str, key: &str, model: &str, more: &[&str]) -> Checked {
    let folder = TempDir::new().expect("a folder");
    let kept = std::env::var_os("LLMDOCTOR_REAL_KEEP").map_or_else(|| folder.path().to_owned(), Into::into);
    let run = kept.join(format!("{case}.json"));
    let mut command = Command::new(EXE);
    command.args(["check", "--quick", "--no-proxy", "--base-url", base, "--key", key, "--model", model, "--format", "json"]);
    let output = command.arg("--save-evidence").arg(&run).args(more).output().expect("a report");
    let told = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no report: {told}"));
    let evidence = serde_json::from_slice(&std::fs::read(run).expect("evidence")).expect("evidence");
    Checked { report, evidence }
}

impl Checked {
    /// The modes of all findings above info, in order.
    fn accused(&self) -> Vec<&str> {
        let findings = self.report["findings"].as_array().expect("findings");
        findings.iter().filter(|finding| finding["severity"] != "info").filter_map(|finding| finding["mode"].as_str()).collect()
    }

    /// A detail of the first finding.
    fn detail(&self, name: &str) -> &Value {
        &self.report["findings"][0]["details"][name]
    }

    /// What was found, for a failed test.
    fn told(&self) -> String {
        let mut text = format!("verdict {}\n", self.report["verdict"]);
        for finding in self.report["findings"].as_array().expect("findings") {
            let _ = writeln!(text, "{} ({}): {}", finding["mode"], finding["severity"], finding["because"]);
        }
        for exchange in &self.evidence.exchanges {
            let _ = writeln!(text, "{} {} {:?} {:?}", exchange.id, exchange.probe, exchange.status(), exchange.fault_kind());
        }
        text
    }

    #[track_caller]
    fn is_healthy(&self) {
        assert_eq!((self.accused(), &self.report["verdict"]), (vec![], &Value::from("healthy")), "{}", self.told());
    }

    #[track_caller]
    fn finds_first(&self, mode: &str) {
        assert_eq!(self.accused().first(), Some(&mode), "{}", self.told());
    }

    /// Some answer carried a header of which the value begins so.
    fn heard_from(&self, header: &str, value: &str) -> bool {
        let mut responses = self.evidence.exchanges.iter().filter_map(|exchange| exchange.response());
        responses.any(|response| response.headers.iter().any(|(name, text)| name.eq_ignore_ascii_case(header) && text.starts_with(value)))
    }
}

#[test]
fn a_plain_nginx_is_healthy() {
    let upstream = Upstream::start("healthy", Tempo::default());
    let Some(nginx) = nginx_proxy(&upstream, "proxy_http_version 1.1; proxy_buffering off;") else { return };
    let checked = check("nginx-healthy", &nginx.base(), UPSTREAM_KEY, MODEL, &[]);
    checked.is_healthy();
    assert!(checked.heard_from("server", "nginx/") && upstream.chats() >= 2);
}

#[test]
fn nginx_with_its_defaults_buffers_a_stream() {
    let upstream = Upstream::start("close-delimited-stream", Tempo::default());
    let Some(nginx) = nginx_proxy(&upstream, "") else { return };
    let checked = check("nginx-buffering", &nginx.base(), UPSTREAM_KEY, MODEL, &[]);
    assert_eq!(checked.accused(), ["stream-buffered"], "{}", checked.told());
    assert!(checked.heard_from("server", "nginx/") && upstream.chats() >= 2);
}

#[test]
fn nginx_compresses_a_stream_and_holds_it_back() {
    let upstream = Upstream::start("healthy", Tempo::default());
    let gzip = "proxy_http_version 1.1; gzip on; gzip_proxied any; gzip_types text/event-stream;";
    let Some(nginx) = nginx_proxy(&upstream, gzip) else { return };
    let checked = check("nginx-gzip", &nginx.base(), UPSTREAM_KEY, MODEL, &[]);
    checked.finds_first("stream-buffered");
    assert!(checked.heard_from("content-encoding", "gzip") && upstream.chats() >= 2);
}

#[test]
fn nginx_gives_up_on_a_slow_upstream() {
    let upstream = Upstream::start("slow-first-token", Tempo::default());
    let Some(nginx) = nginx_proxy(&upstream, "proxy_read_timeout 1s; proxy_http_version 1.1;") else { return };
    let checked = check("nginx-read-timeout", &nginx.base(), UPSTREAM_KEY, MODEL, &[]);
    checked.finds_first("timeout-boundary");
    let boundary = checked.detail("boundary_s").as_f64().expect("a boundary");
    assert!((0.9..1.3).contains(&boundary), "{boundary}");
    assert!(checked.heard_from("server", "nginx/") && upstream.chats() >= 2);
}

#[test]
fn a_web_interface_answers_where_the_api_is_not() {
    let upstream = Upstream::start("healthy", Tempo::default());
    let page = "<!doctype html><html><head><title>Chat</title></head><body><div id=\"root\"></div></body></html>";
    let server = format!(
        "location /api/v1/ {{ proxy_pass http://127.0.0.1:{}/v1/; proxy_http_version 1.1; proxy_buffering off; }}
         location / {{ root {{folder}}; try_files $uri /index.html; }}",
        upstream.port
    );
    let Some(nginx) = nginx("", &server, &[("index.html", page)]) else { return };
    for (case, base) in [("nginx-spa-v1", nginx.base()), ("nginx-spa-root", format!("http://127.0.0.1:{}", nginx.port))] {
        let checked = check(case, &base, UPSTREAM_KEY, MODEL, &[]);
        checked.finds_first("wrong-base-url");
        assert_eq!(checked.detail("base_url"), &json!(format!("http://127.0.0.1:{}/api/v1", nginx.port)), "{}", checked.told());
    }
    assert!(nginx.logged() > 4 && upstream.chats() >= 2, "{} and {}", nginx.logged(), upstream.chats());
}

#[test]
fn a_self_signed_certificate_is_named_and_can_be_trusted() {
    let upstream = Upstream::start("healthy", Tempo::default());
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("a certificate");
    let (pem, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    let server = format!(
        "ssl_certificate {{folder}}/cert.pem; ssl_certificate_key {{folder}}/key.pem;
         location / {{ proxy_pass http://127.0.0.1:{}; proxy_http_version 1.1; proxy_buffering off; }}",
        upstream.port
    );
    let Some(nginx) = nginx("ssl", &server, &[("cert.pem", &pem), ("key.pem", &key)]) else { return };
    let base = nginx.base().replace("http:", "https:");
    check("nginx-self-signed", &base, UPSTREAM_KEY, MODEL, &[]).finds_first("tls-failure");
    check("nginx-http-to-https", &nginx.base(), UPSTREAM_KEY, MODEL, &[]).finds_first("scheme-mismatch");
    assert_eq!(upstream.chats(), 0, "nothing went through so far");

    let folder = TempDir::new().expect("a folder");
    let trusted = folder.path().join("cert.pem");
    std::fs::write(&trusted, &pem).expect("written");
    let checked = check("nginx-trusted", &base, UPSTREAM_KEY, MODEL, &["--cacert", trusted.to_str().expect("text")]);
    checked.is_healthy();
    assert!(checked.heard_from("server", "nginx/") && upstream.chats() >= 2);
}

#[test]
fn haproxy_gives_up_on_a_slow_upstream() {
    let upstream = Upstream::start("slow-first-token", Tempo::default());
    let Some(haproxy) = haproxy(upstream.port, "1s") else { return };
    let checked = check("haproxy-504", &haproxy.base(), UPSTREAM_KEY, MODEL, &[]);
    checked.finds_first("timeout-boundary");
    let boundary = checked.detail("boundary_s").as_f64().expect("a boundary");
    assert!((0.9..1.3).contains(&boundary), "{boundary}");
    assert!(haproxy.counted() > 2 && upstream.chats() >= 2);
}

#[test]
fn haproxy_cuts_a_stream_that_falls_silent() {
    let upstream = Upstream::start("stalled-midway", Tempo::fast());
    let Some(haproxy) = haproxy(upstream.port, "800ms") else { return };
    let checked = check("haproxy-cut", &haproxy.base(), UPSTREAM_KEY, MODEL, &[]);
    checked.finds_first("stream-truncated");
    assert!(haproxy.counted() > 2 && upstream.chats() >= 2);
}

#[test]
fn haproxy_in_front_of_nobody() {
    let Some(haproxy) = haproxy(free_port(), "30s") else { return };
    let checked = check("haproxy-503", &haproxy.base(), UPSTREAM_KEY, MODEL, &[]);
    checked.finds_first("upstream-unavailable");
    assert!(haproxy.counted() > 2);
}

/// One LiteLLM for all of its cases: it takes long to start.
#[test]
fn litellm_healthy_and_broken_in_five_ways() {
    let healthy = Upstream::start("healthy", Tempo::default());
    let strict = Upstream::start("parallel-tool-calls-refused", Tempo::default());
    let models = json!([
        deployment("fine", healthy.port, MODEL, UPSTREAM_KEY),
        deployment("alias", healthy.port, "no-such-model", UPSTREAM_KEY),
        deployment("dead", free_port(), MODEL, UPSTREAM_KEY),
        deployment("strict", strict.port, MODEL, UPSTREAM_KEY),
        deployment("locked", healthy.port, MODEL, "sk-wrong-upstream-key"),
    ]);
    let Some(litellm) = litellm(&models) else { return };
    for (model, mode) in [
        ("fine", None),
        ("alias", Some("model-name-mismatch")),
        ("dead", Some("upstream-unavailable")),
        ("locked", Some("upstream-auth-failed")),
        ("strict", Some("unsupported-field")),
    ] {
        let before = (healthy.chats(), strict.chats());
        let checked = check(&format!("litellm-{model}"), &litellm.base(), LITELLM_KEY, model, &[]);
        match mode {
            Some(mode) => checked.finds_first(mode),
            None => checked.is_healthy(),
        }
        assert!(checked.heard_from("x-litellm-version", ""), "{model}: {}", checked.told());
        assert_ne!((healthy.chats(), strict.chats()), before, "{model}: no upstream was asked (for `dead` it is the other models')");
        if model == "strict" {
            assert_eq!(checked.detail("fields"), &json!(["/parallel_tool_calls"]));
        }
    }
    let before = healthy.chats();
    let checked = check("litellm-wrong-key", &litellm.base(), "sk-wrong-client-key", "fine", &[]);
    checked.finds_first("key-rejected");
    assert_eq!(healthy.chats(), before, "a wrong key does not get to the upstream");
}
