//! Whole deposits and payouts as players live them through the players' API, at any platform, each with at most one fault.
//!
//! The counterpart of [`super::cashier`]: there the Cashier asks the merchant, here the merchant asks the platform.

mod deposit;
mod payout;

use std::time::Duration;

use serde_json::Value;

use super::caller::{Answer, CallError};
use super::front::{Front, Wish};
use super::gameserver::GameServer;
use super::messages::Order;
use super::platforms::{Taken, Way};
use super::teller::{COPIES, Teller};

/// Players, staff and a platform, around one merchant.
#[derive(Debug)]
pub struct Visits {
    teller: Teller,
    game: GameServer,
    front: Front,
    patience: Duration,
}

impl Visits {
    /// Everything through this teller's platform. `patience` is how long the merchant may take from an approval to the call that makes
    /// the order.
    pub fn new(teller: Teller, game: GameServer, front: Front, patience: Duration) -> Self {
        Self { teller, game, front, patience }
    }

    /// Who ends the orders.
    pub fn teller(&self) -> &Teller {
        &self.teller
    }

    fn wish(&self, way: Way, order: &Order) -> Wish {
        let platform = self.teller.platform();
        let method = platform.method();
        let details = match way {
            Way::Deposit => platform.deposit_details(method),
            Way::Payout => platform.details(method),
        };
        let (amount, currency) = (order.amount, order.currency.clone());
        // A long run of digits could be the number of a card, which a merchant takes for no key.
        let key = format!("{:x}-k-{:x}", order.transaction_id / 1_000_000_000, order.transaction_id % 1_000_000_000);
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
        let Some(taken) = self.teller.platform().wait_for(id, self.patience).await else { return Ok(None) };
        let said = (taken.amount, taken.currency.as_str());
        let agreed = (order.amount, order.currency.as_str());
        if said == agreed { Ok(Some(taken)) } else { Err(format!("the order says {said:?}, agreed was {agreed:?}")) }
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
