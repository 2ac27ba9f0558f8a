//! What the arguments mean: a target, a pace, a client's options. Everything that can be wrong with them is found here, before any request.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use http::{HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

use crate::dialect::requests;
use crate::evidence::{BaseFault, Dialect, Scheme};
use crate::http::{Options, ProxyChoice};
use crate::pace::Pace;
use crate::probes;
use crate::profiles::{self, Profile};
use crate::secret::{Scrubber, Secret};
use crate::target::{Auth, BaseUrl, Target};

use super::args::{AuthScheme, Check, Effort, KeyArgs, Network};
use super::{source, upstream};
use crate::triage::request::ClientRequest;

/// What a check needs to know.
pub struct Settings {
    /// What is examined.
    pub target: Target,
    /// What stands behind it.
    pub upstream: Option<Target>,
    /// Durations and budgets.
    pub pace: Pace,
    /// How to get there.
    pub options: Options,
    /// Knows every secret of the run.
    pub scrubber: Scrubber,
    /// The client's own body.
    pub body: Option<Value>,
    /// The headers that the client sends with it.
    pub body_headers: Vec<(HeaderName, HeaderValue)>,
    /// The clients whose requests are replayed.
    pub clients: Vec<Profile>,
    /// How long the client in question waits for an answer, in seconds.
    pub client_timeout_s: Option<f64>,
    /// What the user should know before the first request, a line each.
    pub notes: Vec<String>,
}

/// Headers whose values are credentials.
const CREDENTIAL_HEADERS: [&str; 6] = ["authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"];

impl Settings {
    /// Reads the arguments and the environment.
    pub fn of(check: &Check, env: impl Fn(&str) -> Option<String>) -> Result<Self> {
        ensure!(
            !(check.key.key_stdin && check.body.as_deref() == Some(Path::new("-"))),
            "--key-stdin and --body - cannot both read standard input; give the key by --key-file"
        );
        let own = check.body.as_deref().map(|path| source::load(path, check.entry.map(|entry| entry as usize))).transpose()?;
        let (typed, from_openai_variable) = base_url(check, own.as_ref(), &env)?;
        let clients = clients(check.client.as_deref())?;
        let client = if let [client] = &clients[..] { Some(client) } else { None };
        let base = base_of(client, BaseUrl::parse(&typed)?);
        let may_use_openai_key = from_openai_variable || base.url.host_str() == Some("api.openai.com");
        let of_command = own.as_ref().and_then(|own| source::key_for(own, &base.url));
        let typed_key = key(&check.key)?;
        let is_of_command = typed_key.is_none() && of_command.is_some();
        let key = typed_key.or_else(|| of_command.as_ref().map(|(_, key)| key.clone()));
        let key = key.or_else(|| may_use_openai_key.then(|| env("OPENAI_API_KEY")).flatten().map(Secret::new));
        let mut options = options(&check.headers, &check.network)?;
        add_headers(&mut options, client);
        let pasted = own.iter().filter_map(|own| own.key.as_ref()).map(|(_, key)| key.clone());
        let mut secrets: Vec<Secret> = secrets(key.as_ref(), &typed, &options.headers).into_iter().chain(pasted).collect();
        let notes = notes(check, own.as_ref(), &base, is_of_command);
        let dialect = check.dialect.map(Dialect::from).or_else(|| client?.dialect());
        let dialect = dialect.or_else(|| own.as_ref().map(source::dialect)).unwrap_or_default();
        let scheme = check.auth.is_none().then(|| of_command.map(|(scheme, _)| scheme)).flatten().filter(|_| is_of_command);
        let auth = Auth { key, scheme: scheme.unwrap_or_else(|| scheme_of(check.auth, client, dialect)) };
        known_rungs(&check.effort)?;
        let body_headers = own.as_ref().map(source::headers).unwrap_or_default();
        let body = own.map(|own| body(own.body, check, dialect)).transpose()?;
        let model = check.model.clone().or_else(|| body.as_ref()?["model"].as_str().map(str::to_owned));
        let client_timeout_s = check.effort.client_timeout.map(f64::from).or_else(|| client.and_then(Profile::patience));
        let (upstream, more) = upstream::of(&check.upstream, &base, dialect, &env)?;
        secrets.extend(more);
        let pace = pace(&check.effort, clients.len());
        Ok(Settings {
            target: Target { base, auth, model, dialect },
            upstream,
            pace,
            options,
            scrubber: Scrubber::new(&secrets),
            body,
            body_headers,
            clients,
            client_timeout_s,
            notes,
        })
    }
}

/// What was taken from the request and not typed.
fn notes(check: &Check, own: Option<&ClientRequest>, base: &BaseUrl, is_of_command: bool) -> Vec<String> {
    let Some(path) = check.body.as_deref().filter(|_| own.is_some()) else { return Vec::new() };
    let file = source::named(path);
    let host = base.url.host_str().unwrap_or_default();
    let key = is_of_command.then(|| format!("The key is the one of the curl command in {file}, for {host} only; --key gives another one."));
    let elsewhere = own.is_some_and(|own| own.key.is_some())
        && !is_of_command
        && check.key.key.is_none()
        && check.key.key_file.is_none()
        && !check.key.key_stdin;
    let unused = elsewhere
        .then(|| format!("The key of the curl command in {file} belongs to another host, so it is not sent to {host}; --key gives one."));
    let from = check.base_url.is_none() && own.is_some_and(|own| source::base(own).is_some());
    let from = from.then(|| format!("No --base-url was given, so requests go where the one in {file} went: {}.", base.typed));
    from.into_iter().chain(key).chain(unused).collect()
}

/// None, the one of this name, or all of them.
fn clients(name: Option<&str>) -> Result<Vec<Profile>> {
    Ok(match name {
        None => Vec::new(),
        Some(profiles::ALL) => profiles::all().collect(),
        Some(name) => vec![spoken(profiles::find(name)?)?],
    })
}

/// A client whose requests can be sent; that nothing is known to be wrong with the others is no verdict on a gateway.
fn spoken(client: Profile) -> Result<Profile> {
    match client.dialect() {
        None => bail!("nothing of what {} sends is public, so it cannot be replayed; --dialect says how to ask instead", client.name),
        Some(_) => Ok(client),
    }
}

/// What the client makes of the base that is typed into it.
fn base_of(client: Option<&Profile>, typed: BaseUrl) -> BaseUrl {
    let Some(client) = client else { return typed };
    let url = client.base(&typed.url, typed.faults.contains(&BaseFault::TrailingSlash));
    let doubled = BaseUrl::parse(url.as_str()).is_ok_and(|made| made.faults.contains(&BaseFault::DoubledVersion));
    // What is odd about the base is odd about what the client makes of it.
    let kept = typed.faults.iter().copied().filter(|fault| !matches!(fault, BaseFault::NoVersion | BaseFault::DoubledVersion));
    let faults = kept.chain(doubled.then_some(BaseFault::DoubledVersion)).collect();
    BaseUrl { url, faults, ..typed }
}

/// The client's own headers, as far as no other value was typed.
fn add_headers(options: &mut Options, client: Option<&Profile>) {
    let own = client.map(Profile::header_map).unwrap_or_default();
    let typed: Vec<HeaderName> = options.headers.iter().map(|(name, _)| name.clone()).collect();
    options.headers.extend(own.into_iter().filter(|(name, _)| !typed.contains(name)));
}

/// As typed, or as the client sends its key, or as the dialect's clients do.
fn scheme_of(typed: Option<AuthScheme>, client: Option<&Profile>, dialect: Dialect) -> Scheme {
    let own = || client.and_then(|client| client.auth.first().copied()).unwrap_or_else(|| dialect.scheme());
    typed.map_or_else(own, scheme)
}

/// The body with the model that was typed, if it is one of the dialect.
fn body(mut body: Value, check: &Check, dialect: Dialect) -> Result<Value> {
    let name = check.body.as_deref().map(source::named).unwrap_or_default();
    let lacks = |dialect: Dialect| requests::needed(dialect).iter().find(|member| **member != "model" && body[**member].is_null());
    if let Some(missing) = lacks(dialect) {
        let other = Dialect::ALL.into_iter().find(|other| lacks(*other).is_none()).map(Dialect::name);
        let hint = other.map(|other| format!(", and this is one of {other}: --dialect {other}")).unwrap_or_default();
        bail!("the body in {name} has no `{missing}`; expected the JSON of a request to {} ({}){hint}", dialect.route(), dialect.name());
    }
    if let Some(model) = &check.model {
        body["model"] = model.as_str().into();
    }
    Ok(body)
}

/// As typed, or where the request in question went, or as the environment says; true for that.
fn base_url(check: &Check, own: Option<&ClientRequest>, env: impl Fn(&str) -> Option<String>) -> Result<(String, bool)> {
    let typed = check.base_url.clone().or_else(|| own.and_then(source::base));
    match (typed, env("OPENAI_BASE_URL").filter(|value| !value.is_empty())) {
        (Some(typed), _) => Ok((typed, false)),
        (None, Some(variable)) => Ok((variable, true)),
        (None, None) => bail!("no base URL: give --base-url URL, or set OPENAI_BASE_URL"),
    }
}

fn key(args: &KeyArgs) -> Result<Option<Secret>> {
    if args.key_stdin {
        let mut text = String::new();
        std::io::stdin().take(64 * 1024).read_to_string(&mut text).context("cannot read the key from standard input")?;
        return Ok(Some(Secret::new(without_line_end(&text))));
    }
    if let Some(path) = &args.key_file {
        return key_in(path).map(Some);
    }
    Ok(args.key.clone())
}

/// The key that a file holds.
pub(super) fn key_in(path: &Path) -> Result<Secret> {
    let bytes = read(path, "the key")?;
    let text = String::from_utf8(bytes).ok().with_context(|| format!("the key in {} is not text", path.display()))?;
    Ok(Secret::new(without_line_end(&text)))
}

/// A file ends in a line end that is none of the key.
fn without_line_end(text: &str) -> &str {
    text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line))
}

fn read(path: &Path, what: &str) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {what} from {}", path.display()))
}

pub(super) fn scheme(auth: AuthScheme) -> Scheme {
    match auth {
        AuthScheme::Bearer => Scheme::Bearer,
        AuthScheme::XApiKey => Scheme::XApiKey,
        AuthScheme::ApiKey => Scheme::ApiKey,
        AuthScheme::XGoogApiKey => Scheme::XGoogApiKey,
    }
}

/// How to get to an endpoint.
pub fn options(headers: &[String], network: &Network) -> Result<Options> {
    let identity = match (&network.cert, &network.cert_key) {
        (Some(cert), Some(key)) => Some((read(cert, "the client certificate")?, read(key, "its private key")?)),
        _ => None,
    };
    let proxy = match (&network.proxy, network.no_proxy) {
        (Some(proxy), _) => {
            ProxyChoice::Url(Url::parse(proxy).ok().context("--proxy is not a URL; expected something like http://proxy:3128")?)
        }
        (None, true) => ProxyChoice::None,
        (None, false) => ProxyChoice::Environment,
    };
    Ok(Options {
        headers: headers.iter().map(|line| header(line)).collect::<Result<_>>()?,
        cacert: network.cacert.iter().map(|path| read(path, "certificates")).collect::<Result<_>>()?,
        identity,
        insecure: network.insecure,
        proxy,
        resolve: network.resolve.iter().map(|entry| resolve(entry)).collect::<Result<_>>()?,
    })
}

/// `NAME: VALUE`. The line itself is never shown: it may hold a credential.
fn header(line: &str) -> Result<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':').context("--header takes 'NAME: VALUE', and there is no colon")?;
    let name = HeaderName::from_bytes(name.trim().as_bytes())
        .ok()
        .context("--header takes 'NAME: VALUE', and the name holds characters that no header name has")?;
    let mut value = HeaderValue::from_str(value.trim())
        .ok()
        .with_context(|| format!("--header {name}: the value holds characters that no header can carry"))?;
    value.set_sensitive(CREDENTIAL_HEADERS.contains(&name.as_str()));
    Ok((name, value))
}

/// `HOST:PORT:ADDR`; the address may be an IPv6 one, in brackets or not.
fn resolve(entry: &str) -> Result<(String, u16, std::net::IpAddr)> {
    let mut parts = entry.splitn(3, ':');
    let parsed = (|| {
        let host = parts.next().filter(|host| !host.is_empty())?;
        let port = parts.next()?.parse().ok()?;
        let address = parts.next()?.trim_matches(['[', ']']).parse().ok()?;
        Some((host.to_owned(), port, address))
    })();
    parsed.with_context(|| format!("--resolve takes HOST:PORT:ADDR, such as gateway.example:443:127.0.0.1, and not {entry:?}"))
}

/// The key, credentials in the base URL, and credentials in extra headers.
pub(super) fn secrets(key: Option<&Secret>, typed: &str, headers: &[(HeaderName, HeaderValue)]) -> Vec<Secret> {
    let url = Url::parse(typed.trim()).ok();
    let in_url = url.iter().flat_map(|url| {
        let query =
            url.query_pairs().filter(|(name, _)| name.contains("key") || name.contains("token")).map(|(_, value)| value.into_owned());
        url.password().map(str::to_owned).into_iter().chain(query).collect::<Vec<_>>()
    });
    let in_headers =
        headers.iter().filter(|(_, value)| value.is_sensitive()).filter_map(|(_, value)| value.to_str().ok().map(str::to_owned));
    key.cloned().into_iter().chain(in_url.chain(in_headers).map(Secret::new)).collect()
}

/// Further requests that the replay of clients may take: of one, and of all.
const REPLAYS: (usize, usize) = (24, 90);

fn pace(effort: &Effort, clients: usize) -> Pace {
    let mut pace = if effort.quick {
        Pace::quick()
    } else if effort.thorough {
        Pace::thorough()
    } else {
        Pace::default()
    };
    if let Some(seconds) = effort.sweep_max {
        pace = pace.with_sweep(Duration::from_secs(seconds.into()));
    }
    pace.concurrency = effort.concurrency.map_or(pace.concurrency, usize::from);
    let replays = match clients {
        0 => 0,
        1 => REPLAYS.0,
        _ => REPLAYS.1,
    };
    pace.max_requests = effort.max_requests.map_or(pace.max_requests + replays, usize::from) + usize::from(effort.burst);
    pace.long_prompt = effort.long_prompt.map_or(pace.long_prompt, |tokens| tokens as usize);
    if effort.max_requests.is_some() {
        pace.max_bypass = 0;
    }
    pace.max_tokens = effort.max_tokens.map_or(pace.max_tokens, u64::from);
    pace
}

fn known_rungs(effort: &Effort) -> Result<()> {
    for id in effort.only.iter().chain(&effort.skip) {
        if probes::probe(id).is_none() {
            let known: Vec<&str> = probes::LADDER.iter().map(|probe| probe.id).collect();
            bail!("there is no rung {id:?}; the rungs are {}", known.join(", "));
        }
    }
    Ok(())
}
