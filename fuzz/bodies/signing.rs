//! What must hold of every message at the Cashier's two doors, whatever is in it: the oracle says what it is, the crate what becomes of it.

use croupier::error::Error;
use croupier::providers::carouseller::answer;
use croupier::providers::{Direction, Heard, Notification, Question, RawRequest, ReadError, Said};

use super::bench::{OTHER_SALT, SALTS, providers, tells_a_secret};
use super::oracle::{self, Members, Value, Way};

/// A message whose parameters are `members` as the oracle reads them; `None`: it is none, or could be two.
pub fn judge(raw: &RawRequest<'_>, members: Option<&Members>) {
    let members = members.filter(|members| oracle::is_one_set(members));
    let question = providers().carouseller.read_question(raw);
    let main = providers().get("carouseller").expect("it is registered");
    let notification = main.read(raw);
    match &question {
        Ok(question) => is_asked(question, members.expect("a question out of what is no message")),
        Err(error) => {
            refused(error, members, Door::Questions);
            let told = answer::unread_question(error);
            is_a_refusal(told.http, &[200, 400, 415], told.to_json().as_bytes());
        }
    }
    match &notification {
        Ok(Heard::Notification(said)) => is_said(said, members.expect("news out of what is no message")),
        Ok(other) => panic!("a notification without doubt is not {other:?}"),
        Err(error) => {
            refused(error, members, Door::Notifications);
            let told = main.tell(Said::Refused(error));
            is_a_refusal(told.http, &[400, 403, 415], told.body.as_bytes());
        }
    }
    assert!(question.is_err() || notification.is_err(), "one message at both doors");
}

/// Where a message came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Questions,
    Notifications,
}

/// What the site's own salts make of its signature. `None`: it cannot be told.
fn believed(members: &Members) -> Option<bool> {
    let given = oracle::scalar(members, "signature").unwrap_or_default();
    oracle::believes(members, &SALTS, given)
}

/// A refusal must have its reason in the message.
fn refused(error: &ReadError, members: Option<&Members>, door: Door) {
    let unread = matches!(error, ReadError::Unreadable(_) | ReadError::NotOneSet(_) | ReadError::UnsupportedMedia);
    assert_eq!(unread, members.is_none(), "{error} for {members:?}");
    let Some(members) = members else { return };
    match error {
        ReadError::Unreadable(_) | ReadError::NotOneSet(_) | ReadError::UnsupportedMedia => {}
        ReadError::UnknownAction => {
            assert!(door == Door::Questions && action(members).is_none(), "{members:?}");
        }
        ReadError::UnknownSite => {
            let site = oracle::scalar(members, "site_id");
            assert!(!matches!(site, Some("332" | "333")), "{members:?}");
        }
        ReadError::AddressNotAllowed => panic!("every address is allowed"),
        ReadError::InvalidSignature => {
            let of_another_site = oracle::scalar(members, "site_id") == Some("333");
            let misplaced = door == Door::Notifications && has_an_action(members);
            let holds = believed(members) == Some(true);
            assert!(!holds || misplaced || of_another_site, "a right signature is refused: {members:?}");
        }
        ReadError::Field(Error::Missing("action")) if door == Door::Questions => {
            assert!(action(members).is_none(), "{members:?}");
        }
        ReadError::Field(error) => {
            assert!(error.is_refusal(), "{error}");
            assert!(signed_for_a_site(members), "fields were looked at before the signature: {members:?}");
        }
    }
}

/// Nothing in a message means anything before its signature is checked.
fn signed_for_a_site(members: &Members) -> bool {
    let given = oracle::scalar(members, "signature").unwrap_or_default();
    let elsewhere = || oracle::believes(members, &[OTHER_SALT], given) != Some(false);
    match oracle::scalar(members, "site_id") {
        Some("332") => believed(members) != Some(false),
        Some("333") => elsewhere(),
        _ => false,
    }
}

fn action(members: &Members) -> Option<Direction> {
    match oracle::scalar(members, "action").or_else(|| oracle::scalar(members, "name")) {
        Some("check_deposit") => Some(Direction::Deposit),
        Some("request_payout") => Some(Direction::Payout),
        _ => None,
    }
}

/// Whether it has what only a question has.
fn has_an_action(members: &Members) -> bool {
    members.iter().any(|(name, _)| name == "action" || name == "name")
}

/// A question is what its parameters say, to the letter.
fn is_asked(question: &Question, members: &Members) {
    let text = |name: &str| oracle::scalar(members, name);
    assert!(signed_for_a_site(members), "a question without a right signature: {members:?}");
    assert_eq!(Some(question.direction), action(members));
    assert_eq!(Some(question.site.0.to_string().as_str()), text("site_id"));
    assert_eq!(Some(question.login.as_str()), text("site_login"));
    assert!(question.login.as_str().chars().count() <= 128 && is_clean(question.login.as_str()));
    is_minor(question.amount.minor(), text("amount"));
    let currency = text("currency").expect("a currency").to_ascii_uppercase();
    assert_eq!(question.amount.currency().code(), currency);
    assert_eq!(question.transaction_id.as_deref(), text("transaction_id"));
    is_masked(&question.details);
    assert!(question.purse.as_deref().is_none_or(has_no_card), "{:?}", question.purse);
}

/// A notification is what its parameters say, to the letter.
fn is_said(said: &Notification, members: &Members) {
    let text = |name: &str| oracle::scalar(members, name);
    assert!(signed_for_a_site(members), "news without a right signature: {members:?}");
    assert!(said.signed && !said.external_id.is_empty());
    assert_eq!(Some(said.site.0.to_string().as_str()), text("site_id"));
    assert_eq!(Some(said.external_id.as_str()), text("external_id"));
    assert_eq!(Some(said.login.as_str()), text("site_login"));
    assert!(is_clean(&said.login) && is_clean(&said.external_id) && is_clean(&said.transaction_id));
    is_minor(said.amount_minor, text("amount"));
    assert_eq!(said.currency, text("currency").expect("a currency").to_ascii_uppercase());
    assert_eq!(said.currency.len(), 3);
    if said.news.moves_money() {
        assert_eq!(text("status_id"), Some("4"), "only status 4 is success: {members:?}");
    }
    is_masked(&said.content);
}

/// The only texts of an amount: digits without a leading zero, 1 to 10^15 (threats PAR-1).
fn is_minor(minor: i64, text: Option<&str>) {
    assert_eq!(text, Some(minor.to_string().as_str()));
    assert!((1..=1_000_000_000_000_000).contains(&minor), "{minor}");
}

fn is_clean(text: &str) -> bool {
    !text.contains(';') && !text.chars().any(char::is_control)
}

fn is_masked(texts: &[(String, String)]) {
    assert!(texts.iter().all(|(_, text)| has_no_card(text)), "{texts:?}");
}

/// No run of 16 digits that begins like a card and has its check digit. Words of 26 letters and digits are addresses of crypto-currencies
/// and stay.
fn has_no_card(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() < 26);
    let runs = words.flat_map(|word| word.split(|c: char| !c.is_ascii_digit())).filter(|run| run.len() == 16);
    !runs.into_iter().any(|run| run.starts_with('4') && is_card(run))
}

/// The check digit of card numbers.
fn is_card(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, byte)| {
            let digit = u32::from(byte - b'0') * if at % 2 == 1 { 2 } else { 1 };
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// A refusal is JSON with a code that is no yes, says why, and shows nothing that is secret.
pub fn is_a_refusal(http: u16, statuses: &[u16], body: &[u8]) {
    assert!(statuses.contains(&http), "HTTP status {http}");
    let members = oracle::json::parse(body).expect("an answer is one JSON object");
    let code = oracle::scalar(&members, "code").expect("an answer has a code");
    assert!(!matches!(code, "0" | "50"), "a refusal says {code}");
    assert!(oracle::scalar(&members, "error_description").is_some(), "a refusal says why");
    assert!(!tells_a_secret(&String::from_utf8_lossy(body)), "a refusal shows a secret");
}

/// The members with a signature by the first salt, written this way.
pub fn signed(members: &Members, way: Way) -> Members {
    with(members, "signature", &oracle::signature(members, way, SALTS[0]))
}

/// The members with this one in the place of another of its name.
pub fn with(members: &Members, name: &str, text: &str) -> Members {
    let mut others: Members = members.iter().filter(|(known, _)| known != name).cloned().collect();
    others.push((name.to_owned(), Value::Text(text.to_owned())));
    others
}
