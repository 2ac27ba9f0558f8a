//! The certificate is refused, or the TLS handshake fails.

use super::{Blame, Case, FailureMode, Finding, Severity, Verdict, reach};
use crate::evidence::{Ask, CertificateFault, Exchange, Fault, FaultKind};

/// Certificate untrusted, expired or for another name, or the handshake fails.
pub const MODE: FailureMode = FailureMode {
    id: "tls-failure",
    title: "No TLS connection can be made",
    family: "reach",
    symptom: "The client says \"unable to get local issuer certificate\", \"self-signed certificate in certificate chain\", \
              CERTIFICATE_VERIFY_FAILED, \"certificate has expired\" or only \"Connection error\". A browser may open the same address.",
    cause: "TCP connects and TLS does not. Either the certificate does not pass (signed by an authority that this client does not \
            know, out of date, or issued for another name), or the two sides cannot agree on a handshake. Many clients bring their own \
            list of authorities and do not look into the system's. A port that does not speak TLS at all is scheme-mismatch.",
    fix: &[
        "A company's own authority: hand its certificate to the client (NODE_EXTRA_CA_CERTS for Node, SSL_CERT_FILE or \
         REQUESTS_CA_BUNDLE for Python); here: --cacert FILE.",
        "Let the server send the whole chain, intermediates included (`fullchain.pem`).",
        "Renew an expired certificate; use the name for which it was issued.",
        "Switching verification off hands the key to whoever is in between.",
    ],
    references: &[
        "https://github.com/anomalyco/opencode/issues/1694",
        "https://github.com/can1357/oh-my-pi/issues/3731",
        "https://github.com/ricklamers/shell-ai/issues/16",
    ],
    explains: &[],
    diagnose,
};

fn is_tls(kind: &FaultKind) -> bool {
    matches!(kind, FaultKind::Certificate(_) | FaultKind::Handshake)
}

fn diagnose(case: &Case) -> Verdict {
    let Some((exchange, fault)) = broken(case) else { return reach::otherwise(case) };
    let (what, reason, blame, fix) = account(fault);
    let because = format!("TLS with {} failed after {:.0} ms: {what}{}.", reach::host_port(case), fault.at_ms, words(fault));
    let finding = Finding::new(Severity::Error, reach::certainty(case, is_tls), blame, because)
        .so("The request is never sent, so neither the list nor chat can work with this client.")
        .cite([exchange])
        .detail("reason", reason);
    if fix.is_empty() { finding.present() } else { finding.fix(fix).present() }
}

/// What the certificates were, rather than how the verifier puts it; else the innermost words.
fn words(fault: &Fault) -> String {
    let chain = fault.chain.iter().find_map(|words| Some(words.split_once("; the chain as sent has ")?.1));
    chain.map_or_else(|| reach::words(fault), |chain| format!("; the server sent {chain}"))
}

/// The first failed try; a handshake that broke off counts when the step that failed was TLS.
fn broken<'e>(case: &Case<'e>) -> Option<(&'e Exchange, &'e Fault)> {
    let (shown, fault) = reach::unreached(case)?;
    let at_tls = shown.exchange.steps.iter().any(|step| step.kind == "tls" && step.fault.is_some());
    let broke_off = shown.ask == Ask::Connect && at_tls && matches!(fault.kind, FaultKind::Reset | FaultKind::Closed);
    let counts = (is_tls(&fault.kind) || broke_off) && !other_scheme_spoke(case);
    (counts && !reach::at_proxy(case, shown)).then_some((shown.exchange, fault))
}

/// True when the same port answered plain http: then it is the scheme that is wrong.
fn other_scheme_spoke(case: &Case) -> bool {
    case.asked(Ask::OtherBase).any(|shown| shown.response().is_some() && shown.request.url.starts_with("http://"))
}

type Account = (String, &'static str, Blame, &'static str);

fn account(fault: &Fault) -> Account {
    match &fault.kind {
        FaultKind::Certificate(certificate) => refused(certificate),
        _ => ("the handshake did not succeed".into(), "handshake", Blame::Gateway, ""),
    }
}

fn refused(certificate: &CertificateFault) -> Account {
    use CertificateFault::*;
    match certificate {
        Untrusted => (
            "the certificate is signed by an authority that is not trusted here".into(),
            "untrusted",
            Blame::Client,
            "Give the client the issuing authority's certificate.",
        ),
        MissingIntermediate => (
            "the certificate's issuer is not trusted here, and the server sent no other certificate that would lead to one that is".into(),
            "missing-intermediate",
            Blame::Gateway,
            "Let the server send its intermediate certificates (`fullchain.pem`); if a private authority signed it directly, give that one's certificate to the client.",
        ),
        SelfSigned => (
            "the certificate is signed by itself".into(),
            "self-signed",
            Blame::Client,
            "Give the client this certificate as a trusted authority, or put one on the server that clients know.",
        ),
        Expired(end) => {
            (format!("the certificate expired on {}", day(*end)), "expired", Blame::Gateway, "Renew the certificate on the server.")
        }
        NotYetValid(begin) => (
            format!("the certificate is valid only from {}", day(*begin)),
            "not-yet-valid",
            Blame::Gateway,
            "Compare the clocks of both machines first.",
        ),
        WrongName(names) => (
            format!("the certificate is for {}", names.join(", ")),
            "wrong-name",
            Blame::Gateway,
            "Use a name for which the certificate was issued, or have one issued for this name.",
        ),
        ClientCertificateRequired => (
            "the server asks for a client certificate".into(),
            "client-certificate",
            Blame::Client,
            "Give the client its certificate and key; here: --cert FILE --cert-key FILE.",
        ),
        Other => ("the certificate was refused".into(), "certificate", Blame::Gateway, ""),
    }
}

/// A moment in seconds since 1970 as a date.
fn day(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| format!("{seconds} s after 1970"), |moment| moment.strftime("%Y-%m-%d").to_string())
}
