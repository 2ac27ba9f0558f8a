//! What a certificate says, and why it was refused.

use std::net::IpAddr;

use rustls::CertificateError;
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::evidence::CertificateFault;

/// Names of a certificate that are kept.
const NAMES: usize = 50;

/// What a certificate says.
pub(super) struct Leaf {
    pub(super) subject: String,
    pub(super) issuer: String,
    /// DNS names and IP addresses.
    pub(super) names: Vec<String>,
    /// Seconds since 1970.
    pub(super) not_before: i64,
    /// Seconds since 1970.
    pub(super) not_after: i64,
}

impl Leaf {
    /// Reads a certificate; `None` when it is none.
    pub(super) fn read(der: &[u8]) -> Option<Leaf> {
        let certificate = Certificate::from_der(der).ok()?;
        let tbs = certificate.tbs_certificate();
        let names = match tbs.get_extension::<SubjectAltName>() {
            Ok(Some((_, names))) => names.0.iter().filter_map(plain_name).take(NAMES).collect(),
            _ => Vec::new(),
        };
        let seconds = |time: x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
        Some(Leaf {
            subject: tbs.subject().to_string(),
            issuer: tbs.issuer().to_string(),
            names,
            not_before: seconds(tbs.validity().not_before),
            not_after: seconds(tbs.validity().not_after),
        })
    }

    /// Subject, issuer and end in one line.
    pub(super) fn line(&self) -> String {
        let end = jiff::Timestamp::from_second(self.not_after).map_or_else(|_| self.not_after.to_string(), |end| end.to_string());
        format!("subject {}, issuer {}, until {end}", or_none(&self.subject), or_none(&self.issuer))
    }

    fn signed_itself(&self) -> bool {
        self.subject == self.issuer
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "(none)" } else { text }
}

fn plain_name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => address(bytes.as_bytes()).map(|ip| ip.to_string()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// Why a chain was refused, told from the verifier's error and what the chain says.
pub(super) fn fault(error: &CertificateError, chain: &[CertificateDer<'_>]) -> CertificateFault {
    use CertificateError as E;
    let leaf = chain.first().and_then(|leaf| Leaf::read(leaf));
    let leaf = leaf.as_ref();
    let seconds = |time: &rustls::pki_types::UnixTime| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    match error {
        E::ExpiredContext { not_after, .. } => CertificateFault::Expired(seconds(not_after)),
        E::Expired => CertificateFault::Expired(leaf.map_or(0, |leaf| leaf.not_after)),
        E::NotValidYetContext { not_before, .. } => CertificateFault::NotYetValid(seconds(not_before)),
        E::NotValidYet => CertificateFault::NotYetValid(leaf.map_or(0, |leaf| leaf.not_before)),
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            CertificateFault::WrongName(leaf.map_or_else(Vec::new, |leaf| leaf.names.clone()))
        }
        E::Revoked | E::InvalidPurpose | E::InvalidPurposeContext { .. } => CertificateFault::Other,
        _ if leaf.is_some_and(Leaf::signed_itself) => CertificateFault::SelfSigned,
        E::UnknownIssuer if chain.len() == 1 => CertificateFault::MissingIntermediate,
        E::UnknownIssuer => CertificateFault::Untrusted,
        _ => CertificateFault::Other,
    }
}
