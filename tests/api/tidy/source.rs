//! The project's own files, read as text: Rust without its comments, strings and tests, and documents.

use std::path::{Path, PathBuf};

/// A Rust file.
pub struct Source {
    /// Its path from the root, with `/`.
    pub path: String,
    /// Everything in it.
    pub text: String,
    /// The text with comments, strings and characters blanked; lines stay where they are.
    pub code: String,
    /// Whether it is compiled for tests only.
    pub is_test: bool,
}

impl Source {
    /// The module right under the crate's root that the file belongs to: `ledger` for `src/ledger/record.rs`.
    pub fn module(&self) -> &str {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
    }

    /// The code without the tests in it.
    pub fn shipped(&self) -> &str {
        let end = self.code.find("#[cfg(test)]\nmod tests {").unwrap_or(self.code.len());
        if self.is_test { "" } else { &self.code[..end] }
    }

    /// Where something is, for a message: `src/a.rs:12`.
    pub fn place(&self, at: usize) -> String {
        format!("{}:{}", self.path, self.text[..at].matches('\n').count() + 1)
    }
}

/// The root of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the project as text.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Rust file under these folders.
pub fn rust(folders: &[&str]) -> Vec<Source> {
    files(folders, &["rs"]).into_iter().map(|path| source(&path)).collect()
}

/// Every file under these folders, or these files, with one of the extensions; sorted.
pub fn files(places: &[&str], extensions: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = places.iter().map(|place| root().join(place)).collect();
    while let Some(place) = open.pop() {
        if place.is_dir() {
            let entries = std::fs::read_dir(&place).expect("a folder of the project can be listed");
            open.extend(entries.map(|entry| entry.expect("an entry of a folder").path()));
        } else if place.extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known)) {
            let inside = place.strip_prefix(root()).expect("a file of the project");
            found.push(inside.to_string_lossy().replace('\\', "/"));
        }
    }
    found.sort();
    found
}

fn source(path: &str) -> Source {
    parsed(path, read(path))
}

/// A file with this text.
pub fn parsed(path: &str, text: String) -> Source {
    let name = path.rsplit('/').next().unwrap_or(path);
    let only_tests =
        path.contains("/tests/") || name == "tests.rs" || name == "testing.rs" || name.ends_with("_tests.rs");
    let is_test = !path.starts_with("src/") || only_tests;
    Source { path: path.to_owned(), code: blank(&text), text, is_test }
}

/// Blanks comments, strings and characters: what is left can be searched for code.
fn blank(text: &str) -> String {
    let mut code = text.as_bytes().to_vec();
    for (at, length) in opaque(text) {
        for byte in code[at..at + length].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
    }
    String::from_utf8(code).expect("only whole characters are blanked")
}

/// The plain strings of a text, without their quotes, and where they start.
pub fn strings(text: &str) -> Vec<(usize, &str)> {
    let plain = opaque(text).into_iter().filter(|(at, _)| text.as_bytes()[*at] == b'"');
    plain.map(|(at, length)| (at, text[at..at + length].trim_matches('"'))).collect()
}

/// Where comments, strings and characters start, and how long they are.
fn opaque(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = match rest {
            [b'/', b'/', ..] => rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()),
            [b'/', b'*', ..] => text[at..].find("*/").map_or(rest.len(), |end| end + 2),
            [b'r', b'"' | b'#', ..] if at == 0 || !is_word(bytes[at - 1]) || bytes[at - 1] == b'b' => {
                raw_string(&text[at..])
            }
            [b'"', ..] => string(rest),
            [b'\'', ..] => character(&text[at..]),
            _ => 0,
        };
        if length > 0 {
            found.push((at, length));
        }
        at += length.max(1);
    }
    found
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn string(rest: &[u8]) -> usize {
    let mut end = 1;
    while end < rest.len() && rest[end] != b'"' {
        end += if rest[end] == b'\\' { 2 } else { 1 };
    }
    (end + 1).min(rest.len())
}

fn raw_string(rest: &str) -> usize {
    let marks = rest[1..].bytes().take_while(|b| *b == b'#').count();
    if rest.as_bytes().get(1 + marks) != Some(&b'"') {
        return 0;
    }
    let close = format!("\"{}", "#".repeat(marks));
    rest[2 + marks..].find(&close).map_or(rest.len(), |end| 2 + marks + end + close.len())
}

/// `'x'` and `'\n'` are characters, `'a` is a lifetime.
fn character(rest: &str) -> usize {
    let mut inside = rest[1..].chars();
    match inside.next() {
        Some('\\') => rest[3..].find('\'').map_or(0, |end| end + 4),
        Some(one) if inside.next() == Some('\'') => one.len_utf8() + 2,
        Some(_) | None => 0,
    }
}

/// Every function with a body: its name, where it starts, how many lines it has.
pub fn functions(code: &str) -> Vec<(&str, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if at > 0 && is_word(code.as_bytes()[at - 1]) {
            continue;
        }
        let name: &str = code[at + 3..].split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
        let Some(open) = body_of(&code[at..]).filter(|_| !name.is_empty()) else { continue };
        let mut depth = 0_usize;
        let end = code[at + open..].bytes().position(|byte| {
            depth = match byte {
                b'{' => depth + 1,
                b'}' => depth - 1,
                _ => depth,
            };
            depth == 0
        });
        let end = at + open + end.unwrap_or_default();
        found.push((name, at, code[at..end].matches('\n').count() + 1));
    }
    found
}

/// Where the body of a function opens; none for a signature alone.
fn body_of(code: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(at),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The modules under the crate's root that a file names: `crate::x`, `use crate::{x, y}`, and `super::` as far as the root.
pub fn named_modules(source: &Source) -> Vec<(String, usize)> {
    let code = source.shipped();
    let inside = source.path.strip_prefix("src/").unwrap_or(&source.path);
    let own_folder = inside.ends_with("/mod.rs");
    let depth = inside.matches('/').count() + usize::from(!own_folder);
    let to_root = "super::".repeat(depth);
    let mut found = Vec::new();
    for prefix in ["crate::", to_root.as_str()] {
        for (at, _) in code.match_indices(prefix) {
            let before = &code[..at];
            if prefix.starts_with("super")
                && (before.ends_with(':') || code[at + prefix.len()..].starts_with("super::"))
            {
                continue;
            }
            let rest = &code[at + prefix.len()..];
            let names = match rest.strip_prefix('{') {
                Some(list) => outermost(list),
                None => vec![word(rest)],
            };
            found.extend(names.into_iter().filter(|name| !name.is_empty()).map(|name| (name.to_owned(), at)));
        }
    }
    found
}

fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("")
}

/// The first name of every item of a list in braces.
fn outermost(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut names) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(word(list[start..at].trim_start()));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(word(list[start..at].trim_start()));
                start = at + 1;
            }
            _ => {}
        }
    }
    names
}

#[test]
fn comments_strings_and_characters_are_blanked() {
    let code = blank("a // b\n\"c\\\"d\" r#\"e\"f\"# 'g' '\\n' 'h: i /* j\n */ k \"ж\" l");
    let words: Vec<_> = code.split_whitespace().collect();
    assert_eq!(words, ["a", "'h:", "i", "k", "l"]);
    assert_eq!(code.matches('\n').count(), 2);
}

#[test]
fn strings_are_found_with_their_places() {
    assert_eq!(strings("// \"a\"\nf(\"\", \"/b\", 'c')"), [(9, ""), (13, "/b")]);
}

#[test]
fn functions_and_their_lines_are_found() {
    let code = "fn a() {\n{}\n}\nfn b<T>(x: [u8; 2]) -> T\nwhere T: X {\n}\ntrait C { fn d(&self); }";
    let found: Vec<_> = functions(code).into_iter().map(|(name, _, lines)| (name, lines)).collect();
    assert_eq!(found, [("a", 3), ("b", 3)]);
}

#[test]
fn named_modules_are_found_however_they_are_named() {
    let source = |path: &str, text: &str| Source {
        path: path.to_owned(),
        text: text.to_owned(),
        code: text.to_owned(),
        is_test: false,
    };
    let names = |source: &Source| named_modules(source).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(&source("src/a/b.rs", "use crate::{c::{d, e}, f};")), ["c", "f"]);
    assert_eq!(names(&source("src/a/b.rs", "crate::c::d(); super::e(); super::super::f();")), ["c", "f"]);
    assert_eq!(names(&source("src/a/mod.rs", "super::c")), ["c"]);
    assert_eq!(names(&source("src/a.rs", "super::c")), ["c"]);
}
