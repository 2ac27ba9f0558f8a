//! One TLS configuration for everything: ring, the system's authorities, and a verifier that tells why it refuses.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};

use super::certificate::{self, Leaf};
use super::{Options, Unusable};
use crate::evidence::CertificateFault;

/// Whom we trust, and who we are.
pub(super) struct Trust {
    extra: Vec<CertificateDer<'static>>,
    identity: Option<Arc<CertifiedKey>>,
    insecure: bool,
}

impl Trust {
    /// Reads the PEM files; the system's authorities are not loaded yet.
    pub(super) fn read(options: &Options) -> Result<Trust, Unusable> {
        let mut extra = Vec::new();
        for pem in &options.cacert {
            extra.extend(authorities(pem)?);
        }
        let identity = options.identity.as_ref().map(|(chain, key)| identity(chain, key)).transpose()?;
        Ok(Trust { extra, identity, insecure: options.insecure })
    }

    /// The configuration with the system's authorities, or Mozilla's when the system has none. Reads files: takes milliseconds.
    pub(super) fn config(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            roots = mozilla();
        }
        self.config_with(roots)
    }

    /// A configuration for clients that never speak TLS: reqwest wants one all the same.
    pub(super) fn bare_config(&self) -> ClientConfig {
        self.config_with(mozilla())
    }

    fn config_with(&self, mut roots: RootCertStore) -> ClientConfig {
        roots.add_parsable_certificates(self.extra.iter().cloned());
        let provider = Arc::new(ring::default_provider());
        let strict = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let strict = strict.build().expect("there is at least one authority and no revocation list");
        let verifier = Verifier { strict, extra: self.extra.clone(), insecure: self.insecure, provider: provider.clone() };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows TLS 1.2 and 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &self.identity {
            Some(key) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key.clone()))),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }
}

fn mozilla() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err("no PEM certificate in it".to_owned()),
        Ok(found) => Ok(found),
        Err(error) => Err(error.to_string()),
    }
}

fn authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    let found = certificates(pem).map_err(Unusable::Authority)?;
    let mut scratch = RootCertStore::empty();
    match scratch.add_parsable_certificates(found.iter().cloned()) {
        (0, _) => Err(Unusable::Authority("none of its certificates can be read".to_owned())),
        _ => Ok(found),
    }
}

fn identity(chain: &[u8], key: &[u8]) -> Result<Arc<CertifiedKey>, Unusable> {
    let chain = certificates(chain).map_err(Unusable::Identity)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| Unusable::Identity(format!("its key: {error}")))?;
    let pair = CertifiedKey::from_der(chain, key, &ring::default_provider());
    pair.map(Arc::new).map_err(|error| Unusable::Identity(error.to_string()))
}

/// Why a chain was refused; travels inside the handshake's error, so that it always belongs to the connection it came from.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) fault: CertificateFault,
    cause: rustls::Error,
    sent: usize,
    leaf: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; the chain as sent has {} certificate(s)", self.cause, self.sent)?;
        self.leaf.iter().try_for_each(|leaf| write!(f, ": {leaf}"))
    }
}

impl std::error::Error for Refusal {}

/// Verifies as webpki does, and says more when it refuses.
#[derive(Debug)]
struct Verifier {
    strict: Arc<WebPkiServerVerifier>,
    extra: Vec<CertificateDer<'static>>,
    insecure: bool,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    /// A certificate that was itself given as trusted is good for its names and its time, as OpenSSL sees it.
    fn is_pinned(&self, leaf: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> bool {
        let given = self.extra.iter().any(|extra| extra == leaf);
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let in_time = Leaf::read(leaf).is_some_and(|leaf| (leaf.not_before..=leaf.not_after).contains(&seconds));
        let named = ParsedCertificate::try_from(leaf).is_ok_and(|parsed| rustls::client::verify_server_name(&parsed, name).is_ok());
        given && in_time && named
    }
}

fn refusal(cause: rustls::Error, chain: &[CertificateDer<'_>]) -> rustls::Error {
    let rustls::Error::InvalidCertificate(error) = &cause else {
        return cause;
    };
    let fault = certificate::fault(error, chain);
    let leaf = chain.first().and_then(|leaf| Leaf::read(leaf)).map(|leaf| leaf.line());
    let refusal = Refusal { fault, sent: chain.len(), leaf, cause };
    rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refusal))))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.insecure || self.is_pinned(leaf, name, now) {
            return Ok(ServerCertVerified::assertion());
        }
        self.strict.verify_server_cert(leaf, rest, name, ocsp, now).map_err(|error| {
            let chain: Vec<_> = std::iter::once(leaf).chain(rest).cloned().collect();
            refusal(error, &chain)
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if self.insecure {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls12_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if self.insecure {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls13_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.strict.supported_verify_schemes()
    }
}
