//! The books that harm is done to: the real service plays one of everything that leaves something in the database.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use croupier::simulate::faults::Dice;
use croupier::simulate::messages::{
    self, CHARGEBACK, DECLINED, Notice, Order, PAYOUT, PENDING, PURCHASE, REFUND, SUCCESS,
};
use croupier::simulate::server::{Behaviour, CashierServer, Initiation};
use reqwest::Method;
use serde_json::{Value, json};

use crate::door::{Answer, Call, Door, Patience};
use crate::house::{self, FOUR_EYES, Purse};
use crate::options::Failure;
use crate::process::free_ports;
use crate::program::Program;
use crate::service::Service;

/// How long what the service does by itself is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a notification says: `type_id` and `status_id`.
type Word = (i64, i64);

/// A service that plays the story.
pub struct Story {
    pub service: Service,
    door: Door,
    cashiers: Vec<CashierServer>,
    dice: Dice,
}

/// The Cashier takes most payouts, refuses some and says nothing about others.
fn behaviour(initiation: &Initiation) -> Behaviour {
    match initiation.amount.unwrap_or(0) % 10 {
        7 => Behaviour::Hangup,
        8 => Behaviour::Refuse(1001),
        _ => Behaviour::Accept,
    }
}

impl Story {
    /// Starts a service on a new database in `home`.
    pub async fn begin(home: &Path, seed: u64) -> Result<Self, Failure> {
        let mut dice = Dice::new(seed);
        let cashiers = house::cashiers(behaviour).await?;
        let ports = free_ports(&mut dice, 2)?;
        let [public, private] = [ports[0], ports[1]].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let url = format!("sqlite://{}/croupier.db", home.display());
        let program = Program::new(home.to_owned(), &house::settings([public, private], home, &url, &cashiers))?;
        let door = Door::new(vec![(public, private)], Patience { longest: PATIENCE, pause: 100 })?;
        let mut service = Service::new(program, private);
        service.spawn()?;
        service.wait_until_ready(&door).await?;
        Ok(Self { service, door, cashiers, dice })
    }

    /// Staff who decide, one after the other.
    pub fn tokens(&self) -> Result<[String; 2], Failure> {
        Ok([self.service.program.staff_token("judge")?, self.service.program.staff_token("second")?])
    }

    pub fn decide_as(&self, token: &str) {
        self.door.set_staff_token(token);
    }

    async fn ask(&mut self, call: &Call) -> Result<Answer, Failure> {
        let answer = self.door.insist(&mut self.dice, call).await?;
        let good = match answer.code() {
            Some(code) => code == 0 || code == 50,
            None => matches!(answer.status, 200..=202),
        };
        if good { Ok(answer) } else { Err(format!("{} was answered {}", call.shown(), answer.shown())) }
    }

    fn order(&mut self, purse: &Purse, amount: i64) -> Order {
        let (transaction_id, currency) = (self.dice.transaction_id(), purse.currency.to_owned());
        Order { login: purse.login.clone(), amount, currency, transaction_id }
    }

    async fn question(&mut self, purse: &Purse, amount: i64, is_payout: bool) -> Result<Notice, Failure> {
        let order = self.order(purse, amount);
        let (params, type_id) = if is_payout {
            (messages::request_payout(purse.site, &order), PAYOUT)
        } else {
            (messages::check_deposit(purse.site, &order), PURCHASE)
        };
        let answer = self.ask(&Call::question(purse, &params)).await?;
        let external_id = answer.json["external_id"].as_str().unwrap_or_default().to_owned();
        Ok(Notice { external_id, order, type_id, status_id: SUCCESS })
    }

    async fn say(&mut self, purse: &Purse, notice: &Notice, words: &[Word]) -> Result<(), Failure> {
        for (type_id, status_id) in words {
            let notice = Notice { type_id: *type_id, status_id: *status_id, ..notice.clone() };
            self.ask(&Call::notification(purse, &messages::notification(purse.site, &notice))).await?;
        }
        Ok(())
    }

    async fn staff(&mut self, path: String, body: Value) -> Result<(), Failure> {
        self.ask(&Call::staff(Method::POST, path, &body)).await.map(|_| ())
    }

    async fn decide(&mut self, notice: &Notice, what: &str) -> Result<(), Failure> {
        self.staff(format!("/payouts/{}/{what}", notice.external_id), json!({"reason": "the story says so"})).await
    }

    /// Waits until a payout is at this stage.
    async fn comes_to(&mut self, notice: &Notice, stage: &str) -> Result<(), Failure> {
        let until = Instant::now() + PATIENCE;
        let call = Call::staff(Method::GET, format!("/payouts/{}", notice.external_id), &Value::Null);
        loop {
            let answer = self.ask(&call).await?;
            let shown = if answer.json["payout"].is_object() { &answer.json["payout"] } else { &answer.json };
            if shown["stage"] == stage {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(format!("a payout does not come to {stage}: {}", answer.shown()));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A player with money, play of every kind, and deposits and payouts that end in every way.
    pub async fn play(&mut self, purse: &Purse) -> Result<(), Failure> {
        self.ask(&Call::wallet(Method::PUT, purse.path(), &json!({"country": "LV", "first_name": "Anna"}))).await?;
        let plays = [("bonus", 900_000), ("bet", 700), ("win", 350), ("refund", 90), ("bet", 400)];
        for (number, (kind, amount)) in plays.into_iter().enumerate() {
            let reference = purse.reference(&format!("{kind}-{number}"));
            self.ask(&Call::play(purse, kind, amount, &reference)).await?;
        }
        for reference in [purse.reference("bet-4"), purse.reference("never-bet")] {
            let path = format!("{}/transactions/{reference}/rollback", purse.path());
            self.ask(&Call::wallet(Method::POST, path, &Value::Null)).await?;
        }
        self.deposits(purse).await?;
        self.payouts(purse).await
    }

    /// Payouts that need nobody, for a story in which nobody of staff has a part.
    pub async fn play_without_staff(&mut self, purse: &Purse) -> Result<(), Failure> {
        self.ask(&Call::wallet(Method::PUT, purse.path(), &json!({"country": "LV"}))).await?;
        self.ask(&Call::play(purse, "bonus", 900_000, &purse.reference("start"))).await?;
        self.deposits(purse).await?;
        for amount in 5_000..5_008 {
            let notice = self.question(purse, amount, true).await?;
            if self.cashiers[0].wait_for(&notice.external_id, PATIENCE).await.is_none() {
                return Err(format!("payout {} is not sent", notice.external_id));
            }
        }
        Ok(())
    }

    async fn deposits(&mut self, purse: &Purse) -> Result<(), Failure> {
        let ends: [&[Word]; 8] = [
            &[],
            &[(PURCHASE, PENDING)],
            &[(PURCHASE, DECLINED)],
            &[(PURCHASE, SUCCESS)],
            &[(PURCHASE, DECLINED), (PURCHASE, SUCCESS)],
            &[(PURCHASE, SUCCESS), (PURCHASE, DECLINED)],
            &[(PURCHASE, SUCCESS), (CHARGEBACK, SUCCESS)],
            &[(PURCHASE, SUCCESS), (REFUND, SUCCESS)],
        ];
        for (amount, words) in (1_100..).zip(ends) {
            let notice = self.question(purse, amount, false).await?;
            self.say(purse, &notice, words).await?;
        }
        let stranger = self.order(purse, 1_000);
        let stranger =
            Notice { external_id: "nobody".to_owned(), order: stranger, type_id: PURCHASE, status_id: SUCCESS };
        self.say(purse, &stranger, &[(PURCHASE, SUCCESS)]).await?;
        let session = self.ask(&Call::wallet(Method::POST, format!("{}/session", purse.path()), &json!({}))).await?;
        let token = session.json["token"].as_str().unwrap_or_default().to_owned();
        for (key, amount) in [("begun", 2_100), ("asked", 2_200)] {
            let body = json!({"amount": purse.decimals(amount), "currency": purse.currency,
                "idempotency_key": purse.reference(key), "comment": "for the weekend"});
            self.ask(&Call::player(&token, "/cashier/deposit", &body)).await?;
        }
        self.question(purse, 2_200, false).await?;
        for (key, amount) in [("waits", 2_301), ("taken-back", 2_401)] {
            let body = json!({"amount": purse.decimals(amount), "currency": purse.currency,
                "idempotency_key": purse.reference(key),
                "metadata_json": json!({"customer_purse": "DE89370400440532013000"}).to_string()});
            let answer = self.ask(&Call::player(&token, "/cashier/withdrawal", &body)).await?;
            let id = answer.json["transaction"]["id"].as_str().unwrap_or_default();
            let path = format!("/cashier/withdrawal/{id}/cancel");
            if key == "taken-back" {
                self.ask(&Call::player(&token, &path, &Value::Null)).await?;
            }
        }
        Ok(())
    }

    async fn payouts(&mut self, purse: &Purse) -> Result<(), Failure> {
        let ends: [(i64, &str, &[Word]); 7] = [
            (3_101, "sent", &[]),
            (3_201, "sent", &[(PAYOUT, SUCCESS)]),
            (3_301, "sent", &[(PAYOUT, DECLINED)]),
            (3_401, "sent", &[(PAYOUT, SUCCESS), (PAYOUT, DECLINED)]),
            (3_507, "unknown", &[]),
            (3_607, "unknown", &[(PAYOUT, SUCCESS)]),
            (3_708, "done", &[]),
        ];
        for (amount, stage, words) in ends {
            let notice = self.question(purse, amount, true).await?;
            self.comes_to(&notice, stage).await?;
            self.say(purse, &notice, words).await?;
        }
        let by_staff: [(i64, &str, &str); 4] = [
            (7_001, "", "awaiting_approval"),
            (7_101, "approve", "sent"),
            (7_201, "decline", "done"),
            (7_307, "approve", "unknown"),
        ];
        for (amount, decision, stage) in by_staff {
            let notice = self.question(purse, amount, true).await?;
            if !decision.is_empty() {
                self.decide(&notice, decision).await?;
            }
            self.comes_to(&notice, stage).await?;
            if stage == "unknown" {
                let body = json!({"outcome": "failed", "reason": "the Cashier's list does not have it"});
                self.staff(format!("/payouts/{}/resolve", notice.external_id), body).await?;
            }
        }
        Ok(())
    }

    /// What two people do, what protects a player, what is excepted for one, and what staff do besides.
    pub async fn people(&mut self, tokens: &[String; 2]) -> Result<(), Failure> {
        let purse = Purse::numbered(0);
        let (first, both) =
            (self.question(&purse, FOUR_EYES, true).await?, self.question(&purse, FOUR_EYES + 1, true).await?);
        self.decide(&first, "approve").await?;
        self.decide(&both, "approve").await?;
        self.decide_as(&tokens[1]);
        self.decide(&both, "approve").await?;
        self.comes_to(&both, "sent").await?;
        let path = format!("/players/{}/{}/adjust", purse.site, purse.login);
        for amount in [250, -100] {
            self.staff(path.clone(), json!({"amount": amount, "currency": "USD", "reason": "credited twice"})).await?;
        }
        self.staff("/reviews/1/close".to_owned(), json!({"reason": "looked at"})).await?;
        let limit = json!({"currency": "USD", "period": "week", "deposit_max": 5_000_000});
        self.put(format!("{}/protection/limits", purse.path()), limit).await?;
        let exception =
            json!({"mode": "allow", "reason": "VIP", "currency": "USD", "min_amount": 100, "max_amount": 9_000_000});
        self.put(format!("{}/methods/cashier", purse.path()), exception).await?;
        let shut_out = Purse::of("shut-out");
        self.put(shut_out.path(), json!({"country": "DE"})).await?;
        self.put(format!("{}/protection/exclusion", shut_out.path()), json!({"kind": "self_exclusion", "until": null}))
            .await
    }

    async fn put(&mut self, path: String, body: Value) -> Result<(), Failure> {
        self.ask(&Call::wallet(Method::PUT, path, &body)).await.map(|_| ())
    }

    /// Payouts that cannot go out, since nobody listens at the Cashier of their site any more: they stay in the outbox.
    pub async fn unsent(&mut self) -> Result<(), Failure> {
        let purse = Purse::numbered(1);
        self.cashiers.remove(1);
        let (one, other) = (self.question(&purse, 4_101, true).await?, self.question(&purse, 4_201, true).await?);
        for notice in [one, other] {
            self.comes_to(&notice, "queued").await?;
        }
        Ok(())
    }

    /// The last words of a story whose process is then killed: all that was committed is in the marks too.
    pub async fn last_words(&mut self, home: &Path) -> Result<(), Failure> {
        self.question(&Purse::numbered(0), 1_234, false).await?;
        let mark = || {
            let marks = std::fs::read_dir(home).ok()?.flatten().map(|entry| entry.path());
            let mark = marks.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "mark"))?;
            std::fs::metadata(mark).and_then(|about| about.modified()).ok()
        };
        let (before, until) = (mark(), Instant::now() + PATIENCE);
        while mark() == before && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}
