//! A report without the names and addresses of its target.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use super::Report;
use crate::evidence::{Ask, Evidence};

/// What stands in place of a host.
const MASK: &str = "gateway.example";

/// Host names and addresses of everything that was asked, longest first. Loopback names no one, so it stays.
pub fn hosts(evidence: &Evidence) -> Vec<String> {
    let subject = &evidence.subject;
    let urls = evidence.exchanges.iter().map(|exchange| exchange.request.url.as_str());
    let mut hosts: BTreeSet<String> =
        urls.chain([subject.base_url.as_str(), subject.typed_base_url.as_str()]).chain(subject.proxy.as_deref()).filter_map(host).collect();
    let steps = evidence.exchanges.iter().filter(|exchange| exchange.ask == Ask::Connect).flat_map(|exchange| &exchange.steps);
    hosts.extend(steps.flat_map(|step| [&step.target, &step.gave]).flat_map(|text| addresses(text)));
    known(hosts)
}

/// Host names and addresses of URLs.
pub fn hosts_of<'u>(urls: impl Iterator<Item = &'u str>) -> Vec<String> {
    known(urls.filter_map(host).collect())
}

/// With the organisations behind them, without local ones, longest first.
fn known(mut hosts: BTreeSet<String>) -> Vec<String> {
    hosts.extend(hosts.clone().iter().filter_map(|host| organisation(host)));
    hosts.retain(|host| !host.is_empty() && !is_local(host));
    let mut hosts: Vec<_> = hosts.into_iter().collect();
    hosts.sort_by_key(|host| std::cmp::Reverse(host.len()));
    hosts
}

fn host(url: &str) -> Option<String> {
    let parsed = url::Url::parse(url).or_else(|_| url::Url::parse(&format!("http://{}", url.trim()))).ok()?;
    Some(parsed.host_str()?.trim_matches(['[', ']']).to_ascii_lowercase())
}

/// Addresses among the words of a step's account, with or without a port.
fn addresses(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || ",;()".contains(c));
    let address = |word: &str| {
        let socket = word.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip());
        socket.or_else(|| word.trim_matches(['[', ']']).parse::<IpAddr>().ok())
    };
    words.filter_map(address).map(|ip| ip.to_string()).collect()
}

/// The last two labels of a longer name: certificates and messages tend to name them.
fn organisation(host: &str) -> Option<String> {
    let labels: Vec<_> = host.split('.').collect();
    (labels.len() > 2 && host.parse::<IpAddr>().is_err() && !host.contains(':')).then(|| labels[labels.len() - 2..].join("."))
}

fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}

impl Report {
    /// The same report with every host and address of the target replaced.
    pub fn redacted(&self) -> Report {
        let mut report = self.clone();
        report.exchanges.iter_mut().flat_map(|row| &mut row.dumps).for_each(|dump| dump.blot(&self.hosts));
        report.each_text(&mut |text| *text = masked(text, &self.hosts));
        report
    }

    /// Every text that may hold a word of the server or of the caller.
    fn each_text(&mut self, change: &mut dyn FnMut(&mut String)) {
        change(&mut self.target.base_url);
        self.target.model.iter_mut().for_each(&mut *change);
        if let Some(upstream) = &mut self.target.upstream {
            upstream.model.iter_mut().chain([&mut upstream.base_url]).for_each(&mut *change);
        }
        for item in &mut self.findings {
            [&mut item.because, &mut item.consequence].into_iter().chain(&mut item.fix).chain(&mut item.reproduce).for_each(&mut *change);
            item.details.values_mut().for_each(|value| each_string(value, change));
        }
        for seen in self.seen.iter_mut().flatten() {
            let told = seen.url.iter_mut().chain(&mut seen.model).chain(&mut seen.param).chain(&mut seen.speaker);
            told.chain([&mut seen.message, &mut seen.check]).for_each(&mut *change);
        }
        for line in self.captured.iter_mut().flatten() {
            line.modes.iter_mut().for_each(|mode| change(&mut mode.because));
            line.remarks.iter_mut().chain([&mut line.path]).chain(&mut line.model).chain(&mut line.said).for_each(&mut *change);
        }
        self.findings.iter_mut().filter_map(|item| item.settle.as_mut()).for_each(|settle| change(&mut settle.command));
        for row in self.clients.iter_mut().flatten() {
            std::iter::once(&mut row.because).chain(&mut row.sees).for_each(&mut *change);
        }
        self.absent.iter_mut().for_each(|row| change(&mut row.because));
        self.untested.iter_mut().for_each(|row| change(&mut row.because));
        self.probes.iter_mut().for_each(|rung| change(&mut rung.note));
        for row in &mut self.exchanges {
            [&mut row.url, &mut row.label].into_iter().chain(&mut row.fault).for_each(&mut *change);
        }
    }
}

fn each_string(value: &mut Value, change: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(values) => values.iter_mut().for_each(|value| each_string(value, change)),
        Value::Object(map) => map.values_mut().for_each(|value| each_string(value, change)),
        _ => {}
    }
}

/// Replaces whole names only, whatever their case: `llm` is not found in `llmdoctor`, nor `10.0.0.1` in `10.0.0.12`.
fn masked(text: &str, hosts: &[String]) -> String {
    hosts.iter().fold(text.to_owned(), |text, host| mask_one(&text, host))
}

fn mask_one(text: &str, host: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (at, hit) in lower.match_indices(host) {
        let after = at + hit.len();
        if at < done || joins(text[..at].chars().next_back()) || joins(text[after..].chars().next()) {
            continue;
        }
        out.push_str(&text[done..at]);
        out.push_str(MASK);
        done = after;
    }
    out.push_str(&text[done..]);
    out
}

/// Characters that make a name longer.
fn joins(neighbour: Option<char>) -> bool {
    neighbour.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_only() {
        let hosts = ["llm.corp.example".to_owned(), "corp.example".to_owned(), "10.0.0.1".to_owned(), "llm".to_owned()];
        let text = "LLM.Corp.Example:443 at 10.0.0.1, not 10.0.0.12; *.corp.example; llmdoctor; http://llm/v1 — é";
        let expected = "gateway.example:443 at gateway.example, not 10.0.0.12; *.gateway.example; llmdoctor; http://gateway.example/v1 — é";
        assert_eq!(masked(text, &hosts), expected);
    }

    #[test]
    fn addresses_are_found_in_accounts() {
        assert_eq!(addresses("192.0.2.7:443, [2001:db8::1]:443 (TLSv1.3) 2001:db8::2"), ["192.0.2.7", "2001:db8::1", "2001:db8::2"]);
    }

    #[test]
    fn loopback_is_nobodys_name() {
        assert!(is_local("127.0.0.1") && is_local("::1") && is_local("localhost") && !is_local("10.0.0.1"));
    }
}
