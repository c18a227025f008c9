//! Whole steps of a story, each with the assertion that it went well.

use croupier::clock;
use croupier::deposits;
use croupier::ids::{Login, Player, SiteId};
use croupier::money::{Currency, MAX_MINOR};
use croupier::orders::{Status, reviews};
use croupier::payouts::{self, Stage};
use croupier::simulate::caller::Answer;
use croupier::simulate::messages::{DECLINED, Order, PAYOUT, PURCHASE, SUCCESS};
use croupier::simulate::server::Initiation;
use croupier::wallet::transactions::{self, Kind, Movement};
use serde_json::json;

use super::app::{PATIENCE, SITE, TestApp};
use super::wire;

/// An order that the service has accepted.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Our id of it.
    pub id: String,
    /// What was asked.
    pub order: Order,
}

impl TestApp {
    /// A player without money.
    pub async fn player(&self, login: &str) {
        let reply = self.wallet().put(login, json!({})).await;
        assert!(matches!(reply.status, 200 | 201), "{reply:?}");
    }

    /// A player who has won this much in USD.
    pub async fn player_with(&self, login: &str, amount: i64) {
        self.player(login).await;
        let reply = self.wallet().play(login, "win", amount, &format!("start of {login}")).await;
        assert_eq!(reply.status, 201, "{reply:?}");
    }

    /// Gives a player `times` the largest amount there is in USD; a thousand times fill the balance to its end.
    pub async fn fill(&self, login: &str, times: usize) {
        let player = Player { site: SiteId(SITE), login: Login::parse(login).expect("a login") };
        let currency = Currency::parse("USD").expect("a currency");
        let filled = self.state.db.write(croupier::db::Scope::from(&player), move |tx| {
            for nth in 0..times {
                let (player, reference) = (player.clone(), format!("fill {nth}"));
                let win = Movement { player, kind: Kind::Win, amount: MAX_MINOR, currency, reference, reason: None };
                transactions::make(tx, &format!("fill {nth}"), &win, clock::now())?;
            }
            Ok(())
        });
        filled.await.expect("the wins are booked");
    }

    /// Available and held in USD.
    pub async fn balance(&self, login: &str) -> (i64, i64) {
        self.wallet().balance(login, "USD").await
    }

    /// An accepted `check_deposit` in USD.
    pub async fn deposit(&self, login: &str, amount: i64) -> Asked {
        self.deposit_in(login, amount, "USD").await
    }

    /// An accepted `check_deposit`.
    pub async fn deposit_in(&self, login: &str, amount: i64, currency: &str) -> Asked {
        let order = wire::order(login, amount, currency);
        accepted(self.ask(&wire::check_deposit(&order)).await, 0, order)
    }

    /// An accepted `request_payout` in USD.
    pub async fn payout(&self, login: &str, amount: i64) -> Asked {
        self.payout_in(login, amount, "USD").await
    }

    /// An accepted `request_payout`.
    pub async fn payout_in(&self, login: &str, amount: i64, currency: &str) -> Asked {
        let order = wire::order(login, amount, currency);
        accepted(self.ask(&wire::request_payout(&order)).await, 50, order)
    }

    /// A payout in USD that the Cashier has taken.
    pub async fn sent_payout(&self, login: &str, amount: i64) -> Asked {
        let payout = self.payout(login, amount).await;
        self.comes_to(&payout, Stage::Sent).await;
        payout
    }

    /// An accepted and paid deposit in USD.
    pub async fn paid_deposit(&self, login: &str, amount: i64) -> Asked {
        let asked = self.deposit(login, amount).await;
        self.say(&asked, PURCHASE, SUCCESS).await;
        asked
    }

    /// Notifies about an order; it must be acknowledged.
    pub async fn say(&self, asked: &Asked, type_id: i64, status_id: i64) {
        let answer = self.notify(&wire::notification(&asked.id, &asked.order, type_id, status_id)).await;
        assert!(answer.acknowledges(), "type {type_id} status {status_id}: {}", answer.summary());
    }

    /// A payout succeeded.
    pub async fn say_paid_out(&self, asked: &Asked) {
        self.say(asked, PAYOUT, SUCCESS).await;
    }

    /// A payout was declined.
    pub async fn say_not_paid_out(&self, asked: &Asked) {
        self.say(asked, PAYOUT, DECLINED).await;
    }

    /// The first initiation of a payout, when it has arrived.
    pub async fn initiation(&self, asked: &Asked) -> Initiation {
        self.cashier.wait_for(&asked.id, PATIENCE).await.expect("the initiation arrives")
    }

    /// Where a deposit stands.
    pub async fn deposit_status(&self, asked: &Asked) -> Status {
        let id = asked.id.clone();
        let found = self.read(move |conn| deposits::find(conn, &id)).await.expect("the deposit is there");
        Status::from_code(found.status).expect("a status")
    }

    /// Where a payout stands.
    pub async fn payout_standing(&self, asked: &Asked) -> (Status, Stage) {
        let id = asked.id.clone();
        let found = self.read(move |conn| payouts::find(conn, &id)).await.expect("the payout is there");
        found.standing().expect("a status and a stage")
    }

    /// The payout comes to this stage; what the worker does is waited for, never slept for.
    pub async fn comes_to(&self, asked: &Asked, stage: Stage) {
        let until = tokio::time::Instant::now() + PATIENCE;
        let mut look = tokio::time::interval(std::time::Duration::from_millis(2));
        loop {
            let (status, found) = self.payout_standing(asked).await;
            if found == stage {
                return;
            }
            assert!(tokio::time::Instant::now() < until, "{status:?} at stage {found:?}, awaited {stage:?}");
            look.tick().await;
        }
    }

    /// The balance in USD comes to this; for what the service does by itself after a start.
    pub async fn becomes(&self, login: &str, balance: (i64, i64)) {
        let until = tokio::time::Instant::now() + PATIENCE;
        let mut look = tokio::time::interval(std::time::Duration::from_millis(2));
        while self.balance(login).await != balance {
            assert!(tokio::time::Instant::now() < until, "{:?}, awaited {balance:?}", self.balance(login).await);
            look.tick().await;
        }
    }

    /// The outcome of a payout's last attempt, as soon as it has one.
    pub async fn outcome(&self, asked: &Asked) -> String {
        let until = tokio::time::Instant::now() + PATIENCE;
        let mut look = tokio::time::interval(std::time::Duration::from_millis(2));
        loop {
            let id = asked.id.clone();
            let attempts = self.read(move |conn| payouts::outbox::attempts(conn, &id)).await;
            if let Some(outcome) = attempts.last().and_then(|attempt| attempt.outcome.clone()) {
                return outcome;
            }
            assert!(tokio::time::Instant::now() < until, "the attempt comes back");
            look.tick().await;
        }
    }

    /// The kinds of all reviews, oldest first.
    pub async fn reviews(&self) -> Vec<String> {
        let all = self.read(|conn| reviews::list(conn, None, 0, 1000)).await;
        all.into_iter().map(|review| review.kind).collect()
    }

    /// How many rows a table has, counted by `count`.
    pub async fn count(&self, sql_table: &'static str) -> i64 {
        use diesel::prelude::*;
        self.read(move |conn| {
            diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(&format!(
                "(SELECT count(*) FROM {sql_table})"
            )))
            .get_result(conn)
        })
        .await
    }
}

fn accepted(answer: Answer, code: i64, order: Order) -> Asked {
    assert_eq!((answer.status, answer.code()), (200, Some(code)), "{}", answer.summary());
    Asked { id: answer.external_id().expect("an external_id").to_owned(), order }
}

/// Everything that a refused message could have left behind.
const TABLES: [&str; 9] = [
    "players",
    "accounts",
    "journal_entries",
    "question_keys",
    "deposits",
    "payouts",
    "webhooks",
    "reviews",
    "wallet_transactions",
];

impl TestApp {
    /// The number of rows in every table that a message can change.
    pub async fn rows(&self) -> Vec<(&'static str, i64)> {
        let mut rows = Vec::new();
        for table in TABLES {
            rows.push((table, self.count(table).await));
        }
        rows
    }

    /// A question that must be refused with these first words, and leave nothing behind.
    pub async fn refuses(&self, question: &croupier::simulate::Params, words: &str) {
        let before = self.rows().await;
        let answer = self.ask(question).await;
        let shown = format!("{question:?}");
        assert_eq!((answer.status, answer.code()), (200, Some(500)), "{shown}: {}", answer.summary());
        assert!(answer.description().starts_with(words), "{shown}: {:?}, not {words:?}", answer.description());
        assert!(answer.content_type.starts_with("application/json"), "{}", answer.content_type);
        assert_eq!(self.rows().await, before, "{shown} left something behind");
    }
}
