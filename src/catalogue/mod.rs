//! The failure modes: one file each, with all of its text and its rule; `CATALOGUE` is the table of them.

mod about;
mod address;
mod auth;
mod bodies;
mod bypass;
mod case;
mod client_evidence;
mod client_outcomes;
pub mod clients;
mod docs;
mod echoes;
mod limits;
mod naming;
mod reach;
mod split;
mod stream_habits;
mod streams;
mod timing;
mod verdict;

// Family: reach.
mod client_runs_elsewhere;
mod connection_refused;
mod connection_timeout;
mod cors_refused;
mod dns_failure;
mod insecure_transport;
mod ipv6_localhost;
mod localhost_in_container;
mod proxy_interference;
mod scheme_mismatch;
mod tls_failure;

// Family: address.
mod content_type_lost;
mod endpoint_missing;
mod models_list_public;
mod models_list_unusable;
mod not_an_api;
mod redirect_drops_post;
mod wrong_base_url;
mod wrong_dialect;

// Family: key.
mod auth_not_enforced;
mod ip_not_allowed;
mod key_malformed;
mod key_missing;
mod key_rejected;
mod oidc_token_rejected;
mod organization_mismatch;
mod token_expired;
mod upstream_auth_failed;
mod wrong_auth_scheme;
mod wrong_region_host;

// Family: model.
mod model_access_denied;
mod model_loading;
mod model_name_ignored;
mod model_name_mismatch;
mod model_retired;
mod model_substituted;
mod model_task_mismatch;
mod no_healthy_deployment;
mod no_route_for_model;

// Family: body.
mod field_combination_rejected;
mod field_ignored;
mod gateway_rewrites_request;
mod header_rejected;
mod hidden_default_conflict;
mod history_rejected;
mod too_many_tools;
mod unsupported_field;
mod vision_disabled;
mod vision_dropped;

// Family: edge.
mod body_too_large;
mod calls;
mod content_filtered;
mod context_truncated;
mod context_window_exceeded;
mod region_blocked;
mod remedies;
mod waf_blocked;

// Family: limits.
mod concurrency_limited;
mod credits_exhausted;
mod quota_exhausted;
mod rate_limit_hidden;
mod rate_limit_no_retry_after;
mod rate_limited;
mod upstream_overloaded;

// Family: stream.
mod stream_breaks_client;
mod stream_buffered;
mod stream_compressed;
mod stream_ignored;
mod stream_malformed;
mod stream_missing_done;
mod stream_no_finish_reason;
mod stream_not_closed;
mod stream_rejected;
mod stream_required;
mod stream_stalled;
mod stream_truncated;
mod stream_unasked;
mod stream_wrong_content_type;

// Family: answer.
mod empty_completion;
mod error_as_text;
mod error_in_success;
mod response_malformed;

// Family: time.
mod client_timeout_too_short;
mod size_dependent_hang;
mod timeout_boundary;

// Family: gateway.
mod gateway_hides_error;
mod gateway_latency;
mod gateway_misconfigured;
mod gateway_tool_middleware;
mod intermittent_failure;
mod key_leaked;
mod upstream_unavailable;

pub use about::{Neighbours, Setting, Words, explained_by, headers_of, neighbours, settings, statuses_of, words};
pub use bypass::{Bypass, compared};
pub use case::{Case, Shown, Trial, signature};
pub use docs::markdown;
pub use split::{Bisected, Smallest, bisected};
pub use verdict::{Blame, Certainty, Details, Finding, Severity, Verdict};

/// One failure mode: what people see, why it happens, what helps, and the rule that recognises it.
pub struct FailureMode {
    /// Kebab-case; equals the file's name.
    pub id: &'static str,
    /// A headline that names the bad thing, without a full stop.
    pub title: &'static str,
    /// The family: `reach`, `address`, `key`, `model`, `body`, `edge`, `limits`, `stream`, `answer`, `time`, `gateway`.
    pub family: &'static str,
    /// What people see in their client.
    pub symptom: &'static str,
    /// Why it happens, and how it is told from its neighbours.
    pub cause: &'static str,
    /// What helps, one action each, for whoever must act; shown after the actions that a finding names itself.
    pub fix: &'static [&'static str],
    /// Public threads and pages with real cases.
    pub references: &'static [&'static str],
    /// Modes that are consequences of this one: they stand below it when both are found.
    pub explains: &'static [&'static str],
    /// The rule. Pure: evidence in, verdict out.
    pub diagnose: fn(&Case) -> Verdict,
}

impl FailureMode {
    /// Who must act as a rule. A live check looks closer, and its finding may say otherwise.
    pub fn usual_blame(&self) -> Blame {
        match (self.id, self.family) {
            ("upstream-auth-failed" | "no-healthy-deployment" | "no-route-for-model" | "rate-limit-hidden" | "model-substituted", _) => {
                Blame::Gateway
            }
            ("upstream-overloaded" | "upstream-unavailable" | "model-loading", _) => Blame::Upstream,
            ("client-timeout-too-short" | "stream-breaks-client" | "localhost-in-container" | "client-runs-elsewhere", _) => Blame::Client,
            ("ipv6-localhost", _) => Blame::Client,
            (_, "reach") => Blame::Network,
            (_, "address" | "model" | "body" | "edge") => Blame::Client,
            (_, "key" | "limits") => Blame::Key,
            _ => Blame::Gateway,
        }
    }
}

/// Every failure mode, by family.
pub const CATALOGUE: &[&FailureMode] = &[
    // Family: reach.
    &connection_refused::MODE,
    &connection_timeout::MODE,
    &dns_failure::MODE,
    &insecure_transport::MODE,
    &ipv6_localhost::MODE,
    &proxy_interference::MODE,
    &scheme_mismatch::MODE,
    &tls_failure::MODE,
    &localhost_in_container::MODE,
    &client_runs_elsewhere::MODE,
    &cors_refused::MODE,
    // Family: address.
    &endpoint_missing::MODE,
    &models_list_public::MODE,
    &models_list_unusable::MODE,
    &not_an_api::MODE,
    &redirect_drops_post::MODE,
    &wrong_base_url::MODE,
    &wrong_dialect::MODE,
    &content_type_lost::MODE,
    // Family: key.
    &auth_not_enforced::MODE,
    &ip_not_allowed::MODE,
    &key_malformed::MODE,
    &key_missing::MODE,
    &key_rejected::MODE,
    &organization_mismatch::MODE,
    &token_expired::MODE,
    &upstream_auth_failed::MODE,
    &wrong_auth_scheme::MODE,
    &wrong_region_host::MODE,
    &oidc_token_rejected::MODE,
    // Family: model.
    &model_name_mismatch::MODE,
    &model_retired::MODE,
    &model_access_denied::MODE,
    &model_task_mismatch::MODE,
    &model_substituted::MODE,
    &model_name_ignored::MODE,
    &model_loading::MODE,
    &no_healthy_deployment::MODE,
    &no_route_for_model::MODE,
    // Family: body.
    &unsupported_field::MODE,
    &field_combination_rejected::MODE,
    &hidden_default_conflict::MODE,
    &history_rejected::MODE,
    &too_many_tools::MODE,
    &header_rejected::MODE,
    &vision_disabled::MODE,
    &vision_dropped::MODE,
    &field_ignored::MODE,
    &gateway_rewrites_request::MODE,
    // Family: edge.
    &waf_blocked::MODE,
    &region_blocked::MODE,
    &content_filtered::MODE,
    &context_window_exceeded::MODE,
    &context_truncated::MODE,
    &body_too_large::MODE,
    // Family: limits.
    &rate_limited::MODE,
    &rate_limit_no_retry_after::MODE,
    &rate_limit_hidden::MODE,
    &concurrency_limited::MODE,
    &quota_exhausted::MODE,
    &credits_exhausted::MODE,
    &upstream_overloaded::MODE,
    // Family: stream.
    &stream_buffered::MODE,
    &stream_compressed::MODE,
    &stream_ignored::MODE,
    &stream_malformed::MODE,
    &stream_missing_done::MODE,
    &stream_no_finish_reason::MODE,
    &stream_not_closed::MODE,
    &stream_rejected::MODE,
    &stream_required::MODE,
    &stream_stalled::MODE,
    &stream_truncated::MODE,
    &stream_unasked::MODE,
    &stream_wrong_content_type::MODE,
    &stream_breaks_client::MODE,
    // Family: answer.
    &empty_completion::MODE,
    &error_in_success::MODE,
    &response_malformed::MODE,
    // Family: time.
    &client_timeout_too_short::MODE,
    &timeout_boundary::MODE,
    &size_dependent_hang::MODE,
    // Family: gateway.
    &gateway_misconfigured::MODE,
    &intermittent_failure::MODE,
    &key_leaked::MODE,
    &upstream_unavailable::MODE,
    &gateway_hides_error::MODE,
    &gateway_latency::MODE,
    &gateway_tool_middleware::MODE,
];

/// The failure mode of this id.
pub fn mode(id: &str) -> Option<&'static FailureMode> {
    CATALOGUE.iter().copied().find(|mode| mode.id == id)
}
