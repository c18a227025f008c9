//! The names of a day in another day: ids of orders and transactions, the Cashier's numbers, players' logins, wherever they stand in a text.

use std::collections::HashMap;

use crate::day;
use crate::random::{Random, mixed};

/// Where the repeated days lie, and among whom they are.
#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    /// Microseconds of the first repeated day's beginning.
    pub start: i64,
    /// Players of the grown book.
    pub players: i64,
    /// How many transactions of the Cashier a day has.
    pub transactions: u64,
}

/// Microseconds from one repeated day to the next.
pub const STEP: i64 = 600_000_000;

impl Plan {
    /// Who is the day's player `number` on day `k`: everybody once before anybody twice, in an order that is not that of the numbers.
    pub fn player(&self, k: i64, number: i64) -> i64 {
        (self.factor() * ((k * day::PLAYERS + number) % self.players) + 7) % self.players + 1
    }

    /// A number without a divisor in common with the players', so that the multiples reach all of them.
    pub fn factor(&self) -> i64 {
        let common = |mut a: i64, mut b: i64| {
            while b != 0 {
                (a, b) = (b, a % b);
            }
            a
        };
        (self.players * 5 / 8..).find(|factor| *factor > 0 && common(*factor, self.players) == 1).unwrap_or(1)
    }
}

/// Renames what stands in texts.
pub struct Renaming {
    plan: Plan,
    /// Ids that follow the time, in their order.
    ordered: HashMap<String, u64>,
}

/// Ids of ours are written without hyphens, those that others give with them.
const ID: usize = 32;
const UUID: usize = 36;
const LOGIN: &[u8] = b"customer-";
const LOGIN_DIGITS: usize = 7;
const TRANSACTION: &[u8] = b"2000000";
const TRANSACTION_DIGITS: usize = 11;

impl Renaming {
    /// `ordered`: every id of the day that we made, in order.
    pub fn new(plan: Plan, ordered: Vec<String>) -> Self {
        Self { plan, ordered: ordered.into_iter().zip(0..).collect() }
    }

    /// The text as it is on day `k`; of the same length.
    pub fn renamed(&self, text: &[u8], k: i64) -> Vec<u8> {
        let mut new = text.to_vec();
        let mut at = 0;
        while at < new.len() {
            let rest = &new[at..];
            let (changed, length) = if let Some(place) = self.place(rest) {
                (self.ordered_id(&rest[..ID], place, k), ID)
            } else if is_uuid(rest) {
                (self.random(&rest[..UUID], k).uuid(), UUID)
            } else if rest.starts_with(LOGIN) && digits(&rest[LOGIN.len()..]) >= LOGIN_DIGITS {
                let number = number(&rest[LOGIN.len()..][..LOGIN_DIGITS]);
                let player = self.plan.player(k, i64::try_from(number).unwrap_or(0));
                (day::login(player), LOGIN.len() + LOGIN_DIGITS)
            } else if rest.starts_with(TRANSACTION) && digits(rest) == TRANSACTION_DIGITS {
                let days = u64::try_from(k + 1).unwrap_or(0);
                ((number(&rest[..TRANSACTION_DIGITS]) + days * self.plan.transactions).to_string(), TRANSACTION_DIGITS)
            } else {
                at += 1;
                continue;
            };
            new[at..at + length].copy_from_slice(changed.as_bytes());
            at += length;
        }
        new
    }

    /// The place in time of the id of ours that the text begins with.
    fn place(&self, text: &[u8]) -> Option<u64> {
        let id = text.get(..ID)?;
        let is_hex = id.iter().all(u8::is_ascii_hexdigit);
        is_hex.then(|| std::str::from_utf8(id).ok().and_then(|id| self.ordered.get(id).copied())).flatten()
    }

    fn ordered_id(&self, old: &[u8], place: u64, k: i64) -> String {
        let millis = u64::try_from((self.plan.start + k * STEP) / 1000).unwrap_or(0) + place;
        let bytes = self.random(old, k).bytes();
        let tail: [u8; 10] = bytes[..10].try_into().expect("ten of sixteen");
        uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid().simple().to_string()
    }

    fn random(&self, old: &[u8], k: i64) -> Random {
        let bits = old.iter().fold(self.plan.seed, |bits, byte| mixed(bits ^ u64::from(*byte)));
        Random::new(bits ^ mixed(k.unsigned_abs()))
    }

    /// What stands for a digest on day `k`.
    pub fn digest(&self, old: &[u8], k: i64) -> Vec<u8> {
        let bits = old.iter().take(8).fold(self.plan.seed, |bits, byte| (bits << 8) ^ u64::from(*byte) ^ (bits >> 56));
        let mut random = Random::new(mixed(bits) ^ mixed(k.unsigned_abs() + 1));
        [random.bytes(), random.bytes()].concat()
    }
}

fn is_uuid(text: &[u8]) -> bool {
    text.len() >= UUID
        && [8, 13, 18, 23].iter().all(|at| text[*at] == b'-')
        && text[..UUID].iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}
