//! What providers say: bytes as their answers to our calls, and as their own messages. The first line says which provider, what it is
//! about, and with which HTTP statuses: `cactus pay 200`, `rebilly ask-payout 200,404`. The bodies follow, parted by lines of `--`.
//!
//! Only a clear yes is a yes: where the crate says that a payout was taken or refused or that money moved, a loose reading of the same
//! bytes, written from the manuals, must find it there too. What is not authenticated says nothing at all.

use croupier::ids::{ExternalId, Login};
use croupier::money::{Currency, Money};
use croupier::outgoing::Reply;
use croupier::providers::{
    DepositOrder, Desk, Direction, Heard, InitiationAnswer, Inquired, News, OpenOrder, Opening, PayoutOrder, Provider,
    RawRequest, Said, Step, Texts,
};
use ring::digest::{SHA256, digest};

use super::bench::{
    CABBAGINO_SALT, CACTUS_SALT, EXOTIC_KEY, EXOTIC_TOKEN, PEER, REBILLY_BASIC, REBILLY_TOKEN, SALTS, SITE, providers,
    tells_a_secret,
};
use super::oracle::{self, Members, Value, Way};
use super::signing::{is_a_refusal, with};

/// The order that everything is about.
const ORDER: &str = "0198f2c1a5b07c3e8d4a6b2f1c0e9d8a";
/// What an answer may be about.
const ABOUT: [&str; 6] = ["pay", "open", "ask-deposit", "ask-payout", "read", "desk"];
/// How deep an answer may be nested anywhere.
const DEEPEST: usize = 64;

/// The target.
pub fn run(data: &[u8]) {
    outcomes(data);
}

/// What a driver made of something: the provider's name, and a word for it.
pub type Outcome = (&'static str, &'static str);

/// Runs an input, and tells what the driver made of it.
pub fn outcomes(data: &[u8]) -> Vec<Outcome> {
    // Whoever knows a secret may say it, and it may be shown as what they said: nothing can be told from that.
    if tells_a_secret(&String::from_utf8_lossy(data)) {
        return Vec::new();
    }
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let head = String::from_utf8_lossy(&data[..end]);
    let mut words = head.split(' ');
    let (name, about, statuses) = (words.next(), words.next(), words.next().unwrap_or("200"));
    let all: Vec<&dyn Provider> = providers().all().collect();
    let first = usize::from(data.first().copied().unwrap_or(0));
    let provider = all.iter().find(|one| Some(one.name()) == name).copied().unwrap_or(all[first % all.len()]);
    let about = ABOUT.into_iter().find(|one| Some(*one) == about).unwrap_or(ABOUT[first / all.len() % ABOUT.len()]);
    let bodies = parted(data.get(end + 1..).unwrap_or_default());
    let statuses: Vec<u16> = statuses.split(',').map(|text| text.parse().unwrap_or(200)).collect();
    let status = |at: usize| statuses.get(at).or(statuses.last()).copied().unwrap_or(200);
    let plain: Vec<Reply> = bodies.iter().enumerate().map(|(at, body)| Reply::new(status(at), *body)).collect();
    let named = |words: Vec<&'static str>| words.into_iter().map(|word| (provider.name(), word)).collect();
    if about == "read" {
        return named(reads(provider, bodies.first().copied().unwrap_or_default()));
    }
    let signed = plain.iter().map(|reply| Reply::new(reply.status, resigned(provider.name(), &reply.body))).collect();
    let tried = [plain, signed].map(|replies: Vec<Reply>| match about {
        "pay" => pays(provider, &replies),
        "open" => opens(provider, &replies),
        "ask-deposit" => asks(provider, Direction::Deposit, &replies),
        "ask-payout" => asks(provider, Direction::Payout, &replies),
        _ => calls(provider, &replies),
    });
    named(tried.into_iter().flatten().collect())
}

/// The bodies between lines of `--`.
fn parted(mut rest: &[u8]) -> Vec<&[u8]> {
    const MARK: &[u8] = b"\n--\n";
    let mut parts = Vec::new();
    while let Some(at) = rest.windows(MARK.len()).position(|window| window == MARK).filter(|_| parts.len() < 12) {
        parts.push(&rest[..at]);
        rest = &rest[at + MARK.len()..];
    }
    parts.push(rest);
    parts
}

/// The body with the signature of the platform, where its answers have one and this can have one.
fn resigned(provider: &str, body: &[u8]) -> Vec<u8> {
    let salt = match provider {
        "cactus" => CACTUS_SALT,
        "cabbagino" => CABBAGINO_SALT,
        _ => return body.to_vec(),
    };
    let Some(members) = oracle::json::parse(body).filter(|members| members.iter().all(|(name, _)| name != "signature"))
    else {
        return body.to_vec();
    };
    spliced(body, &members, &oracle::signature(&members, Way(0), salt))
}

fn spliced(body: &[u8], members: &Members, signature: &str) -> Vec<u8> {
    let end = body.iter().rposition(|byte| *byte == b'}').expect("an object ends so");
    let comma = if members.is_empty() { "" } else { "," };
    [&body[..end], format!("{comma}\"signature\":\"{signature}\"}}").as_bytes()].concat()
}

fn usd() -> Money {
    Money::new(10_000, Currency::parse("USD").expect("a currency")).expect("an amount")
}

fn rail(provider: &str) -> Option<String> {
    match provider {
        "cabbagino" => Some("TEST_PS".to_owned()),
        "exotic" | "cactus" => Some("card".to_owned()),
        _ => None,
    }
}

fn profile() -> Vec<(String, String)> {
    [("country_code", "LV"), ("first_name", "Ann"), ("last_name", "Lee")]
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .to_vec()
}

/// Plays the replies to a driver, one more at a time, and gives what it ends with and the replies it had then.
fn played<T, E>(replies: &[Reply], next: impl Fn(&[Reply]) -> Result<Step<T>, E>) -> Option<(T, &[Reply])> {
    for count in 1..=replies.len() {
        match next(&replies[..count]) {
            Ok(Step::Done(done)) => return Some((done, &replies[..count])),
            Ok(Step::Call(_) | Step::Prepare(_)) => {}
            Err(_) => return None,
        }
    }
    None
}

fn pays(provider: &dyn Provider, replies: &[Reply]) -> Option<&'static str> {
    let order = PayoutOrder {
        external_id: ExternalId::parse(ORDER).expect("an id"),
        site: SITE,
        login: Login::parse("ann").expect("a login"),
        amount: usd(),
        purse: None,
        rail: rail(provider.name()),
        details: Texts::new(),
        optional: profile(),
    };
    let (answer, used) = played(replies, |replies| provider.pay(&order, replies))?;
    let last = Loose::of(used.last().expect("one at least"));
    match answer {
        InitiationAnswer::Accepted(told, facts) => {
            assert!(last.is_good_object(), "{} took it without a good answer", provider.name());
            is_fit_for_people(&told);
            facts.values().for_each(|text| assert!(!text.is_empty()));
            let fits = match provider.name() {
                "carouseller" => last.is_true("success") && last.says("code", &["0"]),
                "cabbagino" => last.says("external_id", &[ORDER]) && last.says("status", &["1", "2", "3", "4"]),
                "exotic" => last.has("internal_transaction_id"),
                "cactus" => last.is_true("success") && last.says("request_id", &[ORDER]) && last.is_signed(CACTUS_SALT),
                "rebilly" => used.iter().any(|reply| contains(&reply.body, ORDER)),
                other => panic!("no reading of {other} yet: write one"),
            };
            assert!(fits, "{} took it, and its answer does not say so: {last:?}", provider.name());
            Some("accepted")
        }
        InitiationAnswer::Refused(why) => {
            is_fit_for_people(&why);
            let fits = match provider.name() {
                "carouseller" => last.is_false("success") && last.has("code") && !last.says("code", &["0"]),
                "cabbagino" => last.says("external_id", &[ORDER]) && last.says("status", &["5"]),
                "exotic" => last.told("this payment method is disabled"),
                "cactus" => last.is_false("success") && last.is_signed(CACTUS_SALT),
                "rebilly" => used.iter().any(|reply| matches!(reply.status, 400 | 422)),
                other => panic!("no reading of {other} yet: write one"),
            };
            assert!(fits, "{} refused it, and its answer does not say so: {last:?}", provider.name());
            let spoke = (200..300).contains(&last.status) || matches!(provider.name(), "exotic" | "rebilly");
            assert!(spoke && last.status < 500, "a refusal out of HTTP status {}", last.status);
            Some("refused")
        }
        InitiationAnswer::NotNow(why) => {
            is_fit_for_people(&why);
            let fits = match provider.name() {
                "exotic" => last.told("overloading requisite") || last.told("low balance"),
                "rebilly" => matches!(last.status, 401 | 403 | 429),
                _ => false,
            };
            assert!(fits, "{} cannot now, and its answer does not say so: {last:?}", provider.name());
            Some("not now")
        }
        InitiationAnswer::Unknown(why) => {
            is_fit_for_people(&why);
            Some("unknown")
        }
    }
}

fn opens(provider: &dyn Provider, replies: &[Reply]) -> Option<&'static str> {
    let order = DepositOrder {
        external_id: ExternalId::parse(ORDER).expect("an id"),
        site: SITE,
        login: Login::parse("ann").expect("a login"),
        amount: usd(),
        rail: rail(provider.name()),
        details: Texts::new(),
        optional: profile(),
        customer_ip: PEER,
        return_urls: [None, None],
    };
    let (opening, used) = played(replies, |replies| provider.open(&order, replies))?;
    let last = used.last().expect("one at least");
    match opening {
        Opening::Open(opened) => {
            assert!((200..300).contains(&last.status), "it opens with HTTP status {}", last.status);
            if let Some(url) = &opened.redirect_url {
                // The name of a scheme means the same in either case.
                let (scheme, _) = url.split_once("://").unwrap_or_default();
                assert!(
                    ["https", "http"].iter().any(|one| scheme.eq_ignore_ascii_case(one)),
                    "a player is sent to {url}"
                );
                assert!(!url.chars().any(char::is_control), "a player is sent to {url:?}");
            }
            assert!(opened.requisites.values().all(|text| !text.chars().any(char::is_control)), "{opened:?}");
            Some("open")
        }
        Opening::Refused(why) | Opening::Unknown(why) => {
            is_fit_for_people(&why);
            Some("not open")
        }
    }
}

fn asks(provider: &dyn Provider, direction: Direction, replies: &[Reply]) -> Option<&'static str> {
    let facts =
        [("order_id", "217742619264065507927945843197"), ("deposit_request_id", "dr_1"), ("customer_id", "ann")];
    let order = OpenOrder {
        external_id: ExternalId::parse(ORDER).expect("an id"),
        site: SITE,
        login: Login::parse("ann").expect("a login"),
        amount: usd(),
        direction,
        rail: rail(provider.name()),
        facts: facts.map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
        about: None,
    };
    let (said, used) = played(replies, |replies| provider.ask(&order, replies))?;
    let last = Loose::of(used.last().expect("one at least"));
    match said {
        Inquired::Says(said, _) => {
            assert_eq!((said.external_id.as_str(), said.site, said.signed), (ORDER, SITE, true));
            assert_eq!(said.provider, provider.name());
            let other = [News::Paid, News::Declined, News::Pending];
            assert!(!other.contains(&said.news), "which way the money goes is the order's");
            if !said.news.moves_money() {
                return Some("says");
            }
            let fits = match provider.name() {
                "carouseller" => last.is_true("success") && last.says("status_id", &["4"]),
                "cabbagino" => last.says("status", &["4"]) && last.says("external_id", &[ORDER]),
                "exotic" => last.says("status", &["successful"]) && last.says("order_id", &[ORDER]),
                "cactus" => last.says("status", &["3"]) && last.is_signed(CACTUS_SALT),
                "rebilly" => used.iter().any(|reply| contains(&reply.body, "approved")),
                other => panic!("no reading of {other} yet: write one"),
            };
            assert!(fits, "{}: {:?}, and its answer does not say so: {last:?}", provider.name(), said.news);
            assert!(last.is_good_object() || provider.name() == "rebilly", "{last:?}");
            Some("says that money moved")
        }
        Inquired::Later(seconds) => {
            assert!(last.status == 429 && (1..=86_400).contains(&seconds), "{seconds} s after {}", last.status);
            Some("later")
        }
        Inquired::NotFound(why) | Inquired::Unclear(why) => {
            is_fit_for_people(&why);
            Some("unclear")
        }
    }
}

/// A message of the provider's own: nothing without its proof, and with it no more than the proof covers.
fn reads(provider: &dyn Provider, body: &[u8]) -> Vec<&'static str> {
    let plain = RawRequest::plain(Some("application/json"), "", body, PEER);
    let members = oracle::json::parse(body).unwrap_or_default();
    let is_signed = oracle::scalar(&members, "signature").is_some();
    match provider.read(&plain) {
        Err(error) => {
            let told = provider.tell(Said::Refused(&error));
            is_a_refusal(told.http, &[400, 401, 403, 404, 415], told.body.as_bytes());
        }
        Ok(heard) => assert!(is_signed, "{} is heard without a proof: {heard:?}", provider.name()),
    }
    let unsigned = Some(&members).filter(|_| !is_signed && body.trim_ascii_end().ends_with(b"}"));
    let resigned = |salt| match unsigned {
        Some(members) => spliced(body, members, &oracle::signature(members, Way(0), salt)),
        None => body.to_vec(),
    };
    let id = oracle::scalar(&members, "order_id").unwrap_or_default();
    let tail = match provider.name() {
        "exotic" => format!("success/{EXOTIC_TOKEN}/{id}"),
        _ => String::new(),
    };
    let proven = match provider.name() {
        "carouseller" => resigned(SALTS[0]),
        "cabbagino" => resigned(CABBAGINO_SALT),
        "cactus" => resigned(CACTUS_SALT),
        "exotic" => {
            let sign = hex::encode(digest(&SHA256, format!("{id}:{EXOTIC_KEY}").as_bytes()));
            let members = with(&members, "standart_sign", &sign);
            as_json(&members).into_bytes()
        }
        _ => body.to_vec(),
    };
    let authorization = (provider.name() == "rebilly").then_some(REBILLY_BASIC);
    let raw = RawRequest { body: &proven, tail: &tail, authorization, ..plain };
    let mut words = vec![heard(provider, &raw, oracle::json::parse(&proven).as_ref())];
    if provider.name() == "rebilly" {
        let tail = format!("notification/{REBILLY_TOKEN}/{}", String::from_utf8_lossy(body));
        words.push(heard(provider, &RawRequest { tail: &tail, ..plain }, None));
        let tail = format!("notification/{}/{ORDER}", String::from_utf8_lossy(body));
        assert!(contains(body, REBILLY_TOKEN) || provider.read(&RawRequest { tail: &tail, ..plain }).is_err());
    }
    words
}

fn heard(provider: &dyn Provider, raw: &RawRequest<'_>, members: Option<&Members>) -> &'static str {
    match provider.read(raw) {
        Ok(Heard::Notification(said)) => {
            let members = members.expect("news out of what is no message");
            let success = match provider.name() {
                "carouseller" => oracle::scalar(members, "status_id") == Some("4"),
                "cabbagino" => oracle::scalar(members, "status") == Some("4"),
                "cactus" => oracle::scalar(members, "status") == Some("3"),
                // What they say by themselves is never more than a hint, but for money that may have gone back, which a person looks at.
                "rebilly" => !said.signed && matches!(said.news, News::Refunded | News::Dispute),
                _ => false,
            };
            assert!(success || !said.news.moves_money(), "{}: {:?} out of {members:?}", provider.name(), said.news);
            assert!(said.site == SITE && said.provider == provider.name());
            "news"
        }
        Ok(Heard::Hint(hint)) => {
            assert_eq!(hint.site, SITE);
            assert!(matches!(provider.name(), "exotic" | "rebilly"), "{} gives hints", provider.name());
            is_fit_for_people(&hint.claims);
            "a hint"
        }
        Ok(Heard::Nothing(what)) => {
            is_fit_for_people(&what);
            "nothing"
        }
        Err(error) => {
            let told = provider.tell(Said::Refused(&error));
            is_a_refusal(told.http, &[400, 401, 403, 404, 415], told.body.as_bytes());
            "not heard"
        }
    }
}

/// Everything that staff may ask, with these replies: an answer or an error, never more.
fn calls(provider: &dyn Provider, replies: &[Reply]) -> Option<&'static str> {
    let mut told = None;
    for call in provider.desk() {
        let order = call.of_order.then(|| OpenOrder {
            external_id: ExternalId::parse(ORDER).expect("an id"),
            site: SITE,
            login: Login::parse("ann").expect("a login"),
            amount: usd(),
            direction: Direction::Payout,
            rail: rail(provider.name()),
            facts: [("invoice_id".to_owned(), "1314".to_owned())].into(),
            about: None,
        });
        let parameters = call.parameters.iter().map(|(name, _)| ((*name).to_owned(), "1".to_owned())).collect();
        let desk = Desk { site: SITE, order, parameters };
        if let Some((answer, _)) = played(replies, |replies| provider.call(call.name, &desk, replies)) {
            assert!(!tells_a_secret(&answer.to_string()), "a secret is shown to staff");
            told = Some("told");
        }
    }
    told
}

/// An answer as it looks without knowing the provider.
#[derive(Debug)]
struct Loose {
    status: u16,
    members: Option<Members>,
    text: String,
}

impl Loose {
    fn of(reply: &Reply) -> Self {
        let members = oracle::json::parse_to(&reply.body, DEEPEST);
        Self { status: reply.status, members, text: String::from_utf8_lossy(&reply.body).to_lowercase() }
    }

    fn is_good_object(&self) -> bool {
        (200..300).contains(&self.status) && self.members.is_some()
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.members.as_ref()?.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
    }

    fn is_false(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(false))
    }

    fn says(&self, name: &str, words: &[&str]) -> bool {
        matches!(self.get(name), Some(Value::Text(text) | Value::Number(text)) if words.contains(&text.trim()))
    }

    /// Whether these words are in it: JSON may have written them with escapes, and then they are in a text of it.
    fn told(&self, words: &str) -> bool {
        let among = |members: &Members| members.iter().any(|(_, value)| tells(value, words));
        self.text.contains(words) || self.members.as_ref().is_some_and(among) || self.text.contains("\\u")
    }

    fn is_signed(&self, salt: &str) -> bool {
        let Some(members) = &self.members else { return false };
        let Some(given) = oracle::scalar(members, "signature") else { return false };
        let given = given.trim().to_ascii_lowercase();
        let plain = members.iter().all(|(name, _)| oracle::is_name(name));
        !plain || (0..oracle::WAYS).any(|way| oracle::signature(members, Way(way), salt) == given)
    }
}

fn tells(value: &Value, words: &str) -> bool {
    match value {
        Value::Text(text) => text.to_lowercase().contains(words),
        Value::Number(_) | Value::Bool(_) | Value::Null => false,
        Value::List(items) => items.iter().any(|item| tells(item, words)),
        Value::Object(members) => members.iter().any(|(_, value)| tells(value, words)),
    }
}

fn contains(body: &[u8], word: &str) -> bool {
    body.windows(word.len()).any(|window| window == word.as_bytes())
}

/// What people read is one short line without secrets.
fn is_fit_for_people(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(text.chars().count() <= 1000, "{} characters", text.chars().count());
    assert!(!tells_a_secret(text), "{text:?}");
}

/// JSON of members that are read once and written again.
fn as_json(members: &Members) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let parts = members.iter().map(|(name, value)| format!("{}:{}", quoted(name), json_of(value)));
    format!("{{{}}}", parts.collect::<Vec<_>>().join(","))
}

fn json_of(value: &Value) -> String {
    match value {
        Value::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
        Value::Number(text) => text.clone(),
        Value::Bool(bit) => bit.to_string(),
        Value::Null => "null".to_owned(),
        Value::List(items) => format!("[{}]", items.iter().map(json_of).collect::<Vec<_>>().join(",")),
        Value::Object(members) => as_json(members),
    }
}
