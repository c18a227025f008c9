//! The raw tree of settings: the file's, with the environment laid over it. Nothing is judged here but the form.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use config::{File, FileFormat, Source, Value, ValueKind};

use super::Problem;

/// A table of the tree, by key.
pub type Table = BTreeMap<String, Node>;

/// A value as it was given.
#[derive(Clone, PartialEq)]
pub enum Node {
    /// A table.
    Table(Table),
    /// A list.
    List(Vec<Node>),
    /// A text.
    Text(String),
    /// An integer.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// Floats and whatever else no setting is.
    Other(&'static str),
    /// The text of an environment variable: the reader of the key decides what it means.
    Env(String),
}

impl Node {
    /// What it is, in words for a reason.
    pub fn kind(&self) -> &'static str {
        match self {
            Node::Table(_) => "a table",
            Node::List(_) => "a list",
            Node::Text(_) => "text",
            Node::Integer(_) => "an integer",
            Node::Boolean(_) => "a boolean",
            Node::Other(kind) => kind,
            Node::Env(_) => "text of the environment",
        }
    }

    /// Whether it is a table, or text of the environment that says it is.
    pub fn is_table(&self) -> bool {
        match self {
            Node::Table(_) => true,
            Node::Env(text) => text.trim_start().starts_with('{'),
            Node::List(_) | Node::Text(_) | Node::Integer(_) | Node::Boolean(_) | Node::Other(_) => false,
        }
    }

    /// Whether it is a list of nothing.
    pub fn is_empty_list(&self) -> bool {
        match self {
            Node::List(list) => list.is_empty(),
            Node::Env(text) => matches!(text.trim(), "" | "[]"),
            Node::Table(_) | Node::Text(_) | Node::Integer(_) | Node::Boolean(_) | Node::Other(_) => false,
        }
    }

    /// Whether every value below came from the environment.
    pub fn is_from_env(&self) -> bool {
        match self {
            Node::Env(_) => true,
            Node::Table(table) => !table.is_empty() && table.values().all(Node::is_from_env),
            Node::List(_) | Node::Text(_) | Node::Integer(_) | Node::Boolean(_) | Node::Other(_) => false,
        }
    }
}

/// Reads TOML text. The reason of a failure never quotes the text: the broken line may be the one with the salt.
pub fn parse_toml(text: &str) -> Result<Table, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match File::from_str(text, FileFormat::Toml).collect() {
        Ok(map) => Ok(map.into_iter().map(|(key, value)| (key, node(value))).collect()),
        Err(error) => Err(without_quotes(&error.to_string())),
    }
}

/// Keeps the lines of a TOML error that are not the quoted source: those start with `N |` or `|`.
fn without_quotes(error: &str) -> String {
    let is_quote = |line: &str| line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').starts_with('|');
    let (head, rest) = error.split_once('\n').unwrap_or((error, ""));
    let told: Vec<_> = rest.lines().filter(|line| !line.trim().is_empty() && !is_quote(line)).collect();
    let told = told.join(", ");
    if told.is_empty() || told.contains(['"', '\'', '=']) { head.to_owned() } else { format!("{head}: {told}") }
}

fn node(value: Value) -> Node {
    match value.kind {
        ValueKind::Boolean(value) => Node::Boolean(value),
        ValueKind::I64(value) => Node::Integer(value),
        ValueKind::String(text) => Node::Text(text),
        ValueKind::Table(map) => Node::Table(map.into_iter().map(|(key, value)| (key, node(value))).collect()),
        ValueKind::Array(list) => Node::List(list.into_iter().map(node).collect()),
        ValueKind::Float(_) => Node::Other("a number with a fraction"),
        ValueKind::Nil => Node::Other("nothing"),
        ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => Node::Other("a number too large"),
    }
}

/// Reads a list or table that an environment variable gives as JSON or TOML: `["a", "b"]`, `{ USD = 1 }`.
pub fn parse_inline(text: &str) -> Option<Node> {
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(text) {
        return Some(node_of_json(value));
    }
    let mut table = parse_toml(&format!("v = {text}")).ok()?;
    let value = table.remove("v")?;
    table.is_empty().then_some(value)
}

fn node_of_json(value: serde_json::Value) -> Node {
    use serde_json::Value as Json;
    match value {
        Json::Null => Node::Other("null"),
        Json::Bool(value) => Node::Boolean(value),
        Json::Number(number) => number.as_i64().map_or(Node::Other("a number that is no integer"), Node::Integer),
        Json::String(text) => Node::Text(text),
        Json::Array(list) => Node::List(list.into_iter().map(node_of_json).collect()),
        Json::Object(map) => Node::Table(map.into_iter().map(|(key, value)| (key, node_of_json(value))).collect()),
    }
}

/// Lays `CROUPIER__SECTION__KEY` over the file's tree. Shorter names first, so that one key of a map may be
/// given beside the whole map.
pub fn overlay(tree: &mut Table, env: impl Iterator<Item = (OsString, OsString)>, problems: &mut Vec<Problem>) {
    let mut seen = BTreeSet::new();
    let mut ours: Vec<(String, OsString)> =
        env.filter_map(|(name, value)| Some((name.to_str()?.to_lowercase(), value))).collect();
    ours.retain(|(name, _)| name.starts_with("croupier__"));
    ours.sort();
    for (name, value) in ours {
        let path: Vec<&str> = name["croupier__".len()..].split("__").collect();
        let key = path.join(".");
        if path.iter().any(|level| level.is_empty()) {
            problems.push(Problem::error(key, "a name in the environment has an empty level between its underscores"));
        } else if !seen.insert(name.clone()) {
            problems.push(Problem::error(key, "is in the environment twice, in different case"));
        } else if let Ok(value) = value.into_string() {
            put(tree, &path, value);
        } else {
            problems.push(Problem::error(key, "is not UTF-8 in the environment"));
        }
    }
}

/// Sets one value. A level that exists in another case is the same level; a scalar in the way gives way.
fn put(table: &mut Table, path: &[&str], value: String) {
    let Some((level, rest)) = path.split_first() else { return };
    let same = |key: &&String| key.eq_ignore_ascii_case(level);
    let key = table.keys().find(same).cloned().unwrap_or_else(|| (*level).to_owned());
    if rest.is_empty() {
        table.insert(key, Node::Env(value));
        return;
    }
    let below = table.entry(key).or_insert_with(|| Node::Table(Table::new()));
    if let Node::Env(text) = below
        && let Some(whole @ Node::Table(_)) = parse_inline(text)
    {
        *below = whole;
    }
    if !matches!(below, Node::Table(_)) {
        *below = Node::Table(Table::new());
    }
    if let Node::Table(inner) = below {
        put(inner, rest, value);
    }
}
