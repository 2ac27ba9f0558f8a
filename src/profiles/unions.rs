//! Many bodies in few: a request that has what several clients send clears them all at once.

use serde_json::Value;

use super::traits::{Traits, traits};

/// A body that has everything of several.
#[derive(Debug, Clone)]
pub struct Union {
    /// The body.
    pub body: Value,
    /// Which of the given bodies it stands for, by their places.
    pub of: Vec<usize>,
}

/// Members that servers refuse together although each is known to them; only a client that sends both may have both.
const APART: [(&str, &str); 4] =
    [("max_tokens", "max_completion_tokens"), ("response_format", "tools"), ("text", "tools"), ("output_config", "tools")];
/// Members that stand for different requests when they differ.
const SEPARATE: [&str; 1] = ["stream"];

/// As few bodies as a simple search finds that together have everything of the given ones. Each stays a valid request.
pub fn unions(bodies: &[Value]) -> Vec<Union> {
    let mut order: Vec<usize> = (0..bodies.len()).collect();
    order.sort_by_key(|place| std::cmp::Reverse(traits(&bodies[*place]).len()));
    let mut found: Vec<Union> = Vec::new();
    for place in order {
        let joined = found.iter_mut().find_map(|union| merged(&union.body, &bodies[place]).map(|body| (union, body)));
        match joined {
            Some((union, body)) => {
                union.body = body;
                union.of.push(place);
            }
            None => found.push(Union { body: bodies[place].clone(), of: vec![place] }),
        }
    }
    found
}

/// One body with everything of both, or `None` when they cannot stand in one request.
fn merged(one: &Value, other: &Value) -> Option<Value> {
    if SEPARATE.iter().any(|name| (one[*name] == true) != (other[*name] == true)) || must_stay_apart(one, other) {
        return None;
    }
    let mut both = one.clone();
    for (name, value) in other.as_object()? {
        let joined = match (both.get(name), name.as_str()) {
            (None, _) => value.clone(),
            (Some(mine), "messages") => conversation(mine, value)?,
            (Some(mine), "tools") => toolbox(mine, value)?,
            (Some(mine), _) => joined(name, mine, value)?,
        };
        both[name] = joined;
    }
    Some(both)
}

fn must_stay_apart(one: &Value, other: &Value) -> bool {
    let has = |body: &Value, name: &str| body.get(name).is_some();
    let both = |body: &Value, pair: &(&str, &str)| has(body, pair.0) && has(body, pair.1);
    APART.iter().any(|pair| {
        let together = (has(one, pair.0) || has(other, pair.0)) && (has(one, pair.1) || has(other, pair.1));
        together && !both(one, pair) && !both(other, pair)
    })
}

/// Two values of one member as one: the one that has all traits of the other, or both objects' members.
fn joined(name: &str, one: &Value, other: &Value) -> Option<Value> {
    let of = |value: &Value| traits(&Value::Object([(name.to_owned(), value.clone())].into_iter().collect()));
    let (mine, theirs) = (of(one), of(other));
    if theirs.is_subset(&mine) {
        return Some(one.clone());
    }
    if mine.is_subset(&theirs) {
        return Some(other.clone());
    }
    let mut both = one.as_object()?.clone();
    for (inner, value) in other.as_object()? {
        let value = both.get(inner).map_or_else(|| Some(value.clone()), |mine| joined(inner, mine, value))?;
        both.insert(inner.clone(), value);
    }
    Some(Value::Object(both))
}

fn traits_of(name: &str, items: &[Value]) -> Traits {
    traits(&Value::Object([(name.to_owned(), Value::Array(items.to_vec()))].into_iter().collect()))
}

/// The tools of both, without those that bring no new trait; their names stay apart.
fn toolbox(one: &Value, other: &Value) -> Option<Value> {
    let (mut tools, more) = (one.as_array()?.clone(), other.as_array()?);
    if traits_of("tools", more).contains("/tools=[]") != traits_of("tools", &tools).contains("/tools=[]") {
        return None;
    }
    for tool in more {
        let mut grown = tools.clone();
        grown.push(renamed(tool, &tools));
        if traits_of("tools", &grown[tools.len()..]).is_subset(&traits_of("tools", &tools)) {
            continue;
        }
        tools = grown;
    }
    Some(Value::Array(tools))
}

fn renamed(tool: &Value, beside: &[Value]) -> Value {
    let name = |tool: &Value| tool["function"]["name"].as_str().or_else(|| tool["name"].as_str()).map(str::to_owned);
    let taken = |wanted: &str| beside.iter().any(|other| name(other).as_deref() == Some(wanted));
    let mut tool = tool.clone();
    let Some(first) = name(&tool).filter(|first| taken(first)) else { return tool };
    let free = (2..).map(|number| format!("{first}_{number}")).find(|other| !taken(other)).expect("numbers do not end");
    let place = if tool["function"].is_object() { &mut tool["function"]["name"] } else { &mut tool["name"] };
    *place = free.into();
    tool
}

/// A conversation that opens as the richer of the two does and goes on as both do: each goes on with a turn of the assistant.
fn conversation(one: &Value, other: &Value) -> Option<Value> {
    let (mine, theirs) = (split(one.as_array()?)?, split(other.as_array()?)?);
    let (opening, plainer) = (traits_of("messages", mine.0), traits_of("messages", theirs.0));
    let head = match (plainer.is_subset(&opening), opening.is_subset(&plainer)) {
        (true, _) => mine.0,
        (_, true) => theirs.0,
        _ => return None,
    };
    let mut turns = [head, mine.1].concat();
    if !traits_of("messages", theirs.1).is_subset(&traits_of("messages", &turns)) {
        turns.extend(with_other_ids(theirs.1, turns.len()));
    }
    Some(Value::Array(turns))
}

/// The opening, up to the first turn of the user, and what follows when the assistant speaks next.
fn split(turns: &[Value]) -> Option<(&[Value], &[Value])> {
    let first = turns.iter().position(|turn| turn["role"] == "user")? + 1;
    let opening = turns[first..].iter().position(|turn| turn["role"] == "assistant").map_or(turns.len(), |next| first + next);
    Some(turns.split_at(opening))
}

/// The same turns with ids of calls that no other turn has.
fn with_other_ids(turns: &[Value], number: usize) -> Vec<Value> {
    let calls = turns.iter().flat_map(|turn| turn["tool_calls"].as_array().into_iter().flatten());
    let ids: Vec<String> = calls.filter_map(|call| call["id"].as_str()).map(str::to_owned).collect();
    let other = |id: &Value| id.as_str().filter(|id| ids.iter().any(|known| known == id)).map(|id| format!("{id}_{number}"));
    let mut turns = turns.to_vec();
    for turn in &mut turns {
        if let Some(id) = turn.get("tool_call_id").and_then(other) {
            turn["tool_call_id"] = id.into();
        }
        for call in turn.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(id) = other(&call["id"]) {
                call["id"] = id.into();
            }
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::evidence::Dialect;
    use crate::profiles::{Use, all};

    #[test]
    fn few_requests_stand_for_all_clients() {
        let mut bodies: Vec<(Dialect, Value)> = Vec::new();
        for profile in all() {
            for request in profile.requests.iter().filter(|request| request.usage == Use::Prompt) {
                bodies.push((request.dialect(), request.with_model("m")));
            }
        }
        let mut count = 0;
        for dialect in Dialect::ALL {
            let of: Vec<Value> = bodies.iter().filter(|(other, _)| *other == dialect).map(|(_, body)| body.clone()).collect();
            let unions = unions(&of);
            count += unions.len();
            for union in &unions {
                let has = traits(&union.body);
                for place in &union.of {
                    let lacking: Vec<_> = traits(&of[*place]).difference(&has).cloned().collect();
                    assert!(lacking.is_empty(), "{dialect:?}: {lacking:?}");
                }
            }
        }
        assert!(count <= 15, "{count} requests");
    }

    #[test]
    fn what_no_client_sends_together_stays_apart() {
        let body = |name: &str| json!({ "model": "m", "messages": [{ "role": "user", "content": "ping" }], name: 64 });
        assert_eq!(unions(&[body("max_tokens"), body("max_completion_tokens")]).len(), 2);
        assert_eq!(unions(&[body("max_tokens"), body("temperature")]).len(), 1);
    }
}
