//! What the rules about reaching the host share: whether a connection was ever opened, and in which words a step failed.

use std::net::{IpAddr, SocketAddr};

use url::Url;

use super::{Case, Certainty, Shown, Verdict};
use crate::evidence::{Ask, Exchange, Fault, FaultKind, Step};

/// The first try to open a connection, when every try failed.
pub(super) fn unreached<'c, 'e>(case: &'c Case<'e>) -> Option<(&'c Shown<'e>, &'e Fault)> {
    if connected(case) {
        return None;
    }
    let first = case.asked(Ask::Connect).next().or_else(|| case.all().next())?;
    Some((first, first.exchange.fault()?))
}

/// True when a connection was opened, or an answer began, at least once.
pub(super) fn connected(case: &Case) -> bool {
    let opened = case.asked(Ask::Connect).any(|shown| shown.fault().is_none());
    opened || case.all().any(|shown| shown.response().is_some())
}

/// The failed try, when what kept every connection from opening is of these kinds, and the proxy is not where it failed.
pub(super) fn kept_out<'c, 'e>(case: &'c Case<'e>, kinds: fn(&FaultKind) -> bool) -> Option<(&'c Shown<'e>, &'e Fault)> {
    let (shown, fault) = unreached(case)?;
    (kinds(&fault.kind) && !at_proxy(case, shown)).then_some((shown, fault))
}

/// Certain when a second try failed in the same way and none in another.
pub(super) fn certainty(case: &Case, kinds: fn(&FaultKind) -> bool) -> Certainty {
    let faults: Vec<_> = case.all().filter_map(|shown| shown.exchange.fault_kind()).collect();
    let agree = faults.len() >= 2 && faults.iter().all(|kind| kinds(kind));
    if agree { Certainty::Certain } else { Certainty::Likely }
}

/// What a rule about reaching the host says when its fault is not the one.
pub(super) fn otherwise(case: &Case) -> Verdict {
    match (connected(case), unreached(case)) {
        (true, _) => Verdict::absent("a connection was opened"),
        (false, Some((_, fault))) => Verdict::absent(format!("the connection failed for another reason: {}", fault.kind)),
        (false, None) => Verdict::untested("no connection was tried"),
    }
}

/// Host and port of the base URL.
pub(super) fn host_port(case: &Case) -> String {
    let url = base(case);
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
    match url.as_ref().and_then(Url::port_or_known_default) {
        Some(port) => format!("{host}:{port}"),
        None => host,
    }
}

/// The host of the base URL, without brackets.
pub(super) fn host(case: &Case) -> String {
    base(case).as_ref().and_then(Url::host_str).unwrap_or_default().trim_matches(['[', ']']).to_owned()
}

/// How a host is known to be one that the internet does not reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Private {
    /// The base URL says so: an address of a private range, or a name that only machines near by know.
    ByName,
    /// The name leads to such an address where this check ran; elsewhere it may lead to another.
    Here,
}

/// Whether the host of the base URL is one that the internet does not reach; `None` when it is not, or nothing tells.
pub(super) fn is_private(case: &Case) -> Option<Private> {
    let host = host(case);
    let near = ["localhost", "local", "internal", "lan", "home", "corp"];
    let by_name = match host.parse::<IpAddr>() {
        Ok(address) => is_private_address(address),
        Err(_) => !host.contains('.') || host.rsplit('.').next().is_some_and(|last| near.contains(&last)),
    };
    if by_name {
        return Some(Private::ByName);
    }
    let steps = case.asked(Ask::Connect).flat_map(|shown| &shown.exchange.steps).filter(|step| step.kind == "tcp" && step.fault.is_none());
    let addresses: Vec<IpAddr> = steps.filter_map(|step| Some(step.target.parse::<SocketAddr>().ok()?.ip())).collect();
    (!addresses.is_empty() && addresses.into_iter().all(is_private_address)).then_some(Private::Here)
}

fn is_private_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_unspecified(),
    }
}

/// The base URL, parsed.
pub(super) fn base(case: &Case) -> Option<Url> {
    Url::parse(&case.subject().base_url).ok()
}

/// The failed steps of a try, each as `127.0.0.1:9 after 0.3 ms`; the host itself when no steps were recorded.
pub(super) fn failed_steps(case: &Case, exchange: &Exchange, kind: &str) -> String {
    let failed: Vec<_> = exchange.steps.iter().filter(|step| step.kind == kind && step.fault.is_some()).map(timed).collect();
    if failed.is_empty() { format!("{} after {:.1} ms", host_port(case), exchange.total_ms()) } else { failed.join(", ") }
}

fn timed(step: &Step) -> String {
    format!("{} after {:.1} ms", step.target, step.took_ms)
}

/// The innermost words of a fault, for readers.
pub(super) fn words(fault: &Fault) -> String {
    // A debug value inside says nothing to a reader.
    fault.chain.last().filter(|words| !words.contains('{')).map(|words| format!(" ({words})")).unwrap_or_default()
}

/// True when a proxy is set and the fault struck before the way to the host was open: then its address was the proxy's.
pub(super) fn at_proxy(case: &Case, exchange: &Exchange) -> bool {
    use FaultKind::{ConnectTimeout, Dns, Proxy, Refused, Unreachable};
    let before = matches!(exchange.fault_kind(), Some(Dns | Refused | Unreachable | ConnectTimeout | Proxy));
    before && case.subject().proxy.is_some()
}
