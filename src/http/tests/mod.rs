//! Against raw listeners that write literal bytes.

mod connecting;
mod faults;
mod reading;
mod secure;

use std::time::Duration;

use ::http::{HeaderName, HeaderValue, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::{Call, Client, Options, Performed, ProxyChoice};
use crate::evidence::{Fault, FaultKind, Outcome, Response};
use crate::pace::Pace;
use crate::secret::{Scrubber, Secret};

const KEY: &str = "sk-test-very-secret-key";

/// What a peer does once it has read the head of a request.
enum Act {
    Write(&'static [u8]),
    Bytes(Vec<u8>),
    Pause(u64),
    /// Stay silent, connection open.
    Hang,
    Reset,
    /// Write this again and again, so many milliseconds apart, until the client goes.
    Forever(&'static [u8], u64),
}
use Act::{Bytes, Forever, Hang, Pause, Reset, Write};

fn pace() -> Pace {
    let ms = Duration::from_millis;
    Pace { connect: ms(2000), total: ms(3000), idle: ms(400), close: ms(100), max_body: 200_000, ..Pace::default() }
}

fn options() -> Options {
    Options { proxy: ProxyChoice::None, ..Options::default() }
}

fn scrubber() -> Scrubber {
    Scrubber::new([&Secret::new(KEY)])
}

fn client(pace: Pace) -> Client {
    Client::new(options(), pace, scrubber()).expect("a client")
}

/// A peer that answers every connection with the same acts.
async fn peer(acts: Vec<Act>) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/v1/chat", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            read_head(&mut stream).await;
            act(stream, &acts).await;
        }
    });
    url.parse().expect("a URL")
}

async fn read_head(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    head
}

async fn act(mut stream: TcpStream, acts: &[Act]) {
    for act in acts {
        let done = match act {
            Write(bytes) => stream.write_all(bytes).await,
            Bytes(bytes) => stream.write_all(bytes).await,
            Pause(ms) => {
                tokio::time::sleep(Duration::from_millis(*ms)).await;
                Ok(())
            }
            Hang => {
                let mut rest = Vec::new();
                stream.read_to_end(&mut rest).await.map(drop)
            }
            Reset => stream.set_zero_linger(),
            Forever(bytes, ms) => loop {
                if let Err(gone) = stream.write_all(bytes).await {
                    break Err(gone);
                }
                match ms {
                    0 => tokio::task::yield_now().await,
                    _ => tokio::time::sleep(Duration::from_millis(*ms)).await,
                }
            },
        };
        if done.is_err() {
            return;
        }
    }
}

async fn perform(pace: Pace, acts: Vec<Act>) -> Performed {
    client(pace).perform(Call::new(Method::GET, peer(acts).await)).await
}

async fn answer(pace: Pace, acts: Vec<Act>) -> Response {
    match perform(pace, acts).await.outcome {
        Outcome::Response(response) => response,
        other => panic!("no answer: {other:?}"),
    }
}

async fn fault(pace: Pace, acts: Vec<Act>) -> Fault {
    fault_of(perform(pace, acts).await.outcome)
}

fn fault_of(outcome: Outcome) -> Fault {
    match outcome {
        Outcome::Fault(fault) => fault,
        Outcome::Response(Response { cut: Some(fault), .. }) => fault,
        other => panic!("no fault: {other:?}"),
    }
}

fn header(name: &'static str, value: &str) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
}
