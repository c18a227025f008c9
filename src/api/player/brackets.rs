//! Queries in bracket syntax: `where[0][0]=status&where[0][1]==&where[0][2]=1`. Each pair is split at its first `=`, so an operator may be
//! a value; names and values may be percent-encoded. A whole list may also come as a JSON array in one value, `where=[["status","=",1]]`.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;

use super::Refusal;

/// The longest list. Longer ones would be work for nobody's good.
const LONGEST_LIST: usize = 100;
/// How deep lists stand in lists: the list, a condition, its values.
const DEEPEST: usize = 3;

/// A value, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// A text as it was sent; a number is the text it is.
    Text(String),
    /// In order.
    List(Vec<Node>),
}

/// A query that was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Brackets {
    plain: BTreeMap<&'static str, String>,
    lists: BTreeMap<&'static str, Vec<Node>>,
}

/// A list while its parts come, in any order.
enum Part {
    Text(String),
    List(BTreeMap<usize, Part>),
}

impl Brackets {
    /// Reads a query whose parameters are among `plain` or, as lists, among `lists`. An empty plain value is absent.
    ///
    /// # Errors
    ///
    /// 400 for anything that cannot be read as one set of them: another name, one given twice, a list with a gap or too long.
    pub(super) fn read(query: &str, plain: &[&'static str], lists: &[&'static str]) -> Result<Self, Refusal> {
        let mut found = Self::default();
        let mut parts: BTreeMap<&'static str, Part> = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            let (base, path) = name.split_at(name.find('[').unwrap_or(name.len()));
            if let Some(known) = plain.iter().find(|known| **known == base).filter(|_| path.is_empty()) {
                if found.plain.insert(known, value).is_some() {
                    return Err(Refusal::field(*known, "is given twice"));
                }
                continue;
            }
            let Some(known) = lists.iter().find(|known| **known == base) else {
                return Err(Refusal::field("query", "has a parameter that is not one of this request"));
            };
            if path.is_empty() {
                let list = from_json(&value, 1).ok_or_else(|| Refusal::field(*known, "must be a JSON array"))?;
                if parts.contains_key(known) || found.lists.insert(known, list).is_some() {
                    return Err(Refusal::field(*known, "is given twice"));
                }
                continue;
            }
            let odd = || Refusal::field(*known, "is not a list of lists without gaps, or is given twice");
            let path = indexes(path).ok_or_else(odd)?;
            let list = parts.entry(known).or_insert_with(|| Part::List(BTreeMap::new()));
            insert(list, &path, value).ok_or_else(odd)?;
        }
        for (name, part) in parts {
            match finish(part) {
                Some(Node::List(list)) if !found.lists.contains_key(name) => found.lists.insert(name, list),
                Some(_) | None => return Err(Refusal::field(name, "is not a list of lists without gaps")),
            };
        }
        Ok(found)
    }

    /// The value of a plain parameter, if it is given and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.plain.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The items of a list; none when it is not given.
    pub(super) fn list(&self, name: &str) -> &[Node] {
        self.lists.get(name).map_or(&[], Vec::as_slice)
    }
}

fn decoded(text: &str) -> Result<String, Refusal> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map(|text| text.into_owned());
    decoded.map_err(|_| Refusal::field("query", "is not UTF-8"))
}

/// The numbers of `[0][1]`.
fn indexes(path: &str) -> Option<Vec<usize>> {
    let inside = path.strip_prefix('[')?.strip_suffix(']')?;
    let mut indexes = Vec::new();
    for part in inside.split("][") {
        let plain = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        match part.parse() {
            Ok(index) if plain && index < LONGEST_LIST && indexes.len() < DEEPEST => indexes.push(index),
            Ok(_) | Err(_) => return None,
        }
    }
    Some(indexes)
}

/// Puts a value in its place; `None` when something else is there.
fn insert(part: &mut Part, path: &[usize], value: String) -> Option<()> {
    let (Part::List(items), Some((first, rest))) = (part, path.split_first()) else { return None };
    if rest.is_empty() {
        return items.insert(*first, Part::Text(value)).is_none().then_some(());
    }
    insert(items.entry(*first).or_insert_with(|| Part::List(BTreeMap::new())), rest, value)
}

/// The list when all of it has come; `None` when there is a gap.
fn finish(part: Part) -> Option<Node> {
    match part {
        Part::Text(text) => Some(Node::Text(text)),
        Part::List(items) => {
            let whole = items.keys().zip(0..).all(|(index, place)| *index == place);
            let list: Option<Vec<Node>> = items.into_values().map(finish).collect();
            list.filter(|_| whole).map(Node::List)
        }
    }
}

/// A JSON array of texts, numbers and arrays. Numbers are never computed with.
fn from_json(json: &str, depth: usize) -> Option<Vec<Node>> {
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(json) else { return None };
    if items.len() > LONGEST_LIST || depth > DEEPEST {
        return None;
    }
    let node = |item: &&RawValue| match (item.get(), item.get().as_bytes().first()) {
        (text, Some(b'"')) => match serde_json::from_str(text) {
            Ok(text) => Some(Node::Text(text)),
            Err(_) => None,
        },
        (text, Some(b'-' | b'0'..=b'9')) => Some(Node::Text(text.to_owned())),
        (text, Some(b'[')) => from_json(text, depth + 1).map(Node::List),
        _ => None,
    };
    items.iter().map(node).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: [&str; 3] = ["limit", "offset", "login"];
    const LISTS: [&str; 3] = ["where", "whereIn", "orderBy"];

    fn read(query: &str) -> Result<Brackets, Refusal> {
        Brackets::read(query, &PLAIN, &LISTS)
    }

    fn texts(texts: &[&str]) -> Node {
        Node::List(texts.iter().map(|text| Node::Text((*text).to_owned())).collect())
    }

    #[test]
    fn the_published_example_is_read_as_published() {
        let plain = "limit=50&offset=0&login=2000009&where[0][0]=status&where[0][1]==&where[0][2]=1";
        let encoded =
            "limit=50&offset=0&login=2000009&where%5B0%5D%5B0%5D=status&where%5B0%5D%5B1%5D=%3D&where%5B0%5D%5B2%5D=1";
        let json = "limit=50&offset=0&login=2000009&where=%5B%5B%22status%22%2C%22%3D%22%2C1%5D%5D";
        for query in [plain, encoded, json, r#"limit=50&offset=0&login=2000009&where=[["status","=",1]]"#] {
            let found = read(query).unwrap();
            assert_eq!(found.list("where"), [texts(&["status", "=", "1"])], "{query}");
            assert_eq!((found.get("limit"), found.get("offset")), (Some("50"), Some("0")), "{query}");
        }
    }

    #[test]
    fn parts_come_in_any_order_and_lists_stand_in_lists() {
        let found =
            read("whereIn[0][1][1]=b&whereIn[0][1][0]=a+b&whereIn[0][0]=provider&where[0][1]=%3C%3D&where[0][0]=x")
                .unwrap();
        let expected = Node::List(vec![Node::Text("provider".into()), texts(&["a b", "b"])]);
        assert_eq!(found.list("whereIn"), [expected]);
        assert_eq!(found.list("where"), [texts(&["x", "<="])]);
        assert_eq!(read("").unwrap(), Brackets::default());
        assert_eq!(read("limit=").unwrap().get("limit"), None);
    }

    #[test]
    fn what_is_not_one_set_of_parameters_is_refused() {
        let refused = [
            "other=1",
            "limit=1&limit=2",
            "limit[0]=1",
            "Limit=1",
            "where",
            "where=",
            "where=1",
            "where={}",
            "where=[",
            "where=[true]",
            "where=[null]",
            "where=[{}]",
            "where=[[[[1]]]]",
            "where[]=1",
            "where[0=1",
            "where0]=1",
            "where[a][0]=1",
            "where[-1][0]=1",
            "where[0][0][0][0]=1",
            "where[100][0]=1",
            "where[1][0]=a",
            "where[0][1]=a",
            "where[0]=a&where[0][0]=b",
            "where[0][0]=a&where[0]=b",
            "where[0][0]=a&where[0][0]=b",
            "where[0][0]=a&where=[]",
            "where=[]&where[0][0]=a",
            "where=[]&where=[]",
            "where[0][0]=%FF",
            "%FF=1",
            "where[0] [0]=1",
            "where[0]x[0]=1",
        ];
        for query in refused {
            assert!(read(query).is_err(), "{query}");
        }
        let long = format!("where=[{}]", vec!["1"; 101].join(","));
        assert!(read(&long).is_err());
        assert!(read(&long.replacen("1,", "", 1)).is_ok());
    }
}
