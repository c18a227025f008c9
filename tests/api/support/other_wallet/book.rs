//! What the other wallet knows, and how it answers.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::http::{Asked, Told};
use super::{Fault, KEY, SITE, parts};

const CURRENCIES: [&str; 2] = ["EUR", "USD"];
const KINDS: [&str; 5] = ["adjustment", "bet", "bonus", "refund", "win"];
const FIELDS: [&str; 5] = ["amount", "currency", "kind", "reason", "reference"];
const MOST: i64 = 1_000_000_000_000_000;

/// Everything.
pub struct Book {
    fault: Option<Fault>,
    players: HashMap<String, Player>,
    keys: HashMap<String, Known>,
    early: HashMap<String, ()>,
    transactions: u64,
}

#[derive(Default)]
struct Player {
    blocked: bool,
    money: BTreeMap<String, i64>,
    lines: Vec<i64>,
    moves: Vec<Move>,
    /// The answers to rollbacks, by reference.
    rollbacks: HashMap<String, Value>,
}

#[derive(Clone)]
struct Move {
    kind: String,
    reference: String,
    currency: String,
    amount: i64,
    undone: bool,
}

#[derive(Clone)]
struct Known {
    request: Value,
    told: Told,
}

/// What a request is decided on.
#[derive(Default, Clone)]
pub struct Seen {
    known: Option<Known>,
    money: BTreeMap<String, i64>,
    /// The answers to rollbacks that were there.
    rollbacks: HashMap<String, Value>,
    /// How many moves there were.
    moves: usize,
}

/// A transaction that can be read.
struct Wanted {
    kind: String,
    amount: i64,
    currency: String,
    reference: String,
    reason: String,
}

impl Book {
    pub fn new(fault: Option<Fault>) -> Self {
        let (players, keys) = (HashMap::new(), HashMap::new());
        Self { fault, players, keys, early: HashMap::new(), transactions: 0 }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// What is there before a request acts.
    pub fn look(&self, asked: &Asked) -> Seen {
        let known = self.keys.get(&self.key(asked)).cloned();
        let login = self.login(&parts(asked, self.fault));
        let Some(player) = self.players.get(&login) else { return Seen { known, ..Seen::default() } };
        let (money, rollbacks, moves) = (player.money.clone(), player.rollbacks.clone(), player.moves.len());
        Seen { known, money, rollbacks, moves }
    }

    fn key(&self, asked: &Asked) -> String {
        let key = asked.header("idempotency-key");
        let key = if self.has(Fault::FoldsKeys) { key.to_ascii_lowercase() } else { key.to_owned() };
        if self.has(Fault::CutsKeys) { key.chars().take(100).collect() } else { key }
    }

    fn login(&self, parts: &[String]) -> String {
        let login = parts.get(5).cloned().unwrap_or_default();
        if self.has(Fault::FoldsLogins) { login.to_lowercase() } else { login }
    }

    pub fn answer(&mut self, asked: &Asked, seen: Seen) -> Told {
        match self.decide(asked, seen) {
            Ok(told) => told,
            Err((status, code, detail)) => self.problem(status, code, &detail),
        }
    }

    fn problem(&self, status: u16, code: &str, detail: &str) -> Told {
        let mut json = json!({"type": "about:blank", "title": detail, "status": status, "code": code});
        if self.has(Fault::SaysNoCode) {
            json["code"].take();
        }
        let plain = self.has(Fault::SaysPlainJson);
        let content_type = if plain { "application/json" } else { "application/problem+json" };
        Told { status, content_type, replayed: false, json }
    }

    fn decide(&mut self, asked: &Asked, seen: Seen) -> Result<Told, Refusal> {
        let bearer = asked.header("authorization").strip_prefix("Bearer ");
        let good = match bearer {
            Some(key) => key == KEY || self.has(Fault::TakesAnyBearer),
            None => asked.header("authorization").is_empty() && self.has(Fault::NeedsNoBearer),
        };
        if !good {
            return Err((401, "unauthorized", "a key is needed".into()));
        }
        let parts = parts(asked, self.fault);
        if parts.get(3).is_none_or(|site| *site != SITE.to_string() && !self.has(Fault::TakesAnySite)) {
            return Err((404, "unknown_site", "no such site".into()));
        }
        let login = self.login(&parts);
        if self.has(Fault::MakesPlayersUp) && asked.method == "POST" {
            self.players.entry(login.clone()).or_default();
        }
        let rest: Vec<&str> = parts.iter().skip(6).map(String::as_str).collect();
        match (asked.method.as_str(), rest.as_slice()) {
            ("PUT", []) => self.put(&login, &self.object(asked)?),
            ("GET", []) => self.show(&login),
            ("GET", ["transactions"]) => self.statement(&login, asked),
            ("POST", ["transactions"]) => self.post(&login, asked, seen),
            ("POST", ["transactions", reference, "rollback"]) => self.roll_back(&login, reference, &seen),
            (_, [] | ["transactions"] | ["transactions", _, "rollback"]) if !self.has(Fault::KnowsNoMethods) => {
                Err((405, "method_not_allowed", "not here".into()))
            }
            (_, _) => Err((404, "not_found", "no such address".into())),
        }
    }

    /// The body as an object.
    fn object(&self, asked: &Asked) -> Result<Map<String, Value>, Refusal> {
        if asked.header("content-type") != "application/json" && !self.has(Fault::ReadsAnyType) {
            return Err((415, "unsupported_media_type", "the body must be JSON".into()));
        }
        let status = if self.has(Fault::FailsAtBrokenBodies) { 500 } else { 400 };
        match serde_json::from_slice(&asked.body) {
            Ok(Value::Object(fields)) => Ok(fields),
            Ok(_) | Err(_) => Err((status, "malformed_body", "the body is no JSON object".into())),
        }
    }

    fn put(&mut self, login: &str, fields: &Map<String, Value>) -> Result<Told, Refusal> {
        let created = !self.players.contains_key(login) || self.has(Fault::CreatesEachTime);
        let empties = self.has(Fault::EmptiesOnChange);
        let player = self.players.entry(login.to_owned()).or_default();
        if empties {
            player.money.clear();
        }
        if let Some(status) = fields.get("status") {
            player.blocked = status != "active";
        }
        Ok(Told { status: if created { 201 } else { 200 }, ..self.show(login)? })
    }

    fn show(&self, login: &str) -> Result<Told, Refusal> {
        let player = self.player(login)?;
        Ok(told(200, json!({"site_id": SITE, "site_login": login, "balances": self.balances(player)})))
    }

    fn player(&self, login: &str) -> Result<&Player, Refusal> {
        self.players.get(login).ok_or_else(|| (404, "unknown_player", "no such player".into()))
    }

    fn balances(&self, player: &Player) -> Value {
        let one = |code: &str| {
            let available = player.money.get(self.purse(code)).copied().unwrap_or(0);
            let whole = json!({"currency": code, "available": available, "held": 0});
            if self.has(Fault::HidesHeld) { json!({"currency": code, "available": available}) } else { whole }
        };
        CURRENCIES.iter().map(|code| one(code)).collect()
    }

    fn purse<'c>(&self, currency: &'c str) -> &'c str {
        if self.has(Fault::MixesCurrencies) { "all" } else { currency }
    }

    fn statement(&self, login: &str, asked: &Asked) -> Result<Told, Refusal> {
        let player = self.player(login)?;
        let number = |name: &str, otherwise: usize| {
            let found =
                asked.query.split('&').filter_map(|pair| pair.split_once('=')).find(|(known, _)| *known == name);
            found.map_or(otherwise, |(_, value)| value.parse().expect("the self-test sends numbers"))
        };
        let (after, limit) = (number("after", 0), number("limit", 50));
        let everybody = self.players.values().flat_map(|player| player.lines.clone());
        let shared = self.has(Fault::ShowsEverybodysLines);
        let mut lines: Vec<i64> = if shared { everybody.collect() } else { player.lines.clone() };
        if self.has(Fault::NewestFirst) {
            lines.reverse();
        }
        let start = match after {
            0 => 0,
            after if self.has(Fault::SkipsALine) => after + 1,
            after if self.has(Fault::RepeatsALine) => after - 1,
            after => after,
        };
        let line = |(at, change): (usize, &i64)| json!({"id": at + 1, "available_change": change, "held_change": 0});
        let items: Vec<Value> = lines.iter().enumerate().skip(start).take(limit).map(line).collect();
        let next = items.last().filter(|_| items.len() == limit).map(|last| last["id"].to_string());
        Ok(told(200, json!({"items": items, "next": next})))
    }

    fn post(&mut self, login: &str, asked: &Asked, seen: Seen) -> Result<Told, Refusal> {
        let key = self.key(asked);
        if (key.is_empty() && !self.has(Fault::NeedsNoKey)) || key.len() > 128 {
            return Err((400, "invalid_field", "Idempotency-Key must have 1 to 128 characters".into()));
        }
        let wanted = self.read(asked)?;
        let (key, seen) = self.as_the_reference(key, seen, &wanted);
        let request = json!([login, wanted.kind, wanted.amount, wanted.currency, wanted.reference, wanted.reason]);
        if let Some(known) = seen.known.clone().filter(|_| !self.has(Fault::ForgetsKeys)) {
            let undone = seen.rollbacks.get(&wanted.reference).is_some_and(|answer| answer["applied"] == true);
            if self.has(Fault::TakesRolledBackBetsAgain) && undone && wanted.kind == "bet" {
                let player = self.players.get_mut(login).expect("a key is of a player");
                *player.money.entry(wanted.currency).or_default() -= wanted.amount;
                return Ok(known.told);
            }
            if known.request == request || self.has(Fault::TakesReusedKeys) {
                return Ok(self.repeated(login, known, &wanted.currency));
            }
            if !self.has(Fault::OverwritesReusedKeys) {
                return Err((409, "idempotency_key_reused", "the key was used with another body".into()));
            }
        }
        let made = self.make(login, &wanted, &seen);
        let told = match made {
            Ok(told) => told,
            Err((status, code, detail)) if self.has(Fault::RemembersRefusals) => self.problem(status, code, &detail),
            Err(refusal) => return Err(refusal),
        };
        self.keys.insert(key, Known { request, told: told.clone() });
        Ok(told)
    }

    /// The key and what is known under it, when the reference is taken for the key.
    fn as_the_reference(&self, key: String, seen: Seen, wanted: &Wanted) -> (String, Seen) {
        if !self.has(Fault::TakesTheReferenceForTheKey) {
            return (key, seen);
        }
        let key = format!("{} {}", wanted.kind, wanted.reference);
        let known = self.keys.get(&key).cloned();
        (key, Seen { known, ..seen })
    }

    fn repeated(&self, login: &str, known: Known, currency: &str) -> Told {
        let mut told = Told { replayed: !self.has(Fault::RepeatsWithoutHeader), ..known.told };
        if told.status == 201 && !self.has(Fault::RepeatsAs201) {
            told.status = 200;
        }
        if self.has(Fault::RepeatsWithBalanceOfNow) {
            let money = self.players.get(login).and_then(|player| player.money.get(currency));
            told.json["available"] = money.copied().unwrap_or(0).into();
        }
        told
    }

    fn read(&self, asked: &Asked) -> Result<Wanted, Refusal> {
        let fields = self.object(asked)?;
        let invalid = |field: &str| (400, "invalid_field", format!("{field} is not acceptable"));
        let unknown = fields.keys().find(|name| !FIELDS.contains(&name.as_str()));
        if let Some(name) = unknown.filter(|_| !self.has(Fault::PassesOverUnknownFields)) {
            return Err((400, "unknown_field", format!("{name} is unknown")));
        }
        let text = |name: &str| {
            let text = fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or_else(|| invalid(name))
        };
        let (mut kind, mut currency, mut reference) = (text("kind"), text("currency"), text("reference"));
        if self.has(Fault::TakesAnyKind) && kind.as_ref().is_ok_and(|kind| !KINDS.contains(&kind.as_str())) {
            kind = Ok("win".to_owned());
        }
        if self.has(Fault::GuessesTheCurrency) && !fields.contains_key("currency") {
            currency = Ok("USD".to_owned());
        }
        if self.has(Fault::NeedsNoReference) && fields.contains_key("reference") {
            reference = Ok(reference.unwrap_or_default());
        }
        let (kind, currency, reference) = (kind?, currency?, reference?);
        if !KINDS.contains(&kind.as_str()) {
            return Err(invalid("kind"));
        }
        if !CURRENCIES.contains(&currency.as_str()) && !self.has(Fault::TakesAnyCurrency) {
            return Err(invalid("currency"));
        }
        let amount = fields.get("amount").and_then(|amount| self.amount(amount)).ok_or_else(|| invalid("amount"))?;
        let may_be_zero = match kind.as_str() {
            "win" => !self.has(Fault::RefusesZeroWins),
            "bet" => self.has(Fault::TakesZeroBets),
            _ => false,
        };
        let may_be_negative = match kind.as_str() {
            "adjustment" => !self.has(Fault::RefusesNegativeAdjustments),
            "bet" => self.has(Fault::TakesNegativeBets),
            _ => self.has(Fault::TakesNegativeCredits),
        };
        let too_large = amount.unsigned_abs() > MOST.unsigned_abs() && !self.has(Fault::TakesAnySize);
        if too_large || (amount == 0 && !may_be_zero) || (amount < 0 && !may_be_negative) {
            return Err(invalid("amount"));
        }
        let reason = text("reason").unwrap_or_default();
        if kind == "adjustment" && reason.is_empty() && !self.has(Fault::NeedsNoReason) {
            return Err(invalid("reason"));
        }
        Ok(Wanted { kind, amount, currency, reference, reason })
    }

    fn amount(&self, amount: &Value) -> Option<i64> {
        let whole = |text: &str| text.split_once('.').map_or(text, |(whole, _)| whole).parse().ok();
        match amount {
            Value::String(text) if self.has(Fault::TakesTexts) => whole(text),
            Value::Number(number) if self.has(Fault::TakesFractions) => {
                Some(number.to_string()).filter(|text| !text.contains('e')).and_then(|text| whole(&text))
            }
            Value::Null if self.has(Fault::TakesNullForZero) => Some(0),
            other => other.as_i64(),
        }
    }

    fn make(&mut self, login: &str, wanted: &Wanted, seen: &Seen) -> Result<Told, Refusal> {
        let number = if self.has(Fault::SharesIds) { 0 } else { self.transactions + 1 };
        let (id, player) = (format!("t{number}"), self.player(login)?);
        let (purse, reference) = (self.purse(&wanted.currency).to_owned(), wanted.reference.clone());
        let is_bet = wanted.kind == "bet";
        if player.blocked
            && ((is_bet && !self.has(Fault::LetsTheBlockedBet)) || (!is_bet && self.has(Fault::DoesNotPayTheBlocked)))
        {
            return Err((403, "player_blocked", "the player is blocked".into()));
        }
        let everybody = self.has(Fault::EarlyRollbackOfEverybody) && self.early.contains_key(&reference);
        let begins = |known: &String| self.has(Fault::RollsBackByBeginning) && reference.starts_with(known.as_str());
        let undone = seen.rollbacks.keys().any(|known| *known == reference || begins(known)) || everybody;
        let dropped = undone && wanted.kind == "win" && self.has(Fault::DropsWinsAfterRollback);
        let change = match (is_bet, undone) {
            (true, true) => 0,
            (true, false) => -wanted.amount,
            (false, _) => {
                if dropped {
                    0
                } else {
                    wanted.amount
                }
            }
        };
        let there = seen.money.get(&purse).copied().unwrap_or(0);
        let may_overdraw = match wanted.kind.as_str() {
            "bet" => self.has(Fault::Overdraws),
            _ => self.has(Fault::OverdrawsByAdjustment),
        };
        let misbooked = self.fault == Some(Fault::Misbooks(kind_of(&wanted.kind)));
        let change = if misbooked && change != 0 { change - change.signum() } else { change };
        let least = i64::from(self.has(Fault::KeepsOneBack));
        if change < 0 && there + change < least && !may_overdraw {
            return Err((402, "insufficient_funds", "there is not enough".into()));
        }
        let (quiet, once) = (self.has(Fault::LateBetSaysNothing), self.has(Fault::EarlyRollbackCountsOnce));
        self.transactions += 1;
        if self.has(Fault::SharesMoney) {
            let others = self.players.iter_mut().filter(|(name, _)| *name != login);
            others.for_each(|(_, other)| *other.money.entry(purse.clone()).or_default() += change);
        }
        let (without_held, first) = (self.has(Fault::AnswersWithoutHeld), self.has(Fault::AlwaysAnswers200));
        let player = self.players.get_mut(login).expect("the player was found");
        let amount = wanted.amount;
        let (kind, currency, undone) = (wanted.kind.clone(), purse.clone(), is_bet && undone);
        player.moves.push(Move { kind, reference: reference.clone(), currency, amount, undone });
        let money = player.money.entry(purse).or_default();
        *money = money.saturating_add(change);
        let mut answer = json!({"transaction_id": id, "available": *money});
        if !without_held {
            answer["held"] = 0.into();
        }
        if change != 0 {
            player.lines.push(change);
        }
        if undone {
            if !quiet {
                answer["rolled_back"] = true.into();
            }
            if once {
                player.rollbacks.remove(&reference);
            }
        }
        Ok(told(if first { 200 } else { 201 }, answer))
    }

    fn roll_back(&mut self, login: &str, reference: &str, seen: &Seen) -> Result<Told, Refusal> {
        self.player(login)?;
        let again = self.has(Fault::RollsBackAgain);
        if let Some(answer) = seen.rollbacks.get(reference).filter(|answer| !again || answer["applied"] == false) {
            return Ok(Told { replayed: true, ..told(200, answer.clone()) });
        }
        let (one, wins) = (self.has(Fault::RollsBackOneBet), self.has(Fault::RollbackTakesWins));
        let (hidden, begins) = (self.has(Fault::HidesRollbacks), self.has(Fault::RollsBackByBeginning));
        let pays = !self.has(Fault::RollbackPaysNothing);
        let player = self.players.get_mut(login).expect("the player was found");
        let mut applied = false;
        for at in (0..seen.moves).rev() {
            let was = &mut player.moves[at];
            let counts = was.kind == "bet" || (was.kind == "win" && wins);
            let meant = was.reference == reference || (begins && was.reference.starts_with(reference));
            if !meant || !counts || (was.undone && !again && self.fault != Some(Fault::Races)) {
                continue;
            }
            was.undone = true;
            let change = if was.kind == "bet" { was.amount } else { -was.amount } * i64::from(pays);
            *player.money.entry(was.currency.clone()).or_default() += change;
            if !hidden {
                player.lines.push(change);
            }
            applied = true;
            if one {
                break;
            }
        }
        let player = self.player(login)?;
        let said = applied || self.has(Fault::AlwaysApplied);
        let answer = json!({"applied": said, "balances": self.balances(player)});
        if applied || !self.has(Fault::ForgetsEarlyRollbacks) {
            let player = self.players.get_mut(login).expect("the player was found");
            player.rollbacks.insert(reference.to_owned(), answer.clone());
        }
        if !applied {
            self.early.insert(reference.to_owned(), ());
        }
        Ok(told(200, answer))
    }
}

/// Status, code, and a sentence with the name of the field.
type Refusal = (u16, &'static str, String);

fn told(status: u16, json: Value) -> Told {
    Told { status, content_type: "application/json", replayed: false, json }
}

fn kind_of(name: &str) -> &'static str {
    KINDS.into_iter().find(|kind| *kind == name).expect("the kind was checked")
}
