//! What the documents promise of the sources.

use std::collections::BTreeSet;

use super::source::{files, functions, read, root, rust};
use super::{none, shipped};

/// Every group of threats and how many it has.
const GROUPS: [(&str, usize); 11] = [
    ("SIG", 16),
    ("PAR", 12),
    ("IDM", 7),
    ("LIF", 11),
    ("WLT", 4),
    ("OUT", 10),
    ("DUR", 15),
    ("NET", 8),
    ("SEC", 6),
    ("ADM", 10),
    ("OPS", 4),
];

fn documents() -> Vec<String> {
    files(&["README.md", "CHANGELOG.md", "docs", "examples", "migrations"], &["md"])
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The rows of a table whose first cell begins with one of the words.
fn rows(document: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    document.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Id")).map(cells).collect()
}

#[test]
fn every_threat_has_its_row_with_a_place_and_a_test() {
    let sources = rust(&["src", "tests", "examples"]);
    let known: BTreeSet<&str> =
        sources.iter().flat_map(|source| functions(&source.code)).map(|(name, _, _)| name).collect();
    let rows = rows(&read("docs/THREATS.md"));
    let mut wrong = Vec::new();
    for id in GROUPS.iter().flat_map(|(group, count)| (1..=*count).map(move |number| format!("{group}-{number}"))) {
        let found: Vec<_> = rows.iter().filter(|row| row[0] == id).collect();
        let [row] = found[..] else {
            wrong.push(format!("{id}: {} rows", found.len()));
            continue;
        };
        let test = row.last().expect("a row has cells");
        if test.starts_with("later: ") {
            continue;
        }
        if !quoted(&row[3]).any(|place| root().join(place).exists()) {
            wrong.push(format!("{id}: does not say in which file it is handled"));
        }
        if quoted(test).next().is_none() {
            wrong.push(format!("{id}: names no test"));
        }
        wrong.extend(quoted(test).filter(|name| !known.contains(name)).map(|name| format!("{id}: no test {name}")));
    }
    none("docs/THREATS.md", wrong);
}

#[test]
fn every_threat_that_the_code_names_has_a_row() {
    let rows = rows(&read("docs/THREATS.md"));
    let known: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    let mut wrong = Vec::new();
    for source in rust(&["src", "tests"]).iter().filter(|source| !source.path.starts_with("tests/api/tidy")) {
        for (at, _) in source.text.match_indices("threats ") {
            let list =
                source.text[at + "threats ".len()..].split(|c: char| !c.is_ascii_alphanumeric() && !"-, ".contains(c));
            for word in list.take(1).flat_map(|list| list.split([',', ' '])) {
                let group = word.trim_end_matches(|c: char| c.is_ascii_digit());
                let is_id = group.len() < word.len() && (group == "R" || group.ends_with('-'));
                if is_id && !known.contains(word) {
                    wrong.push(format!("{}: {word}", source.place(at)));
                }
            }
        }
    }
    none("named in the code and not in docs/THREATS.md", wrong);
}

#[test]
fn files_and_links_of_the_documents_are_there() {
    let folders = ["src/", "tests/", "docs/", "migrations/", "benches/", "examples/"];
    let mut wrong = Vec::new();
    for path in documents() {
        let text = read(&path);
        let here = root().join(&path);
        let named = quoted(&text).filter(|name| folders.iter().any(|folder| name.starts_with(folder)));
        wrong.extend(named.filter(|name| !root().join(name).exists()).map(|name| format!("{path}: {name}")));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let inside = !link.is_empty() && !link.contains("://");
            if inside && !here.parent().expect("a file is in a folder").join(link).exists() {
                wrong.push(format!("{path}: {link}"));
            }
        }
    }
    none("named in a document and not there", wrong);
}

#[test]
fn every_kind_of_review_has_its_section_in_the_runbook() {
    let runbook = read("docs/RUNBOOK.md");
    let named: BTreeSet<&str> = quoted(&runbook).collect();
    let opened = [
        "src/deposits/lifecycle.rs",
        "src/inquiries/alarm.rs",
        "src/payouts/lifecycle.rs",
        "src/payouts/outbox.rs",
        "src/pushes/record.rs",
        "src/wallet/adjust.rs",
        "src/webhooks/additional.rs",
        "src/webhooks/apply.rs",
    ];
    let mut wrong = Vec::new();
    for path in opened {
        let text = read(path);
        let shipped = text.split("#[cfg(test)]").next().expect("a first part");
        for word in shipped.split('"').skip(1).step_by(2) {
            let is_kind = word.contains('_') && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            // An outcome, and names of details.
            let is_other = ["not_sent", "asked_by", "additional_to"].contains(&word);
            if is_kind && !is_other && !named.contains(word) {
                wrong.push(format!("{path}: {word}"));
            }
        }
    }
    none("words that docs/RUNBOOK.md does not explain", wrong);
}

#[test]
fn every_error_in_the_log_is_explained_in_the_runbook() {
    let runbook = read("docs/RUNBOOK.md");
    let mut wrong = Vec::new();
    let about_the_service = |path: &str| !path.starts_with("src/simulate/") && !path.starts_with("src/cli/demo");
    for source in shipped().iter().filter(|source| about_the_service(&source.path)) {
        for (at, _) in source.shipped().match_indices("log::error!(") {
            let Some(line) = source.text[at..].split('"').nth(1) else { continue };
            let pieces =
                line.split(['{', '}']).step_by(2).map(|piece| piece.trim().trim_matches(|c| c == ':' || c == ' '));
            let longest = pieces.max_by_key(|piece| piece.len()).unwrap_or_default();
            if !runbook.contains(longest) {
                wrong.push(format!("{}: {longest}", source.place(at)));
            }
        }
    }
    none("error lines without a place in docs/RUNBOOK.md", wrong);
}

#[test]
fn every_metric_is_described() {
    let described = read("docs/OPERATIONS.md");
    let code = read("src/metrics.rs");
    let metrics = code.split('"').filter(|text| text.starts_with("croupier_") && !text.contains(' '));
    none(
        "metrics missing in docs/OPERATIONS.md",
        metrics.filter(|name| !described.contains(*name)).map(String::from).collect(),
    );
}

#[test]
fn the_readme_begins_with_the_two_commands() {
    let readme = read("README.md");
    let top: String = readme.lines().take(15).collect::<Vec<_>>().join("\n");
    assert!(top.contains("cargo run --release -- demo") && top.contains("./test"), "{top}");
}

#[test]
fn each_version_of_the_changelog_says_what_to_read_before_upgrading() {
    let changelog = read("CHANGELOG.md");
    let mut versions = Vec::new();
    for section in changelog.split("\n## ").skip(1) {
        let (title, rest) = section.split_once('\n').expect("a version has text");
        assert!(rest.trim_start().starts_with("**Read before upgrading.**"), "{title}");
        let numbers: Vec<u32> =
            title.split('.').map(|number| number.parse().expect("a version is three numbers")).collect();
        assert_eq!(numbers.len(), 3, "{title}");
        versions.push(numbers);
    }
    let newest = versions.first().expect("there is a version");
    let own: Vec<u32> = env!("CARGO_PKG_VERSION").split('.').map(|number| number.parse().expect("a number")).collect();
    assert_eq!(*newest, own, "the newest version is that of Cargo.toml");
    assert!(versions.windows(2).all(|pair| pair[0] > pair[1]), "newest first");
}

#[test]
fn every_migration_goes_up_and_down_and_no_file_knows_this_machine() {
    let sql = files(&["migrations"], &["sql"]);
    let folders: BTreeSet<&str> =
        sql.iter().filter_map(|path| path.rsplit_once('/')).map(|(folder, _)| folder).collect();
    for folder in folders {
        for name in ["up.sql", "down.sql"] {
            assert!(root().join(folder).join(name).exists(), "{folder}/{name}");
        }
    }
    let here = root().to_string_lossy();
    let places =
        ["src", "tests", "benches", "docs", "examples", "migrations", "README.md", "CHANGELOG.md", "Settings.toml"];
    let all = files(&places, &["rs", "md", "sh", "sql", "toml"]);
    none("files with a path of this machine", all.into_iter().filter(|path| read(path).contains(&*here)).collect());
}

#[test]
fn a_test_that_only_runs_on_a_file_is_listed_with_the_reason() {
    let listed: BTreeSet<String> =
        rows(&read("docs/CONTRIBUTING.md")).iter().flat_map(|row| quoted(&row[0]).map(str::to_owned)).collect();
    let mut missing = Vec::new();
    for source in rust(&["tests"]) {
        for (at, _) in source.text.match_indices(concat!("    if !about_the", "_file() {")) {
            let before = &source.text[..at];
            let name = before.rsplit("fn ").next().and_then(|rest| rest.split('(').next()).unwrap_or_default();
            if !listed.contains(name) {
                missing.push(format!("{}: {name}", source.place(at)));
            }
        }
    }
    none("tests that leave PostgreSQL out and are not in docs/CONTRIBUTING.md", missing);
}
