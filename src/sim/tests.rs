//! The simulator on its own: raw sockets, no client of ours.

use std::collections::HashSet;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::gateway::{KEY, Memory, Moment};
use super::request::Received;
use super::server::Front;
use super::{Scenario, Server, Tempo, hostile, scenario, scenarios};

fn everything() -> impl Iterator<Item = &'static Scenario> {
    scenarios().iter().chain(hostile()).copied()
}

async fn started(id: &str) -> Server {
    Server::start(scenario(id).expect(id), Tempo::fast()).await.expect(id)
}

/// Sends these bytes and reads until the server closes, or until `enough` says so.
async fn exchange(server: &Server, request: &str, enough: impl Fn(&str) -> bool) -> String {
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    while !enough(&String::from_utf8_lossy(&bytes)) {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            break;
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn get_models() -> String {
    format!("GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n\r\n")
}

fn post_chat(body: &str) -> String {
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn ids_are_kebab_case_and_unique() {
    let mut seen = HashSet::new();
    for scenario in everything() {
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(!scenario.id.is_empty() && scenario.id.chars().all(kebab), "{}", scenario.id);
        assert!(seen.insert(scenario.id), "{} twice", scenario.id);
        assert!(!scenario.title.is_empty(), "{} has no title", scenario.id);
    }
}

#[test]
fn details_and_bodies_are_json_objects() {
    for scenario in everything() {
        for text in [Some(scenario.details).filter(|details| !details.is_empty()), scenario.body].into_iter().flatten() {
            let value: serde_json::Value = serde_json::from_str(text).expect(scenario.id);
            assert!(value.is_object(), "{}", scenario.id);
        }
    }
}

#[test]
fn there_are_enough_healthy_ones() {
    let healthy = scenarios().iter().filter(|scenario| scenario.mode.is_none());
    assert!(healthy.count() >= 16);
}

/// A GET to every scenario: a response head, or the silence and refusals that the scenario is about.
#[tokio::test]
async fn every_scenario_answers() {
    let mut tasks = tokio::task::JoinSet::new();
    for scenario in everything() {
        tasks.spawn(async move {
            let server = Server::start(scenario, Tempo(Duration::from_millis(1))).await.expect(scenario.id);
            let connected = timeout(Duration::from_millis(300), TcpStream::connect(server.addr())).await;
            match scenario.front {
                Front::Closed => assert!(connected.unwrap().is_err(), "{}", scenario.id),
                Front::Silent => assert!(connected.is_err(), "{}", scenario.id),
                _ => answers(&server, connected.unwrap().unwrap(), scenario.id).await,
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
}

async fn answers(server: &Server, mut stream: TcpStream, id: &str) {
    stream.write_all(get_models().as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let read = timeout(Duration::from_secs(5), stream.read(&mut answer)).await.expect(id);
    let plain = server.ca_pem().is_none() && !id.starts_with("tls-");
    assert!(!plain || read.is_ok_and(|read| read > 0), "{id} said nothing");
}

#[tokio::test]
async fn healthy_stream_is_written_byte_for_byte() {
    let server = started("healthy").await;
    let body = r#"{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Write the numbers from 1 to 2"}]}"#;
    let answer = exchange(&server, &post_chat(body), |so_far| so_far.ends_with("0\r\n\r\n")).await;
    let chunk = |delta: &str, finish: &str| {
        format!(
            r#"{{"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion.chunk","created":1741569952,"model":"gpt-4o-mini","service_tier":"default","system_fingerprint":"fp_0c1a2b3d4e","choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}]}}"#
        )
    };
    let data = [
        chunk(r#"{"role":"assistant","content":"","refusal":null}"#, "null"),
        chunk(r#"{"content":"one"}"#, "null"),
        chunk(r#"{"content":", two"}"#, "null"),
        chunk("{}", r#""stop""#),
        "[DONE]".to_owned(),
    ];
    let frame = |data: &String| format!("{:x}\r\ndata: {data}\n\n\r\n", data.len() + 8);
    let expected = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n\
         Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        data.iter().map(frame).collect::<String>()
    );
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn a_connection_serves_request_after_request() {
    let server = started("healthy").await;
    let whole = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}"#;
    let two = format!("{}{}", get_models(), post_chat(whole));
    let answer = exchange(&server, &two, |so_far| so_far.contains("chat.completion")).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2);
    let seen: Vec<_> = server.requests().into_iter().map(|request| (request.method, request.path)).collect();
    let expected = [("GET", "/v1/models"), ("POST", "/v1/chat/completions")];
    assert_eq!(seen, expected.map(|(method, path)| (method.to_owned(), path.to_owned())));
    assert_eq!(server.requests()[1].body, whole.as_bytes());
}

#[tokio::test]
async fn stream_and_document_take_equally_long() {
    let server = started("healthy").await;
    let ask = |stream| format!(r#"{{"model":"gpt-4o-mini","stream":{stream},"messages":[{{"role":"user","content":"1 to 40"}}]}}"#);
    let mut took = Vec::new();
    for stream in [true, false] {
        let begin = std::time::Instant::now();
        exchange(&server, &post_chat(&ask(stream)), |so_far| so_far.contains("forty")).await;
        took.push(begin.elapsed());
    }
    assert!(took.iter().all(|took| *took >= Tempo::fast().units(20.9)), "{took:?}");
}

#[tokio::test]
async fn a_dropped_server_is_gone() {
    let server = started("healthy").await;
    let addr = server.addr();
    let mut open = TcpStream::connect(addr).await.unwrap();
    drop(server);
    let mut rest = Vec::new();
    // Whether as an end or as a reset, the open connection must end.
    let _ = timeout(Duration::from_secs(2), open.read_to_end(&mut rest)).await.unwrap();
    assert!(TcpStream::connect(addr).await.is_err());
}

fn received(method: &str, path: &str, key: Option<&str>, body: &str) -> Received {
    let bearer = key.map(|key| ("Authorization".to_owned(), format!("Bearer {key}")));
    Received {
        at: Duration::ZERO,
        method: method.to_owned(),
        path: path.to_owned(),
        headers: bearer.into_iter().collect(),
        body: body.as_bytes().to_vec(),
    }
}

/// Connections swallow panics, so the gateways are asked here without one.
#[test]
fn no_gateway_panics() {
    let chat = |model: &str, rest: &str| format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"1 to 90"}}]{rest}}}"#);
    let bodies = |model: &str| {
        let rests = [
            "",
            r#","stream":true"#,
            r#","stream":true,"stream_options":{"include_usage":true}"#,
            r#","tools":[],"tool_choice":"required""#,
        ];
        let mut bodies: Vec<String> = rests.iter().map(|rest| chat(model, rest)).collect();
        bodies.extend([chat("no-such-model", ""), "{}".to_owned(), "no JSON".to_owned(), String::new()]);
        bodies
    };
    let memory = Memory::default();
    for scenario in everything() {
        for key in [None, Some(KEY), Some("garbage"), scenario.key] {
            for path in ["/v1/models", "/v1/chat/completions", "/api/v1/chat/completions", "/v1/responses", "/", "*"] {
                for body in bodies(scenario.model.unwrap_or_default()) {
                    for method in ["GET", "POST", "OPTIONS"] {
                        let request = received(method, path, key, &body);
                        let moment = Moment { addr: ([127, 0, 0, 1], 1).into(), chat: 3, open: 2, units: 9.0, memory: &memory };
                        scenario.gateway.answer(&request, &moment);
                    }
                }
            }
        }
    }
}

/// A rule that knows one text by heart must not pass: each mode comes in at least two shapes.
#[test]
fn every_common_mode_has_two_gateways() {
    let modes: HashSet<&str> = scenarios().iter().filter_map(|scenario| scenario.mode).collect();
    for mode in modes.into_iter().filter(|mode| *mode != "stream-required") {
        let count = scenarios().iter().filter(|scenario| scenario.mode == Some(mode)).count();
        assert!(count >= 2, "{mode} has {count}");
    }
}

fn count_to(n: usize) -> String {
    format!(r#"{{"model":"gpt-4o-mini","stream":true,"messages":[{{"role":"user","content":"Write the numbers from 1 to {n}"}}]}}"#)
}

#[tokio::test]
async fn nginx_sends_blocks_of_4096_bytes() {
    let server = started("nginx-buffers-stream").await;
    let answer = exchange(&server, &post_chat(&count_to(60)), |so_far| so_far.ends_with("0\r\n\r\n")).await;
    assert!(answer.matches("\r\n1000\r\n").count() >= 3, "{answer}");
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let server = started("reset-midway").await;
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(post_chat(&count_to(4)).as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let error = stream.read_to_end(&mut bytes).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

/// Shakes hands as a client that trusts the scenario's authority and nobody else.
async fn handshake(id: &str) -> std::io::Result<()> {
    use tokio_rustls::rustls::crypto::ring::default_provider;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    let server = started(id).await;
    let mut roots = RootCertStore::empty();
    if let Some(pem) = server.ca_pem() {
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(std::sync::Arc::new(default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let tcp = TcpStream::connect(server.addr()).await?;
    connector.connect(ServerName::try_from("127.0.0.1").unwrap(), tcp).await.map(|_| ())
}

#[tokio::test]
async fn certificates_are_as_good_or_bad_as_they_say() {
    handshake("healthy-tls").await.unwrap();
    for (id, reason) in [
        ("tls-expired", "expired"),
        ("tls-wrong-host", "not valid for"),
        ("tls-self-signed", "UnknownIssuer"),
        ("tls-handshake-refused", "HandshakeFailure"),
        ("https-to-plain-port", "corrupt message"),
    ] {
        let error = handshake(id).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{id}: {error}");
    }
}

#[test]
fn every_family_in_the_folder_is_in_the_table() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sim/scenarios");
    let table = std::fs::read_to_string(folder.join("mod.rs")).unwrap();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let family = path.file_stem().unwrap().to_string_lossy().into_owned();
        let has_table = std::fs::read_to_string(&path).unwrap().contains("static TABLE");
        assert!(!has_table || table.contains(&format!("{family}::TABLE")), "{family} is not in the table");
    }
}
