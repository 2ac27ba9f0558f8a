//! Gateways that cannot be reached: names, ports, certificates, schemes.

use crate::sim::server::Front;
use crate::sim::{Scenario, USUAL, tls};

pub(super) static TABLE: &[Scenario] = &[
    broken("dns-no-such-host", "dns-failure", "The host's name does not exist", "http://no-such-host.invalid/v1"),
    broken("dns-no-such-host-tls", "dns-failure", "The name of an HTTPS host does not exist", "https://api.gateway-example.invalid/v1"),
    Scenario { front: Front::Closed, ..broken("refused-port", "connection-refused", "Nobody listens at the port", HTTP) },
    Scenario { front: Front::Closed, ..broken("refused-https-port", "connection-refused", "Nobody listens at the HTTPS port", HTTPS) },
    Scenario {
        front: Front::Silent,
        ..broken("silent-port", "connection-timeout", "The handshake gets no answer, as behind a firewall", HTTP)
    },
    Scenario {
        front: Front::Silent,
        ..broken("silent-https-port", "connection-timeout", "The handshake of an HTTPS port gets no answer", HTTPS)
    },
    Scenario {
        front: Front::Https(&tls::SELF_SIGNED, b""),
        ..broken("tls-self-signed", "tls-failure", "The certificate is signed by nobody but itself", HTTPS)
    },
    Scenario { front: Front::Https(&tls::EXPIRED, b""), ..broken("tls-expired", "tls-failure", "The certificate expired in 2021", HTTPS) },
    Scenario {
        front: Front::Https(&tls::WRONG_HOST, b""),
        ..broken("tls-wrong-host", "tls-failure", "The certificate is for another host", HTTPS)
    },
    Scenario {
        front: Front::Http(HANDSHAKE_FAILURE),
        ..broken("tls-handshake-refused", "tls-failure", "The server refuses the handshake with an alert", HTTPS)
    },
    Scenario { front: Front::Http(b""), ..broken("tls-handshake-dropped", "tls-failure", "The server closes when TLS greets it", HTTPS) },
    broken("https-to-plain-port", "scheme-mismatch", "https is typed, the port speaks plain HTTP", HTTPS),
    Scenario {
        front: Front::Https(&tls::GOOD, NGINX_WANTS_TLS),
        ..broken("http-to-nginx-tls-port", "scheme-mismatch", "http is typed, nginx serves TLS at the port", HTTP)
    },
    Scenario {
        front: Front::Https(&tls::GOOD, GO_WANTS_TLS),
        ..broken("http-to-go-tls-port", "scheme-mismatch", "http is typed, a Go server serves TLS at the port", HTTP)
    },
    Scenario {
        front: Front::Https(&tls::GOOD, b""),
        ..broken("http-to-bare-tls-port", "scheme-mismatch", "http is typed, the port answers with a TLS alert", HTTP)
    },
    Scenario {
        host: Some("gateway.example"),
        ..broken("insecure-remote", "insecure-transport", "The key crosses a network in plain HTTP", "http://gateway.example:{port}/v1")
    },
    Scenario {
        host: Some("llm.corp.example"),
        ..broken("insecure-intranet", "insecure-transport", "Plain HTTP inside a company", "http://llm.corp.example:{port}/v1")
    },
];

const HTTP: &str = "http://{addr}/v1";
const HTTPS: &str = "https://{addr}/v1";

/// A healthy gateway at the other end of a way that is broken.
const fn broken(id: &'static str, mode: &'static str, title: &'static str, base: &'static str) -> Scenario {
    Scenario { id, title, mode: Some(mode), base, ..USUAL }
}

/// Alert record: fatal, handshake_failure (40).
const HANDSHAKE_FAILURE: &[u8] = &[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28];

const NGINX_WANTS_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nServer: nginx/1.22.1\r\nContent-Type: text/html\r\n\
    Connection: close\r\n\r\n<html>\r\n\
    <head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n<body>\r\n\
    <center><h1>400 Bad Request</h1></center>\r\n\
    <center>The plain HTTP request was sent to HTTPS port</center>\r\n\
    <hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n";

const GO_WANTS_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
