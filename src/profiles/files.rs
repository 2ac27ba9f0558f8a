//! The table of data files; a test compares it with its folder. The build packs them as one.

use std::sync::LazyLock;

use crate::facts::unpacked;

static TEXTS: LazyLock<String> = LazyLock::new(|| unpacked(include_bytes!(concat!(env!("OUT_DIR"), "/profiles.z"))));

/// Every client's name with its file, in alphabetical order.
pub static FILES: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| NAMES.iter().copied().zip(TEXTS.split_terminator('\0')).collect());

const NAMES: &[&str] = &[
    "ai-sdk-anthropic",
    "ai-sdk-openai",
    "ai-sdk-openai-compatible",
    "aider",
    "anthropic-node",
    "anthropic-python",
    "async-openai",
    "chatbox",
    "cherry-studio",
    "claude-code",
    "claude-desktop",
    "cline-cli",
    "codex-cli",
    "continue-cli",
    "continue-ide",
    "copilot-cli",
    "cursor",
    "dify",
    "dspy",
    "gemini-cli",
    "genai-rs",
    "google-genai-node",
    "haystack",
    "instructor",
    "jetbrains-ai",
    "langchain-anthropic",
    "langchain-js",
    "langchain-openai",
    "librechat",
    "litellm-sdk",
    "llama-index",
    "llm-simonw",
    "lobechat",
    "n8n",
    "nextchat",
    "open-webui",
    "openai-agents",
    "openai-node",
    "openai-python",
    "opencode",
    "pi-agent",
    "pydantic-ai",
    "qwen-code",
    "rig",
    "roo-code",
    "semantic-kernel",
    "shell-gpt",
    "smolagents",
    "zed",
];
