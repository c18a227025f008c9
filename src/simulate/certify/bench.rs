//! What every scenario works with: the caller, the player, and the questions they share.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{About, Stop};
use crate::simulate::caller::{Answer, Caller};
use crate::simulate::faults::Dice;
use crate::simulate::messages::{self, Notice, Order, PAYOUT, PURCHASE, SUCCESS};
use crate::simulate::server::{CashierServer, Initiation};
use crate::simulate::{Encoding, Params};

/// How many copies of a message are sent at once.
pub(super) const COPIES: usize = 8;
const PATIENCE: Duration = Duration::from_secs(20);
/// The largest amount of the protocol.
const MOST_AT_ONCE: i64 = 1_000_000_000_000_000;
/// Payouts tried at most to empty a balance.
const MOST_DRAINS: usize = 200;
const FUNDED: &str = "Scenarios about money deposit for themselves and withdraw it again. They need a player that may \
deposit and withdraw, limits that allow payouts of one to ten times the amount used here, and no daily limit that a few \
hundred of them reach. Scenarios about initiations also need --bind, payout_url set to that address, and automatic \
approval; without these they are skipped. Use a test player: what it has is withdrawn.";

/// Who is examined, and with which player.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Base address of the merchant's public listener.
    pub target: String,
    /// The brand's number.
    pub site_id: i64,
    /// A player that may deposit and withdraw.
    pub login: String,
    /// A currency of the player.
    pub currency: String,
    /// Minor units of one movement; within the merchant's limits, as are 30 times as many for deposits.
    pub amount: i64,
}

impl Subject {
    /// What the report says of it.
    pub fn about(&self) -> About {
        let facts = vec![
            ("target", self.target.clone().into()),
            ("site_id", self.site_id.into()),
            ("player", self.login.clone().into()),
            ("currency", self.currency.clone().into()),
            ("amount", self.amount.into()),
        ];
        About { facts, needs: FUNDED }
    }
}

/// The workbench of the scenarios.
#[derive(Debug)]
pub struct Bench {
    caller: Caller,
    server: Option<CashierServer>,
    subject: Subject,
    dice: Mutex<Dice>,
    /// Whether the balance was emptied once, so that the next time only little can be there.
    emptied: AtomicBool,
    /// Whether an accepted payout was not initiated in time: payouts are approved by hand there.
    approved_by_hand: AtomicBool,
}

impl Bench {
    /// A bench for this subject. `seed` must differ from run to run: transaction ids come from it.
    pub fn new(caller: Caller, server: Option<CashierServer>, subject: Subject, seed: u64) -> Self {
        let dice = Mutex::new(Dice::new(seed));
        let (emptied, approved_by_hand) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { caller, server, subject, dice, emptied, approved_by_hand }
    }

    /// Who is examined.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The address for initiations, or the reason to skip.
    pub(super) fn server(&self) -> Result<&CashierServer, Stop> {
        let missing = "needs --bind, and payout_url set to that address";
        self.server.as_ref().ok_or_else(|| Stop::Skipped(missing.to_owned()))
    }

    /// One movement in minor units.
    pub(super) fn unit(&self) -> i64 {
        self.subject.amount
    }

    pub(super) fn fresh_id(&self) -> u64 {
        self.dice.lock().expect("nobody panics while rolling dice").transaction_id()
    }

    /// A new order of the player.
    pub(super) fn order(&self, amount: i64) -> Order {
        let Subject { login, currency, .. } = self.subject.clone();
        Order { login, amount, currency, transaction_id: self.fresh_id() }
    }

    /// A new `check_deposit` of one unit, not signed.
    pub(super) fn deposit(&self) -> Params {
        messages::check_deposit(self.subject.site_id, &self.order(self.unit()))
    }

    /// A new `request_payout`, not signed.
    pub(super) fn payout(&self, amount: i64) -> Params {
        messages::request_payout(self.subject.site_id, &self.order(amount))
    }

    /// A notification, not signed.
    pub(super) fn notice(&self, external_id: &str, order: &Order, type_id: i64, status_id: i64) -> Params {
        let notice = Notice { external_id: external_id.to_owned(), order: order.clone(), type_id, status_id };
        messages::notification(self.subject.site_id, &notice)
    }

    /// Signs and asks in JSON.
    pub(super) async fn ask(&self, params: &Params) -> Result<Answer, Stop> {
        Ok(self.caller.ask(params, Encoding::Json).await?)
    }

    /// Signs and notifies in JSON, once; it must be acknowledged.
    pub(super) async fn notify(&self, params: &Params) -> Result<(), Stop> {
        acknowledged(&self.caller.notify(params, Encoding::Json).await?)
    }

    /// Signs and notifies several times at once; every copy must be acknowledged.
    pub(super) async fn notify_copies(&self, params: &Params) -> Result<(), Stop> {
        let copies = (0..COPIES).map(|_| self.notify(params));
        futures_util::future::join_all(copies).await.into_iter().collect()
    }

    /// A deposit of the player that was accepted, not yet paid.
    pub(super) async fn open_deposit(&self, amount: i64) -> Result<(Order, String), Stop> {
        let order = self.order(amount);
        let answer = self.ask(&messages::check_deposit(self.subject.site_id, &order)).await?;
        Ok((order, accepted(&answer, 0)?))
    }

    /// Puts money on the player's balance: a deposit that is paid.
    pub(super) async fn fund(&self, amount: i64) -> Result<(Order, String), Stop> {
        let (order, external_id) = self.open_deposit(amount).await?;
        self.notify(&self.notice(&external_id, &order, PURCHASE, SUCCESS)).await?;
        Ok((order, external_id))
    }

    /// A payout that must be accepted: the money is there.
    pub(super) async fn withdraw(&self, amount: i64) -> Result<(Order, String), Stop> {
        let order = self.order(amount);
        let answer = self.ask(&messages::request_payout(self.subject.site_id, &order)).await?;
        if answer.description().starts_with("Amount is above") {
            return Err(Stop::Skipped(format!("the merchant's limits forbid a payout of {amount}")));
        }
        Ok((order, accepted(&answer, 50)?))
    }

    /// A payout that must be answered 402: the money is not there.
    pub(super) async fn cannot_withdraw(&self, amount: i64) -> Result<(), Stop> {
        insufficient(&self.ask(&self.payout(amount)).await?)
    }

    /// Withdraws until less than one unit is left, so that what is there afterwards is known.
    pub(super) async fn empty(&self) -> Result<(), Stop> {
        let mut size = if self.emptied.load(Ordering::Relaxed) { self.unit() * 32 } else { MOST_AT_ONCE };
        for _ in 0..MOST_DRAINS {
            if size < self.unit().div_euclid(2).max(1) {
                self.emptied.store(true, Ordering::Relaxed);
                return Ok(());
            }
            let order = self.order(size);
            let answer = self.ask(&messages::request_payout(self.subject.site_id, &order)).await?;
            match (answer.code(), answer.description()) {
                (Some(50), _) => self.settle(&accepted(&answer, 50)?, &order).await?,
                (Some(402), _) => size /= 2,
                (_, text) if text.starts_with("Amount is") => size /= 2,
                (_, _) => {
                    let text = "needs a player that may withdraw; request_payout was answered";
                    return Err(Stop::Skipped(format!("{text} {}", answer.summary())));
                }
            }
        }
        Err(Stop::Skipped("the player has too much money to be emptied".to_owned()))
    }

    /// The initiation of an accepted payout, as soon as it is there. Skips when payouts are approved by hand.
    pub(super) async fn initiation(&self, external_id: &str) -> Result<Initiation, Stop> {
        let server = self.server()?;
        let by_hand = "needs automatic approval: no initiation came";
        if self.approved_by_hand.load(Ordering::Relaxed) {
            return Err(Stop::Skipped(by_hand.to_owned()));
        }
        match server.wait_for(external_id, PATIENCE).await {
            Some(initiation) => Ok(initiation),
            None => {
                self.approved_by_hand.store(true, Ordering::Relaxed);
                Err(Stop::Skipped(by_hand.to_owned()))
            }
        }
    }

    /// Ends a payout well when initiations come; otherwise it stays held.
    async fn settle(&self, external_id: &str, order: &Order) -> Result<(), Stop> {
        match self.initiation(external_id).await {
            Ok(_) => self.notify(&self.notice(external_id, order, PAYOUT, SUCCESS)).await,
            Err(_) => Ok(()),
        }
    }
}

/// Fails with what was expected and what came.
pub(super) fn failed(expected: &str, answer: &Answer) -> Stop {
    Stop::Failed(format!("expected {expected}, got {}", answer.summary()))
}

/// The order id of an answer that must be HTTP 200 with this code.
pub(super) fn accepted(answer: &Answer, code: i64) -> Result<String, Stop> {
    match (answer.status, answer.code(), answer.external_id()) {
        (200, Some(got), Some(external_id)) if got == code => Ok(external_id.to_owned()),
        (_, _, _) => Err(failed(&format!("code {code} with an external_id"), answer)),
    }
}

/// HTTP 200, code 402.
pub(super) fn insufficient(answer: &Answer) -> Result<(), Stop> {
    if (answer.status, answer.code()) == (200, Some(402)) { Ok(()) } else { Err(failed("code 402", answer)) }
}

/// HTTP 200, code 500, and a text that starts with one of these.
pub(super) fn refused(answer: &Answer, first_words: &[&str]) -> Result<(), Stop> {
    let said = first_words.iter().any(|words| answer.description().starts_with(words));
    if (answer.status, answer.code(), said) == (200, Some(500), true) {
        return Ok(());
    }
    Err(failed(&format!("HTTP 200, code 500, {:?}", first_words.join(" or ")), answer))
}

/// This HTTP status with code 500 in a JSON body.
pub(super) fn refused_with(answer: &Answer, statuses: &[u16]) -> Result<(), Stop> {
    if statuses.contains(&answer.status) && answer.code() == Some(500) {
        return Ok(());
    }
    let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
    Err(failed(&format!("HTTP {} with code 500", statuses.join(" or ")), answer))
}

/// A notification that must not be acknowledged, with one of these statuses and a code other than 0.
pub(super) fn not_acknowledged(answer: &Answer, statuses: &[u16]) -> Result<(), Stop> {
    let refused = statuses.contains(&answer.status) && answer.code().is_some_and(|code| code != 0);
    if refused && !answer.acknowledges() {
        return Ok(());
    }
    let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
    Err(failed(&format!("HTTP {} with a code other than 0", statuses.join(" or ")), answer))
}

/// HTTP 200 and code 0 or result ok.
pub(super) fn acknowledged(answer: &Answer) -> Result<(), Stop> {
    if answer.status == 200 && answer.acknowledges() { Ok(()) } else { Err(failed("an acknowledgement", answer)) }
}
