//! Runs the ladder against a simulated gateway, as a library user would.
#![allow(dead_code, reason = "each test file uses its own part of this")]

pub mod recorded;

use http::{HeaderName, HeaderValue};
use llmdoctor::diagnosis::{Diagnosis, diagnose};
use llmdoctor::evidence::{Dialect, Evidence};
use llmdoctor::http::{Client, Options, ProxyChoice};
use llmdoctor::ladder::Climb;
use llmdoctor::pace::Pace;
use llmdoctor::secret::{Scrubber, Secret};
use llmdoctor::sim::{Scenario, Server, Tempo};
use llmdoctor::target::{Auth, BaseUrl, Target};

/// What a climb against a simulated gateway left behind.
pub struct Examined {
    pub evidence: Evidence,
    pub server: Server,
}

impl Examined {
    pub fn diagnosis(&self) -> Diagnosis {
        diagnose(&self.evidence)
    }
}

/// Climbs against a scenario with the key and model that it wants typed.
pub async fn examine(scenario: &'static Scenario, pace: Pace) -> Examined {
    examine_with(scenario, pace, |climb| climb).await
}

/// The same, with the climb changed first.
pub async fn examine_with(scenario: &'static Scenario, pace: Pace, change: impl for<'c> FnOnce(Climb<'c>) -> Climb<'c>) -> Examined {
    let server = Server::start(scenario, Tempo::fast()).await.expect("a port on loopback");
    let key = scenario.key.map(Secret::new);
    let options = Options {
        headers: scenario.headers.iter().map(|(name, value)| (header_name(name), HeaderValue::from_static(value))).collect(),
        cacert: server.ca_pem().map(|pem| pem.as_bytes().to_vec()).into_iter().collect(),
        identity: None,
        insecure: false,
        proxy: ProxyChoice::None,
        resolve: scenario.host.map(|host| (host.to_owned(), server.addr().port(), server.addr().ip())).into_iter().collect(),
    };
    let upstream = server.upstream().map(|server| target(server.scenario(), &server.base_url()));
    let secrets = key.iter().chain(upstream.iter().filter_map(|upstream| upstream.auth.key.as_ref()));
    let client = Client::new(options, pace.clone(), Scrubber::new(secrets)).expect("a client");
    let target = target(scenario, &server.base_url());
    let clients: Vec<_> = scenario.client.map(|name| llmdoctor::profiles::find(name).expect("a profile")).into_iter().collect();
    let climb = Climb {
        client: &client,
        target: &target,
        pace: &pace,
        only: Vec::new(),
        skip: Vec::new(),
        burst: 0,
        body: scenario_body(scenario),
        body_headers: scenario.body_headers.iter().map(|(name, value)| (header_name(name), HeaderValue::from_static(value))).collect(),
        client_timeout_s: client_timeout_s(scenario),
        clients: &clients,
        upstream: upstream.as_ref(),
    };
    let evidence = change(climb).run(&|_| {}, std::future::pending()).await;
    Examined { evidence, server }
}

/// What the user types for this scenario.
fn target(scenario: &Scenario, base: &str) -> Target {
    Target {
        base: BaseUrl::parse(base).expect("a base"),
        auth: Auth { key: scenario.key.map(Secret::new), scheme: dialect(scenario).scheme() },
        model: scenario.model.map(str::to_owned),
        dialect: dialect(scenario),
    }
}

/// How long the user's client waits, in seconds of the simulated tempo.
pub fn client_timeout_s(scenario: &Scenario) -> Option<f64> {
    scenario.client_timeout.map(|units| Tempo::fast().units(units).as_secs_f64())
}

fn header_name(name: &'static str) -> HeaderName {
    HeaderName::from_bytes(name.as_bytes()).expect("a header name")
}

/// Runs a future on a runtime of its own.
pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// The body that the user's client sends, if the scenario says one.
fn scenario_body(scenario: &Scenario) -> Option<serde_json::Value> {
    scenario.body.map(|text| serde_json::from_str(text).expect("a scenario's body is JSON"))
}

/// The dialect in which the user's client speaks.
fn dialect(scenario: &Scenario) -> Dialect {
    Dialect::named(scenario.dialect).expect("a scenario's dialect has a name")
}
