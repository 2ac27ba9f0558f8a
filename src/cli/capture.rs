//! `capture`: a relay between a client and its endpoint, with a line for every exchange.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::{Context as _, Result, bail, ensure};

use crate::capture::{Journal, Keeper, Passed, Relay, Sink};
use crate::evidence::{BaseFault, Captured, Header, SESSION_SCHEMA};
use crate::facts;
use crate::http::Client;
use crate::pace::Pace;
use crate::report::{self, Look};
use crate::secret::Scrubber;
use crate::target::{BaseUrl, blanked};
use crate::triage::captured::Watch;

use super::args::{Capture, LineFormat};
use super::output::{plain_look, print};
use super::{settings, warn};

/// Exchanges that may wait to be judged; more than that are passed on and not recorded.
const WAITING: usize = 1024;

/// Passes on until it is stopped; an error is about us, never about the upstream or the client.
pub fn run(asked: &Capture) -> Result<ExitCode> {
    let base = BaseUrl::parse(&asked.upstream).context("--upstream")?;
    ensure!(
        !base.faults.contains(&BaseFault::UserInfo),
        "--upstream holds a user name; give the URL without it: the client sends its own credentials"
    );
    allowed(asked.listen, asked.expose)?;
    let options = settings::options(&[], &asked.network)?;
    let client = Client::new(options, Pace::default(), Scrubber::default())?;
    super::block_on(async {
        let (sender, receiver) = sync_channel(WAITING);
        let lost = Arc::new(AtomicUsize::new(0));
        let relay = Relay::listen(asked.listen, &base.url, client, sink(sender.clone(), lost.clone()));
        let relay = relay.await.with_context(|| format!("cannot listen on {}", asked.listen))?;
        let header = header(relay.base_url(), &base);
        let teller = Teller::new(asked, &header)?;
        greet(asked, &header)?;
        let telling = std::thread::spawn(move || teller.run(&receiver));
        relay.serve(stopped()).await;
        // What is under way has come to its end; the last word ends the teller.
        let _ = sender.send(None);
        let told = telling.join().map_err(|_| anyhow::anyhow!("the recording ended before the relay"))?;
        farewell(asked, &told, lost.load(Ordering::Relaxed))?;
        Ok(ExitCode::SUCCESS)
    })?
}

fn allowed(listen: SocketAddr, expose: bool) -> Result<()> {
    if listen.ip().is_loopback() {
        return Ok(());
    }
    if !expose {
        bail!("{listen} can be reached from other machines, and keys pass through without encryption: say --expose if that is wanted");
    }
    warn(&format!("listening on {listen}: keys cross the network without encryption, and whoever reaches this port can use the upstream"));
    Ok(())
}

/// Hands exchanges to the thread that judges and writes; nothing here may wait.
fn sink(sender: SyncSender<Option<Passed>>, lost: Arc<AtomicUsize>) -> Sink {
    Arc::new(move |passed| {
        if sender.try_send(Some(passed)).is_err() {
            lost.fetch_add(1, Ordering::Relaxed);
        }
    })
}

fn header(base_url: &str, base: &BaseUrl) -> Header {
    Header {
        schema: SESSION_SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: format!("{:.0}", jiff::Timestamp::now()),
        upstream: blanked(&base.url).as_str().trim_end_matches('/').to_owned(),
        base_url: base_url.to_owned(),
    }
}

/// Where the client is to be pointed, on stdout; programs that read lines of JSON get it on stderr.
fn greet(asked: &Capture, header: &Header) -> Result<()> {
    let saves = asked.save.as_ref().map(|path| format!("\nSaving to {}.", path.display())).unwrap_or_default();
    let Header { upstream, base_url, .. } = header;
    match (asked.quiet, asked.format) {
        (false, LineFormat::Terminal) => print(&format!(
            "Passing on to {upstream}. Give the client this base URL, and the key that it has:\n\n  {base_url}\n{saves}\nCtrl-C ends it.\n"
        )),
        (false, LineFormat::Json) => {
            warn(&format!("passing on to {upstream}; the base URL for the client is {base_url}"));
            Ok(())
        }
        (true, _) => Ok(()),
    }
}

fn farewell(asked: &Capture, told: &Told, lost: usize) -> Result<()> {
    if lost > 0 {
        warn(&format!("{lost} exchanges were passed on and not recorded: they came faster than they could be judged"));
    }
    if told.unsaved > 0 {
        warn(&format!("{} exchanges were not saved", told.unsaved));
    }
    let replay = asked.save.as_ref().map(|path| format!("; llmdoctor replay {}", path.display())).unwrap_or_default();
    let plural = if told.exchanges == 1 { "" } else { "s" };
    match (asked.quiet, asked.format) {
        (false, LineFormat::Terminal) => print(&format!("\n{} exchange{plural}, {} failed{replay}", told.exchanges, told.failed)),
        _ => Ok(()),
    }
}

/// Ready when somebody wants us to stop.
async fn stopped() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! { () = interrupt => {}, () = terminated() => {} }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => drop(terminated.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

/// What was told by the end.
#[derive(Default)]
struct Told {
    exchanges: usize,
    failed: usize,
    unsaved: usize,
}

/// Judges, saves and shows, on a thread of its own so that nothing that passes by waits for it.
struct Teller {
    keeper: Keeper,
    watch: Watch,
    journal: Option<Journal>,
    path: String,
    /// How lines are shown; `None` when nobody reads them (any more).
    shown: Option<(LineFormat, Look)>,
    broken: bool,
    told: Told,
}

impl Teller {
    fn new(asked: &Capture, header: &Header) -> Result<Self> {
        let begin = |path: &std::path::PathBuf| Journal::begin(path, header).with_context(|| format!("cannot save to {}", path.display()));
        Ok(Teller {
            keeper: Keeper::default(),
            watch: Watch::new(header),
            journal: asked.save.as_ref().map(begin).transpose()?,
            path: asked.save.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
            shown: (!asked.quiet).then(|| (asked.format, plain_look(asked.color, true))),
            broken: false,
            told: Told::default(),
        })
    }

    fn run(mut self, receiver: &Receiver<Option<Passed>>) -> Told {
        facts::warm_up();
        while let Ok(Some(passed)) = receiver.recv() {
            let captured = self.keeper.keep(passed);
            self.save(&captured);
            self.show(&captured);
        }
        self.told
    }

    /// A disk that is full is said once, and once more when there is room again.
    fn save(&mut self, captured: &Captured) {
        let Some(journal) = &mut self.journal else { return };
        match journal.add(captured) {
            Ok(()) if self.broken => {
                self.broken = false;
                warn(&format!("saving to {} again", self.path));
            }
            Ok(()) => {}
            Err(error) => {
                self.told.unsaved += 1;
                if !std::mem::replace(&mut self.broken, true) {
                    warn(&format!("cannot save to {} ({error}); requests are passed on all the same", self.path));
                }
            }
        }
    }

    fn show(&mut self, captured: &Captured) {
        let judged = self.watch.judge(captured);
        let line = report::Passed::new(captured, judged);
        self.told.exchanges += 1;
        self.told.failed += usize::from(line.is_failed());
        let shown = match &self.shown {
            Some((LineFormat::Terminal, look)) => print(&line.terminal(look)),
            Some((LineFormat::Json, _)) => print(&line.json()),
            None => Ok(()),
        };
        if shown.is_err() {
            self.shown = None;
            warn("nobody reads the lines any more; requests are passed on all the same");
        }
    }
}
