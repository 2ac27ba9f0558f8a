use super::*;

async fn kind(acts: Vec<Act>) -> FaultKind {
    fault(pace(), acts).await.kind
}

#[tokio::test]
async fn what_ends_before_an_answer() {
    assert_eq!(kind(vec![]).await, FaultKind::Closed);
    assert_eq!(kind(vec![Write(b"HTTP/1.1 200 OK\r\nConte")]).await, FaultKind::Closed);
    assert_eq!(kind(vec![Reset]).await, FaultKind::Reset);
}

#[tokio::test]
async fn what_is_not_http() {
    assert_eq!(kind(vec![Write(b"SSH-2.0-OpenSSH_9.6\r\n")]).await, FaultKind::NotHttp);
    assert_eq!(kind(vec![Write(b"\x15\x03\x01\x00\x02\x02\x46")]).await, FaultKind::NotHttp);
    assert_eq!(kind(vec![Write(b"<html>Bad request</html>\r\n\r\n")]).await, FaultKind::NotHttp);
    assert_eq!(kind(vec![Write(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff")]).await, FaultKind::NotHttp);
}

#[tokio::test]
async fn heads_that_break_the_rules() {
    assert_eq!(kind(vec![Write(b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n")]).await, FaultKind::BadHead);
    assert_eq!(kind(vec![Write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")]).await, FaultKind::BadHead);
    assert_eq!(kind(vec![Write(b"HTTP/1.1 2x0 OK\r\n\r\n")]).await, FaultKind::BadHead);
    assert_eq!(
        kind(vec![Write(b"HTTP/1.1 200 OK\r\n"), Forever(b"x-a: 0123456789012345678901234567890123456789\r\n", 0)]).await,
        FaultKind::BadHead
    );
}

#[tokio::test]
async fn bodies_that_are_cut() {
    let chunked: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    assert_eq!(kind(vec![Write(chunked)]).await, FaultKind::CutBody);
    assert_eq!(kind(vec![Write(chunked), Write(b"5\r\nhe")]).await, FaultKind::CutBody);
    assert_eq!(kind(vec![Write(chunked), Write(b"zz\r\n")]).await, FaultKind::BadChunk);
    assert_eq!(kind(vec![Write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")]).await, FaultKind::CutBody);
    assert_eq!(kind(vec![Write(chunked), Pause(30), Reset]).await, FaultKind::Reset);
}

#[tokio::test]
async fn our_patience_ends() {
    let quick = Pace { total: Duration::from_millis(150), ..pace() };
    assert_eq!(fault(quick.clone(), vec![Hang]).await.kind, FaultKind::NoAnswer);
    let stalled = fault(pace(), vec![Write(b"HTTP/1.1 200 OK\r\n\r\nhello"), Hang]).await;
    assert!(stalled.kind == FaultKind::Stalled && stalled.at_ms >= 390.0, "{stalled:?}");
    let trickle = vec![Write(b"HTTP/1.1 200 OK\r\n\r\n"), Forever(b"x", 20)];
    assert_eq!(fault(quick.clone(), trickle).await.kind, FaultKind::Unfinished);
    let endless_interim = vec![Forever(b"HTTP/1.1 100 Continue\r\n\r\n", 0)];
    assert_eq!(fault(quick, endless_interim).await.kind, FaultKind::NoAnswer);
}

#[tokio::test]
async fn patience_may_be_overridden() {
    let mut call = Call::new(Method::GET, peer(vec![Hang]).await);
    call.patience = Some(Duration::from_millis(50));
    let fault = fault_of(client(pace()).perform(call).await.outcome);
    assert!(fault.kind == FaultKind::NoAnswer && fault.at_ms < 1000.0, "{fault:?}");
}

#[tokio::test]
async fn nobody_listens_or_no_such_name() {
    let port = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("bound").port();
    let url: Url = format!("http://127.0.0.1:{port}/?key={KEY}").parse().expect("a URL");
    let performed = client(pace()).perform(Call::new(Method::GET, url)).await;
    assert!(!format!("{performed:?}").contains(KEY), "{performed:?}");
    assert_eq!(fault_of(performed.outcome).kind, FaultKind::Refused);
    let url = "http://no-such-host.invalid/".parse().expect("a URL");
    assert_eq!(fault_of(client(pace()).perform(Call::new(Method::GET, url)).await.outcome).kind, FaultKind::Dns);
}

#[tokio::test]
async fn a_dead_proxy_way() {
    let proxy = peer(vec![Write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")]).await;
    let options = Options { proxy: ProxyChoice::Url(proxy), ..options() };
    let client = Client::new(options, pace(), scrubber()).expect("a client");
    let url: Url = "https://far.invalid/v1".parse().expect("a URL");
    assert_eq!(fault_of(client.perform(Call::new(Method::GET, url.clone())).await.outcome).kind, FaultKind::Proxy);
    let (steps, outcome, _) = client.connect(&url).await;
    assert_eq!(steps.iter().map(|step| step.kind.as_str()).collect::<Vec<_>>(), ["tcp", "proxy"]);
    assert_eq!(fault_of(outcome).kind, FaultKind::Proxy);
}
