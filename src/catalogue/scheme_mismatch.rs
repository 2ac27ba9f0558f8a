//! http spoken to a TLS port, or https to a plain one.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, address, reach};
use crate::evidence::{Ask, Exchange, FaultKind};
use crate::facts::Cause;

/// http spoken to a TLS port, or https to a plain one.
pub const MODE: FailureMode = FailureMode {
    id: "scheme-mismatch",
    title: "The base URL has the wrong one of http and https",
    family: "reach",
    symptom: "The client says \"wrong version number\", \"packet length too long\", \"record layer failure\", \"socket hang up\", or shows \
              \"400 The plain HTTP request was sent to HTTPS port\".",
    cause: "The port speaks TLS and the base URL says http, or the other way round. What tells it from a broken certificate: the \
            peer's first bytes are no TLS at all, or plain http is answered by a TLS alert, a closed connection or nginx's page about it; \
            and the other scheme is answered.",
    fix: &[
        "Change http:// to https:// (or back) in the base URL.",
        "Local engines (Ollama 11434, LM Studio 1234, vLLM 8000, llama.cpp 8080, LiteLLM 4000) speak plain http unless told otherwise.",
    ],
    references: &["https://nginx.org/en/docs/http/ngx_http_ssl_module.html#errors"],
    explains: &["tls-failure", "insecure-transport", "not-an-api", "wrong-base-url", "models-list-unusable"],
    diagnose,
};

fn diagnose(case: &Case) -> Verdict {
    if address::served(case) {
        return Verdict::absent("the endpoint was served with the scheme as given");
    }
    let Some(shown) = case.all().find(|shown| shown.ask != Ask::OtherBase && misfit(shown)) else {
        return reach::otherwise(case);
    };
    let spoken = case.asked(Ask::OtherBase).find(|other| speaks(other) && swaps_scheme(case, other));
    match (spoken, tells_by_itself(shown)) {
        (Some(other), _) => present(case, shown, Some(other)),
        (None, true) => present(case, shown, None),
        (None, false) => Verdict::untested("the other of http and https was not answered either"),
    }
}

fn present(case: &Case, shown: &Shown, other: Option<&Shown>) -> Verdict {
    let certainty = if other.is_some() { Certainty::Certain } else { Certainty::Likely };
    let base = other_scheme(case);
    let seen = match other {
        Some(other) => format!(" {base} was answered with {}.", address::shape(other)),
        None => String::new(),
    };
    let because = format!("{}: {}.{seen}", shown.request.url, what(shown));
    let mut finding = Finding::new(Severity::Error, certainty, Blame::Client, because)
        .so("No request is understood on this port until the scheme fits.")
        .cite([shown.exchange])
        .cite(other.map(|other| other.exchange));
    if other.is_some() {
        finding = finding.fix(format!("Use {base} as the base URL.")).detail("base_url", base.clone());
    }
    finding.detail("scheme", base.split(':').next().unwrap_or_default()).present()
}

fn what(shown: &Shown) -> String {
    match shown.fault() {
        Some(fault) if fault.kind == FaultKind::NotTls => {
            format!("the peer's answer to the TLS greeting was not TLS, after {:.0} ms", fault.at_ms)
        }
        _ => format!("the answer was {}", address::shape(shown)),
    }
}

/// Something that another scheme may explain.
fn misfit(shown: &Shown) -> bool {
    let kind = shown.exchange.fault_kind();
    let plain = shown.request.url.starts_with("http://");
    let broke = matches!(kind, Some(FaultKind::NotHttp | FaultKind::BadHead | FaultKind::Closed | FaultKind::Reset));
    tells_by_itself(shown) || (plain && broke) || (!plain && matches!(kind, Some(FaultKind::Handshake)))
}

/// Something that needs no second look: not TLS where TLS was spoken, or the page that nginx has for this.
fn tells_by_itself(shown: &Shown) -> bool {
    matches!(shown.exchange.fault_kind(), Some(FaultKind::NotTls)) || shown.caused_by(&[Cause::PlainHttpToTls])
}

/// The other scheme got an answer over HTTP, or at least a certificate.
fn speaks(exchange: &Exchange) -> bool {
    exchange.response().is_some() || matches!(exchange.fault_kind(), Some(FaultKind::Certificate(_)))
}

fn swaps_scheme(case: &Case, exchange: &Exchange) -> bool {
    let https = case.subject().base_url.starts_with("https://");
    exchange.request.url.starts_with(if https { "http://" } else { "https://" })
}

/// The base URL with the other scheme.
fn other_scheme(case: &Case) -> String {
    let base = case.subject().base_url.trim_end_matches('/');
    match base.strip_prefix("https://") {
        Some(rest) => format!("http://{rest}"),
        None => base.replacen("http://", "https://", 1),
    }
}
