//! Diagnoses a simulated gateway: `cargo run --example simulated_gateway [SCENARIO]`.
#![allow(clippy::print_stdout, reason = "an example prints")]

use llmdoctor::diagnosis::diagnose;
use llmdoctor::evidence::Dialect;
use llmdoctor::http::{Client, Options, ProxyChoice};
use llmdoctor::ladder::Climb;
use llmdoctor::pace::Pace;
use llmdoctor::report::{Format, Look, Report, render};
use llmdoctor::secret::{Scrubber, Secret};
use llmdoctor::sim::{Server, Tempo, scenario};
use llmdoctor::target::{Auth, BaseUrl, Target};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let id = std::env::args().nth(1).unwrap_or_else(|| "nginx-buffers-stream".to_owned());
    let scenario = scenario(&id).ok_or_else(|| anyhow::anyhow!("there is no scenario {id:?}"))?;
    let server = Server::start(scenario, Tempo::fast()).await?;

    let key = scenario.key.map(Secret::new);
    let scrubber = Scrubber::new(&key);
    let dialect = Dialect::named(scenario.dialect).unwrap_or_default();
    let target = Target {
        base: BaseUrl::parse(&server.base_url())?,
        auth: Auth { key, scheme: dialect.scheme() },
        model: scenario.model.map(str::to_owned),
        dialect,
    };
    let options =
        Options { headers: Vec::new(), cacert: Vec::new(), identity: None, insecure: false, proxy: ProxyChoice::None, resolve: Vec::new() };
    let pace = Pace::simulated();
    let client = Client::new(options, pace.clone(), scrubber)?;
    let climb = Climb {
        client: &client,
        target: &target,
        pace: &pace,
        only: Vec::new(),
        skip: Vec::new(),
        burst: 0,
        body: None,
        body_headers: Vec::new(),
        client_timeout_s: None,
        clients: &[],
        upstream: None,
    };

    let evidence = climb.run(&|_event| {}, std::future::pending()).await;
    println!("{}", render(&Report::new(&evidence, &diagnose(&evidence)), Format::Terminal, &Look::default()));
    println!("The gateway got {} requests.", server.requests().len());
    Ok(())
}
