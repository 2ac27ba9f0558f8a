//! Model names: which are close to each other, which mean the same model, and which surely do not.

use std::collections::BTreeSet;

/// The names of `list` that are close to `wanted`, best first, at most `max`: another spelling of the same model before a likeness of letters.
/// `wanted` itself is never among them.
pub fn near_names(wanted: &str, list: &[&str], max: usize) -> Vec<String> {
    let mut scored: Vec<(f64, &str)> = Vec::new();
    for name in list.iter().copied().filter(|name| *name != wanted) {
        let score = likeness(wanted, name);
        if score >= CLOSE && !scored.iter().any(|(_, known)| *known == name) {
            scored.push((score, name));
        }
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(max).map(|(_, name)| name.to_owned()).collect()
}

/// True when two names mean the same model as far as names can tell: spelling, vendor prefix, path, date, `:free`, `-latest` aside.
pub fn same_model(a: &str, b: &str) -> bool {
    let (a, b) = (key(a), key(b));
    !a.is_empty() && a == b
}

/// True when two names surely mean different models: another family, or another size or version of it. An alias contradicts nothing.
pub fn different_models(a: &str, b: &str) -> bool {
    let (a, b) = (Traits::of(a), Traits::of(b));
    if a.families.is_empty() || b.families.is_empty() {
        return false;
    }
    a.families.is_disjoint(&b.families) || contradict(&a.sizes, &b.sizes) || contradict(&a.tiers, &b.tiers) || a.differs_as_plain_name(&b)
}

/// Likeness from which on names are called close.
const CLOSE: f64 = 0.86;

/// 3 for the same but for case and blanks, 2 for the same model, else Jaro-Winkler of what distinguishes them; less when they surely differ.
fn likeness(wanted: &str, name: &str) -> f64 {
    if wanted.trim().eq_ignore_ascii_case(name.trim()) {
        return 3.0;
    }
    if same_model(wanted, name) {
        return 2.0;
    }
    let (a, b) = (key(wanted), key(name));
    let letters = strsim::jaro_winkler(&a, &b);
    let part = a.len().min(b.len()) >= 4 && (a.contains(&b) || b.contains(&a));
    let score = if part { letters.max(0.9) } else { letters };
    if different_models(wanted, name) { score - 0.05 } else { score }
}

/// What distinguishes a name: its letters and digits without vendor, path, date and tags that change nothing.
fn key(name: &str) -> String {
    let kept: Vec<String> = tokens(name).into_iter().filter(|token| !is_noise(token)).collect();
    kept.concat()
}

/// Lower-case runs of letters and digits of the last path segment, dates left out.
fn tokens(name: &str) -> Vec<String> {
    let lower = name.trim().trim_matches(['"', '\'', '`']).to_lowercase();
    let base = lower.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let base = base.strip_suffix(".gguf").unwrap_or(base);
    let base = without_region(base);
    let raw: Vec<&str> = base.split(|c: char| !c.is_alphanumeric()).filter(|token| !token.is_empty()).collect();
    without_dates(&raw)
}

/// Bedrock's `us.anthropic.claude-…` and `anthropic.claude-…` without what stands in front, and without `-v1:0`.
fn without_region(base: &str) -> &str {
    let base = ["us.", "eu.", "apac.", "global."].iter().find_map(|region| base.strip_prefix(region)).unwrap_or(base);
    let base = VENDORS.iter().find_map(|vendor| base.strip_prefix(vendor)?.strip_prefix(['.', ':'])).unwrap_or(base);
    match base.rsplit_once("-v") {
        Some((front, version)) if version.contains(':') => front,
        _ => base,
    }
}

/// `20240620`, `2024-08-06` and, at the end, `0613` or `001`.
fn without_dates(raw: &[&str]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < raw.len() {
        let rest = &raw[at..];
        at += match rest {
            [year, month, day, ..] if is_year(year) && is_digits(month, 2) && is_digits(day, 2) => 3,
            [day, ..] if is_digits(day, 8) || is_digits(day, 6) => 1,
            [short] if !kept.is_empty() && (is_digits(short, 4) || is_digits(short, 3)) => 1,
            [short, "preview"] if is_digits(short, 4) => 1,
            [token, ..] => {
                kept.push((*token).to_owned());
                1
            }
            [] => 1,
        };
    }
    kept
}

fn is_digits(token: &str, length: usize) -> bool {
    token.len() == length && token.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_year(token: &str) -> bool {
    is_digits(token, 4) && token.starts_with("20")
}

/// Words that do not make another model.
fn is_noise(token: &str) -> bool {
    const WORDS: [&str; 10] = ["latest", "free", "beta", "nitro", "floor", "online", "extended", "exacto", "1m", "gguf"];
    WORDS.contains(&token)
}

const VENDORS: [&str; 22] = [
    "openai",
    "azure",
    "anthropic",
    "google",
    "meta",
    "mistral",
    "mistralai",
    "amazon",
    "cohere",
    "ai21",
    "deepseek",
    "qwen",
    "bedrock",
    "vertex",
    "ollama",
    "groq",
    "openrouter",
    "together",
    "togetherai",
    "fireworks",
    "writer",
    "zai",
];

const FAMILIES: [&str; 56] = [
    "chatgpt",
    "gpt",
    "claude",
    "gemini",
    "gemma",
    "codegemma",
    "palm",
    "llama",
    "codellama",
    "tinyllama",
    "mistral",
    "mixtral",
    "ministral",
    "codestral",
    "devstral",
    "magistral",
    "pixtral",
    "qwen",
    "qwq",
    "deepseek",
    "phi",
    "command",
    "grok",
    "glm",
    "chatglm",
    "kimi",
    "moonshot",
    "yi",
    "nova",
    "titan",
    "minimax",
    "ernie",
    "hunyuan",
    "doubao",
    "granite",
    "jamba",
    "dbrx",
    "falcon",
    "nemotron",
    "olmo",
    "smollm",
    "starcoder",
    "internlm",
    "baichuan",
    "vicuna",
    "wizardlm",
    "zephyr",
    "hermes",
    "sonar",
    "lfm",
    "davinci",
    "babbage",
    "whisper",
    "dalle",
    "bge",
    "bert",
];

/// Words that rank the members of a family against each other.
const TIERS: [&str; 18] = [
    "nano", "mini", "micro", "tiny", "small", "medium", "large", "lite", "flash", "pro", "ultra", "max", "haiku", "sonnet", "opus",
    "fable", "plus", "air",
];

/// Words of ordinary names that neither rank nor distinguish.
const ORDINARY: [&str; 12] =
    ["instruct", "chat", "it", "turbo", "preview", "hf", "thinking", "exp", "experimental", "instant", "base", "versatile"];

/// What a name says about the model behind it.
#[derive(Debug, Default)]
struct Traits {
    families: BTreeSet<String>,
    /// Parameters: `7b`, `8x7b`.
    sizes: BTreeSet<String>,
    tiers: BTreeSet<String>,
    version: String,
    /// A word that no maker's name has: somebody's own alias.
    alias: bool,
}

impl Traits {
    fn of(name: &str) -> Self {
        let mut traits = Traits::default();
        for token in tokens(name) {
            traits.add(&token);
        }
        traits
    }

    fn add(&mut self, token: &str) {
        if let Some((family, rest)) = family_of(token) {
            self.families.insert(family);
            self.version.push_str(&rest);
        } else if is_size(token) {
            self.sizes.insert(token.to_owned());
        } else if TIERS.contains(&token) {
            self.tiers.insert(token.to_owned());
        } else if is_version(token) {
            self.version.push_str(token.trim_start_matches('v'));
        } else if !(is_noise(token) || ORDINARY.contains(&token) || VENDORS.contains(&token) || is_build(token)) {
            self.alias = true;
        }
    }

    /// Both are makers' own names, and rank or version differ.
    fn differs_as_plain_name(&self, other: &Self) -> bool {
        let versions = [&self.version, &other.version];
        let versioned = versions.iter().all(|version| !version.is_empty());
        let compatible = versions[0].starts_with(versions[1].as_str()) || versions[1].starts_with(versions[0].as_str());
        !self.alias && !other.alias && versioned && (!compatible || self.tiers != other.tiers)
    }
}

/// Both say something, and nothing in common.
fn contradict(a: &BTreeSet<String>, b: &BTreeSet<String>) -> bool {
    !a.is_empty() && !b.is_empty() && a.is_disjoint(b)
}

/// `llama3` is `llama` and `3`; `o3` is one of the `o` series. Both spellings of ChatGPT are one family.
fn family_of(token: &str) -> Option<(String, String)> {
    if let Some(number) = token.strip_prefix('o').filter(|rest| is_digits(rest, 1)) {
        return Some(("o".to_owned(), number.to_owned()));
    }
    let family = FAMILIES.iter().find(|family| token.strip_prefix(**family).is_some_and(|rest| rest.is_empty() || is_version(rest)))?;
    let rest = token[family.len()..].trim_start_matches('v').to_owned();
    let family = family.strip_prefix("chat").unwrap_or(family);
    Some((family.to_owned(), rest))
}

/// `7b`, `70b`, `8x7b`, `1t`; not the active part of a mixture (`a3b`).
fn is_size(token: &str) -> bool {
    let Some(number) = token.strip_suffix(['b', 't']) else { return false };
    !number.is_empty() && number.starts_with(|c: char| c.is_ascii_digit()) && number.chars().all(|c| c.is_ascii_digit() || c == 'x')
}

/// `3`, `35`, `4o`, `v3`, `r1`, `k2`.
fn is_version(token: &str) -> bool {
    let digits = token.strip_prefix(['v', 'r', 'k', 'm']).unwrap_or(token);
    let digits = digits.strip_suffix('o').unwrap_or(digits);
    is_digits(digits, 1) || is_digits(digits, 2)
}

/// Quantisation, context length and packing: another build of the same model.
fn is_build(token: &str) -> bool {
    const WORDS: [&str; 10] = ["awq", "gptq", "int4", "int8", "fp8", "fp16", "bf16", "4bit", "8bit", "mlx"];
    let quantised = token.strip_prefix('q').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let context = token.strip_suffix('k').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()));
    let active = token.strip_prefix('a').is_some_and(is_size);
    WORDS.contains(&token) || quantised || context || active || token.len() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_model_are_the_same() {
        let pairs = [
            ("gpt-4o", "gpt-4o-2024-08-06"),
            ("gpt-4o", "openai/gpt-4o"),
            ("GPT-4o", "gpt-4o"),
            (" qwen3:4b", "qwen3:4b"),
            ("gpt-35-turbo", "gpt-3.5-turbo-0125"),
            ("claude-3.5-sonnet", "us.anthropic.claude-3-5-sonnet-20240620-v1:0"),
            ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"),
            ("deepseek/deepseek-r1:free", "deepseek-r1"),
            ("models/gemini-2.5-flash", "gemini-2.5-flash"),
            ("Qwen1.5-14B-Chat", "/data/models/Qwen1.5-14B-Chat/"),
            ("llama3", "llama3:latest"),
            ("mistral-large-latest", "mistral-large-2411"),
            ("claude-opus-4-8", "claude-opus-4-8[1m]"),
        ];
        for (a, b) in pairs {
            assert!(same_model(a, b), "{a} and {b}: {} and {}", key(a), key(b));
            assert!(!different_models(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn other_families_sizes_and_ranks_are_different() {
        let pairs = [
            ("gpt-4o", "gpt-4o-mini-2024-07-18"),
            ("gpt-4o", "gpt-5.4"),
            ("gpt-4o", "llama-3.1-8b"),
            ("llama-3.1-70b-instruct", "meta-llama/Llama-3.1-8B-Instruct"),
            ("claude-fable-5-1", "gpt-4o"),
            ("claude-3-opus", "claude-3-haiku-20240307"),
            ("gemini-1.5-pro", "gemini-1.5-flash"),
            ("deepseek-r1", "deepseek-v3"),
            ("mixtral-8x7b", "mistral-7b"),
        ];
        for (a, b) in pairs {
            assert!(different_models(a, b) && different_models(b, a), "{a} and {b}: {:?} {:?}", Traits::of(a), Traits::of(b));
            assert!(!same_model(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn an_alias_contradicts_nothing() {
        let pairs = [
            ("my-gpt4", "gpt-4o-2024-08-06"),
            ("gpt4", "gpt-4o-2024-08-06"),
            ("default", "llama-3.1-8b"),
            ("lab-chat", "small"),
            ("gpt-4-turbo-preview", "gpt-4-0125-preview"),
            ("gemini-flash-latest", "gemini-2.5-flash"),
            ("deepseek-chat", "deepseek-v3"),
            ("llama3", "llama-3.3-70b"),
            ("deepseek-r1-distill-qwen-32b", "DeepSeek-R1-Distill-Qwen-32B-AWQ"),
        ];
        for (a, b) in pairs {
            assert!(!different_models(a, b), "{a} and {b}: {:?} {:?}", Traits::of(a), Traits::of(b));
        }
    }

    #[test]
    fn close_names_come_best_first() {
        let list = ["text-embedding-3-small", "gpt-4o-mini", "GPT-4o", "openai/gpt-4o", "claude-3-haiku"];
        assert_eq!(near_names("gpt-4o", &list, 3), ["GPT-4o", "openai/gpt-4o", "gpt-4o-mini"]);
        assert_eq!(near_names("gtp-4o", &["gpt-4o", "o3"], 3), ["gpt-4o"]);
        assert_eq!(near_names("gpt-4o ", &["gpt-4o"], 3), ["gpt-4o"]);
        assert_eq!(near_names("aurora-alpha", &["openrouter/aurora-alpha", "z"], 3), ["openrouter/aurora-alpha"]);
        assert!(near_names("gpt-4o", &["gpt-4o"], 3).is_empty());
        assert!(near_names("llmdoctor-no-such-model-7f3a", &list, 3).is_empty());
    }
}
