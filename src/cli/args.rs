//! What was typed.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::evidence::Dialect;
use crate::report::{FailOn, Format};
use crate::secret::Secret;

/// Tells why an LLM gateway lists its models and still does not chat.
#[derive(Debug, Parser)]
#[command(name = "llmdoctor", version, max_term_width = 100, arg_required_else_help = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 nothing found at --fail-on, 1 found, 2 wrong usage, 3 inconclusive (could not run to its end, or nothing found and \
plain chat or streaming untested).";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Climb the ladder of questions against an endpoint and name what is wrong
    Check(Box<Check>),
    /// Find the smallest part of a client's request that is refused, and the largest that is answered
    Bisect(Box<Bisect>),
    /// Pass a client's requests on to an endpoint and show what each of them comes to
    Capture(Box<Capture>),
    /// Diagnose a saved run or a captured session again, without a network
    Replay(Replay),
    /// Name the failure mode of a pasted error, log, curl output or HAR file, without a network
    Triage(Triage),
    /// Explain a failure mode, a status, a header, an error, a gateway or a time; without words, list the modes
    Explain {
        /// A failure mode (stream-buffered), status (524), header (x-should-retry), error code or text (insufficient_quota, "Incorrect API
        /// key provided"), gateway, engine, proxy, provider or client (litellm), request member (stream_options), or time (60s)
        #[arg(value_name = "WORD")]
        words: Vec<String>,
    },
    /// List what there is
    List {
        /// What to list
        what: Listing,
    },
    /// Start a faulty gateway on loopback and serve until Ctrl-C
    Simulate {
        /// A scenario of `llmdoctor list scenarios`
        #[arg(default_value = "healthy")]
        scenario: String,
        /// Where to listen
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
    /// Check simulated gateways: a tour of a healthy and three broken ones, or one scenario
    Demo {
        /// A scenario of `llmdoctor list scenarios`
        scenario: Option<String>,
        /// How the report looks
        #[command(flatten)]
        look: LookArgs,
    },
    /// Print a completion script
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What `list` lists.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Listing {
    /// Failure modes
    Modes,
    /// Rungs of the ladder
    Probes,
    /// Clients whose requests are known, for --client
    Clients,
    /// Scenarios of the simulator
    Scenarios,
}

/// What `check` takes.
#[derive(Debug, Args)]
pub struct Check {
    /// Base URL as the client has it, such as https://gateway.example/v1 [default: where the request of --body went, else OPENAI_BASE_URL]
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    #[command(flatten)]
    pub key: KeyArgs,
    /// Model to chat with, exactly as the client sends it; without it, one is taken from the list
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Dialect to speak: route, body and answers [default: openai-chat, or the client's own]
    #[arg(long, value_name = "DIALECT", conflicts_with = "client")]
    pub dialect: Option<DialectName>,
    /// Header that carries the key [default: the one of the dialect or the client]
    #[arg(long, value_name = "SCHEME")]
    pub auth: Option<AuthScheme>,
    /// Header to send with every request; may be repeated
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// Request that the client sends, instead of a typical one: JSON, a curl command, a HAR file, a captured session, an SDK's debug log; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub body: Option<PathBuf>,
    /// Entry of the HAR file or the session, from 1 [default: the last that failed]
    #[arg(long, value_name = "N", requires = "body", value_parser = clap::value_parser!(u32).range(1..))]
    pub entry: Option<u32>,
    /// Ask as this client does (its routes, headers, bodies, waits), or `all` for a table of which known clients would work here
    #[arg(long, value_name = "NAME", conflicts_with = "body")]
    pub client: Option<String>,
    #[command(flatten)]
    pub upstream: UpstreamArgs,
    #[command(flatten)]
    pub effort: Effort,
    #[command(flatten)]
    pub network: Network,
    #[command(flatten)]
    pub output: Output,
    /// Save what was recorded, for `llmdoctor replay`
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub save_evidence: Option<PathBuf>,
    #[command(flatten)]
    pub look: LookArgs,
}

/// What `bisect` takes: everything that `check` does.
#[derive(Debug, Args)]
pub struct Bisect {
    #[command(flatten)]
    pub check: Check,
    /// Write the largest body that is answered, with other names and values where those help, to this file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub write_fixed: Option<PathBuf>,
}

/// Where the key comes from.
#[derive(Debug, Args)]
pub struct KeyArgs {
    /// Key for the endpoint
    #[arg(long, value_name = "KEY", env = "LLMDOCTOR_KEY", hide_env_values = true, conflicts_with_all = ["key_file", "key_stdin"])]
    pub key: Option<Secret>,
    /// File that holds the key
    #[arg(long, value_name = "FILE", conflicts_with = "key_stdin")]
    pub key_file: Option<PathBuf>,
    /// Read the key from standard input
    #[arg(long)]
    pub key_stdin: bool,
}

/// What stands behind the endpoint.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Upstream")]
pub struct UpstreamArgs {
    /// Base URL of what stands behind the gateway: asked directly as well, to tell whose fault a failure is
    #[arg(long, value_name = "URL")]
    pub upstream_url: Option<String>,
    /// Key for the upstream; it never goes to the gateway, nor the gateway's key to the upstream
    #[arg(long, value_name = "KEY", env = "LLMDOCTOR_UPSTREAM_KEY", hide_env_values = true, conflicts_with = "upstream_key_file")]
    pub upstream_key: Option<Secret>,
    /// File that holds the upstream's key
    #[arg(long, value_name = "FILE", requires = "upstream_url")]
    pub upstream_key_file: Option<PathBuf>,
    /// Model as the upstream names it [default: the same name]
    #[arg(long, value_name = "NAME", requires = "upstream_url")]
    pub upstream_model: Option<String>,
    /// Header that carries the upstream's key [default: the one of the dialect]
    #[arg(long, value_name = "SCHEME", requires = "upstream_url")]
    pub upstream_auth: Option<AuthScheme>,
}

/// The dialect to speak.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum DialectName {
    /// POST /chat/completions
    OpenaiChat,
    /// POST /completions, the legacy one
    OpenaiCompletions,
    /// POST /responses
    OpenaiResponses,
    /// POST /messages
    AnthropicMessages,
    /// POST /models/MODEL:generateContent, Gemini's own
    #[value(alias = "gemini")]
    GoogleGenerate,
}

/// The header that carries the key.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum AuthScheme {
    /// Authorization: Bearer KEY
    Bearer,
    /// x-api-key: KEY
    XApiKey,
    /// api-key: KEY
    ApiKey,
    /// x-goog-api-key: KEY
    XGoogApiKey,
}

/// How much to ask and how long to wait.
#[derive(Debug, Args)]
#[command(next_help_heading = "Effort")]
pub struct Effort {
    /// About ten requests when nothing is wrong, and no timeout sweep
    #[arg(long, conflicts_with = "thorough")]
    pub quick: bool,
    /// Sweep for limits up to five minutes
    #[arg(long)]
    pub thorough: bool,
    /// Climb only this rung (may be repeated); see `llmdoctor list probes`
    #[arg(long, value_name = "RUNG")]
    pub only: Vec<String>,
    /// Leave this rung out (may be repeated)
    #[arg(long, value_name = "RUNG")]
    pub skip: Vec<String>,
    /// Longest answer that the timeout sweep asks for
    #[arg(long, value_name = "SECS", value_parser = clap::value_parser!(u32).range(1..=3600), conflicts_with = "quick")]
    pub sweep_max: Option<u32>,
    /// How long the client in question waits for an answer
    #[arg(long, value_name = "SECS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub client_timeout: Option<u32>,
    /// Send this many small chats at once at the end
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=200))]
    pub burst: u16,
    /// Requests side by side
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub concurrency: Option<u16>,
    /// Requests in all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub max_requests: Option<u16>,
    /// Completion tokens that the timeout sweep may cost
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_tokens: Option<u32>,
    /// Length of the long prompt of a full check, from 2000; 0 sends none [default: 5000, with --quick 0]
    #[arg(long, value_name = "TOKENS", value_parser = long_prompt)]
    pub long_prompt: Option<u32>,
}

/// 0, or enough to overrun the windows at which servers cut by default.
fn long_prompt(typed: &str) -> Result<u32, String> {
    match typed.parse() {
        Ok(tokens @ (0 | 2_000..=500_000)) => Ok(tokens),
        _ => Err("expected 0, or a number of tokens from 2000 to 500000".to_owned()),
    }
}

/// How to get there.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub struct Network {
    /// Trust the certificates of this PEM file as well (may be repeated)
    #[arg(long, value_name = "FILE")]
    pub cacert: Vec<PathBuf>,
    /// Client certificate, PEM
    #[arg(long, value_name = "FILE", requires = "cert_key")]
    pub cert: Option<PathBuf>,
    /// Private key of the client certificate, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub cert_key: Option<PathBuf>,
    /// Accept any certificate
    #[arg(long)]
    pub insecure: bool,
    /// Send everything through this proxy
    #[arg(long, value_name = "URL", conflicts_with = "no_proxy")]
    pub proxy: Option<String>,
    /// Ignore the proxy variables of the environment
    #[arg(long)]
    pub no_proxy: bool,
    /// Use this address for a host (may be repeated)
    #[arg(long, value_name = "HOST:PORT:ADDR")]
    pub resolve: Vec<String>,
}

/// Where results go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// Form of a report (may be repeated, paired with --output)
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Vec<FormatName>,
    /// File for a report (may be repeated, paired with --format); standard output otherwise
    #[arg(long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// Exit with 1 from this severity on
    #[arg(long, value_name = "SEVERITY", value_enum, default_value = "error")]
    pub fail_on: FailOnName,
}

/// A form of report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatName {
    /// For people at a terminal
    Terminal,
    /// For programs; see schema/report.schema.json
    Json,
    /// For bug threads
    Markdown,
}

/// From which severity on the exit code is 1.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum FailOnName {
    /// An error
    Error,
    /// A warning or an error
    Warning,
    /// Never
    Never,
}

/// How a report looks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Look")]
pub struct LookArgs {
    /// Colours
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto")]
    pub color: ColorChoice,
    /// More detail: what was ruled out and by which measurement
    #[arg(short, long)]
    pub verbose: bool,
    /// No progress
    #[arg(long)]
    pub no_progress: bool,
    /// Nothing but the exit code and what goes to files
    #[arg(short, long)]
    pub quiet: bool,
    /// Blank the host in reports
    #[arg(long)]
    pub redact_host: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What `capture` takes.
#[derive(Debug, Args)]
pub struct Capture {
    /// Base URL that the client has now, such as https://gateway.example/v1
    #[arg(long, value_name = "URL")]
    pub upstream: String,
    /// Where to listen for the client
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8787")]
    pub listen: SocketAddr,
    /// Listen beyond this machine: keys then cross the network without encryption
    #[arg(long)]
    pub expose: bool,
    /// Save what passes by in a new file, for `llmdoctor replay`; keys are blanked, prompts and answers are not
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub save: Option<PathBuf>,
    /// Form of the lines on standard output
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "terminal", help_heading = "Output")]
    pub format: LineFormat,
    #[command(flatten)]
    pub network: Network,
    /// Colours
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto", help_heading = "Look")]
    pub color: ColorChoice,
    /// No lines; what is saved is saved
    #[arg(short, long, help_heading = "Look")]
    pub quiet: bool,
}

/// A form of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LineFormat {
    /// For people at a terminal
    Terminal,
    /// For programs: one JSON object an exchange
    Json,
}

/// What `replay` takes.
#[derive(Debug, Args)]
pub struct Replay {
    /// A file that `check --save-evidence` or `capture --save` wrote; `-` for standard input
    #[arg(value_name = "EVIDENCE")]
    pub evidence: PathBuf,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub look: LookArgs,
}

/// What `triage` takes.
#[derive(Debug, Args)]
pub struct Triage {
    /// What you have: an error body, `curl -v` output, a HAR file, a traceback, a log, a whole bug report; `-` for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub paste: PathBuf,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub look: LookArgs,
}

impl From<DialectName> for Dialect {
    fn from(name: DialectName) -> Self {
        match name {
            DialectName::OpenaiChat => Dialect::OpenaiChat,
            DialectName::OpenaiCompletions => Dialect::OpenaiCompletions,
            DialectName::OpenaiResponses => Dialect::OpenaiResponses,
            DialectName::AnthropicMessages => Dialect::AnthropicMessages,
            DialectName::GoogleGenerate => Dialect::GoogleGenerate,
        }
    }
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Terminal => Format::Terminal,
            FormatName::Json => Format::Json,
            FormatName::Markdown => Format::Markdown,
        }
    }
}

impl From<FailOnName> for FailOn {
    fn from(name: FailOnName) -> Self {
        match name {
            FailOnName::Error => FailOn::Error,
            FailOnName::Warning => FailOn::Warning,
            FailOnName::Never => FailOn::Never,
        }
    }
}
