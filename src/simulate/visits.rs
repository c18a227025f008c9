//! Whole deposits and payouts as players live them through the players' API, at any platform, each with at most one fault.
//!
//! The counterpart of [`super::cashier`]: there the Cashier asks the merchant, here the merchant asks the platform.

mod deposit;
mod payout;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::caller::{Answer, CallError};
use super::front::{Front, Wish};
use super::gameserver::GameServer;
use super::ladder::Ladder;
use super::messages::Order;
use super::notifier;
use super::platforms::{End, Note, Platform, Taken, Twist, Way};

/// How many copies a duplicated message has.
const COPIES: usize = 4;

/// Players, staff and a platform, around one merchant.
#[derive(Debug)]
pub struct Visits {
    platform: Arc<dyn Platform>,
    game: GameServer,
    front: Front,
    ladder: Ladder,
    late: Mutex<Vec<String>>,
    patience: Duration,
}

impl Visits {
    /// Everything through this platform, whose ladder of repetitions goes `speed` times as fast. `patience` is how long the merchant may
    /// take from an approval to the call that makes the order.
    pub fn new(platform: Arc<dyn Platform>, game: GameServer, front: Front, speed: u32, patience: Duration) -> Self {
        let ladder = Ladder::of(platform.ladder(), speed);
        Self { platform, game, front, ladder, late: Mutex::default(), patience }
    }

    /// The platform.
    pub fn platform(&self) -> &dyn Platform {
        &*self.platform
    }

    /// Sends the notifications once more that were to come late. Returns those the merchant did not acknowledge.
    pub async fn deliver_late(&self) -> Vec<String> {
        let late = std::mem::take(&mut *self.late.lock().expect("nobody panics while keeping back"));
        let mut failed = Vec::new();
        for id in late {
            failed.extend(self.deliver(&id, Note::PLAIN).await.err());
        }
        failed
    }

    /// Orders that were to be paid out, with how often each was asked for.
    pub fn asked_for(&self) -> Vec<(String, usize)> {
        let payouts = self.platform.orders().into_iter().filter(|order| order.way == Way::Payout);
        payouts.map(|order| (order.id, order.asked)).collect()
    }

    fn keep_back(&self, id: &str) {
        self.late.lock().expect("nobody panics while keeping back").push(id.to_owned());
    }

    fn wish(&self, way: Way, order: &Order) -> Wish {
        let method = self.platform.method();
        let details = match way {
            Way::Deposit => self.platform.deposit_details(method),
            Way::Payout => self.platform.details(method),
        };
        let (amount, currency, key) = (order.amount, order.currency.clone(), order.transaction_id.to_string());
        Wish { way, amount, currency, method, details, key }
    }

    /// Asks for an order as the fault has it. Copies at once must get the same order.
    async fn ask(&self, login: &str, wish: &Wish, how: Asking) -> Result<Answer, String> {
        let said = |error: CallError| error.to_string();
        let token = self.game.session(login).await.map_err(said)?;
        match how {
            Asking::Once => self.front.ask(&token, wish).await.map_err(said),
            Asking::Slowly => self.front.ask_slowly(&token, wish, Duration::from_millis(150)).await.map_err(said),
            Asking::AndAgain => {
                self.front.ask_and_hang_up(&token, wish).await;
                self.front.ask(&token, wish).await.map_err(said)
            }
            Asking::Together => {
                let copies = futures_util::future::join_all((0..COPIES).map(|_| self.front.ask(&token, wish))).await;
                let mut answers = Vec::new();
                for answer in copies {
                    answers.push(answer.map_err(said)?);
                }
                let first = answers.swap_remove(0);
                match answers.iter().find(|other| order_id(other) != order_id(&first)) {
                    Some(other) => Err(format!(
                        "copies of one request got different answers: {} and {}",
                        String::from_utf8_lossy(&first.body),
                        String::from_utf8_lossy(&other.body)
                    )),
                    None => Ok(first),
                }
            }
        }
    }

    /// The order as the platform has it, when it says what was agreed.
    async fn taken(&self, id: &str, order: &Order) -> Result<Option<Taken>, String> {
        let Some(taken) = self.platform.wait_for(id, self.patience).await else { return Ok(None) };
        let said = (taken.amount, taken.currency.as_str());
        let agreed = (order.amount, order.currency.as_str());
        if said == agreed { Ok(Some(taken)) } else { Err(format!("the order says {said:?}, agreed was {agreed:?}")) }
    }

    /// Ends an order and notifies until that is acknowledged.
    async fn end(&self, id: &str, end: End) -> Result<(), String> {
        self.platform.set(id, end);
        self.deliver(id, Note::PLAIN).await
    }

    async fn deliver(&self, id: &str, note: Note) -> Result<(), String> {
        let started = Instant::now();
        let delivery = notifier::deliver_of(self.platform(), &self.ladder, id, note).await;
        self.front.note(&delivery.last.clone().map_err(CallError::NoAnswer), started);
        delivery.done().map_err(|reason| format!("{reason} ({note:?})"))
    }

    /// Delivers several copies at once; all must be acknowledged.
    async fn deliver_copies(&self, id: &str) -> Result<(), String> {
        let copies = (0..COPIES).map(|_| self.deliver(id, Note::PLAIN));
        futures_util::future::join_all(copies).await.into_iter().collect()
    }

    /// Says that another amount was paid: the merchant keeps it for a person and acknowledges.
    async fn deliver_other_amount(&self, id: &str) -> Result<(), String> {
        self.deliver(id, Note { says: Some(End::Paid), twist: Twist::OtherAmount }).await
    }

    /// A notification about an order that does not exist; the merchant keeps it and acknowledges.
    async fn deliver_unsolicited(&self, id: &str) -> Result<(), String> {
        self.deliver(id, Note { says: Some(End::Paid), twist: Twist::UnknownOrder }).await
    }
}

/// How an order is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    Once,
    /// The request trickles in.
    Slowly,
    /// The answer is not waited for; then once more.
    AndAgain,
    /// Several times at once.
    Together,
}

/// The order's id in a good answer.
fn order_id(answer: &Answer) -> Option<&str> {
    let transaction = answer.json.as_ref().filter(|_| answer.status == 200)?.get("transaction")?;
    transaction.get("id").and_then(Value::as_str)
}

/// The stable word of a refusal; nothing in what is none.
fn refusal(answer: &Answer) -> Option<&str> {
    let word = answer.json.as_ref().filter(|_| (400..500).contains(&answer.status))?.get("error");
    word.and_then(Value::as_str)
}

/// An answer in a few words.
fn summary(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    format!("HTTP {}, {}", answer.status, text.chars().take(160).collect::<String>())
}
