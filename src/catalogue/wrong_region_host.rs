//! The key is valid on a sister host of the same vendor.

use super::{Blame, Case, Certainty, FailureMode, Finding, Severity, Shown, Verdict, address, reach};
use crate::evidence::{Ask, Credential};
use crate::facts::Cause;

/// Valid key, sister host of the same vendor.
pub const MODE: FailureMode = FailureMode {
    id: "wrong-region-host",
    title: "The key may belong to another host of this vendor",
    family: "key",
    symptom: "401 \"Invalid Authentication\", \"Invalid API-key provided\" or \"invalid access token or token expired\" with a key that was just created.",
    cause: "Some vendors run separate platforms (China and abroad, EU and US, pay-as-you-go and a coding plan, AI Studio and Vertex) whose keys \
            are valid on one host only, and refuse those of the other as unknown. The words are those of a mistyped key; only the same key on the \
            sister host tells, and a key is not sent to a host that nobody named.",
    fix: &[
        "Look in the console that issued the key for the base URL that it shows, and use exactly that host.",
        "Azure: take endpoint and key of the same resource.",
        "Plan keys (coding plans, token plans) have a base URL of their own; ordinary keys have the general one.",
    ],
    references: &[
        "https://github.com/can1357/oh-my-pi/issues/5981",
        "https://github.com/QwenLM/qwen-code/issues/3858",
        "https://github.com/QwenLM/Qwen-Agent/issues/448",
        "https://github.com/Helicone/helicone/issues/2760",
        "https://github.com/microsoft/PubSec-Info-Assistant/issues/439",
    ],
    explains: &[],
    diagnose,
};

/// Hosts of one vendor that do not know each other's keys, from the vendors' documentation.
const SISTERS: &[&[&str]] = &[
    &["api.moonshot.ai", "api.moonshot.cn", "api.kimi.com"],
    &[
        "dashscope.aliyuncs.com",
        "dashscope-intl.aliyuncs.com",
        "dashscope-us.aliyuncs.com",
        "coding.dashscope.aliyuncs.com",
        "coding-intl.dashscope.aliyuncs.com",
        "token-plan.cn-beijing.maas.aliyuncs.com",
    ],
    &["api.z.ai", "open.bigmodel.cn"],
    &["api.minimax.io", "api.minimaxi.com", "api.minimax.chat"],
    &["api.siliconflow.com", "api.siliconflow.cn"],
    &["api.stepfun.com", "api.stepfun.ai"],
    &["ark.cn-beijing.volces.com", "ark.ap-southeast.bytepluses.com"],
    &["qianfan.baidubce.com", "qianfan.bj.baidubce.com"],
    &["oai.helicone.ai", "oai.eu.helicone.ai"],
    &["api.openai.com", "eu.api.openai.com", "us.api.openai.com"],
    &["generativelanguage.googleapis.com", "aiplatform.googleapis.com"],
];

fn diagnose(case: &Case) -> Verdict {
    if !case.subject().key.present {
        return Verdict::absent("no key was given");
    }
    if address::served(case) {
        return Verdict::absent("the endpoint was served with this key");
    }
    let host = reach::host(case);
    let Some(sisters) = SISTERS.iter().find(|hosts| hosts.contains(&host.as_str())) else {
        return Verdict::untested("no sister host of this one is known here");
    };
    let mut asked = [Ask::Chat, Ask::Models].into_iter().flat_map(|ask| case.asked(ask));
    match asked.find(|shown| is_refused(shown)) {
        Some(shown) => present(shown, &host, sisters),
        None => Verdict::absent("no refusal speaks about the key"),
    }
}

fn is_refused(shown: &Shown) -> bool {
    matches!(shown.request.credential, Credential::Given(_)) && shown.caused_by(&[Cause::KeyRejected])
}

fn present(shown: &Shown, host: &str, sisters: &[&str]) -> Verdict {
    let others: Vec<_> = sisters.iter().filter(|other| **other != host).copied().collect();
    let because = format!("{host} answered {}. Keys of its sister hosts are refused there in the same words.", shown.account());
    Finding::new(Severity::Info, Certainty::Possible, Blame::Client, because)
        .so("If the key was issued for a sister host, it works there and nowhere else.")
        .fix(format!("If the key was issued there, use {} as the host.", others.join(" or ")))
        .cite([shown.exchange])
        .detail("suggestions", others)
        .present()
}
