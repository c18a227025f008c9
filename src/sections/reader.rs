//! Reads a table of the raw tree key by key. Every problem is noted and reading goes on, so that an operator
//! sees all of them at once. No reason ever quotes a value: it may be a secret in the wrong place.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use url::Url;

use super::Problem;
use super::tree::{Node, Table, parse_inline};
use crate::money::{Currency, MAX_MINOR};
use crate::outgoing::AddressRules;
use crate::secret::Secret;

/// What was found while reading.
#[derive(Default)]
pub struct Notes {
    problems: RefCell<Vec<Problem>>,
    /// Every full key that was asked for, given or not: what the settings know.
    pub asked: RefCell<BTreeSet<String>>,
}

impl Notes {
    /// Notes what stops the start.
    pub fn error(&self, key: impl Into<String>, reason: impl Into<String>) {
        self.problems.borrow_mut().push(Problem::error(key, reason));
    }

    /// Notes what is said loudly.
    pub fn warning(&self, key: impl Into<String>, reason: impl Into<String>) {
        self.problems.borrow_mut().push(Problem::warning(key, reason));
    }

    /// Notes what was found elsewhere.
    pub fn add(&self, problems: Vec<Problem>) {
        self.problems.borrow_mut().extend(problems);
    }

    /// Everything noted, in the order it was found.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }
}

/// One table while it is read. Getters take their key out; [`Section::finish`] refuses what is left.
pub struct Section<'a> {
    path: String,
    table: Table,
    notes: &'a Notes,
    known: Vec<String>,
}

impl<'a> Section<'a> {
    /// The table under `path`.
    pub fn new(path: impl Into<String>, table: Table, notes: &'a Notes) -> Self {
        Self { path: path.into(), table, notes, known: Vec::new() }
    }

    /// The full key of a key of this section.
    pub fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Where problems are noted.
    pub fn notes(&self) -> &'a Notes {
        self.notes
    }

    /// Whether the key is given at all.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Takes a key away unread; says whether it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        self.table.remove(key).is_some()
    }

    fn take(&mut self, key: &str) -> Option<(String, Node)> {
        let full = self.key(key);
        self.notes.asked.borrow_mut().insert(full.clone());
        self.known.push(key.to_owned());
        self.table.remove(key).map(|node| (full, node))
    }

    /// Takes a key and turns it into something; a reason becomes an error.
    pub fn get<T>(&mut self, key: &str, read: impl FnOnce(Node) -> Result<T, String>) -> Option<T> {
        let (full, node) = self.take(key)?;
        read(node).map_err(|reason| self.notes.error(full, reason)).ok()
    }

    /// The table under a key; `None` when it is absent.
    pub fn section(&mut self, key: &str) -> Option<Section<'a>> {
        let table = self.get(key, table_of)?;
        Some(Section::new(self.key(key), table, self.notes))
    }

    /// The tables under the keys of this table, whose names are the operator's own.
    pub fn named_sections(self) -> Vec<(String, Section<'a>)> {
        let Section { path, table, notes, .. } = self;
        let inner = |(name, node): (String, Node)| {
            let full = format!("{path}.{name}");
            match table_of(node) {
                Ok(table) => Some((name, Section::new(full, table, notes))),
                Err(reason) => {
                    notes.error(full, reason);
                    None
                }
            }
        };
        table.into_iter().filter_map(inner).collect()
    }

    /// True or false.
    pub fn boolean(&mut self, key: &str) -> Option<bool> {
        self.get(key, |node| match node {
            Node::Boolean(value) => Ok(value),
            Node::Env(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Node::Env(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            other => Err(format!("must be true or false, not {}", other.kind())),
        })
    }

    /// An integer within `low` to `high`.
    pub fn integer(&mut self, key: &str, low: i64, high: i64) -> Option<i64> {
        self.get(key, |node| integer_of(node, low, high))
    }

    /// A text.
    pub fn text(&mut self, key: &str) -> Option<String> {
        self.get(key, text_of)
    }

    /// One of a few words.
    pub fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        self.get(key, |node| {
            let text = text_of(node)?;
            let found = words.iter().find(|(word, _)| *word == text);
            let allowed = || words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ");
            found.map(|(_, value)| *value).ok_or_else(|| format!("must be {}", allowed()))
        })
    }

    /// An address and a port.
    pub fn socket(&mut self, key: &str) -> Option<SocketAddr> {
        let wrong = |_| "must be an address and a port, like 127.0.0.1:8080 or [::1]:8080".to_owned();
        self.get(key, |node| text_of(node)?.parse().map_err(wrong))
    }

    /// An outgoing address that the rules allow.
    pub fn url(&mut self, key: &str, rules: &AddressRules) -> Option<Url> {
        self.get(key, |node| {
            let url = Url::parse(&text_of(node)?).map_err(|error| format!("is not a URL: {error}"))?;
            rules.check_url(&url).map_err(str::to_owned)?;
            Ok(url)
        })
    }

    /// A list of texts; each with its own key, `salts[0]`. A list in the environment may be separated by commas.
    fn texts(&mut self, key: &str, at_least: usize) -> Option<Vec<(String, String)>> {
        let full = self.key(key);
        let enough = |list: &Vec<Node>| list.len() >= at_least;
        let few = || format!("needs at least {at_least}");
        let nodes = self.get(key, |node| list_of(node).and_then(|list| Some(list).filter(enough).ok_or_else(few)))?;
        let numbered = nodes.into_iter().enumerate().map(|(at, node)| (format!("{full}[{at}]"), node));
        let read = |(key, node)| match text_of(node) {
            Ok(text) => Some((key, text)),
            Err(reason) => {
                self.notes.error(key, reason);
                None
            }
        };
        Some(numbered.filter_map(read).collect())
    }

    /// At least one secret.
    pub fn secrets(&mut self, key: &str) -> Vec<Secret> {
        let texts = self.texts(key, 1).unwrap_or_default();
        texts.into_iter().map(|(_, text)| Secret::new(text)).collect()
    }

    /// Addresses or networks; a bare address is a network of one.
    pub fn networks(&mut self, key: &str) -> Vec<IpNet> {
        let read = |(key, text): (String, String)| match network(&text) {
            Ok(net) => Some(net),
            Err(reason) => {
                self.notes.error(key, reason);
                None
            }
        };
        let texts = self.texts(key, 0).unwrap_or_default();
        texts.into_iter().filter_map(read).collect()
    }

    /// At least one currency, none of them twice.
    pub fn currencies(&mut self, key: &str) -> Vec<Currency> {
        let mut found: Vec<Currency> = Vec::new();
        for (key, text) in self.texts(key, 1).unwrap_or_default() {
            match Currency::parse(&text) {
                Ok(currency) if found.contains(&currency) => self.notes.error(key, "is there twice"),
                Ok(currency) => found.push(currency),
                Err(_) => self.notes.error(key, "is not a currency of ISO 4217"),
            }
        }
        found
    }

    /// Amounts in minor units by currency.
    pub fn amounts(&mut self, key: &str) -> BTreeMap<Currency, i64> {
        let Some(section) = self.section(key) else { return BTreeMap::new() };
        let (path, notes) = (section.path.clone(), self.notes);
        let read = |node| integer_of(node, 1, MAX_MINOR);
        by_currency(&path, section.table, notes, |_, node| read(node))
    }

    /// The tables under currency codes.
    pub fn by_currency(self) -> BTreeMap<Currency, Section<'a>> {
        let Section { path, table, notes, .. } = self;
        by_currency(&path, table, notes, |key, node| Ok(Section::new(key, table_of(node)?, notes)))
    }

    /// The keys of this table, whose names are the operator's own.
    pub fn names(&self) -> Vec<String> {
        self.table.keys().cloned().collect()
    }

    /// A value that is still to be read.
    pub fn peek(&self, key: &str) -> Option<&Node> {
        self.table.get(key)
    }

    /// One secret or a list of them.
    pub fn secrets_or_one(&mut self, key: &str) -> Vec<Secret> {
        match self.peek(key) {
            Some(Node::List(_)) => self.secrets(key),
            Some(Node::Env(text)) if text.trim_start().starts_with('[') => self.secrets(key),
            _ => self.text(key).map(Secret::new).into_iter().collect(),
        }
    }

    /// A list of a few words, none of them twice.
    pub fn words<T: Copy + PartialEq>(&mut self, key: &str, words: &[(T, &str)]) -> Vec<T> {
        let allowed = || words.iter().map(|(_, word)| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let mut found = Vec::new();
        for (key, text) in self.texts(key, 1).unwrap_or_default() {
            match words.iter().find(|(_, word)| *word == text) {
                None => self.notes.error(key, format!("must be one of {}", allowed())),
                Some((value, _)) if found.contains(value) => self.notes.error(key, "is there twice"),
                Some((value, _)) => found.push(*value),
            }
        }
        found
    }

    /// A list of integers within `low` to `high`; absent is empty.
    pub fn integers(&mut self, key: &str, low: i64, high: i64) -> Vec<i64> {
        let full = self.key(key);
        let nodes = self.get(key, list_of).unwrap_or_default();
        let read = |(at, node)| match node {
            Node::Text(text) => integer_of(Node::Env(text), low, high).map_err(|reason| (at, reason)),
            node => integer_of(node, low, high).map_err(|reason| (at, reason)),
        };
        let told = |read: Result<i64, (usize, String)>| match read {
            Ok(number) => Some(number),
            Err((at, reason)) => {
                self.notes.error(format!("{full}[{at}]"), reason);
                None
            }
        };
        nodes.into_iter().enumerate().map(read).filter_map(told).collect()
    }

    /// Country codes of two letters, upper-cased; absent is empty.
    pub fn countries(&mut self, key: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (key, text) in self.texts(key, 0).unwrap_or_default() {
            if text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
                found.push(text.to_ascii_uppercase());
            } else {
                self.notes.error(key, "must be two letters of ISO 3166-1");
            }
        }
        found
    }

    /// Notes it when `private_networks` would allow everything.
    pub fn check_private_networks(&self, networks: &[IpNet]) {
        if networks.iter().any(super::is_everybody) {
            self.notes.error(self.key("private_networks"), "allows every private network; name yours");
        }
    }

    /// A secret that has to be there; `why` says what it is for.
    pub fn needed_secret(&mut self, key: &str, why: &str) -> Secret {
        Secret::new(self.needed_text(key, why))
    }

    /// A text that has to be there and be more than blanks; `why` says what it is for.
    pub fn needed_text(&mut self, key: &str, why: &str) -> String {
        if !self.has(key) {
            self.notes.error(self.key(key), format!("is missing: {why}"));
        }
        let full = self.key(key);
        match self.text(key) {
            Some(text) if text.trim().is_empty() => {
                self.notes.error(full, "must not be empty");
                text
            }
            text => text.unwrap_or_default(),
        }
    }

    /// Refuses every key that nobody asked for.
    pub fn finish(self) {
        for (key, node) in &self.table {
            let from = if node.is_from_env() { " (from the environment)" } else { "" };
            let known = self.known.join(", ");
            self.notes.error(self.key(key), format!("unknown key{from}; known here: {known}"));
        }
    }
}

fn by_currency<T>(
    path: &str,
    table: Table,
    notes: &Notes,
    read: impl Fn(String, Node) -> Result<T, String>,
) -> BTreeMap<Currency, T> {
    let mut found = BTreeMap::new();
    for (code, node) in table {
        let key = format!("{path}.{code}");
        match (Currency::parse(&code), read(key.clone(), node)) {
            (Err(_), _) => notes.error(key, "is not a currency of ISO 4217"),
            (_, Err(reason)) => notes.error(key, reason),
            (Ok(currency), Ok(_)) if found.contains_key(&currency) => notes.error(key, "is there twice"),
            (Ok(currency), Ok(value)) => {
                found.insert(currency, value);
            }
        }
    }
    found
}

fn text_of(node: Node) -> Result<String, String> {
    match node {
        Node::Text(text) | Node::Env(text) => Ok(text),
        other => Err(format!("must be text, not {}", other.kind())),
    }
}

fn integer_of(node: Node, low: i64, high: i64) -> Result<i64, String> {
    let value = match node {
        Node::Integer(value) => Some(value),
        Node::Env(text) => text.parse().ok(),
        other => return Err(format!("must be an integer, not {}", other.kind())),
    };
    value.filter(|value| (low..=high).contains(value)).ok_or_else(|| format!("must be an integer of {low} to {high}"))
}

fn table_of(node: Node) -> Result<Table, String> {
    match node {
        Node::Table(table) => Ok(table),
        Node::Env(text) => match parse_inline(&text) {
            Some(Node::Table(table)) => Ok(table),
            _ => Err("must be a table: JSON or TOML text, or one variable for each key".to_owned()),
        },
        other => Err(format!("must be a table, not {}", other.kind())),
    }
}

fn list_of(node: Node) -> Result<Vec<Node>, String> {
    match node {
        Node::List(list) => Ok(list),
        Node::Env(text) if text.trim().is_empty() => Ok(Vec::new()),
        Node::Env(text) if text.trim_start().starts_with('[') => match parse_inline(text.trim()) {
            Some(Node::List(list)) => Ok(list),
            _ => Err("starts like a list but is not one; write [\"a\", \"b\"] or a, b".to_owned()),
        },
        Node::Env(text) => Ok(text.split(',').map(|part| Node::Text(part.trim().to_owned())).collect()),
        other => Err(format!("must be a list, not {}", other.kind())),
    }
}

/// An address, or a network whose address has no bits beyond its length: `10.1.2.3/8` is a slip, not a wish.
fn network(text: &str) -> Result<IpNet, String> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(ip.to_canonical()));
    }
    let net: IpNet = text.parse().map_err(|_| "must be an address or a network, like 10.0.0.0/8 or 2001:db8::/32")?;
    if net.addr() != net.network() {
        return Err("names an address inside the network; write the network's first address".to_owned());
    }
    Ok(net)
}
