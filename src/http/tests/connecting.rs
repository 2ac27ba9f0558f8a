use super::*;
use std::net::IpAddr;

#[tokio::test]
async fn steps_are_told_apart() {
    let mut url = peer(vec![Hang]).await;
    url.set_host(Some("somewhere.invalid")).expect("a host");
    let ip: IpAddr = "127.0.0.1".parse().expect("an address");
    let options = Options { resolve: vec![("somewhere.invalid".to_owned(), 80, ip)], ..options() };
    let client = Client::new(options, pace(), scrubber()).expect("a client");
    let (steps, outcome, loopback) = client.connect(&url).await;
    assert!(matches!(outcome, Outcome::Connected) && loopback);
    let told: Vec<_> = steps.iter().map(|step| (step.kind.as_str(), step.gave.as_str())).collect();
    assert_eq!(told, [("dns", "127.0.0.1"), ("tcp", "connected")]);
}

#[tokio::test]
async fn failures_name_their_step() {
    let (steps, outcome, loopback) = client(pace()).connect(&"http://no-such-host.invalid/".parse().expect("a URL")).await;
    assert_eq!((fault_of(outcome).kind, steps.len(), loopback), (FaultKind::Dns, 1, false));
    let port = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("bound").port();
    let (steps, outcome, loopback) = client(pace()).connect(&format!("http://127.0.0.1:{port}").parse().expect("a URL")).await;
    assert_eq!((fault_of(outcome).kind, loopback), (FaultKind::Refused, true));
    assert_eq!(steps[0].fault.as_ref().map(|fault| &fault.kind), Some(&FaultKind::Refused));
}

#[tokio::test]
async fn a_refused_address_beside_a_good_one_shows() {
    let url = peer(vec![Hang]).await;
    let port = url.port().expect("a port");
    let (steps, outcome, _) = client(pace()).connect(&format!("http://localhost:{port}").parse().expect("a URL")).await;
    assert!(matches!(outcome, Outcome::Connected));
    let v6 = steps.iter().find(|step| step.target.starts_with("[::1]"));
    // Not every machine resolves localhost to both.
    assert!(v6.is_none_or(|step| step.fault.is_some()), "{steps:?}");
}

#[tokio::test]
async fn the_proxy_is_told_without_its_password() {
    let proxy: Url = "http://me:pw@proxy.example:3128".parse().expect("a URL");
    let made = Client::new(Options { proxy: ProxyChoice::Url(proxy), ..options() }, pace(), scrubber()).expect("a client");
    let url = "https://api.example/v1".parse().expect("a URL");
    assert_eq!(made.proxy_for(&url).as_deref(), Some("http://***@proxy.example:3128"));
    assert_eq!(client(pace()).proxy_for(&url), None);
}

#[test]
fn what_cannot_be_used_is_said() {
    let refused = |options: Options| Client::new(options, pace(), scrubber()).err().expect("unusable").to_string();
    let proxy = ProxyChoice::Url("ftp://me:pw@proxy/".parse().expect("a URL"));
    let said = refused(Options { proxy, ..options() });
    assert!(said.contains("ftp") && !said.contains("pw"), "{said}");
    assert!(refused(Options { cacert: vec![b"nothing".to_vec()], ..options() }).contains("no PEM certificate"));
    assert!(refused(Options { identity: Some((b"x".to_vec(), b"y".to_vec())), ..options() }).contains("client certificate"));
}
