//! What a rung works with: the target, the client, the budgets, and the record of everything asked so far.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::dialect::openai_chat::Cap;
use crate::dialect::{ModelList, Reading, requests};
use crate::evidence::{Ask, Credential, Exchange, Fault, FaultKind, GARBAGE_KEY, Outcome, Request, Skip, Step, Via};
use crate::facts::{self, Cause};
use crate::http::{Call, Client, Performed};
use crate::pace::Pace;
use crate::profiles::{Agent, Profile};
use crate::target::{Target, blanked, same_place};

use super::{Asked, Question};

/// What happens during a climb, for whoever shows progress.
#[derive(Debug)]
pub enum Event<'e> {
    /// A rung begins.
    RungStarted(&'static super::Probe),
    /// A request begins.
    Asking(Ask),
    /// A request is over.
    Answered(&'e Exchange),
    /// Nothing may be sent for so long, because a limit said so.
    Waiting(Duration),
    /// A rung is over; `true` when something on it was asked.
    RungEnded(&'static super::Probe, bool),
    /// A rung was left out, and why.
    RungSkipped(&'static super::Probe, &'e str),
}

impl std::fmt::Debug for super::Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

/// What we call ourselves; `--header 'User-Agent: …'` says otherwise.
pub(super) const AGENT: &str = concat!("llmdoctor/", env!("CARGO_PKG_VERSION"));
/// Limits without a hint that are waited for; after that no more is asked.
const BACKOFFS: u32 = 6;

/// What a rung works with.
pub struct Ctx<'r> {
    /// The client that sends.
    pub client: &'r Client,
    /// The target of the run.
    pub target: &'r Target,
    /// Durations and budgets.
    pub pace: &'r Pace,
    /// How many small chats the burst sends; 0 skips it.
    pub burst: usize,
    /// The body that the client in question sends; a typical one otherwise.
    pub body: Option<Value>,
    /// The headers that the client in question sends with its body.
    pub body_headers: Vec<(HeaderName, HeaderValue)>,
    /// The clients whose requests are replayed.
    pub clients: &'r [Profile],
    /// What stands behind the target, when it may be asked directly.
    pub upstream: Option<&'r Target>,
    via: Via,
    started: Instant,
    started_unix: f64,
    events: &'r dyn Fn(&Event),
    permits: Semaphore,
    record: Rc<RefCell<Vec<Option<Asked>>>>,
    skips: Rc<RefCell<Vec<Skip>>>,
    not_before: Cell<Instant>,
    closed: RefCell<Option<String>>,
    model: RefCell<Option<String>>,
    backoffs: Cell<u32>,
    moved: RefCell<HashMap<url::Url, url::Url>>,
}

/// Everything that a climb leaves behind.
pub struct Record {
    /// The exchanges, in the order of their start.
    pub exchanges: Vec<Exchange>,
    /// What was left out.
    pub skips: Vec<Skip>,
    /// The model that was asked for in the end.
    pub model: Option<String>,
}

impl<'r> Ctx<'r> {
    /// A fresh record.
    pub fn new(
        client: &'r Client,
        target: &'r Target,
        pace: &'r Pace,
        burst: usize,
        body: Option<Value>,
        started_unix: f64,
        events: &'r dyn Fn(&Event),
    ) -> Self {
        let now = Instant::now();
        Ctx {
            client,
            target,
            pace,
            burst,
            body,
            body_headers: Vec::new(),
            clients: &[],
            upstream: None,
            via: Via::Gateway,
            started: now,
            started_unix,
            events,
            permits: Semaphore::new(pace.concurrency.max(1)),
            record: Rc::default(),
            skips: Rc::default(),
            not_before: Cell::new(now),
            closed: RefCell::default(),
            model: RefCell::new(target.model.clone()),
            backoffs: Cell::new(0),
            moved: RefCell::default(),
        }
    }

    /// The same run with the upstream for its target: one record and one budget, and nothing else in common. What is asked through it
    /// goes to the upstream with the upstream's key, and only that is looked at.
    pub fn of_upstream(&self, upstream: &'r Target) -> Ctx<'r> {
        let mut direct = Ctx::new(self.client, upstream, self.pace, 0, None, self.started_unix, self.events);
        direct.via = Via::Upstream;
        direct.started = self.started;
        direct.record = Rc::clone(&self.record);
        direct.skips = Rc::clone(&self.skips);
        if let Some(model) = self.model() {
            direct.choose_model(model);
        }
        direct
    }

    /// Tells whoever listens.
    pub fn tell(&self, event: &Event) {
        (self.events)(event);
    }

    /// The model to ask for, as typed or as chosen from the list.
    pub fn model(&self) -> Option<String> {
        self.model.borrow().clone()
    }

    /// Settles on a model of the list when none was typed.
    pub fn choose_model(&self, model: String) {
        self.model.borrow_mut().get_or_insert(model);
    }

    /// Notes that a question or a whole rung was left out.
    pub fn skip(&self, probe: &str, ask: Option<Ask>, because: impl Into<String>) {
        let (probe, ask) = if self.via == Via::Upstream { (super::bypass::PROBE.id, None) } else { (probe, ask) };
        self.skips.borrow_mut().push(Skip { probe: probe.to_owned(), ask, because: because.into() });
    }

    /// Every finished exchange that asked this of the target, in order.
    pub fn tries(&self, ask: Ask) -> Vec<Asked> {
        let own = |asked: &&Asked| asked.exchange.ask == ask && asked.exchange.via == self.via;
        self.record.borrow().iter().flatten().filter(own).cloned().collect()
    }

    /// The first exchange of this question that the model answered.
    pub fn answer(&self, ask: Ask) -> Option<Asked> {
        self.tries(ask).into_iter().find(Asked::answered)
    }

    /// The model list, if one was read.
    pub fn model_list(&self) -> Option<ModelList> {
        self.tries(Ask::Models).iter().find_map(|asked| match &*asked.reading {
            Reading::Models(list) => Some(list.clone()),
            _ => None,
        })
    }

    /// How many requests were sent so far.
    pub fn sent(&self) -> usize {
        self.record.borrow().iter().flatten().filter(|asked| asked.exchange.ask != Ask::Connect).count()
    }

    /// Milliseconds since the run began.
    pub fn elapsed_ms(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1e3
    }

    /// What is left of the run-wide budget of requests.
    pub fn requests_left(&self) -> usize {
        let more = if self.via == Via::Upstream { self.pace.max_bypass } else { 0 };
        (self.pace.max_requests + more).saturating_sub(self.record.borrow().len())
    }

    /// The bound on an answer's length that side questions must carry, when the control showed that answers run long here.
    pub fn cap(&self) -> Option<Cap> {
        let control = self.answer(Ask::Chat).or_else(|| self.answer(Ask::ChatStream))?;
        let long = control.completion_tokens().is_some_and(|tokens| tokens > 200) || control.text_len() > 1200;
        long.then(|| requests::cap(self.target.dialect))
    }

    /// Records a connection that was opened step by step.
    pub fn record_connection(&self, probe: &'static str, url: String, steps: Vec<Step>, outcome: Outcome, at_ms: f64) -> Asked {
        let attempt = 1 + self.tries(Ask::Connect).len() as u32;
        let slot = self.reserve();
        let request = Request { method: "CONNECT".into(), url, headers: Vec::new(), body: None, credential: Credential::None };
        self.finish(slot, Exchange { steps, at_ms, ..exchange(slot, probe, Ask::Connect, attempt, request, outcome) })
    }

    /// Sends a question and records what comes of it; `None` when a budget forbids it, which is noted.
    /// A redirect within the origin that keeps the method is followed once, as clients do; what is asked later goes there at once.
    pub async fn ask(&self, probe: &'static str, mut question: Question) -> Option<Asked> {
        if let Some(url) = self.moved.borrow().get(&question.url) {
            question.url = url.clone();
        }
        let asked = self.ask_once(probe, &question).await?;
        let Some(url) = asked.same_origin_redirect(&question) else { return Some(asked) };
        let followed = self.ask_once(probe, &Question { url: url.clone(), ..question.clone() }).await;
        if followed.as_ref().is_some_and(|followed| followed.answered() || matches!(&*followed.reading, Reading::Models(_))) {
            self.moved.borrow_mut().insert(question.url, url);
        }
        followed.or(Some(asked))
    }

    async fn ask_once(&self, probe: &'static str, question: &Question) -> Option<Asked> {
        let permit = self.permits.acquire().await.ok()?;
        if let Err(because) = self.may_send().await {
            self.skip(probe, Some(question.ask), because);
            return None;
        }
        self.tell(&Event::Asking(question.ask));
        let slot = self.reserve();
        let at_ms = self.elapsed_ms();
        let attempt = self.attempt(question);
        let performed = match self.call(question) {
            Ok(call) => self.client.perform(call).await,
            Err(Unsendable) => unsendable(&question.url),
        };
        drop(permit);
        let request = Request {
            method: question.method.to_string(),
            url: performed.url,
            headers: performed.headers,
            body: question.body.clone(),
            credential: question.credential,
        };
        let probe = if self.via == Via::Upstream { super::bypass::PROBE.id } else { probe };
        let exchange = exchange(slot, probe, question.ask, attempt, request, performed.outcome);
        let asked = self.finish(slot, Exchange { at_ms, via: self.via, ..exchange });
        self.note_limit(&asked);
        Some(asked)
    }

    /// Waits for what a limit demanded; refuses when a budget is used up.
    async fn may_send(&self) -> Result<(), String> {
        if let Some(because) = self.closed.borrow().clone() {
            return Err(because);
        }
        if self.requests_left() == 0 {
            return Err(format!("the budget of {} requests is used up (--max-requests)", self.pace.max_requests));
        }
        loop {
            let wait = self.not_before.get().saturating_duration_since(Instant::now());
            if wait.is_zero() {
                return Ok(());
            }
            self.tell(&Event::Waiting(wait));
            tokio::time::sleep(wait).await;
        }
    }

    fn reserve(&self) -> usize {
        let mut record = self.record.borrow_mut();
        record.push(None);
        record.len() - 1
    }

    fn finish(&self, slot: usize, exchange: Exchange) -> Asked {
        let asked = Asked::new(exchange);
        self.tell(&Event::Answered(&asked.exchange));
        self.record.borrow_mut()[slot] = Some(asked.clone());
        asked
    }

    fn attempt(&self, question: &Question) -> u32 {
        let url = question.url.path();
        let same = |asked: &&Asked| {
            let request = &asked.exchange.request;
            asked.exchange.ask == question.ask
                && asked.exchange.via == self.via
                && request.body == question.body
                && request.credential == question.credential
                && request.url.contains(url)
        };
        1 + self.record.borrow().iter().flatten().filter(same).count() as u32
    }

    fn call(&self, question: &Question) -> Result<Call, Unsendable> {
        let mut headers = vec![
            (ACCEPT, HeaderValue::from_static("application/json")),
            (ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate")),
            (USER_AGENT, HeaderValue::from_static(AGENT)),
        ];
        if question.body.is_some() {
            headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        }
        if let Some(header) = self.credential(question.credential) {
            headers.push(header?);
        }
        for (name, value) in &question.headers {
            headers.retain(|(other, _)| other != name);
            headers.push((name.clone(), value.clone()));
        }
        let nameless = matches!(self.clients, [client] if client.agent() == Agent::None);
        headers.retain(|(name, value)| name != USER_AGENT || !(value.is_empty() || nameless && value == AGENT));
        Ok(Call {
            method: question.method.clone(),
            url: question.url.clone(),
            headers,
            body: question.body.as_ref().map(|body| body.to_string().into_bytes()),
            stop_after: question.streamed().then_some(announces_end as fn(&[u8]) -> bool),
            patience: question.patience,
            // Headers that were typed are meant for the gateway.
            foreign: self.via == Via::Upstream || !same_place(&self.target.base.url, &question.url),
        })
    }

    /// The header that carries the key; an error when the key cannot stand in a header.
    fn credential(&self, credential: Credential) -> Option<Result<(HeaderName, HeaderValue), Unsendable>> {
        let (scheme, key) = match credential {
            Credential::None => return None,
            Credential::Garbage(scheme) => (scheme, GARBAGE_KEY.to_owned()),
            Credential::Given(scheme) => (scheme, self.target.auth.key.as_ref()?.expose().to_owned()),
            Credential::Trimmed(scheme) => (scheme, self.target.auth.trimmed()?.expose().to_owned()),
        };
        let value = HeaderValue::from_bytes(scheme.value(&key).as_bytes()).map(|mut value| {
            value.set_sensitive(true);
            (HeaderName::from_static(scheme.header()), value)
        });
        Some(value.map_err(|_| Unsendable))
    }

    /// A limit that names its end closes the gate until then; one that names none closes it a little longer each time.
    fn note_limit(&self, asked: &Asked) {
        let Some(response) = asked.exchange.response() else { return };
        if !(asked.is_limit() || response.status == 429) || asked.caused_by(&[Cause::CreditsExhausted]) {
            return;
        }
        let now = self.started_unix + self.elapsed_ms() / 1e3;
        let hint = facts::retry_after(&response.headers, &response.body.text(), now)
            .map(|hint| Duration::from_secs_f64(hint.seconds.clamp(0.0, 1e6)));
        let wait = hint.unwrap_or_else(|| self.backoff());
        if let Some(because) = self.hopeless(wait, hint.is_some()) {
            self.closed.borrow_mut().get_or_insert(because);
        }
        self.not_before.set(self.not_before.get().max(Instant::now() + wait));
    }

    /// Each limit that does not say how long it lasts is given twice as long as the one before.
    fn backoff(&self) -> Duration {
        let times = self.backoffs.get();
        self.backoffs.set(times + 1);
        self.pace.retry * 2u32.saturating_pow(times.min(BACKOFFS))
    }

    /// Why no more is asked, when a limit lasts too long or never says how long.
    fn hopeless(&self, wait: Duration, hinted: bool) -> Option<String> {
        if wait > self.pace.max_wait {
            let (lasts, patience) = (wait.as_secs_f64(), self.pace.max_wait.as_secs_f64());
            return Some(format!("the limit lasts {lasts:.0} s, longer than the {patience:.0} s that are waited"));
        }
        (!hinted && self.backoffs.get() > BACKOFFS)
            .then(|| format!("a limit was met {} times and never said how long it lasts", self.backoffs.get()))
    }

    /// Asks a control: what fails is asked again, at most twice, limits and cooldowns aside, which are waited out.
    pub async fn ask_control(&self, probe: &'static str, question: Question) -> Vec<Asked> {
        let mut tries: Vec<Asked> = Vec::new();
        while tries.len() < 5 {
            let Some(asked) = self.ask(probe, question.clone()).await else { break };
            let settled = asked.answered() || asked.out_of_patience();
            tries.push(asked);
            let limits = tries.iter().filter(|asked| asked.is_limit()).count();
            let failures = tries.len() - limits;
            let shaky = tries.iter().any(Asked::is_shaky);
            if settled || limits > 2 || failures >= if shaky { 3 } else { 2 } {
                break;
            }
            tokio::time::sleep(self.pace.retry).await;
        }
        tries
    }

    /// Asks a side question until its answer is one to this very question: limits are waited out, server errors and faults asked again;
    /// what repeats exactly is believed. `None`, noted as a skip, when the budget ends first.
    pub async fn ask_aside(&self, probe: &'static str, question: Question) -> Option<Asked> {
        let ask = question.ask;
        let mut before: Option<Asked> = None;
        for _ in 0..4 {
            let asked = self.ask(probe, question.clone()).await?;
            let repeated = before.as_ref().is_some_and(|before| before.signature() == asked.signature());
            if !asked.is_limit() && (repeated || !asked.is_shaky() || asked.out_of_patience()) {
                return Some(asked);
            }
            if asked.is_limit() && self.fails_the_same(&asked) {
                return Some(asked);
            }
            before = Some(asked);
            tokio::time::sleep(self.pace.retry).await;
        }
        self.skip(probe, Some(ask), "every try met a limit or a server error, which says nothing about this question");
        None
    }

    /// The control never got through either, for the very same reason.
    fn fails_the_same(&self, asked: &Asked) -> bool {
        let control = self.tries(Ask::Chat);
        !control.is_empty() && !control.iter().any(Asked::answered) && control.iter().any(|other| other.signature() == asked.signature())
    }

    /// Takes the record out; exchanges still under way are lost.
    pub fn into_record(self) -> Record {
        let exchanges = self.record.take().into_iter().flatten().map(|asked| unwrap_or_clone(asked.exchange)).collect();
        Record { exchanges, skips: self.skips.take(), model: self.model.into_inner() }
    }
}

/// A key with characters that no header can carry: nothing is sent.
struct Unsendable;

fn unsendable(url: &url::Url) -> Performed {
    let chain = vec!["the key holds characters that a header cannot carry".to_owned()];
    let fault = Fault { kind: FaultKind::Unsendable, at_ms: 0.0, chain };
    Performed { outcome: Outcome::Fault(fault), url: blanked(url).to_string(), headers: Vec::new() }
}

fn unwrap_or_clone(exchange: Rc<Exchange>) -> Exchange {
    Rc::try_unwrap(exchange).unwrap_or_else(|shared| (*shared).clone())
}

fn exchange(slot: usize, probe: &str, ask: Ask, attempt: u32, request: Request, outcome: Outcome) -> Exchange {
    Exchange {
        id: format!("e{}", slot + 1),
        probe: probe.to_owned(),
        ask,
        via: Via::Gateway,
        attempt,
        at_ms: 0.0,
        request,
        steps: Vec::new(),
        outcome,
    }
}

/// Whether the bytes so far hold the end that a stream announces, in any dialect.
fn announces_end(bytes: &[u8]) -> bool {
    const ENDS: [&[u8]; 6] =
        [b"[DONE]", b"\"message_stop\"", b"\"response.completed\"", b"\"response.incomplete\"", b"\"response.failed\"", b"\"done\":true"];
    ENDS.iter().any(|end| memchr::memmem::find(bytes, end).is_some())
}
