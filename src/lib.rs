//! `llmdoctor` asks an LLM endpoint a ladder of questions and names the failure mode that keeps chat from working, although the model
//! list loads.
//!
//! The way of the data: a [`target::Target`] is examined by a [`ladder::Climb`], which sends the questions of [`probes::LADDER`] through
//! [`http::Client`] and leaves [`evidence::Evidence`] behind. [`diagnosis::diagnose`] applies the [`catalogue`] to it, and
//! [`report::Report`] says it to people and programs. Diagnosing needs no network, so saved evidence can be judged again:
//!
//! ```
//! use llmdoctor::{diagnosis, evidence::Evidence, report::Report};
//!
//! fn judge(saved: &str) -> serde_json::Result<Report> {
//!     let evidence: Evidence = serde_json::from_str(saved)?;
//!     Ok(Report::new(&evidence, &diagnosis::diagnose(&evidence)))
//! }
//! ```
//!
//! [`triage`] does the same with what somebody pasted: an error, a log, a traceback.
//!
//! [`sim`] is a faulty gateway on loopback, for tests and demonstrations.

pub mod capture;
pub mod catalogue;
pub mod cli;
pub mod diagnosis;
pub mod dialect;
pub mod evidence;
pub mod facts;
pub mod http;
pub mod ladder;
pub mod minimize;
pub mod outline;
pub mod pace;
pub mod probes;
pub mod profiles;
pub mod report;
pub mod secret;
pub mod sim;
pub mod target;
pub mod triage;
