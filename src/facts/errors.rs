//! What a refusal means: the text of an error, read in a closed vocabulary of causes.

use super::signatures::{Example, Needs, Row, Signature, Text, Words};
use super::wrappers::{self, Wrapping};
use super::{Headers, Pattern, Strength, head};
use serde::Deserialize;

/// What an error body says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub enum Cause {
    /// No credential reached whoever speaks.
    KeyMissing,
    /// The credential is unknown, revoked or another vendor's.
    KeyRejected,
    /// The credential has the wrong shape.
    KeyMalformed,
    /// A credential of another kind is wanted.
    AuthScheme,
    /// The credential has run out.
    TokenExpired,
    /// Issuer, audience or signature of a JWT does not fit.
    OidcRejected,
    /// Organisation, project or workspace does not fit the key.
    Organization,
    /// The caller's address is not allowed.
    IpDenied,
    /// The name is not known.
    ModelUnknown,
    /// The name was valid once.
    ModelRetired,
    /// The key may not use it.
    ModelDenied,
    /// Unknown or not allowed: the text says both.
    ModelOrAccess,
    /// The model is for another task than the route.
    ModelTask,
    /// The model is being loaded.
    ModelLoading,
    /// All backends of the name are down, cooling or filtered out.
    NoDeployment,
    /// The gateway has no channel for the name.
    NoRoute,
    /// No model name was read from the body.
    ModelMissing,
    /// The body was not read as JSON.
    BodyUnread,
    /// The path does not exist here.
    RouteMissing,
    /// The path exists, for another method.
    MethodNotAllowed,
    /// The route speaks another API dialect.
    WrongDialect,
    /// A required field is missing.
    FieldMissing,
    /// A field is not known.
    UnknownField,
    /// A field is known and not supported by this model or server.
    UnsupportedField,
    /// A field's value or shape is refused.
    UnsupportedValue,
    /// `max_completion_tokens` is wanted instead of `max_tokens`.
    MaxTokensRenamed,
    /// A role is refused.
    RoleUnsupported,
    /// Fields that exclude or need each other.
    FieldCombination,
    /// The request is refused and nothing says why.
    InvalidRequest,
    /// `stream: true` is refused.
    StreamRejected,
    /// `stream: true` is refused until the organisation is verified.
    StreamVerification,
    /// Only `stream: true` works.
    StreamRequired,
    /// Too many tokens.
    ContextExceeded,
    /// Too many bytes.
    BodyTooLarge,
    /// Too many tools.
    TooManyTools,
    /// Images are refused.
    Vision,
    /// An earlier turn is refused.
    HistoryRejected,
    /// A request header is refused.
    HeaderRejected,
    /// A filter or guardrail refused.
    ContentFiltered,
    /// Bot protection answered.
    Waf,
    /// The country or region is not served.
    Region,
    /// Too many requests or tokens in a short window.
    RateLimited,
    /// Too many requests side by side.
    ConcurrencyLimited,
    /// The budget of a day, a plan, a key or a team is used up.
    QuotaExhausted,
    /// There is no money left.
    CreditsExhausted,
    /// The provider has no capacity.
    Overloaded,
    /// The upstream cannot be reached or broke off.
    UpstreamUnavailable,
    /// The gateway's own credential was refused upstream, or is missing.
    UpstreamAuth,
    /// The upstream took too long.
    UpstreamTimeout,
    /// The gateway is configured wrong.
    GatewayConfig,
    /// Plain HTTP was sent to a TLS port.
    PlainHttpToTls,
    /// Something broke, and the text says no more.
    InternalError,
}

/// An error as a dialect found it.
#[derive(Debug, Clone, Copy)]
pub struct ErrorText<'a> {
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// `error.code`, as text.
    pub code: Option<&'a str>,
    /// `error.type`.
    pub kind: Option<&'a str>,
    /// `error.param`.
    pub param: Option<&'a str>,
    /// The innermost message; empty when none was found.
    pub message: &'a str,
    /// Headers of the answer.
    pub headers: &'a Headers,
    /// The whole body.
    pub raw: &'a str,
}

/// One meaning of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What it says.
    pub cause: Cause,
    /// How surely.
    pub strength: Strength,
    /// Who says it.
    pub speaker: Speaker,
    /// What the text names: a JSON pointer where the cause is about a field, else a model or other name as written.
    pub named: Option<String>,
    /// The row of `errors.toml` that fits.
    pub row: &'static str,
    /// Where that row was documented or seen.
    pub source: &'static str,
}

/// Who an error comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speaker {
    /// This gateway itself.
    Gateway(&'static str),
    /// A provider behind the gateway, as the gateway calls it.
    Upstream(String),
    /// The text doesn't tell.
    Unknown,
}

/// What an error says, best reading first, each cause once; empty when the text decides nothing.
///
/// The status alone never decides: codes, types and phrases do, and the status narrows. Of message and body, the first
/// [`super::TEXT_LIMIT`] bytes together are examined. What stands only in the body around the message (which can echo the
/// request) counts one step less.
pub fn read_error(error: &ErrorText) -> Vec<Reading> {
    let text = Text::of(error);
    let wrapper = wrappers::on(&text);
    let mut readings: Vec<_> = text.fitting(&ERRORS).map(|(row, strength)| reading(row, strength, &text, wrapper.as_ref())).collect();
    readings.sort_by_key(|reading| reading.strength);
    let mut seen = std::collections::BTreeSet::new();
    readings.retain(|reading| seen.insert(reading.cause));
    readings
}

/// What one kind of error text says.
#[derive(Debug)]
pub(super) struct Saying {
    pub cause: Cause,
    /// The gateway that writes this text.
    pub speaker: Option<&'static str>,
}

// `ERRORS`, from `errors.toml`.
include!(concat!(env!("OUT_DIR"), "/errors.rs"));

fn reading(row: &'static Row<Saying>, strength: Strength, text: &Text, wrapper: Option<&Wrapping>) -> Reading {
    let cause = match wrapper {
        Some(wrapper) if wrapper.own_key && row.says.cause.is_about_the_key() => Cause::UpstreamAuth,
        _ => row.says.cause,
    };
    let named = named(row, text).map(|name| if cause.is_about_a_field() { json_pointer(&name) } else { name });
    let speaker = match (wrapper, row.says.speaker) {
        (Some(wrapper), _) => Speaker::Upstream(wrapper.provider.clone()),
        (None, Some(name)) => Speaker::Gateway(name),
        (None, None) => Speaker::Unknown,
    };
    Reading { cause, strength, speaker, named, row: row.id, source: row.source }
}

/// What the error names, by the row's pattern or else by `param`.
fn named(row: &Row<Saying>, text: &Text) -> Option<String> {
    let param = || {
        let param = text.error().param.filter(|param| !param.is_empty() && !matches!(*param, "None" | "null"));
        param.filter(|_| row.says.cause.is_about_a_field()).map(str::to_owned)
    };
    text.named(&row.signature).or_else(param).map(|name| head(&name, 300).to_owned())
}

impl Cause {
    /// Whether it is about a credential: behind a gateway that has its own, that one is meant.
    pub fn is_about_the_key(self) -> bool {
        use Cause::*;
        matches!(self, KeyMissing | KeyRejected | KeyMalformed | AuthScheme | TokenExpired | OidcRejected)
    }

    /// Whether the thing it names is a field of the request body.
    pub fn is_about_a_field(self) -> bool {
        use Cause::*;
        matches!(
            self,
            FieldMissing
                | UnknownField
                | UnsupportedField
                | UnsupportedValue
                | MaxTokensRenamed
                | RoleUnsupported
                | FieldCombination
                | HistoryRejected
                | TooManyTools
        )
    }
}

/// A field as errors write it, as a JSON pointer: `messages[0].content`, `body.tools.0`, `"body","n"` and `/n` all work.
///
/// A leading `body` or `request` is dropped, and so are the names of union variants that validators put after an index
/// (`messages.0.user.name`, `messages.1.content.0.tool_use.text`).
pub fn json_pointer(named: &str) -> String {
    let is_end = |c: char| matches!(c, '.' | '[' | ']' | ',' | '/' | '"' | '\'' | '`' | ' ' | '(' | ')');
    let steps: Vec<_> = named.split(is_end).filter(|step| !step.is_empty()).collect();
    let is_root = |at: usize| at == 0 && matches!(steps[0], "body" | "request");
    let kept = (0..steps.len()).filter(|at| !is_root(*at) && !is_variant(&steps, *at));
    kept.fold(String::new(), |pointer, at| pointer + "/" + &steps[at].replace('~', "~0"))
}

/// Whether a step names the variant that a validator tried and not a field: it follows an index and leads on.
fn is_variant(steps: &[&str], at: usize) -> bool {
    let follows_an_index = at >= 2 && steps[at - 1].bytes().all(|byte| byte.is_ascii_digit());
    follows_an_index
        && at + 1 < steps.len()
        && match steps[at - 2] {
            "messages" => {
                matches!(steps[at], "system" | "developer" | "user" | "assistant" | "tool" | "function")
                    || steps[at].starts_with(char::is_uppercase)
            }
            "content" => matches!(steps[at], "text" | "image" | "tool_use" | "tool_result" | "thinking" | "redacted_thinking"),
            _ => steps[at].starts_with(char::is_uppercase),
        }
}

#[cfg(test)]
mod tests {
    use super::super::plain_quotes;
    use super::*;
    use std::sync::LazyLock;

    fn error<'a>(status: u16, code: &'a str, kind: &'a str, message: &'a str) -> ErrorText<'a> {
        let given = |text: &'a str| (!text.is_empty()).then_some(text);
        ErrorText { status: Some(status), code: given(code), kind: given(kind), param: None, message, headers: &[], raw: message }
    }

    fn first(error: &ErrorText) -> Option<Reading> {
        read_error(error).into_iter().next()
    }

    #[test]
    fn pointers_from_every_spelling() {
        for (named, pointer) in [
            ("messages[0].content", "/messages/0/content"),
            ("body.tools.0", "/tools/0"),
            ("\"body\", \"n\"", "/n"),
            ("/n", "/n"),
            ("tool_choice", "/tool_choice"),
            ("'body', 'response_format', 'type'", "/response_format/type"),
            ("request.a~b", "/a~0b"),
            ("", ""),
        ] {
            assert_eq!(json_pointer(named), pointer, "{named}");
        }
    }

    #[test]
    fn what_is_named() {
        for (text, named) in [
            ("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "/max_tokens"),
            ("Unrecognized request argument supplied: system_prompt", "/system_prompt"),
            (
                "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
                "/temperature",
            ),
            ("Argument not supported on this model: presencePenalty", "/presencePenalty"),
            ("store: Extra inputs are not permitted", "/store"),
            ("The model `gpt-9` does not exist or you do not have access to it.", "gpt-9"),
            ("当前分组 default 下对于模型 gpt-4o-mini 无可用渠道 (request id: 1)", "gpt-4o-mini"),
        ] {
            assert_eq!(first(&error(400, "", "", text)).and_then(|reading| reading.named).as_deref(), Some(named), "{text}");
        }
    }

    #[test]
    fn param_names_the_field_when_the_text_does_not() {
        let error = ErrorText { param: Some("tools"), ..error(400, "invalid_value", "", "no") };
        assert_eq!(first(&error).and_then(|reading| reading.named).as_deref(), Some("/tools"));
    }

    #[test]
    fn gateways_speak_for_themselves() {
        let reading =
            first(&error(429, "429", "None", "No deployments available for selected model, Try again in 5 seconds. Passed model=gpt-4o. "))
                .unwrap();
        assert_eq!((reading.cause, reading.speaker), (Cause::NoDeployment, Speaker::Gateway("LiteLLM proxy")));
        assert!(reading.source.starts_with("https://") && !reading.row.is_empty());
    }

    #[test]
    fn a_status_alone_decides_nothing() {
        for status in [400, 401, 402, 403, 404, 413, 429, 500, 502, 503, 504, 529] {
            assert_eq!(read_error(&error(status, "", "", "")), [], "{status}");
            assert_eq!(read_error(&error(status, "", "", "nope")), [], "{status}");
        }
    }

    #[test]
    fn causes_about_keys_and_fields() {
        assert!(Cause::KeyRejected.is_about_the_key() && !Cause::Region.is_about_the_key());
        assert!(Cause::UnknownField.is_about_a_field() && !Cause::ModelUnknown.is_about_a_field());
    }

    #[test]
    fn each_cause_is_given_once_and_the_best_first() {
        let readings = read_error(&error(
            429,
            "insufficient_quota",
            "insufficient_quota",
            "You exceeded your current quota, please check your plan and billing details.",
        ));
        assert_eq!(readings[0].cause, Cause::CreditsExhausted);
        assert!(readings.is_sorted_by_key(|reading| reading.strength));
    }

    #[test]
    fn only_the_beginning_of_a_megabyte_is_looked_at() {
        let words = "The model `gpt-9` does not exist or you do not have access to it.";
        let behind = format!("{}{words}", " ".repeat(1 << 20));
        assert!(!read_error(&error(404, "", "", words)).is_empty());
        assert!(read_error(&error(404, "", "", &behind)).is_empty());
        for piece in ["model ", "messages.1.", "loc\": [\"body\", ", "\\\\\"", "对于模型 ", "\u{2019}", "litellm.Exception - "] {
            let long = piece.repeat((1 << 20) / piece.len());
            let _ = read_error(&error(500, "", "", &long));
        }
    }

    /// The example of a row, as the error that it came from.
    fn example(row: &'static Row<Saying>) -> ErrorText<'static> {
        static HEADERS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
            let pairs = [("cf-mitigated", "challenge"), ("anthropic-ratelimit-unified-status", "rejected")];
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
        });
        let headers = HEADERS
            .iter()
            .position(|(name, _)| row.signature.header.as_ref().is_some_and(|(own, _)| own == name))
            .map_or(&[][..], |at| &HEADERS[at..=at]);
        let (code, param) = (row.signature.codes.iter().next(), row.signature.params.iter().next());
        ErrorText {
            status: row.signature.status.first().copied(),
            code,
            kind: None,
            param,
            message: row.example.text(),
            headers,
            raw: row.example.text(),
        }
    }

    #[test]
    fn every_row_is_usable() {
        let mut ids: Vec<_> = ERRORS.iter().map(|row| row.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ERRORS.len(), "ids are unique");
        for row in ERRORS.iter() {
            assert!(row.source.starts_with("https://"), "{} has no source", row.id);
            assert!(
                !(row.signature.any.is_empty()
                    && row.signature.all.is_empty()
                    && row.signature.codes.is_empty()
                    && row.signature.header.is_none()),
                "{}: the status alone never decides",
                row.id
            );
            for phrase in [row.signature.any, row.signature.all, row.signature.not].into_iter().flat_map(Words::iter) {
                assert!(!phrase.contains('\\') && *phrase == *plain_quotes(&phrase.to_lowercase()), "{}: {phrase}", row.id);
            }
        }
    }

    #[test]
    fn every_example_is_read_as_its_row_says() {
        let wrong: Vec<_> = ERRORS
            .iter()
            .map(|row| (row, read_error(&example(row))))
            .filter(|(row, readings)| {
                readings.first().is_none_or(|first| first.cause != row.says.cause)
                    || readings.iter().any(|other| {
                        row.strength == Strength::Strong && other.strength == Strength::Strong && other.cause != row.says.cause
                    })
            })
            .map(|(row, readings)| {
                format!(
                    "{}: {:?} but {:?}",
                    row.id,
                    row.says.cause,
                    readings.iter().map(|r| (r.cause, r.strength, r.row)).collect::<Vec<_>>()
                )
            })
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn what_stands_only_around_the_message_counts_less() {
        let read = |message, raw| {
            let error = ErrorText { status: Some(422), code: None, kind: None, param: None, message, headers: &[], raw };
            read_error(&error).first().map(|reading| (reading.cause, reading.strength))
        };
        assert_eq!(read("Incorrect API key provided", ""), Some((Cause::KeyRejected, Strength::Strong)));
        assert_eq!(read("", "Incorrect API key provided"), Some((Cause::KeyRejected, Strength::Strong)));
        assert_eq!(read("bad", "{input: Incorrect API key provided}"), Some((Cause::KeyRejected, Strength::Medium)));
    }

    #[test]
    fn an_own_credential_makes_a_refused_key_the_gateways() {
        let error = ErrorText {
            status: Some(401),
            code: Some("401"),
            kind: Some("invalid_request_error"),
            param: None,
            message: "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key provided: sk-x.",
            headers: &[],
            raw: "",
        };
        let first = read_error(&error).remove(0);
        assert_eq!(
            (first.cause, first.strength, first.speaker),
            (Cause::UpstreamAuth, Strength::Strong, Speaker::Upstream("OpenAI".into()))
        );
    }
}
