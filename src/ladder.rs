//! Climbs [`LADDER`] stage by stage and records everything as [`Evidence`].

use std::future::Future;
use std::time::Instant;

use futures_util::future::{Either, join_all, select};

use crate::evidence::{Ask, Evidence, Outcome, SCHEMA, Subject, Upstream};
use crate::http::Client;
use crate::pace::Pace;
use crate::probes::{Ctx, Event, LADDER, Need, Probe};
use crate::profiles::{self, Profile};
use crate::target::Target;

/// What a climb is to do.
pub struct Climb<'c> {
    /// Who sends.
    pub client: &'c Client,
    /// What is examined.
    pub target: &'c Target,
    /// Durations and budgets.
    pub pace: &'c Pace,
    /// Rungs to climb; empty for all.
    pub only: Vec<String>,
    /// Rungs to leave out.
    pub skip: Vec<String>,
    /// How many small chats to send at once at the end; 0 for none.
    pub burst: usize,
    /// The body that the client in question sends, for the rung `fields`; a typical one otherwise.
    pub body: Option<serde_json::Value>,
    /// The headers that the client in question sends with that body.
    pub body_headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// How long the client in question waits, in seconds.
    pub client_timeout_s: Option<f64>,
    /// The clients whose requests are replayed: none, the one in question, or all that are known.
    pub clients: &'c [Profile],
    /// What stands behind the target, when it may be asked directly as well.
    pub upstream: Option<&'c Target>,
}

impl Climb<'_> {
    /// Climbs every rung, or until `stop` is ready; what is known by then is returned.
    pub async fn run(&self, events: &dyn Fn(&Event<'_>), stop: impl Future<Output = ()>) -> Evidence {
        let started = Instant::now();
        let now = jiff::Timestamp::now();
        let mut cx =
            Ctx::new(self.client, self.target, self.pace, self.burst, self.body.clone(), now.as_millisecond() as f64 / 1e3, events);
        cx.clients = self.clients;
        cx.upstream = self.upstream;
        cx.body_headers.clone_from(&self.body_headers);
        let interrupted = matches!(select(Box::pin(self.stages(&cx)), Box::pin(stop)).await, Either::Right(_));
        let mut record = cx.into_record();
        let loopback = self.target.base.is_loopback();
        if interrupted {
            let asked: Vec<String> = record.exchanges.iter().map(|exchange| exchange.probe.clone()).collect();
            let left = LADDER.iter().filter(|probe| !asked.iter().any(|id| id == probe.id));
            record.skips.extend(left.map(|probe| skipped(probe, "the run was interrupted")));
        }
        Evidence {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: format!("{now:.0}"),
            started_unix: now.as_millisecond() as f64 / 1e3,
            duration_ms: started.elapsed().as_secs_f64() * 1e3,
            subject: self.subject(record.model.clone(), loopback),
            exchanges: record.exchanges,
            skips: record.skips,
            interrupted,
        }
    }

    async fn stages(&self, cx: &Ctx<'_>) {
        let last = LADDER.iter().map(|probe| probe.stage).max().unwrap_or_default();
        for stage in 0..=last {
            let rungs = LADDER.iter().filter(|probe| probe.stage == stage);
            join_all(rungs.map(|probe| self.rung(cx, probe))).await;
        }
    }

    async fn rung(&self, cx: &Ctx<'_>, probe: &'static Probe) {
        if let Some(because) = self.reason_to_skip(cx, probe) {
            cx.tell(&Event::RungSkipped(probe, &because));
            cx.skip(probe.id, None, because);
            return;
        }
        cx.tell(&Event::RungStarted(probe));
        let before = cx.sent();
        (probe.run)(cx).await;
        cx.tell(&Event::RungEnded(probe, cx.sent() > before));
    }

    fn reason_to_skip(&self, cx: &Ctx<'_>, probe: &Probe) -> Option<String> {
        let unwanted = self.skip.iter().any(|id| id == probe.id) || !self.only.is_empty() && !self.only.iter().any(|id| id == probe.id);
        if unwanted {
            return Some("left out by --only or --skip".to_owned());
        }
        match probe.needs {
            Need::Nothing => None,
            Need::Connection => no_connection(cx),
            Need::Model => no_connection(cx).or_else(|| no_model(cx)),
            Need::Client if self.clients.is_empty() => Some("the requests of clients are replayed only with --client NAME".to_owned()),
            Need::Client => no_connection(cx).or_else(|| no_model(cx)),
            Need::Upstream if self.upstream.is_none() => Some("the upstream is asked directly only with --upstream-url URL".to_owned()),
            Need::Upstream => no_connection(cx).or_else(|| no_model(cx)),
            Need::Burst if self.burst == 0 => Some("a burst is sent only with --burst N".to_owned()),
            Need::Chat | Need::Burst => no_connection(cx).or_else(|| no_model(cx)).or_else(|| no_chat(cx)),
        }
    }

    fn subject(&self, model: Option<String>, loopback: bool) -> Subject {
        let base = &self.target.base;
        Subject {
            typed_base_url: base.typed.clone(),
            base_url: crate::target::blanked(&base.url).as_str().trim_end_matches('/').to_owned(),
            base_faults: base.faults.clone(),
            model_was_chosen: self.target.model.is_none() && model.is_some(),
            model: model.clone(),
            dialect: self.target.dialect.name().to_owned(),
            key: self.target.auth.facts(),
            proxy: self.client.proxy_for(&base.url),
            loopback,
            client_timeout_s: self.client_timeout_s,
            sweep_max_s: self.pace.sweep.map(|sweep| sweep.as_secs_f64()),
            patience_s: self.pace.total.as_secs_f64(),
            idle_s: self.pace.idle.as_secs_f64(),
            own_body: self.body.is_some() || self.clients.len() == 1,
            client: self.client_name(),
            upstream: self.upstream.map(|upstream| behind(upstream, model)),
        }
    }
}

impl Climb<'_> {
    /// The client in question, or the word for all of them.
    fn client_name(&self) -> Option<String> {
        match self.clients {
            [] => None,
            [one] => Some(one.name.clone()),
            _ => Some(profiles::ALL.to_owned()),
        }
    }
}

/// The upstream is asked for the model that was named for it, else for the target's.
fn behind(upstream: &Target, model: Option<String>) -> Upstream {
    let base_url = crate::target::blanked(&upstream.base.url).as_str().trim_end_matches('/').to_owned();
    Upstream { base_url, model: upstream.model.clone().or(model), key: upstream.auth.facts() }
}

fn skipped(probe: &Probe, because: &str) -> crate::evidence::Skip {
    crate::evidence::Skip { probe: probe.id.to_owned(), ask: None, because: because.to_owned() }
}

/// A connection that was tried and failed keeps everything after it from being asked.
fn no_connection(cx: &Ctx<'_>) -> Option<String> {
    let tries = cx.tries(Ask::Connect);
    let failed = !tries.is_empty() && tries.iter().all(|asked| !matches!(asked.exchange.outcome, Outcome::Connected));
    failed.then(|| "there is no connection to ask through".to_owned())
}

fn no_model(cx: &Ctx<'_>) -> Option<String> {
    cx.model().is_none().then(|| "no model name is known: none was given, and the list offers none".to_owned())
}

fn no_chat(cx: &Ctx<'_>) -> Option<String> {
    let answered = cx.answer(Ask::Chat).or_else(|| cx.answer(Ask::ChatStream)).is_some();
    (!answered).then(|| "no plain chat was answered, so there is nothing to compare with".to_owned())
}
