//! `llmdoctor` asks an LLM endpoint a ladder of questions and names the failure mode that keeps chat from working, although the model
//! list loads.

pub mod catalogue;
pub mod diagnosis;
pub mod dialect;
pub mod evidence;
pub mod facts;
pub mod http;
pub mod ladder;
pub mod minimize;
pub mod pace;
pub mod probes;
pub mod report;
pub mod secret;
pub mod sim;
pub mod target;
