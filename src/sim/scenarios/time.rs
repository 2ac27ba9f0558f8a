//! Hops that cut at a constant time, and answers that are slow but fine.

use super::pages::{NGINX, NGINX_504};
use crate::sim::completion::Completion;
use crate::sim::gateway::{Gateway, HEALTHY};
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

/// Units until the hops of this file cut.
const CUT: f32 = 40.0;

pub(super) static TABLE: &[Scenario] = &[
    cut("nginx-504-plain-only", "nginx cuts at 40 units of silence; streams pass", |c| {
        cut_silence((HEALTHY.whole)(c), CUT, response(504, NGINX, NGINX_504))
    }),
    Scenario {
        also: &["stream-truncated", "stream-missing-done", "stream-no-finish-reason", "empty-completion", "error-in-success"],
        ..cut_both(
            "total-clock",
            "A hop cuts every answer at 40 units, streams too",
            |c| cut_total((HEALTHY.whole)(c), CUT, json(504, r#"{"message":"The upstream server is timing out"}"#)),
            |c| cut_total((HEALTHY.stream)(c), CUT, vec![Act::Fin]),
        )
    },
    cut("json-408", "LiteLLM gives up on its upstream at 40 units, with 408", |c| {
        cut_silence((HEALTHY.whole)(c), CUT, json(408, TIMED_OUT))
    }),
    cut("empty-reset", "A load balancer resets the connection after 40 units of silence", |c| {
        cut_silence((HEALTHY.whole)(c), CUT, vec![Act::Reset])
    }),
    Scenario {
        gateway: Gateway { tune: |c| c.first = 90.0, whole: cloudflare_plain, stream: cloudflare_stream, ..HEALTHY },
        ..cut_both(
            "every-chat-too-slow",
            "The model thinks longer than Cloudflare waits: every chat is cut",
            cloudflare_plain,
            cloudflare_stream,
        )
    },
    Scenario {
        gateway: Gateway { tune: |c| c.pace = 3.0, whole: reset_at_cut, ..HEALTHY },
        ..cut("every-plain-chat-reset", "Every plain chat takes longer than a hop waits, which resets it; streams pass", reset_at_cut)
    },
    Scenario {
        also: &["stream-truncated", "stream-missing-done", "stream-no-finish-reason", "upstream-unavailable"],
        gateway: Gateway { tune: |c| c.pace = 3.0, whole: reset_at_cut, stream: stream_reset_at_cut, ..HEALTHY },
        ..cut_both(
            "every-chat-reset",
            "Every chat takes longer than a hop allows in all, which resets it, streams too",
            reset_at_cut,
            stream_reset_at_cut,
        )
    },
    slow("slow-whole-answer", "Answers are fine and take longer than the client waits", 30.0, |c| c.pace = 4.0),
    slow("slow-first-token-client", "The first token comes after the client has given up", 40.0, |c| c.first = 80.0),
];

type Tell = fn(&Completion) -> Script;

const fn cut(id: &'static str, title: &'static str, whole: Tell) -> Scenario {
    cut_both(id, title, whole, HEALTHY.stream)
}

const fn cut_both(id: &'static str, title: &'static str, whole: Tell, stream: Tell) -> Scenario {
    let gateway = Gateway { whole, stream, ..HEALTHY };
    Scenario { id, title, mode: Some("timeout-boundary"), details: r#"{"boundary_units":40}"#, gateway, ..USUAL }
}

/// Plain and streamed answers both take longer than this client waits, and come whole to those who wait.
const fn slow(id: &'static str, title: &'static str, client_timeout: f32, tune: fn(&mut Completion)) -> Scenario {
    let (mode, client_timeout) = (Some("client-timeout-too-short"), Some(client_timeout));
    Scenario { id, title, mode, client_timeout, gateway: Gateway { tune, ..HEALTHY }, ..USUAL }
}

fn reset_at_cut(completion: &Completion) -> Script {
    cut_silence((HEALTHY.whole)(completion), CUT, vec![Act::Reset])
}

fn stream_reset_at_cut(completion: &Completion) -> Script {
    cut_total((HEALTHY.stream)(completion), CUT, vec![Act::Reset])
}

fn cloudflare_plain(completion: &Completion) -> Script {
    cut_silence((HEALTHY.whole)(completion), CUT, response(524, "Server: cloudflare\r\nContent-Type: application/json\r\n", CLOUDFLARE_524))
}

fn cloudflare_stream(completion: &Completion) -> Script {
    let script = head_held_back((HEALTHY.stream)(completion));
    cut_silence(script, CUT, response(524, "Server: cloudflare\r\nContent-Type: application/json\r\n", CLOUDFLARE_524))
}

const TIMED_OUT: &str = r#"{"error":{"message":"litellm.Timeout: APITimeoutError - Request timed out. Error_str: Request timed out.\n\nLiteLLM: model group 'gpt-4o-mini' failed with the error above. No fallback was attempted.","type":"timeout_error","param":null,"code":"408"}}"#;

const CLOUDFLARE_524: &str = r#"{"type":"https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/error-524/","title":"Error 524: A timeout occurred","status":524,"detail":"The origin web server did not return a complete response within the Proxy Read Timeout window.","retryable":true}"#;
