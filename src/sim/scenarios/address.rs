//! Base URLs that lead somewhere else: wrong roots, web pages, redirects.

use super::pages::*;
use crate::sim::gateway::{Gateway, HEALTHY, Moment, bearer};
use crate::sim::request::Received;
use crate::sim::script::*;
use crate::sim::server::Front;
use crate::sim::{Scenario, USUAL, tls};

pub(super) static TABLE: &[Scenario] = &[
    typed("missing-v1", "The version segment is missing", "http://{addr}"),
    typed("doubled-v1", "The version segment is there twice", "http://{addr}/v1/v1"),
    typed("pasted-endpoint", "The whole address of the chat route is typed", "http://{addr}/v1/chat/completions"),
    typed("pasted-models-endpoint", "The whole address of the model list is typed", "http://{addr}/v1/models"),
    typed("missing-scheme", "The scheme is missing", "{addr}/v1"),
    Scenario {
        gateway: Gateway { elsewhere: |_, _| html(200, CHAT_UI), ..HEALTHY },
        ..typed("ui-root", "A web application answers everywhere but below /v1", "http://{addr}")
    },
    Scenario {
        gateway: Gateway { root: "/api/v1", elsewhere: |_, _| json(404, NO_ROUTE), ..HEALTHY },
        ..typed("api-v1-root", "The API lives at /api/v1", "http://{addr}/v1")
    },
    Scenario {
        gateway: Gateway { root: "/openai/v1", elsewhere: route_not_found, ..HEALTHY },
        ..typed("openai-v1-root", "The API lives at /openai/v1", "http://{addr}/v1")
    },
    Scenario {
        gateway: Gateway { root: "", elsewhere: |_, _| text(404, "404 page not found\n"), ..HEALTHY },
        ..typed("no-version-root", "The API has no version segment", "http://{addr}/v1")
    },
    Scenario {
        gateway: Gateway { root: "/api/openai/v1", elsewhere: |_, _| text(404, "404 page not found\n"), ..HEALTHY },
        ..typed("rare-root", "The API lives at a root that few servers use", "http://{addr}/v1")
    },
    Scenario {
        gateway: Gateway { elsewhere: |_, _| json(403, r#"{"message":"Missing Authentication Token"}"#), ..HEALTHY },
        ..typed("missing-v1-aws", "An AWS API gateway answers unknown routes with 403", "http://{addr}")
    },
    stranger("static-website", "A web site answers every path with its front page", |request, _| match request.method.as_str() {
        "POST" => Some(response(405, NGINX, NGINX_405)),
        _ => Some(response(200, NGINX, WEBSITE)),
    }),
    stranger("website-404", "A web server knows none of the paths", |_, _| Some(response(404, NGINX, NGINX_404))),
    stranger("login-portal", "A portal sends everybody to its login page", |request, _| {
        let login = request.route() == "/login";
        Some(if login { html(200, LOGIN) } else { redirect(302, "/login") })
    }),
    stranger("other-json-api", "An API of another kind answers every path", |_, _| {
        Some(ok_json(r#"{"status":"UP","service":"inventory","version":"4.2.0"}"#))
    }),
    stranger("empty-ok", "A web server answers every path with 200 and nothing", |_, _| Some(response(200, "Server: Caddy\r\n", ""))),
    stranger("ssh-port", "Another protocol answers at the port", |_, _| {
        Some(then_fin(vec![Act::Send(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n".to_vec())]))
    }),
    redirected("redirect-to-https", "Plain HTTP is sent to HTTPS with 301", |request, moment| {
        let secure = request.header("x-simulated-tls").is_some();
        (!secure).then(|| redirect(301, &format!("https://{}{}", moment.addr, request.path)))
    }),
    redirected("redirect-to-new-root", "The API has moved to /api/v1, says 302", |request, _| {
        request.path.starts_with("/v1").then(|| redirect(302, &format!("/api{}", request.path)))
    }),
    redirected("redirect-see-other", "POST is answered with 303", |request, _| {
        let moved = request.method == "POST" && request.path.starts_with("/v1");
        moved.then(|| redirect(303, &format!("/api{}", request.path)))
    }),
    redirected("redirect-to-other-host", "307 leads to another host name, where clients drop the key", |request, moment| {
        let here = request.header("host").is_some_and(|host| host == moment.addr.to_string());
        here.then(|| redirect(307, &format!("http://localhost:{}{}", moment.addr.port(), request.path)))
    }),
];

/// A healthy gateway at `/v1`, and another base URL typed.
const fn typed(id: &'static str, title: &'static str, base: &'static str) -> Scenario {
    Scenario { id, title, mode: Some("wrong-base-url"), base, ..USUAL }
}

/// No API at all.
const fn stranger(id: &'static str, title: &'static str, before: fn(&Received, &Moment) -> Option<Script>) -> Scenario {
    Scenario { id, title, mode: Some("not-an-api"), gateway: Gateway { before, ..HEALTHY }, ..USUAL }
}

/// A gateway behind a redirect; it answers below /v1 and below /api/v1, with and without TLS.
const fn redirected(id: &'static str, title: &'static str, before: fn(&Received, &Moment) -> Option<Script>) -> Scenario {
    Scenario {
        id,
        title,
        mode: Some("redirect-drops-post"),
        also: &["wrong-base-url", "insecure-transport"],
        front: Front::Both(&tls::GOOD),
        gateway: Gateway { before, elsewhere: below_api, ..HEALTHY },
        ..USUAL
    }
}

/// The same gateway below /api/v1.
fn below_api(request: &Received, moment: &Moment) -> Script {
    if !request.path.starts_with("/api/v1") {
        return (HEALTHY.elsewhere)(request, moment);
    }
    Gateway { root: "/api/v1", admit: bearer, ..HEALTHY }.answer(request, moment)
}

fn route_not_found(request: &Received, _: &Moment) -> Script {
    json(404, format!(r#"{{"error":"Route not found: {} {}"}}"#, request.method, request.route()))
}

const NO_ROUTE: &str = r#"{"detail":"Not Found"}"#;

const LOGIN: &str = "<!DOCTYPE html>\n<html>\n<head><title>Sign in</title></head>\n<body><form method=\"post\">\
    <input name=\"user\"><input name=\"password\" type=\"password\"></form></body>\n</html>\n";
