//! Known clients against simulated gateways: which would work there, in how few requests, and what is said of one.

mod support;

use assert_cmd::Command;
use llmdoctor::catalogue::clients::{Fit, How, fits};
use llmdoctor::catalogue::{Case, Severity};
use llmdoctor::evidence::{Ask, Dialect};
use llmdoctor::ladder::Climb;
use llmdoctor::pace::Pace;
use llmdoctor::profiles::{self, Capability, Profile};
use llmdoctor::report::{Format, Look, Report, render};
use llmdoctor::sim::scenario;
use support::{Examined, block_on, examine_with};

/// Climbs as these clients, without the rungs that take long.
fn examined(id: &str, clients: Vec<Profile>) -> Examined {
    // The climb is changed for any lifetime, so the profiles must live for ever.
    let clients: &'static [Profile] = clients.leak();
    let scenario = scenario(id).expect("a scenario");
    let pace = Pace { sweep: None, max_requests: 100, ..Pace::simulated() };
    block_on(examine_with(scenario, pace, |climb| Climb { clients, ..climb }))
}

fn alone(id: &str, client: &str) -> Examined {
    examined(id, vec![profiles::find(client).expect("a profile")])
}

/// The same, where the user typed the base of the scenario with this behind it.
fn typed(id: &str, client: &str, behind: &str) -> Examined {
    let client = profiles::find(client).expect("a profile");
    let clients: &'static [Profile] = vec![client.clone()].leak();
    let scenario = scenario(id).expect("a scenario");
    let pace = Pace { sweep: None, max_requests: 100, ..Pace::simulated() };
    block_on(examine_with(scenario, pace, |climb| {
        let mut root = climb.target.base.url.clone();
        root.set_path(behind);
        let mut target = climb.target.clone();
        target.base.url = client.base(&root, behind.ends_with('/'));
        target.auth.scheme = client.auth[0];
        Climb { clients, target: Box::leak(Box::new(target)), ..climb }
    }))
}

fn among_all(id: &str) -> (Examined, Vec<Fit>) {
    let examined = examined(id, profiles::all().collect());
    let fits = fits(&Case::new(&examined.evidence));
    (examined, fits)
}

/// With features: tools, structured output, pictures, titles.
fn with_features(id: &str) -> (Examined, Vec<Fit>) {
    let clients: &'static [Profile] = profiles::all().collect::<Vec<_>>().leak();
    let pace = Pace { max_requests: 200, ..Pace::simulated() };
    let skip = ["sweep", "calls", "effects"].map(str::to_owned).to_vec();
    let examined = block_on(examine_with(scenario(id).expect("a scenario"), pace, |climb| Climb { clients, skip, ..climb }));
    let fits = fits(&Case::new(&examined.evidence));
    (examined, fits)
}

fn of<'f>(fits: &'f [Fit], name: &str) -> &'f Fit {
    fits.iter().find(|fit| fit.client.name == name).expect("a row")
}

fn can(fit: &Fit, capability: Capability) -> Option<How> {
    fit.can.iter().find(|can| can.capability == capability).map(|can| can.how)
}

fn named(fits: &[Fit], how: How) -> Vec<&str> {
    fits.iter().filter(|fit| fit.how == how).map(|fit| fit.client.name.as_str()).collect()
}

/// Modes with at least this severity, and the fit of the one client.
fn told(examined: &Examined) -> (Vec<(&'static str, Severity)>, How) {
    let found = examined.diagnosis().findings;
    let worse = found.iter().filter(|found| found.finding.severity > Severity::Info);
    (worse.map(|found| (found.mode.id, found.finding.severity)).collect(), fits(&Case::new(&examined.evidence))[0].how)
}

/// Who speaks chat completions to a gateway on loopback that has nothing else.
fn chat_clients() -> Vec<String> {
    let speaks = |client: &Profile| client.dialect() == Some(Dialect::OpenaiChat) && !client.from_servers;
    profiles::all().filter(speaks).map(|client| client.name).collect()
}

#[test]
fn a_healthy_gateway_is_silent_to_each_kind_of_client() {
    for client in ["opencode", "openai-python", "shell-gpt", "open-webui", "pi-agent", "smolagents", "aider"] {
        assert_eq!(told(&alone("healthy", client)), (Vec::new(), How::Works), "{client}");
    }
}

#[test]
fn a_healthy_gateway_serves_everybody_who_speaks_its_dialect_in_few_requests() {
    let (examined, fits) = among_all("healthy");
    assert_eq!(named(&fits, How::Works), chat_clients());
    assert!(examined.evidence.asked(Ask::Client).count() <= 14, "{} requests", examined.evidence.asked(Ask::Client).count());
    let with_setting = named(&fits, How::WithSetting);
    assert_eq!(with_setting, ["ai-sdk-openai", "n8n", "openai-agents", "pydantic-ai", "rig"]);
    assert!(named(&fits, How::Fails).contains(&"codex-cli") && named(&fits, How::Fails).contains(&"claude-code"));
    assert!(examined.diagnosis().findings.iter().all(|found| found.finding.severity == Severity::Info));
}

#[test]
fn a_pair_refused_together_stops_those_who_send_both_and_nobody_else() {
    let (examined, fits) = among_all("temperature-with-top-p");
    let sends_both = |fit: &&Fit| chat_clients().contains(&fit.client.name) && fit.how == How::Fails;
    let stopped: Vec<&str> = fits.iter().filter(sends_both).map(|fit| fit.client.name.as_str()).collect();
    assert_eq!(stopped, ["copilot-cli", "lobechat", "nextchat", "shell-gpt"]);
    assert!(examined.evidence.exchanges.len() < 60, "{} requests", examined.evidence.exchanges.len());
}

#[test]
fn a_refused_field_is_an_error_to_the_client_that_sends_it_and_nothing_to_another() {
    let (found, how) = told(&alone("tool-choice-refused", "opencode"));
    assert_eq!((found, how), (vec![("unsupported-field", Severity::Error)], How::Fails));
    assert_eq!(told(&alone("tool-choice-refused", "shell-gpt")), (Vec::new(), How::Works));
}

#[test]
fn a_refused_feature_is_a_warning_beside_a_chat_that_works() {
    let (found, how) = told(&alone("json-schema-refused", "openai-python"));
    assert_eq!((found, how), (vec![("unsupported-field", Severity::Warning)], How::Works));
}

#[test]
fn every_scenario_of_a_refused_field_names_just_its_senders() {
    for (id, member) in
        [("max-tokens-renamed", "max_tokens"), ("parallel-tool-calls-refused", "parallel_tool_calls"), ("opaque-400", "tool_choice")]
    {
        let (_, fits) = among_all(id);
        for fit in fits.iter().filter(|fit| fit.client.dialect() == Some(Dialect::OpenaiChat) && !fit.client.from_servers) {
            let sends = fit.client.prompts().any(|request| request.with_model("m").get(member).is_some());
            let wanted = if sends { How::Fails } else { How::Works };
            assert_eq!(fit.how, wanted, "{id}: {} ({})", fit.client.name, fit.because);
        }
    }
}

#[test]
fn what_its_user_sees_is_said() {
    let (_, fits) = among_all("max-tokens-renamed");
    let sees = |name: &str| fits.iter().find(|fit| fit.client.name == name).and_then(|fit| fit.sees.clone());
    assert_eq!(sees("opencode").as_deref(), Some("an error, at once"));
    assert_eq!(sees("claude-code").as_deref(), Some("an error, after 2 requests"));
}

#[test]
fn a_client_that_cannot_be_asked_is_one_line() {
    for (client, words) in [("claude", ["claude-code", "list clients"]), ("jetbrains-ai", ["public", "--dialect"])] {
        let mut command = Command::cargo_bin("llmdoctor").expect("the program");
        let output = command.args(["check", "--base-url", "http://127.0.0.1:9/v1", "--client", client]).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    }
}

#[test]
fn a_form_on_which_the_client_loops_is_an_error_to_its_user() {
    let examined = alone("no-finish-reason", "opencode");
    let (found, how) = told(&examined);
    assert!(found.contains(&("stream-breaks-client", Severity::Error)) && how == How::Fails, "{found:?}");
    let fits = fits(&Case::new(&examined.evidence));
    assert_eq!(fits[0].sees.as_deref(), Some("requests without end (419 in 100 s)"));
    assert!(!told(&alone("no-finish-reason", "openai-python")).0.iter().any(|(mode, _)| *mode == "stream-breaks-client"));
}

#[test]
fn a_replay_of_the_evidence_says_the_same_of_every_client() {
    let (examined, fits) = among_all("temperature-with-top-p");
    let saved = serde_json::to_string(&examined.evidence).expect("JSON");
    let again = serde_json::from_str(&saved).expect("evidence");
    let again = llmdoctor::catalogue::clients::fits(&Case::new(&again));
    let told = |fits: &[Fit]| fits.iter().map(|fit| (fit.how, fit.because.clone(), fit.sees.clone())).collect::<Vec<_>>();
    assert_eq!(told(&fits), told(&again));
}

#[test]
fn the_base_is_judged_by_what_the_client_makes_of_it() {
    let right = typed("healthy-messages", "claude-code", "");
    assert_eq!(told(&right), (Vec::new(), How::Works));
    let wrong = typed("healthy-messages", "claude-code", "/v1");
    let diagnosis = wrong.diagnosis();
    assert_eq!(diagnosis.findings[0].mode.id, "wrong-base-url");
    let root = wrong.server.base_url().replace("/v1", "");
    let advice = format!("Type {root} into claude-code: it adds the version itself and wants the base without it.");
    assert_eq!(diagnosis.findings[0].finding.fix, [advice]);
    let slashless = typed("healthy", "continue-ide", "/v1");
    let fix = slashless.diagnosis().findings[0].finding.fix.join(" ");
    assert!(fix.contains("/v1/ into continue-ide"), "{fix}");
}

#[test]
fn every_dialect_is_asked_on_its_route() {
    assert_eq!(told(&alone("healthy-responses", "codex-cli")), (Vec::new(), How::Works));
    let (_, fits) = among_all("healthy-responses");
    let works = named(&fits, How::Works);
    for client in ["codex-cli", "openai-agents", "n8n", "rig"] {
        assert!(works.contains(&client), "{client} does not work: {works:?}");
    }
    assert!(!works.contains(&"opencode") && !works.contains(&"claude-code"));
}

#[test]
fn the_table_is_in_every_format() {
    let (examined, _) = among_all("temperature-with-top-p");
    let report = Report::new(&examined.evidence, &examined.diagnosis());
    let schema = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema/report.schema.json")).expect("the schema");
    let schema = serde_json::from_str(&schema).expect("JSON");
    let json: serde_json::Value = serde_json::from_str(&render(&report, Format::Json, &Look::default())).expect("JSON");
    let wrong: Vec<String> =
        jsonschema::validator_for(&schema).expect("a schema").iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(json["clients"].as_array().expect("rows").len(), profiles::names().count());
    let terminal = render(&report, Format::Terminal, &Look::default());
    let markdown = render(&report, Format::Markdown, &Look::default());
    for name in profiles::names() {
        assert!(terminal.contains(name) && markdown.contains(&format!("| `{name}` |")), "{name} is not in the table");
    }
}

#[test]
fn a_limit_on_tools_stops_those_who_send_more_and_nobody_else() {
    let (examined, all) = among_all("agent-tools-capped");
    let stopped: Vec<&str> = named(&all, How::Fails).into_iter().filter(|name| chat_clients().iter().any(|other| other == name)).collect();
    assert_eq!(stopped, ["cline-cli", "open-webui"]);
    assert!(of(&all, "cline-cli").because.contains("25 tools"), "{}", of(&all, "cline-cli").because);
    assert!(examined.evidence.asked(Ask::ClientSize).count() <= 7);
    // What stands for many clients accuses nobody.
    assert!(examined.diagnosis().findings.iter().all(|found| found.finding.severity < Severity::Error));
}

#[test]
fn a_limit_on_bytes_stops_those_whose_first_request_is_longer() {
    let (_, all) = among_all("express-caps-bodies");
    let stopped: Vec<&str> = named(&all, How::Fails).into_iter().filter(|name| chat_clients().iter().any(|other| other == name)).collect();
    assert_eq!(stopped, ["copilot-cli", "qwen-code"]);
    assert_eq!(told(&alone("express-caps-bodies", "opencode")), (Vec::new(), How::Works));
}

#[test]
fn names_that_a_firewall_refuses_stop_only_those_who_have_them() {
    let (_, all) = among_all("library-names-blocked");
    let library = |agent: &str| agent.contains("OpenAI/Python") || agent.contains("python-requests");
    let blocked = |fit: &&Fit| fit.client.headers.iter().any(|(name, value)| name == "user-agent" && library(value));
    for fit in all.iter().filter(|fit| chat_clients().contains(&fit.client.name)) {
        let wanted = if blocked(&fit) { How::Fails } else { How::Works };
        assert_eq!(fit.how, wanted, "{}: {}", fit.client.name, fit.because);
    }
    assert!(of(&all, "aider").because.contains("User-Agent OpenAI/Python"), "{}", of(&all, "aider").because);
}

#[test]
fn a_client_calls_itself_as_it_was_recorded_to_do() {
    let agents = |client: &str| -> Vec<Option<String>> {
        let examined = alone("healthy", client);
        let requests = examined.evidence.exchanges.into_iter().filter(|exchange| exchange.ask != Ask::Connect);
        requests
            .map(|exchange| exchange.request.headers.into_iter().find(|(name, _)| name == "user-agent").map(|(_, value)| value))
            .collect()
    };
    assert!(agents("genai-rs").iter().all(Option::is_none));
    // Nobody knows what Zed calls itself: a made-up name would be no better than ours.
    assert!(agents("zed").iter().all(|agent| agent.as_ref().is_some_and(|agent| agent.starts_with("llmdoctor/"))));
}

#[test]
fn pictures_that_are_refused_cost_nobody_his_chat() {
    let (_, all) = with_features("image-refused");
    let dify = of(&all, "dify");
    assert_eq!((dify.how, can(dify, Capability::Images), can(dify, Capability::Tools)), (How::Works, Some(How::Fails), Some(How::Works)));
    assert_eq!(can(of(&all, "aider"), Capability::Images), None);
}

#[test]
fn tools_that_are_refused_stop_agents_and_only_the_tools_of_others() {
    let (_, all) = with_features("tool-choice-refused");
    let (agent, library) = (of(&all, "opencode"), of(&all, "litellm-sdk"));
    assert_eq!(
        (agent.how, can(agent, Capability::Tools), can(agent, Capability::Titles)),
        (How::Fails, Some(How::Fails), Some(How::Fails))
    );
    assert_eq!((library.how, can(library, Capability::Structured)), (How::Works, Some(How::Works)));
}

#[test]
fn a_limit_that_all_meet_says_how_long_the_user_waits() {
    let examined = alone("rate-limited-bare", "langchain-js");
    let fit = &fits(&Case::new(&examined.evidence))[0];
    assert_eq!((fit.how, fit.sees.as_deref()), (How::Fails, Some("an error, after 7 requests and 104 s")));
}

#[test]
fn a_finding_says_what_the_client_s_user_sees_of_it() {
    let user_sees = |id: &str, client: &str, mode: &str| {
        let examined = alone(id, client);
        let report = Report::new(&examined.evidence, &examined.diagnosis());
        let terminal = render(&report, Format::Terminal, &Look::default());
        let item = report.findings.iter().find(|item| item.mode == mode).unwrap_or_else(|| panic!("{id}: no {mode}"));
        let said = item.user_sees.clone();
        assert!(said.is_none() || terminal.contains("Its user"), "{terminal}");
        said
    };
    let loops = user_sees("no-finish-reason", "opencode", "stream-no-finish-reason").expect("recorded");
    assert_eq!(loops, "In opencode 1.18.33: requests without end (419 in 100 s), as recorded.");
    let fine = user_sees("no-finish-reason", "openai-python", "stream-no-finish-reason").expect("recorded");
    assert_eq!(fine, "In openai-python 3.52.0: the answer all the same, as recorded.");
    let refused = user_sees("max-tokens-renamed", "opencode", "unsupported-field").expect("recorded");
    assert_eq!(refused, "In opencode 1.18.33: an error, at once, as recorded.");
}
