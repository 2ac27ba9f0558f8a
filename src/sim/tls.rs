//! Certificates for the scenarios that speak TLS. They are test material: their keys are public.
//!
//! The files in `certificates/` were made once by the ignored test below; the authority's own key was thrown away.

use std::io;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A server certificate with its key, and the authority that a client must trust to accept it.
pub(super) struct Identity {
    chain: &'static str,
    key: &'static str,
    /// `None` where no trust would help.
    pub(super) ca: Option<&'static str>,
}

const CA: &str = include_str!("certificates/ca.pem");

/// For 127.0.0.1 and localhost, by the simulator's own authority, valid until 2124.
pub(super) static GOOD: Identity =
    Identity { chain: include_str!("certificates/good.pem"), key: include_str!("certificates/good.key"), ca: Some(CA) };

/// The same, expired in 2021.
pub(super) static EXPIRED: Identity =
    Identity { chain: include_str!("certificates/expired.pem"), key: include_str!("certificates/expired.key"), ca: Some(CA) };

/// For `gateway.example` only.
pub(super) static WRONG_HOST: Identity =
    Identity { chain: include_str!("certificates/wrong-host.pem"), key: include_str!("certificates/wrong-host.key"), ca: Some(CA) };

/// Signed by nobody but itself.
pub(super) static SELF_SIGNED: Identity =
    Identity { chain: include_str!("certificates/self-signed.pem"), key: include_str!("certificates/self-signed.key"), ca: None };

impl Identity {
    /// The server side of a handshake; offers HTTP/1.1 only.
    pub(super) fn acceptor(&self) -> io::Result<TlsAcceptor> {
        let chain = vec![CertificateDer::from_pem_slice(self.chain.as_bytes()).map_err(io::Error::other)?];
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(io::Error::other)?;
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
        let mut config = builder.with_no_client_auth().with_single_cert(chain, key).map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

    fn params(name: &str, hosts: &[&str], until: i32) -> CertificateParams {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        params
    }

    fn write(name: &str, certificate: &rcgen::Certificate, key: Option<&KeyPair>) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/sim/certificates");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
        if let Some(key) = key {
            fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
        }
    }

    #[test]
    #[ignore = "writes new certificates"]
    fn make_certificates() {
        let mut authority = params("Simulator Authority", &[], 2124);
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        write("ca", &authority.self_signed(&key).unwrap(), None);
        let issuer = Issuer::new(authority, key);
        let local = ["127.0.0.1", "localhost"];
        for (name, hosts, until) in
            [("good", &local[..], 2124), ("expired", &local[..], 2021), ("wrong-host", &["gateway.example"][..], 2124)]
        {
            let key = KeyPair::generate().unwrap();
            write(name, &params(name, hosts, until).signed_by(&key, &issuer).unwrap(), Some(&key));
        }
        let key = KeyPair::generate().unwrap();
        write("self-signed", &params("localhost", &local, 2124).self_signed(&key).unwrap(), Some(&key));
    }
}
