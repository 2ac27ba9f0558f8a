//! Keys: missing, malformed, refused, sent in the wrong header, not asked for, leaked.

use crate::sim::gateway::{Gateway, HEALTHY, KEY, MODELS, Moment, bearer, no_key};
use crate::sim::request::Received;
use crate::sim::script::*;
use crate::sim::{Scenario, USUAL};

pub(super) static TABLE: &[Scenario] = &[
    Scenario { key: None, ..faulty("no-key", "key-missing", "The user gave no key") },
    Scenario {
        key: None,
        gateway: Gateway { before: open_list_only, admit: openrouter, ..HEALTHY },
        also: &["models-list-public"],
        ..faulty("no-key-list-open", "key-missing", "The user gave no key; the list loads all the same")
    },
    Scenario {
        key: Some(""),
        gateway: Gateway { admit: |request, key| bearer(request, key).map(|_| text(401, "APIKEY is missing")), ..HEALTHY },
        ..faulty("empty-key", "key-missing", "The key is an empty text")
    },
    Scenario {
        key: None,
        gateway: Gateway { admit: litellm_without_database, ..HEALTHY },
        ..faulty("no-key-litellm", "key-missing", "LiteLLM without a database breaks when no key comes, the list as well")
    },
    pasted("key-in-quotes", "The key was pasted with its quotes", "\"sk-simulated-5f2b9c71e04d48a6b3d0c8e7\""),
    pasted("key-with-newline", "The key was pasted with a newline", "sk-simulated-5f2b9c71e04d48a6b3d0c8e7\n"),
    pasted("key-with-bearer", "The key was pasted with `Bearer ` before it", "Bearer sk-simulated-5f2b9c71e04d48a6b3d0c8e7"),
    pasted("key-with-blanks", "The key was pasted with blanks around it", " sk-simulated-5f2b9c71e04d48a6b3d0c8e7  "),
    pasted("key-with-header-name", "The whole header was pasted", "Authorization: Bearer sk-simulated-5f2b9c71e04d48a6b3d0c8e7"),
    rejected("key-unknown-empty-403", "The key is refused with 403 and nothing else", |request, key| {
        (request.bearer() != Some(key)).then(|| response(403, "", ""))
    }),
    Scenario {
        key: None,
        gateway: Gateway {
            admit: |request, key| {
                bearer(request, key).map(|_| {
                    json(422, r#"{"detail":[{"type":"missing","loc":["header","authorization"],"msg":"Field required","input":null}]}"#)
                })
            },
            ..HEALTHY
        },
        ..faulty("no-key-fastapi", "key-missing", "FastAPI validates that the header is there")
    },
    rejected("key-unknown", "The key is not known; the list is guarded as well", bearer),
    rejected("key-unknown-litellm", "LiteLLM does not find the key in its table", litellm),
    rejected("key-unknown-no-database", "LiteLLM without a database says of every other key that it has none", litellm_without_database),
    rejected("key-unknown-vllm", "vLLM refuses the key in one word", |request, key| {
        (request.bearer() != Some(key)).then(|| json(401, r#"{"error":"Unauthorized"}"#))
    }),
    Scenario {
        also: &["models-list-public"],
        gateway: Gateway { before: open_list_only, admit: openrouter, ..HEALTHY },
        ..rejected("key-unknown-list-open", "The list loads for everybody; chat refuses the key", openrouter)
    },
    Scenario {
        also: &["key-leaked"],
        ..rejected("key-unknown-echoed", "The key is refused, and the refusal repeats it in full", |request, key| {
            let sent = match request.bearer() {
                Some(sent) if sent == key => return None,
                Some(sent) => sent,
                None => return Some(no_key()),
            };
            let message = format!("Authentication Error, Invalid proxy server token passed. Received API Key = {sent}.");
            Some(openai_error(401, &message, "auth_error", r#""401""#))
        })
    },
    scheme("wants-x-api-key", "The key is wanted in x-api-key", |request, key| {
        let refusal = r#"{"message":"No API key found in request","request_id":"ad1f5b26c0a7b54d"}"#;
        (request.header("x-api-key") != Some(key)).then(|| json(401, refusal))
    }),
    scheme("wants-api-key", "The key is wanted in api-key, as at Azure", |request, key| {
        let refusal = r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource."}}"#;
        (request.header("api-key") != Some(key)).then(|| json(401, refusal))
    }),
    Scenario {
        gateway: Gateway { before: |request, moment| open_list_only(request, moment), admit: x_api_key_quietly, ..HEALTHY },
        also: &["models-list-public"],
        ..scheme("wants-x-api-key-list-open", "The list loads; chat wants the key in x-api-key", x_api_key_quietly)
    },
    Scenario {
        gateway: Gateway { admit: |request, key| if request.is_chat() { None } else { bearer(request, key) }, ..HEALTHY },
        ..faulty("chat-unguarded", "auth-not-enforced", "The list is guarded, chat is not")
    },
    Scenario {
        gateway: Gateway { admit: |request, _| request.bearer().is_none().then(no_key), ..HEALTHY },
        also: &["models-list-public"],
        ..faulty("any-key-will-do", "auth-not-enforced", "There must be a key, and any will do")
    },
    Scenario {
        headers: &[("OpenAI-Organization", "org-stale")],
        gateway: Gateway { before: wrong_organization, ..HEALTHY },
        ..faulty("organization-stale", "organization-mismatch", "The organisation header names another organisation than the key's")
    },
    Scenario {
        headers: &[("OpenAI-Organization", "null")],
        gateway: Gateway { before: no_such_organization, ..HEALTHY },
        ..faulty("organization-null", "organization-mismatch", "The client sends the text `null` as organisation")
    },
    leak("key-in-header", "A header of every answer repeats the key", |request, moment| {
        let script = HEALTHY.answer(request, moment);
        Some(with_header(script, &format!("x-debug-authorization: Bearer {KEY}\r\n")))
    }),
    Scenario {
        gateway: Gateway {
            whole: |c| {
                let echo = format!(r#"{{"debug":{{"authorization":"Bearer {KEY}"}},"#);
                ok_json(echo + &c.document()[1..])
            },
            ..HEALTHY
        },
        ..faulty("key-in-answer", "key-leaked", "Every answer repeats the key beside what the model said")
    },
    leak("key-in-redirect", "A redirect puts the key into the URL", |request, _| {
        let keyed = request.path.contains("api_key=");
        (!keyed && request.is_chat() && request.bearer() == Some(KEY)).then(|| redirect(307, &format!("{}?api_key={KEY}", request.path)))
    }),
    leak("key-in-model-error", "The error for an unknown model repeats the request's headers", |request, _| {
        let unknown = request.is_chat() && (HEALTHY.serve)(request.json()["model"].as_str().unwrap_or_default()).is_err();
        let sent = request.bearer().filter(|_| unknown)?;
        Some(openai_error(404, &format!("no such model; request headers: authorization=Bearer {sent}"), "not_found", "null"))
    }),
    Scenario {
        key: Some("sk-sim/5f2b+9c71e04d=48a6"),
        gateway: Gateway { key: "sk-sim/5f2b+9c71e04d=48a6", before: urlencoded, ..HEALTHY },
        ..leak("key-urlencoded", "A header repeats the key in URL coding", urlencoded)
    },
];

const fn faulty(id: &'static str, mode: &'static str, title: &'static str) -> Scenario {
    Scenario { id, title, mode: Some(mode), ..USUAL }
}

const fn pasted(id: &'static str, title: &'static str, key: &'static str) -> Scenario {
    Scenario { key: Some(key), ..faulty(id, "key-malformed", title) }
}

const fn rejected(id: &'static str, title: &'static str, admit: fn(&Received, &str) -> Option<Script>) -> Scenario {
    let gateway = Gateway { admit, ..HEALTHY };
    Scenario { key: Some("sk-simulated-revoked-0c44d1a7"), gateway, ..faulty(id, "key-rejected", title) }
}

const fn scheme(id: &'static str, title: &'static str, admit: fn(&Received, &str) -> Option<Script>) -> Scenario {
    Scenario { gateway: Gateway { admit, ..HEALTHY }, ..faulty(id, "wrong-auth-scheme", title) }
}

const fn leak(id: &'static str, title: &'static str, before: fn(&Received, &Moment) -> Option<Script>) -> Scenario {
    Scenario { gateway: Gateway { before, ..HEALTHY }, ..faulty(id, "key-leaked", title) }
}

fn open_list_only(request: &Received, _: &Moment) -> Option<Script> {
    request.is_list().then(|| ok_json(MODELS))
}

fn openrouter(request: &Received, key: &str) -> Option<Script> {
    match request.bearer() {
        Some(sent) if sent == key => None,
        Some(sent) if !sent.is_empty() => Some(json(401, r#"{"error":{"message":"User not found.","code":401}}"#)),
        _ => Some(json(401, r#"{"error":{"message":"No auth credentials found","code":401}}"#)),
    }
}

fn litellm(request: &Received, key: &str) -> Option<Script> {
    let sent = request.bearer().unwrap_or_default();
    if sent == key {
        return None;
    }
    let tail: String = sent.chars().skip(sent.chars().count().saturating_sub(4)).collect();
    let message = format!(
        "Authentication Error, Invalid proxy server token passed. Received API Key = sk-...{tail}, Key Hash (Token) \
         =4b227777d4dd1fc61c6f884f48641d02b4d121d3fd328cb08b5531fcacdabf8a. Unable to find token in cache or \
         `LiteLLM_VerificationTokenTable`"
    );
    let message = quoted(&message);
    Some(json(401, format!(r#"{{"error":{{"message":{message},"type":"token_not_found_in_db","param":"key","code":"401"}}}}"#)))
}

fn litellm_without_database(request: &Received, key: &str) -> Option<Script> {
    match request.bearer() {
        Some(sent) if sent == key => None,
        Some(_) => Some(json(400, r#"{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}"#)),
        None => Some(text(500, "Internal Server Error")),
    }
}

fn x_api_key_quietly(request: &Received, key: &str) -> Option<Script> {
    (request.header("x-api-key") != Some(key)).then(|| json(401, r#"{"error":{"message":"Missing API key","type":"auth_error"}}"#))
}

fn wrong_organization(request: &Received, _: &Moment) -> Option<Script> {
    let sent = request.header("openai-organization")?;
    (sent != "org-simulated").then(|| {
        let message = "OpenAI-Organization header should match organization for API key";
        openai_error(401, message, "invalid_request_error", r#""mismatched_organization""#)
    })
}

fn no_such_organization(request: &Received, _: &Moment) -> Option<Script> {
    let sent = request.header("openai-organization")?;
    Some(openai_error(400, &format!("no such organization : {sent}"), "invalid_request_error", "null"))
}

fn urlencoded(request: &Received, moment: &Moment) -> Option<Script> {
    let gateway = Gateway { key: "sk-sim/5f2b+9c71e04d=48a6", ..HEALTHY };
    let link = "x-original-url: https://upstream.example/v1?key=sk-sim%2F5f2b%2B9c71e04d%3D48a6\r\n";
    Some(with_header(gateway.answer(request, moment), link))
}

/// The script with one more header line in the head that it sends first.
fn with_header(mut script: Script, line: &str) -> Script {
    let head = script.iter_mut().find_map(|act| if let Act::Send(bytes) = act { Some(bytes) } else { None });
    if let Some(bytes) = head
        && let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n")
    {
        bytes.splice(end + 2..end + 2, line.bytes());
    }
    script
}
