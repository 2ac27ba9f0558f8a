use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::evidence::CertificateFault;

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: CertificateDer<'static>,
}

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "a private authority");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("signed");
    Authority { pem: certificate.pem(), der: certificate.der().clone(), issuer: Issuer::new(params, key) }
}

fn leaf_params(names: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).expect("parameters");
    params.distinguished_name.push(DnType::CommonName, "the leaf");
    params
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn issued(params: CertificateParams, authority: &Authority) -> Pair {
    let key = KeyPair::generate().expect("a key");
    let leaf = params.signed_by(&key, &authority.issuer).expect("signed");
    (vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
}

fn config(pair: Pair, clients: Option<&Authority>) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der.clone()).expect("an authority");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        }
    };
    builder.with_single_cert(pair.0, pair.1).expect("a configuration")
}

async fn tls_peer(config: ServerConfig) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = [0; 2048];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            let _ = stream.shutdown().await;
        }
    });
    format!("https://localhost:{port}/v1").parse().expect("a URL")
}

async fn both(options: Options, url: &Url) -> (Outcome, Outcome, Vec<crate::evidence::Step>) {
    let client = Client::new(options, pace(), scrubber()).expect("a client");
    let (steps, connected, _) = client.connect(url).await;
    (connected, client.perform(Call::new(Method::GET, url.clone())).await.outcome, steps)
}

async fn refused(options: Options, pair: Pair) -> CertificateFault {
    let (connected, performed, _) = both(options, &tls_peer(config(pair, None)).await).await;
    let (connected, performed) = (fault_of(connected), fault_of(performed));
    assert_eq!(connected.kind, performed.kind);
    match performed.kind {
        FaultKind::Certificate(fault) => fault,
        other => panic!("{other:?} {:?}", performed.chain),
    }
}

fn trusting(authority: &Authority) -> Options {
    Options { cacert: vec![authority.pem.clone().into_bytes()], ..options() }
}

#[tokio::test]
async fn certificates_are_refused_for_their_reason() {
    let authority = authority();
    let key = KeyPair::generate().expect("a key");
    let own = leaf_params(&["localhost"]).self_signed(&key).expect("signed");
    let pair = (vec![own.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()));
    assert_eq!(refused(options(), pair).await, CertificateFault::SelfSigned);

    let lone = issued(leaf_params(&["localhost"]), &authority);
    assert_eq!(refused(options(), lone).await, CertificateFault::MissingIntermediate);
    let mut whole = issued(leaf_params(&["localhost"]), &authority);
    whole.0.push(authority.der.clone());
    assert_eq!(refused(options(), whole).await, CertificateFault::Untrusted);

    let other = issued(leaf_params(&["other.example", "10.0.0.1"]), &authority);
    let names = vec!["other.example".to_owned(), "10.0.0.1".to_owned()];
    assert_eq!(refused(trusting(&authority), other).await, CertificateFault::WrongName(names));

    let mut old = leaf_params(&["localhost"]);
    old.not_after = date_time_ymd(2020, 1, 1);
    assert_eq!(refused(trusting(&authority), issued(old, &authority)).await, CertificateFault::Expired(1_577_836_800));
    let mut early = leaf_params(&["localhost"]);
    early.not_before = date_time_ymd(2200, 1, 1);
    assert_eq!(refused(trusting(&authority), issued(early, &authority)).await, CertificateFault::NotYetValid(7_258_118_400));
}

#[tokio::test]
async fn an_added_authority_or_no_care_lets_through() {
    let authority = authority();
    for options in [trusting(&authority), Options { insecure: true, ..options() }] {
        let url = tls_peer(config(issued(leaf_params(&["localhost"]), &authority), None)).await;
        let (connected, performed, steps) = both(options, &url).await;
        assert!(matches!(connected, Outcome::Connected), "{connected:?}");
        assert!(matches!(&performed, Outcome::Response(response) if response.body.text() == "ok"), "{performed:?}");
        let gave = &steps.last().expect("a step").gave;
        assert!(gave.starts_with("TLS 1.3, ") && gave.contains("the leaf") && gave.contains("a private authority"), "{gave}");
    }
}

#[tokio::test]
async fn a_self_signed_authority_given_as_trusted_is_trusted() {
    let mut params = leaf_params(&["localhost"]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let own = params.self_signed(&key).expect("signed");
    let url = tls_peer(config((vec![own.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into())), None)).await;
    let (connected, _, _) = both(Options { cacert: vec![own.pem().into_bytes()], ..options() }, &url).await;
    assert!(matches!(connected, Outcome::Connected), "{connected:?}");
}

#[tokio::test]
async fn a_server_may_want_our_certificate() {
    let authority = authority();
    let server = || config(issued(leaf_params(&["localhost"]), &authority), Some(&authority));
    let (_, performed, _) = both(trusting(&authority), &tls_peer(server()).await).await;
    assert_eq!(fault_of(performed).kind, FaultKind::Certificate(CertificateFault::ClientCertificateRequired));

    let key = KeyPair::generate().expect("a key");
    let own = leaf_params(&["me"]).signed_by(&key, &authority.issuer).expect("signed");
    let identity = Some((own.pem().into_bytes(), key.serialize_pem().into_bytes()));
    let (_, performed, _) = both(Options { identity, ..trusting(&authority) }, &tls_peer(server()).await).await;
    assert!(matches!(&performed, Outcome::Response(response) if response.status == 200), "{performed:?}");
}

#[tokio::test]
async fn a_plain_port_is_not_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello).await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
        }
    });
    let url = format!("https://127.0.0.1:{port}/").parse().expect("a URL");
    let (connected, performed, _) = both(options(), &url).await;
    assert_eq!((fault_of(connected).kind, fault_of(performed).kind), (FaultKind::NotTls, FaultKind::NotTls));
}

#[tokio::test]
async fn a_hanging_handshake_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url: Url = format!("https://{}/", listener.local_addr().expect("bound")).parse().expect("a URL");
    let hasty = Pace { connect: Duration::from_millis(150), ..pace() };
    let client = Client::new(options(), hasty, scrubber()).expect("a client");
    assert_eq!(fault_of(client.connect(&url).await.1).kind, FaultKind::Handshake);
    assert_eq!(fault_of(client.perform(Call::new(Method::GET, url)).await.outcome).kind, FaultKind::ConnectTimeout);
    drop(listener);
}

/// An HTTP/2 peer: the first bytes of an answer when asked for, then the stream is reset for this reason. Counts the requests.
async fn h2_peer(mut config: ServerConfig, begins: bool, reason: h2::Reason) -> (Url, Arc<AtomicUsize>) {
    config.alpn_protocols = vec![b"h2".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stream = acceptor.accept(stream).await.expect("a handshake");
            let mut connection = h2::server::handshake(stream).await.expect("a preface");
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                if !begins {
                    respond.send_reset(reason);
                    continue;
                }
                let mut body = respond.send_response(::http::Response::new(()), false).expect("a head");
                body.send_data("hello".into(), false).expect("data");
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    body.send_reset(reason);
                });
            }
        }
    });
    (format!("https://localhost:{port}/v1").parse().expect("a URL"), count)
}

#[tokio::test]
async fn resets_of_http2_keep_their_reason_and_nothing_is_sent_twice() {
    let authority = authority();
    let client = Client::new(trusting(&authority), pace(), scrubber()).expect("a client");
    let server = || config(issued(leaf_params(&["localhost"]), &authority), None);
    let (url, count) = h2_peer(server(), false, h2::Reason::REFUSED_STREAM).await;
    let refused = client.perform(Call::new(Method::GET, url)).await.outcome;
    assert!(matches!(refused, Outcome::Fault(_)));
    assert_eq!(fault_of(refused).kind, FaultKind::H2Reset("REFUSED_STREAM".to_owned()));
    assert_eq!(count.load(Ordering::Relaxed), 1);

    let (url, _) = h2_peer(server(), true, h2::Reason::INTERNAL_ERROR).await;
    let Outcome::Response(cut) = client.perform(Call::new(Method::GET, url)).await.outcome else { panic!("no answer") };
    assert_eq!((cut.version.as_str(), cut.body.text().as_ref()), ("HTTP/2.0", "hello"));
    assert_eq!(cut.cut.map(|cut| cut.kind), Some(FaultKind::H2Reset("INTERNAL_ERROR".to_owned())));
}

#[tokio::test]
async fn authorities_are_loaded_for_tls_only() {
    let client = client(pace());
    let url = peer(vec![Write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]).await;
    client.connect(&url).await;
    client.perform(Call::new(Method::GET, url)).await;
    assert!(client.0.secure_config.get().is_none() && client.0.secure.get().is_none());
}
