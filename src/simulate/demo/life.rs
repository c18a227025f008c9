//! One player's life: rounds of deposit, play and payout. What must have happened goes into the book.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::World;
use crate::simulate::book::Account;
use crate::simulate::caller::Answer;
use crate::simulate::cashier::{DepositEnd, PayoutEnd};
use crate::simulate::faults::{self, Dice};
use crate::simulate::gameserver::Movement;
use crate::simulate::messages::Order;

/// The demo's limits: the settings it writes and the orders it makes agree on them.
pub(super) const SMALLEST: i64 = 100;
const TOO_LARGE: i64 = 2_000_000;
/// What follows from an order must be booked in this time.
const BOOKED: Duration = Duration::from_secs(60);

struct Life<'a> {
    world: &'a World,
    account: Account,
    dice: Dice,
    /// Bets so far: their references are numbered.
    bets: u64,
}

/// Lives one player's life to its end. Stops at the first thing that is not as it must be, and notes it in the book.
pub(super) async fn live(world: &World, number: u64, dice: Dice) {
    let currency = if number.is_multiple_of(2) { "USD" } else { "EUR" };
    let account = (format!("player-{number:04}"), currency.to_owned());
    let mut life = Life { world, account, dice, bets: 0 };
    if let Err(reason) = life.all_rounds().await {
        let text = format!("{}: {reason}", life.account.0);
        world.book().problem(text);
    }
}

impl Life<'_> {
    async fn all_rounds(&mut self) -> Result<(), String> {
        let mut fields =
            json!({"status": "active", "deposit_allowed": true, "withdrawal_allowed": true, "country": "LV"});
        if self.world.plan.provider.is_some() {
            // Some platforms want to know who is paid.
            fields["first_name"] = "Alice".into();
            fields["last_name"] = self.account.0.as_str().into();
        }
        let answer = self.world.game.put_player(&self.account.0, &fields).await.map_err(|error| error.to_string())?;
        if answer.status != 201 {
            return Err(format!("creating the player was answered {}", answer.summary()));
        }
        for _ in 0..self.world.plan.rounds {
            self.deposit().await?;
            self.play().await?;
            self.withdraw().await?;
            self.world.progress.rounds.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn order(&mut self, amount: i64) -> Order {
        let (login, currency) = self.account.clone();
        Order { login, amount, currency, transaction_id: self.dice.transaction_id() }
    }

    fn available(&self) -> i64 {
        self.world.book().expected(&self.account).available
    }

    async fn deposit(&mut self) -> Result<(), String> {
        let too_large = self.dice.percent(5);
        let amount = if too_large { TOO_LARGE } else { self.dice.between(1_000, 50_000) };
        let order = self.order(amount);
        let pays = self.dice.percent(85);
        let fault = faults::deposit(&mut self.dice, self.world.plan.faults && !too_large);
        let end = self.world.side.deposit(&order, pays, fault, &mut self.dice).await;
        self.note_deposit(end, amount, too_large).map_err(|reason| format!("{reason} ({fault:?})"))?;
        if self.world.plan.provider.is_some() {
            // A merchant that must ask first may credit a moment later.
            self.wait_for_the_book("deposit").await?;
        }
        self.world.progress.deposits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn note_deposit(&self, end: DepositEnd, amount: i64, too_large: bool) -> Result<(), String> {
        let mut book = self.world.book();
        match end {
            DepositEnd::Paid(external_id) if !too_large => {
                book.deposit_opened(&external_id, &self.account, amount);
                book.deposit_paid(&external_id);
            }
            DepositEnd::Declined(external_id) if !too_large => {
                book.deposit_opened(&external_id, &self.account, amount);
                book.deposit_declined(&external_id);
            }
            DepositEnd::Paid(id) | DepositEnd::Declined(id) => return Err(format!("deposit {id} is over the limit")),
            DepositEnd::Refused(_) if too_large => {}
            DepositEnd::Refused(answer) => return Err(format!("the deposit was refused: {answer}")),
            DepositEnd::Broken(reason) => return Err(reason),
        }
        Ok(())
    }

    async fn play(&mut self) -> Result<(), String> {
        for _ in 0..self.dice.between(1, 4) {
            let available = self.available();
            self.bets += 1;
            let reference = format!("{}-bet-{}", self.account.0, self.bets);
            if available == 0 || self.dice.percent(5) {
                self.bet_too_much(available + 1, &reference).await?;
            } else if self.world.plan.faults && self.dice.percent(10) {
                self.rollback_before_bet(&reference).await?;
            } else {
                let amount = self.dice.between(1, available.min(5_000));
                self.bet(amount, &reference).await?;
            }
        }
        Ok(())
    }

    async fn bet(&mut self, amount: i64, reference: &str) -> Result<(), String> {
        self.moved("bet", amount, reference, -amount).await?;
        if self.dice.percent(10) {
            self.roll_back(amount, reference).await?;
        } else if self.dice.percent(45) {
            let won = self.dice.between(0, 2 * amount);
            self.moved("win", won, &reference.replace("-bet-", "-win-"), won).await?;
        }
        Ok(())
    }

    /// Moves money of play; with faults several copies at once, of which one counts.
    async fn moved(&mut self, kind: &str, amount: i64, reference: &str, change: i64) -> Result<(), String> {
        let copies = if self.world.plan.faults && self.dice.percent(30) { 3 } else { 1 };
        let currency = self.account.1.clone();
        let movement = Movement { kind, amount, currency: &currency, reference };
        let sent = (0..copies).map(|_| self.world.game.play(&self.account.0, &movement));
        let mut created = 0;
        self.world.book().played(&self.account, change);
        for answer in futures_util::future::join_all(sent).await {
            let answer = answer.map_err(|error| error.to_string())?;
            created += usize::from(answer.status == 201);
            self.expect(kind, &answer, &[200, 201], self.available())?;
        }
        if created == 1 { Ok(()) } else { Err(format!("{copies} copies of a {kind} had {created} effects")) }
    }

    async fn bet_too_much(&mut self, amount: i64, reference: &str) -> Result<(), String> {
        let movement = Movement { kind: "bet", amount, currency: &self.account.1, reference };
        let sent = self.world.game.play(&self.account.0, &movement).await;
        let answer = sent.map_err(|error| error.to_string())?;
        let code = answer.json.as_ref().and_then(|json| json.get("code")).and_then(Value::as_str);
        if (answer.status, code) == (402, Some("insufficient_funds")) {
            return Ok(());
        }
        Err(format!("a bet over the balance was answered HTTP {}, {code:?}", answer.status))
    }

    async fn roll_back(&mut self, amount: i64, reference: &str) -> Result<(), String> {
        self.world.book().played(&self.account, amount);
        let times = if self.world.plan.faults { 2 } else { 1 };
        for _ in 0..times {
            let answer = self.world.game.rollback(&self.account.0, reference).await;
            self.expect("rollback", &answer.map_err(|error| error.to_string())?, &[200], self.available())?;
        }
        Ok(())
    }

    async fn rollback_before_bet(&mut self, reference: &str) -> Result<(), String> {
        let game = &self.world.game;
        let early = game.rollback(&self.account.0, reference).await.map_err(|error| error.to_string())?;
        let movement = Movement { kind: "bet", amount: 1, currency: &self.account.1, reference };
        let bet = game.play(&self.account.0, &movement).await.map_err(|error| error.to_string())?;
        let said = |answer: &Answer, name: &str| answer.json.as_ref().and_then(|json| json.get(name)?.as_bool());
        if early.status != 200 || said(&early, "applied") != Some(false) {
            return Err(format!("a rollback before its bet was answered {}", String::from_utf8_lossy(&early.body)));
        }
        if !matches!(bet.status, 200 | 201) || said(&bet, "rolled_back") != Some(true) {
            return Err(format!("a bet after its rollback was answered {}", String::from_utf8_lossy(&bet.body)));
        }
        Ok(())
    }

    /// Checks the status of a wallet answer, and the balance it states.
    fn expect(&self, what: &str, answer: &Answer, statuses: &[u16], available: i64) -> Result<(), String> {
        let said = answer.json.as_ref().and_then(|json| json.get("available")).and_then(Value::as_i64);
        if !statuses.contains(&answer.status) {
            return Err(format!("a {what} was answered HTTP {}", answer.status));
        }
        // A rollback answers with the balances in whatever shape; the others state the balance at once.
        match said {
            Some(said) if said != available => Err(format!("after a {what} {said} is available, not {available}")),
            Some(_) | None => Ok(()),
        }
    }

    async fn withdraw(&mut self) -> Result<(), String> {
        let available = self.available();
        let too_much = self.dice.percent(10);
        if available < SMALLEST {
            return Ok(());
        }
        let most = available.min(30_000);
        let amount = if too_much { available + 1 } else { self.dice.between(SMALLEST, most) };
        let order = self.order(amount);
        let pays = self.dice.percent(75);
        let fault = faults::payout(&mut self.dice, self.world.plan.faults && !too_much);
        let end = self.world.side.payout(&order, pays, fault, &mut self.dice).await;
        self.note_payout(end, amount, too_much).map_err(|reason| format!("{reason} ({fault:?})"))?;
        self.wait_for_the_book("payout").await?;
        self.world.progress.payouts.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn note_payout(&self, end: PayoutEnd, amount: i64, too_much: bool) -> Result<(), String> {
        let mut book = self.world.book();
        match end {
            PayoutEnd::Paid(external_id) => {
                book.payout_held(&external_id, &self.account, amount);
                book.payout_paid(&external_id);
            }
            PayoutEnd::Declined(external_id) => {
                book.payout_held(&external_id, &self.account, amount);
                book.payout_declined(&external_id);
            }
            PayoutEnd::Insufficient if too_much => {}
            PayoutEnd::Insufficient => return Err("the payout was refused though the money is there".into()),
            PayoutEnd::Refused(answer) => return Err(format!("the payout was refused: {answer}")),
            PayoutEnd::Waiting(external_id) => {
                book.payout_held(&external_id, &self.account, amount);
                return Err(format!("payout {external_id} was never initiated"));
            }
            PayoutEnd::Broken(Some(external_id), reason) => {
                book.payout_held(&external_id, &self.account, amount);
                return Err(reason);
            }
            PayoutEnd::Broken(None, reason) => return Err(reason),
        }
        Ok(())
    }

    /// A refused initiation releases the hold a moment after it: waits until the merchant says what the book says.
    async fn wait_for_the_book(&self, what: &str) -> Result<(), String> {
        let (login, currency) = &self.account;
        let started = Instant::now();
        loop {
            let has = self.world.game.balance(login, currency).await.map_err(|error| error.to_string())?;
            let expected = self.world.book().expected(&self.account);
            if has == expected {
                return Ok(());
            }
            if started.elapsed() > BOOKED {
                return Err(format!("after a {what} {has:?} instead of {expected:?}"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
