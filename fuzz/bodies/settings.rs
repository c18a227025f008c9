//! A text as settings: read, or everything that is wrong with it is told by key. No secret is ever told.

use croupier::sections::{Node, Table, parse_toml};
use croupier::settings::Settings;

/// What every secret of the corpus has in it.
const MARK: &str = "5ecret";

/// Keys whose values are secrets; below `api_keys` the names are the operator's own.
const SECRET_KEYS: [&str; 10] = [
    "salts",
    "secret",
    "keys",
    "api_keys",
    "api_key",
    "sign_keys",
    "merchant_key",
    "callback_token",
    "webhook_password",
    "notification_token",
];

/// The target.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = Settings::from_text(text);
    let again = Settings::from_text(text);
    let tree = parse_toml(text);
    match &read {
        Ok(settings) => {
            assert!(tree.is_ok() && again.is_ok());
            are_in_order(settings);
            if only_secret(tree.as_ref().expect("it was read")) {
                let shown = format!("{settings:?} {}", settings.masked());
                assert!(!shown.contains(MARK), "settings are shown with a secret");
            }
        }
        Err(problems) => {
            assert_eq!(again.err().as_ref(), Some(problems), "the same text, other problems");
            assert!(problems.iter().any(|problem| problem.is_error()), "refused without an error: {problems:?}");
            for problem in problems {
                assert!(!problem.key.is_empty() && !problem.reason.is_empty(), "{problem:?}");
                let may_show = tree.as_ref().is_ok_and(|tree| !only_secret(tree));
                let is_key = tree.is_err() && !told_in_values(text);
                assert!(
                    may_show || is_key || !problem.to_string().contains(MARK),
                    "a problem tells a secret: {problem}"
                );
            }
        }
    }
}

/// What was let in can be worked with (threats SIG-11).
fn are_in_order(settings: &Settings) {
    let mut secrets = Vec::new();
    for provider in settings.providers.all() {
        for (key, secret) in provider.secrets() {
            let text = secret.expose().to_owned();
            assert!(!text.trim().is_empty(), "{key} is blank");
            assert!(!key.contains("salts") || !text.contains(';'), "{key} holds a separator");
            secrets.push((key, text));
        }
    }
    for (at, (key, text)) in secrets.iter().enumerate() {
        let twin = secrets[..at].iter().find(|(_, other)| other == text);
        assert!(twin.is_none(), "{key} and {twin:?} are the same secret");
    }
    let mut ids: Vec<i64> = settings.sites.iter().map(|site| site.site_id.0).collect();
    ids.sort_unstable();
    assert!(ids.windows(2).all(|two| two[0] < two[1]) && ids.iter().all(|id| *id > 0), "{ids:?}");
    for site in &settings.sites {
        assert!(!site.currencies.is_empty(), "{} has no currency", site.name);
    }
}

/// Whether the mark stands in values of secrets alone: neither in a name, nor in a value that may be told.
fn only_secret(tree: &Table) -> bool {
    tree.iter().all(|(key, node)| !key.contains(MARK) && is_hidden(key, node))
}

fn is_hidden(key: &str, node: &Node) -> bool {
    let is_secret = SECRET_KEYS.contains(&key);
    match node {
        Node::Table(table) => table.iter().all(|(inner, node)| {
            let named = if key == "api_keys" && !SECRET_KEYS.contains(&inner.as_str()) { key } else { inner };
            !inner.contains(MARK) && is_hidden(named, node)
        }),
        Node::List(items) => items.iter().all(|item| is_hidden(key, item)),
        Node::Text(text) | Node::Env(text) => is_secret || !text.contains(MARK),
        Node::Integer(_) | Node::Boolean(_) | Node::Other(_) => true,
    }
}

/// Whether every mark of a text that is no TOML stands behind `key = "` or `key = ["` of a secret, on one line.
fn told_in_values(text: &str) -> bool {
    text.lines().filter(|line| line.contains(MARK)).all(|line| {
        let Some((key, value)) = line.split_once('=') else { return false };
        let value = value.trim_start().trim_start_matches('[').trim_start();
        SECRET_KEYS.contains(&key.trim()) && value.starts_with('"') && value.matches('"').count() == 2
    })
}
