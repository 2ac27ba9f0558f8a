//! Names what a pasted error points at, without a network: `cargo run --example triage_a_paste`.
#![allow(clippy::print_stdout, reason = "an example shows something")]

use llmdoctor::triage::{Triage, Unreadable};

const PASTED: &str = r#"
openai.AuthenticationError: Error code: 401 - {'error': {'message': 'litellm.AuthenticationError: AuthenticationError:
OpenAIException - Incorrect API key provided: sk-******0001.', 'type': 'authentication_error', 'code': '401'}}
"#;

fn main() -> Result<(), Unreadable> {
    let triage = Triage::of(PASTED.as_bytes())?;
    for named in triage.named() {
        println!("{} ({:?}): {}", named.mode.id, named.certainty, named.reasons.join("; "));
        println!("  settle it: {}", named.settle.command.join(" "));
    }
    Ok(())
}
