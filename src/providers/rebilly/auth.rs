//! Who a webhook comes from: Basic (RFC 7617) or Digest (RFC 7616), as Rebilly's credential says.
//!
//! Neither covers what a message says, and without a clock and a memory an answer to our challenge can be replayed: all that follows from
//! a message is that we ask.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use super::account::{Account, WebhookAuth};
use crate::providers::RawRequest;

/// The realm of our challenges.
const REALM: &str = "croupier";

/// The hash of a Digest answer. Which one Rebilly uses is not documented: both are offered, the better one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Md5,
}

impl Hash {
    const ALL: [Self; 2] = [Self::Sha256, Self::Md5];

    fn name(self) -> &'static str {
        match self {
            Hash::Sha256 => "SHA-256",
            Hash::Md5 => "MD5",
        }
    }

    /// Lower-case hex.
    pub(super) fn of(self, text: &str) -> String {
        match self {
            Hash::Sha256 => hex::encode(Sha256::digest(text)),
            Hash::Md5 => hex::encode(Md5::digest(text)),
        }
    }
}

/// The account whose webhook this is. Every account is tried, so that time says nothing about them.
pub(super) fn sender<'a>(
    accounts: impl Iterator<Item = &'a Account>,
    nonce: &str,
    raw: &RawRequest<'_>,
) -> Option<&'a Account> {
    let (scheme, given) = raw.authorization?.split_once(' ')?;
    let basic = scheme.eq_ignore_ascii_case("basic").then(|| read_basic(given)).flatten();
    let digest = scheme.eq_ignore_ascii_case("digest").then(|| DigestAnswer::read(given)).flatten();
    let mut found = None;
    for account in accounts {
        let holds = match account.webhook_auth {
            WebhookAuth::Basic => basic.as_ref().is_some_and(|(user, password)| {
                let user = same(user.as_bytes(), account.webhook_user.as_bytes());
                user & same(password.as_bytes(), account.webhook_password.expose().as_bytes())
            }),
            WebhookAuth::Digest => digest.as_ref().is_some_and(|answer| answer.holds(account, nonce, raw)),
        };
        found = if holds { Some(account) } else { found };
    }
    found
}

/// Compares in constant time; only lengths may show.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// Name and password. One line feed behind the password is dropped: the documentation's own sample has one (manual, "Basic
/// authentication of webhooks").
pub(super) fn read_basic(given: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(given.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    let password = password.strip_suffix('\n').unwrap_or(password);
    let password = password.strip_suffix('\r').unwrap_or(password);
    Some((user.to_owned(), password.to_owned()))
}

/// An answer to our challenge.
#[derive(Debug)]
struct DigestAnswer {
    parameters: BTreeMap<String, String>,
}

impl DigestAnswer {
    fn read(text: &str) -> Option<Self> {
        parameters(text).map(|parameters| Self { parameters })
    }

    fn get(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    fn holds(&self, account: &Account, nonce: &str, raw: &RawRequest<'_>) -> bool {
        let hash = match self.parameters.get("algorithm").map(String::as_str) {
            None => Hash::Md5,
            Some(name) => match Hash::ALL.into_iter().find(|hash| hash.name().eq_ignore_ascii_case(name)) {
                Some(hash) => hash,
                None => return false,
            },
        };
        let of_this_request = is_path(self.get("uri"), account, raw);
        let ours = same(self.get("nonce").as_bytes(), nonce.as_bytes()) && self.get("realm") == REALM;
        let user = same(self.get("username").as_bytes(), account.webhook_user.as_bytes());
        let counted = match self.get("qop") {
            "" => None,
            "auth" => Some((self.get("nc"), self.get("cnonce"))),
            _ => return false,
        };
        let secret = (account.webhook_user.as_str(), REALM, account.webhook_password.expose());
        let expected = response(hash, secret, self.get("uri"), nonce, counted);
        let right = same(self.get("response").to_ascii_lowercase().as_bytes(), expected.as_bytes());
        of_this_request && ours && user && right
    }
}

/// The answer to a challenge (RFC 7616) for a POST. `who`: name, realm and password; `counted`: nc and cnonce, where there is a qop.
pub(super) fn response(
    hash: Hash,
    who: (&str, &str, &str),
    uri: &str,
    nonce: &str,
    counted: Option<(&str, &str)>,
) -> String {
    let secret = hash.of(&format!("{}:{}:{}", who.0, who.1, who.2));
    let request = hash.of(&format!("POST:{uri}"));
    match counted {
        Some((nc, cnonce)) => hash.of(&format!("{secret}:{nonce}:{nc}:{cnonce}:auth:{request}")),
        None => hash.of(&format!("{secret}:{nonce}:{request}")),
    }
}

/// Whether an answer is for this request: its path, with what a proxy before us may have taken off, and its query.
fn is_path(uri: &str, account: &Account, raw: &RawRequest<'_>) -> bool {
    let query = if raw.query.is_empty() { String::new() } else { format!("?{}", raw.query) };
    let before = account.public_url.as_ref().map_or("", |url| url.path()).trim_end_matches('/');
    uri == format!("{}{query}", raw.path) || uri == format!("{before}{}{query}", raw.path)
}

/// `name=value, name="value"`; a name twice is no answer.
fn parameters(text: &str) -> Option<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => quoted_text(quoted)?,
            None => {
                let end = after.find(',').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        if found.insert(name.trim().to_ascii_lowercase(), value).is_some() {
            return None;
        }
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(found)
}

/// The text up to the closing quotation mark, and what follows it.
fn quoted_text(text: &str) -> Option<(String, &str)> {
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((value, &text[at + 1..])),
            _ => value.push(c),
        }
    }
    None
}

/// The nonce of our challenges: the same on every instance and after every start, and told by nobody who does not have an API key.
pub(super) fn nonce(accounts: &BTreeMap<i64, Account>) -> String {
    let mut sha = Sha256::new_with_prefix(b"croupier digest nonce");
    for account in accounts.values() {
        sha.update(account.api_key.expose());
        sha.update([0]);
    }
    hex::encode(&sha.finalize()[..16])
}

/// What whoever has not proved who they are is asked for, in the ways that the accounts use.
pub(super) fn challenges(accounts: &BTreeMap<i64, Account>) -> Vec<(&'static str, String)> {
    let uses = |auth| accounts.values().any(|account| account.webhook_auth == auth);
    let mut asked = Vec::new();
    if uses(WebhookAuth::Digest) {
        let nonce = nonce(accounts);
        let digest = |hash: Hash| {
            format!("Digest realm=\"{REALM}\", qop=\"auth\", algorithm={}, nonce=\"{nonce}\"", hash.name())
        };
        asked.extend(Hash::ALL.map(digest));
    }
    if uses(WebhookAuth::Basic) {
        asked.push(format!("Basic realm=\"{REALM}\", charset=\"UTF-8\""));
    }
    asked.into_iter().map(|challenge| ("WWW-Authenticate", challenge)).collect()
}
