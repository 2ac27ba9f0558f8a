//! Is anybody there? DNS, TCP to each address and TLS, each timed.

use super::{Asked, Ctx, Need, Probe, Work};
use crate::evidence::FaultKind;

/// The rung.
pub const PROBE: Probe = Probe {
    id: "address",
    title: "Address and connection",
    asks: "Does the name resolve, does each address accept a connection, does TLS stand and whom does its certificate name?",
    stage: 0,
    needs: Need::Nothing,
    cost: "no request",
    run: |cx| -> Work<'_> { Box::pin(run(cx)) },
};

async fn run(cx: &Ctx<'_>) {
    let first = open(cx).await;
    if fails_at_once(&first) {
        tokio::time::sleep(cx.pace.retry).await;
        open(cx).await;
    }
}

async fn open(cx: &Ctx<'_>) -> Asked {
    let url = &cx.target.base.url;
    let at_ms = cx.elapsed_ms();
    let (steps, outcome, _) = cx.client.connect(url).await;
    cx.record_connection("address", crate::target::blanked(url).to_string(), steps, outcome, at_ms)
}

/// Worth a second try before it is believed; silence is not, for it would only take as long again.
fn fails_at_once(asked: &Asked) -> bool {
    asked.exchange.fault_kind().is_some_and(|kind| *kind != FaultKind::ConnectTimeout)
}
