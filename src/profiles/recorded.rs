//! One recorded request: its kind, its route, its body, and how large the real one was.

use serde::Deserialize;
use serde_json::Value;

use crate::evidence::Dialect;

use super::ledger::Kind;
use super::sizes::Size;

/// A request as a client sends it, with the prompts shortened and the lists of tools cut to those that keep every field and type.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// What it is in the recording: `chat_stream`, `tools_followup`, `structured`, `vision`, `verify`, …
    pub kind: String,
    /// When it is sent.
    #[serde(rename = "use")]
    pub usage: Use,
    /// The route under the client's base, with its query; `{model}` stands for the model's name.
    pub route: String,
    /// Bytes of the real body, when it was shortened.
    #[serde(default)]
    pub bytes: Option<usize>,
    /// Tools in the real body, when the list was cut.
    #[serde(default)]
    pub tools: Option<usize>,
    body: Value,
}

/// When a client sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// For every prompt, in the default settings; for agents also the turn after a tool call.
    Prompt,
    /// When a feature is used: tools, structured output, pictures, another route.
    Feature,
    /// Beside the answer: titles, suggestions.
    Aside,
    /// When the user presses the button that tests the connection.
    Test,
}

/// What a request does for the client's user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// Answers to a prompt, in the default settings.
    Prompts,
    /// Tool calls.
    Tools,
    /// Answers in a form that is given, such as a JSON schema.
    Structured,
    /// Questions about pictures.
    Images,
    /// What is asked beside the answer: titles, tags, follow-ups.
    Titles,
}

impl Capability {
    /// Every capability, in the order of the table.
    pub const ALL: [Capability; 5] =
        [Capability::Prompts, Capability::Tools, Capability::Structured, Capability::Images, Capability::Titles];

    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Capability::Prompts => "prompts",
            Capability::Tools => "tools",
            Capability::Structured => "structured",
            Capability::Images => "images",
            Capability::Titles => "titles",
        }
    }
}

/// The words that fill a body to its real length.
const FILLER: &str = " These words only fill the request to the length that it really has.";

impl Recorded {
    /// The body for this model, with shortened prompts.
    pub fn with_model(&self, model: &str) -> Value {
        let mut body = self.body.clone();
        if body.get("model").is_some() {
            body["model"] = model.into();
        }
        body
    }

    /// The body for this model with as many tools and about as many bytes as the real one.
    pub fn full_size(&self, model: &str) -> Value {
        self.sized(model, self.size())
    }

    /// The body for this model with at least so many tools, of its own shapes, and about so many bytes.
    pub fn sized(&self, model: &str, size: Size) -> Value {
        let mut body = self.with_model(model);
        multiply_tools(&mut body, size.tools);
        let missing = size.bytes.saturating_sub(body.to_string().len());
        if let Some(Value::String(text)) = longest_text(&mut body) {
            // To the byte, so that what is known of one size can be held against another.
            text.extend(FILLER.chars().cycle().take(missing));
        }
        body
    }

    /// How large the body for this model is at its full size.
    pub fn size_for(&self, model: &str) -> Size {
        Size::of(&self.full_size(model))
    }

    /// How large the real body was.
    fn size(&self) -> Size {
        let kept = Size::of(&self.body);
        Size { bytes: self.bytes.unwrap_or(kept.bytes), tools: self.tools.unwrap_or(kept.tools) }
    }

    /// What it does for the user; `None` for tests, and for other routes and settings to the same end.
    pub fn capability(&self) -> Option<Capability> {
        let form = ["/response_format", "/text/format", "/output_config/format"].iter().any(|place| self.body.pointer(place).is_some());
        match self.usage {
            Use::Prompt => Some(Capability::Prompts),
            Use::Aside => Some(Capability::Titles),
            Use::Test => None,
            Use::Feature if form || self.kind.contains("structured") => Some(Capability::Structured),
            Use::Feature if shows_picture(&self.body) => Some(Capability::Images),
            Use::Feature => self.has_tools().then_some(Capability::Tools),
        }
    }

    /// True when it offers tools.
    pub fn has_tools(&self) -> bool {
        self.body["tools"].as_array().is_some_and(|tools| !tools.is_empty())
    }

    /// True when the real body was longer or had more tools than the one that is kept.
    pub fn was_cut(&self) -> bool {
        self.tools.is_some() || self.bytes.is_some()
    }

    /// The route for this model.
    pub fn path(&self, model: &str) -> String {
        self.route.replace("{model}", model)
    }

    /// The route without its query, for comparisons.
    pub fn bare_route(&self) -> &str {
        self.route.split('?').next().unwrap_or_default()
    }

    /// True when it asks for a stream.
    pub fn streamed(&self) -> bool {
        self.body["stream"] == true || self.route.contains(":stream")
    }

    /// Where its fate is entered: a stream may be refused where a whole answer is not.
    pub fn kind(&self) -> Kind {
        Kind { dialect: self.dialect(), streamed: self.streamed() }
    }

    /// The way of speaking that its route belongs to.
    pub fn dialect(&self) -> Dialect {
        Dialect::of(self.bare_route()).expect("a test holds every recorded route against the dialects")
    }
}

/// A picture stands in one of the turns.
fn shows_picture(value: &Value) -> bool {
    const TYPES: [&str; 3] = ["image_url", "input_image", "image"];
    match value {
        Value::Object(members) => {
            members.get("type").and_then(Value::as_str).is_some_and(|kind| TYPES.contains(&kind)) || members.values().any(shows_picture)
        }
        Value::Array(items) => items.iter().any(shows_picture),
        _ => false,
    }
}

/// Tools of the same shapes under new names, until there are as many as this.
fn multiply_tools(body: &mut Value, wanted: usize) {
    let Some(tools) = body["tools"].as_array_mut() else { return };
    let shapes: Vec<Value> = tools.iter().filter(|tool| tool_name(&mut (*tool).clone()).is_some()).cloned().collect();
    let (mut round, kept) = (2, shapes.len());
    while kept > 0 && tools.len() < wanted {
        let mut tool = shapes[(tools.len()) % kept].clone();
        if let Some(Value::String(name)) = tool_name(&mut tool) {
            name.push_str(&format!("_{round}"));
        }
        tools.push(tool);
        round += 1;
    }
}

/// Where a tool keeps its name.
fn tool_name(tool: &mut Value) -> Option<&mut Value> {
    let place = if tool["function"]["name"].is_string() { &mut tool["function"] } else { tool };
    place.get_mut("name").filter(|name| name.is_string())
}

/// The place of the instructions: where clients put the bulk of their words.
fn longest_text(body: &mut Value) -> Option<&mut Value> {
    const PLACES: [&str; 8] = [
        "/instructions",
        "/system/1/text",
        "/system/0/text",
        "/systemInstruction/parts/0/text",
        "/messages/0/content",
        "/messages/0/content/0/text",
        "/input/0/content",
        "/input/0/content/0/text",
    ];
    let place = PLACES.into_iter().find(|place| body.pointer(place).is_some_and(Value::is_string))?;
    body.pointer_mut(place)
}
