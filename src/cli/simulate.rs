//! `simulate` and `demo`: the faulty gateway on loopback.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use http::{HeaderName, HeaderValue};

use crate::evidence::{Dialect, Evidence};
use crate::http::{Client, Options, ProxyChoice};
use crate::ladder::Climb;
use crate::pace::Pace;
use crate::profiles::{self, Profile};
use crate::secret::{Scrubber, Secret};
use crate::sim::{self, Scenario, Server, Tempo};
use crate::target::{Auth, BaseUrl, Target};

use super::args::{FailOnName, LookArgs, Output};
use super::output::{Outputs, print, speaks_utf8};

/// What the tour shows: a healthy gateway and three broken ones.
const TOUR: [&str; 4] = ["healthy", "alias-unknown-upstream", "nginx-buffers-stream", "tool-choice-refused"];

/// Serves a scenario until Ctrl-C.
pub fn serve(id: &str, listen: SocketAddr) -> Result<ExitCode> {
    let scenario = find(id)?;
    super::block_on(async {
        let server = Server::start_on(scenario, listen, Tempo::default()).await.with_context(|| format!("cannot listen on {listen}"))?;
        print(&format!("{}: {}\n\n  {}\n\nCtrl-C ends it.", scenario.id, scenario.title, command(scenario, &server)))?;
        tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")?;
        Ok(ExitCode::SUCCESS)
    })?
}

/// Checks one scenario, or takes the tour.
pub fn demo(id: Option<&str>, look: &LookArgs) -> Result<ExitCode> {
    let ids = id.map_or_else(|| TOUR.to_vec(), |id| vec![id]);
    let scenarios = ids.into_iter().map(find).collect::<Result<Vec<_>>>()?;
    let output = Output { format: Vec::new(), output: Vec::new(), fail_on: FailOnName::Never };
    for scenario in scenarios {
        if !look.quiet {
            let rule = if speaks_utf8() { "═══" } else { "===" };
            print(&format!("\n{rule} simulated: {} {rule}\n", scenario.title))?;
        }
        let evidence = super::block_on(examine(scenario, look))??;
        let mut outputs = Outputs::open(&output, None, look.quiet)?;
        super::check::report(&evidence, &mut outputs, &output, look)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn examine(scenario: &'static Scenario, look: &LookArgs) -> Result<Evidence> {
    let server = Server::start(scenario, Tempo::fast()).await.context("cannot listen on loopback")?;
    let key = scenario.key.map(Secret::new);
    let options = Options {
        headers: scenario.headers.iter().map(|(name, value)| (header_name(name), HeaderValue::from_static(value))).collect(),
        cacert: server.ca_pem().map(|pem| pem.as_bytes().to_vec()).into_iter().collect(),
        identity: None,
        insecure: false,
        proxy: ProxyChoice::None,
        resolve: scenario.host.map(|host| (host.to_owned(), server.addr().port(), server.addr().ip())).into_iter().collect(),
    };
    let pace = Pace::simulated();
    let upstream = server.upstream().map(behind).transpose()?;
    let secrets = key.iter().chain(upstream.iter().filter_map(|upstream| upstream.auth.key.as_ref()));
    let client = Client::new(options, pace.clone(), Scrubber::new(secrets))?;
    let target = Target {
        base: BaseUrl::parse(&server.base_url())?,
        auth: Auth { key, scheme: dialect(scenario).scheme() },
        model: scenario.model.map(str::to_owned),
        dialect: dialect(scenario),
    };
    let clients: Vec<Profile> = scenario.client.map(profiles::find).transpose()?.into_iter().collect();
    let client_timeout_s = scenario.client_timeout.map(|units| Tempo::fast().units(units).as_secs_f64());
    let climb = Climb {
        client: &client,
        target: &target,
        pace: &pace,
        only: Vec::new(),
        skip: Vec::new(),
        burst: 0,
        body: scenario_body(scenario),
        body_headers: scenario.body_headers.iter().map(|(name, value)| (header_name(name), HeaderValue::from_static(value))).collect(),
        client_timeout_s,
        clients: &clients,
        upstream: upstream.as_ref(),
    };
    Ok(super::check::climb_with_progress(&climb, look).await)
}

/// The upstream of a scenario that has one.
fn behind(server: &Server) -> Result<Target> {
    let scenario = server.scenario();
    Ok(Target {
        base: BaseUrl::parse(&server.base_url())?,
        auth: Auth { key: scenario.key.map(Secret::new), scheme: dialect(scenario).scheme() },
        model: scenario.model.map(str::to_owned),
        dialect: dialect(scenario),
    })
}

fn find(id: &str) -> Result<&'static Scenario> {
    sim::scenario(id).with_context(|| format!("there is no scenario {id:?}; `llmdoctor list scenarios` names them"))
}

/// The command that checks the running scenario.
fn command(scenario: &Scenario, server: &Server) -> String {
    let mut words = vec!["llmdoctor".to_owned(), "check".into(), "--base-url".into(), server.base_url()];
    words.extend(scenario.key.iter().flat_map(|key| ["--key".to_owned(), (*key).to_owned()]));
    words.extend(scenario.model.iter().flat_map(|model| ["--model".to_owned(), (*model).to_owned()]));
    let usual = dialect(scenario) == Dialect::default();
    words.extend((!usual).then(|| ["--dialect".to_owned(), scenario.dialect.to_owned()]).into_iter().flatten());
    words.extend(scenario.client.iter().flat_map(|client| ["--client".to_owned(), (*client).to_owned()]));
    words.extend(server.upstream().into_iter().flat_map(upstream_words));
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default()
}

/// The options that name the upstream.
fn upstream_words(server: &Server) -> Vec<String> {
    let (key, model) = (server.scenario().key, server.scenario().model);
    let options = [
        ("--upstream-url", Some(server.base_url())),
        ("--upstream-key", key.map(str::to_owned)),
        ("--upstream-model", model.map(str::to_owned)),
    ];
    options.into_iter().filter_map(|(option, value)| Some([option.to_owned(), value?])).flatten().collect()
}

/// The body that the user's client sends, if the scenario says one.
fn scenario_body(scenario: &Scenario) -> Option<serde_json::Value> {
    scenario.body.map(|text| serde_json::from_str(text).expect("a scenario's body is JSON"))
}

fn header_name(name: &str) -> HeaderName {
    HeaderName::from_bytes(name.as_bytes()).expect("a scenario's header name")
}

/// The dialect in which the user's client speaks.
fn dialect(scenario: &Scenario) -> Dialect {
    Dialect::named(scenario.dialect).expect("a scenario's dialect has a name")
}
