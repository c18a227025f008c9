//! The engine against a real HTTP peer and a real database: what is asked when, and what an answer does.

use std::sync::atomic::{AtomicU8, Ordering};

use diesel::prelude::*;

use super::*;
use crate::app::Application;
use crate::db::schema::inquiries;
use crate::deposits;
use crate::ids::{Login, Player};
use crate::ledger::{self, PlayerId};
use crate::money::{Currency, Money};
use crate::orders::reviews;
use crate::orders::transitions::Because;
use crate::payouts::{self, Stage};
use crate::players::{self, Change};
use crate::providers::registry::Accounts;
use crate::providers::{Manners, Question as Asked};
use crate::questions::{self, Prepared};
use crate::testing::database::TestDatabase;
use crate::testing::provider::{Fake, MANNERS, NAME, Peer, SITE, http};

const DAY: Micros = clock::DAY_MICROS;

struct Bench {
    app: Application,
    peer: Peer,
    asked: AtomicU8,
    _database: TestDatabase,
    _dir: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        Self::with(MANNERS).await
    }

    async fn with(manners: Manners) -> Self {
        let (dir, peer) = (tempfile::tempdir().unwrap(), Peer::start().await);
        let (shown, database) = (dir.path().display(), TestDatabase::create(dir.path()));
        let text = format!(
            "[server]\npublic_bind = \"127.0.0.1:0\"\nprivate_bind = \"127.0.0.1:0\"\nstate_dir = \"{shown}\"\n\
             [database]\nurl = \"{}\"\n[sites.demo]\nsite_id = 332\ncurrencies = [\"USD\"]\n\
             [sites.demo.carouseller]\nsalts = [\"a-salt-that-is-long-enough-0123\"]\n\
             payout_url = \"https://cashier.example/\"\n[sites.demo.payouts]\napproval = \"auto\"\n",
            database.url()
        );
        let mut settings = Settings::from_text(&text).unwrap();
        let fake = Arc::new(Fake { url: peer.url.clone(), manners });
        settings.providers = settings.providers.with(fake);
        settings.sites[0].providers.push(NAME);
        let app = Application::build(settings).await.unwrap();
        let given = |tx: &mut WriteTx<'_>| {
            let (row, _) = players::put(tx, &alice(), &Change::default(), 1)?;
            ledger::bonus(tx, "start", SITE, PlayerId(row.id), usd(10_000), 1).map(|_| ())
        };
        app.state().db.write(Scope::from(&alice()), given).await.unwrap();
        Self { app, peer, asked: AtomicU8::new(0), _database: database, _dir: dir }
    }

    fn asker(&self) -> &Asker {
        &self.app.state().asker
    }

    /// Another instance: the same books, and a pace of its own.
    fn other(&self) -> Asker {
        let state = self.app.state();
        Asker::new(state.db.clone(), state.settings.clone(), state.outgoing.clone(), state.metrics.clone())
    }

    fn fake(&self) -> &dyn Provider {
        self.app.state().settings.providers.get(NAME).unwrap()
    }

    async fn order(&self, direction: Direction) -> String {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let question = Asked {
            direction,
            site: SITE,
            login: alice().login,
            amount: usd(1000),
            transaction_id: Some(number.to_string()),
            fingerprint: [number; 32],
            purse: None,
            details: Vec::new(),
        };
        let site = self.app.state().site(SITE).unwrap().clone();
        questions::answer(&self.app.state().db, Prepared::new(NAME, site, question)).await.unwrap().to_string()
    }

    /// A payout of which nobody knows whether the provider has it.
    async fn unknown(&self) -> String {
        self.sent_with(http(500, "")).await
    }

    async fn sent_with(&self, answer: String) -> String {
        self.peer.pays(answer);
        let id = self.order(Direction::Payout).await;
        self.app.worker().step().await.unwrap();
        id
    }

    async fn stage(&self, id: &str) -> Stage {
        let id = id.to_owned();
        let found = self.app.state().db.read(move |conn| Ok(payouts::find(conn, &id)?.unwrap().standing()?.1));
        found.await.unwrap()
    }

    async fn row(&self, id: &str) -> Option<Awaited> {
        let id = id.to_owned();
        self.app.state().db.read(move |conn| Ok(awaited::find(conn, &id)?)).await.unwrap()
    }

    /// Changes the row as time would.
    async fn change(&self, id: &str, change: impl Fn(&mut Awaited) + Send + 'static) {
        let id = id.to_owned();
        let set = move |tx: &mut WriteTx<'_>| {
            let mut row = awaited::find(tx.read()?, &id)?.unwrap();
            change(&mut row);
            let set = (
                inquiries::since.eq(row.since),
                inquiries::due_at.eq(row.due_at),
                inquiries::last_asked_at.eq(row.last_asked_at),
            );
            diesel::update(inquiries::table.find(&id)).set(set).execute(tx.conn()?)?;
            Ok(())
        };
        self.app.state().db.write(Scope::Nobody, set).await.unwrap();
    }

    /// Lets the time of the next question come.
    async fn wait(&self, id: &str) {
        let past = |row: &mut Awaited| {
            row.due_at -= 3 * DAY;
            row.last_asked_at = row.last_asked_at.map(|at| at - 3 * DAY);
        };
        self.change(id, past).await;
    }

    async fn reviews(&self, id: &str) -> Vec<String> {
        let id = id.to_owned();
        let rows = self.app.state().db.read(move |conn| Ok(reviews::of_order(conn, &id)?)).await.unwrap();
        rows.into_iter().filter(|row| row.closed_at.is_none()).map(|row| row.kind).collect()
    }

    /// Available and held.
    async fn balance(&self) -> (i64, i64) {
        let read = self.app.state().db.read(|conn| {
            let row = players::read(conn, &alice())?.unwrap();
            Ok(ledger::balances(conn, PlayerId(row.id))?)
        });
        let (_, dollars) = read.await.unwrap().into_iter().find(|(code, _)| code == "USD").unwrap();
        (dollars.available, dollars.held)
    }

    fn hint(&self, id: &str, news: News) -> Hint {
        Hint { site: SITE, external_id: id.to_owned(), about: Some("tx-9".into()), claims: "as it says".into(), news }
    }

    async fn end(&self, id: &str, paid: bool) {
        let (id, whose) = (id.to_owned(), Scope::Order(id.to_owned()));
        let end = move |tx: &mut WriteTx<'_>| {
            let payout = payouts::find(tx.read()?, &id)?.unwrap();
            let why = Because { cause: "test", actor: "test", reason: "it ended" };
            if paid {
                payouts::capture(tx, &payout, NAME, why, clock::now())
            } else {
                payouts::release(tx, &payout, crate::orders::Status::Failed, why, clock::now())
            }
        };
        self.app.state().db.write(whose, end).await.unwrap();
    }
}

fn alice() -> Player {
    Player { site: SITE, login: Login::parse("alice").unwrap() }
}

fn usd(amount: i64) -> Money {
    Money::new(amount, Currency::parse("USD").unwrap()).unwrap()
}

#[tokio::test]
async fn an_unknown_payout_that_was_paid_is_captured_once() {
    let bench = Bench::new().await;
    let id = bench.unknown().await;
    assert_eq!((bench.stage(&id).await, bench.balance().await), (Stage::Unknown, (9000, 1000)));
    bench.peer.says(&[&http(200, "paid 1000")]);

    assert_eq!(bench.asker().step().await.unwrap(), Stepped::Worked);

    assert_eq!((bench.stage(&id).await, bench.balance().await), (Stage::Done, (9000, 0)));
    assert_eq!(bench.row(&id).await, None, "nobody waits any more");
    assert_eq!(bench.asker().step().await.unwrap(), Stepped::Idle);
    let again = bench.asker().ask_now(&ExternalId::parse(&id).unwrap(), Direction::Payout).await.unwrap();
    assert_eq!((again.as_str(), bench.balance().await), ("payout paid (paid 1000)", (9000, 0)));
    assert_eq!((bench.peer.count(), bench.reviews(&id).await), (2, vec!["payout_unknown".to_owned()]));
}

#[tokio::test]
async fn an_unknown_payout_that_was_declined_is_released_once() {
    let bench = Bench::new().await;
    let id = bench.unknown().await;
    bench.peer.says(&[&http(200, "declined 1000")]);

    bench.asker().step().await.unwrap();
    bench.asker().ask_now(&ExternalId::parse(&id).unwrap(), Direction::Payout).await.unwrap();

    assert_eq!((bench.stage(&id).await, bench.balance().await), (Stage::Done, (10_000, 0)));
    assert_eq!(bench.row(&id).await, None);
}

#[tokio::test]
async fn what_the_provider_works_on_is_sent_and_its_review_stays_open() {
    let bench = Bench::new().await;
    let id = bench.unknown().await;
    bench.peer.says(&[&http(200, "pending 1000"), &http(200, "paid 1000")]);

    bench.asker().step().await.unwrap();
    assert_eq!((bench.stage(&id).await, bench.balance().await), (Stage::Sent, (9000, 1000)));
    assert_eq!(bench.reviews(&id).await, ["payout_unknown"]);
    let row = bench.row(&id).await.unwrap();
    assert_eq!((row.asked, row.last_answer.as_str()), (1, "payout pending (pending 1000)"));
    assert_eq!(bench.asker().step().await.unwrap(), Stepped::Idle, "not before its time");

    bench.wait(&id).await;
    bench.asker().step().await.unwrap();
    assert_eq!((bench.stage(&id).await, bench.balance().await), (Stage::Done, (9000, 0)));
}

#[tokio::test]
async fn not_found_ten_times_moves_nothing() {
    let bench = Bench::new().await;
    let id = bench.unknown().await;
    bench.peer.says(&[&http(404, "")]);

    for asked in 1..=10 {
        assert_eq!(bench.asker().step().await.unwrap(), Stepped::Worked);
        let row = bench.row(&id).await.unwrap();
        assert_eq!((row.asked, row.last_answer.as_str()), (asked, "not found, which proves nothing: no such order"));
        assert!(row.due_at >= row.last_asked_at.unwrap() + 300_000_000, "{row:?}");
        bench.wait(&id).await;
    }

    assert_eq!((bench.stage(&id).await, bench.balance().await), (Stage::Unknown, (9000, 1000)));
}

#[tokio::test]
async fn what_cannot_be_understood_moves_nothing_and_is_asked_again() {
    let bench = Bench::new().await;
    let id = bench.unknown().await;
    let answers = [
        (http(503, ""), "unclear: HTTP 503"),
        (http(200, "<html>"), "unclear: HTTP 200"),
        (http(200, "paid 1000 0123456789abcdef0123456789abcdef"), "unclear: the answer is about another order"),
        (String::new(), "unclear: "),
        (http(429, ""), "not before 30 s"),
    ];
    for (asked, (answer, noted)) in (1..).zip(answers) {
        bench.peer.says(&[&answer]);
        assert_eq!(bench.asker().step().await.unwrap(), Stepped::Worked, "{answer:?}");
        let row = bench.row(&id).await.unwrap();
        assert!(row.asked == asked && row.last_answer.starts_with(noted), "{answer:?}: {row:?}");
        bench.wait(&id).await;
    }

    assert_eq!((bench.stage(&id).await, bench.balance().await), (Stage::Unknown, (9000, 1000)));
    assert_eq!(bench.asker().step().await.unwrap(), Stepped::Idle, "it wants to be left alone for 30 s");
}

#[tokio::test]
async fn several_instances_ask_once() {
    let bench = Bench::new().await;
    let id = bench.unknown().await;
    bench.peer.says(&[&http(200, "pending 1000")]);
    let (one, two) = (bench.other(), bench.other());
    let seen = bench.row(&id).await.unwrap();

    let (first, second) = tokio::join!(one.take_up(seen.clone(), For::Asking), two.take_up(seen.clone(), For::Asking));

    let claims = [first.unwrap(), second.unwrap()].into_iter().filter(|taken| matches!(taken, Taken::Ask(_)));
    assert_eq!(claims.count(), 1);
    assert_eq!(two.step().await.unwrap(), Stepped::Idle, "it is claimed");
}

#[tokio::test]
async fn a_contradiction_after_the_end_is_shown_to_a_person_and_moves_nothing() {
    let bench = Bench::new().await;
    let (paid, declined) = (bench.unknown().await, bench.unknown().await);
    bench.end(&paid, true).await;
    bench.end(&declined, false).await;
    assert_eq!(bench.balance().await, (9000, 0));

    bench.peer.says(&[&http(200, "declined 1000")]);
    let confirmed = bench.asker().confirm(bench.fake(), bench.hint(&paid, News::PayoutDeclined)).await.unwrap();
    assert_eq!(confirmed, Confirmed::Done);
    bench.peer.says(&[&http(200, "paid 1000")]);
    bench.asker().confirm(bench.fake(), bench.hint(&declined, News::PayoutPaid)).await.unwrap();

    assert_eq!(bench.balance().await, (9000, 0));
    assert!(bench.reviews(&paid).await.contains(&"decline_after_success".to_owned()));
    assert!(bench.reviews(&declined).await.contains(&"success_after_end".to_owned()));
    assert_eq!((bench.row(&paid).await, bench.row(&declined).await), (None, None));
}

#[tokio::test]
async fn an_amount_that_differs_is_parked() {
    let bench = Bench::new().await;
    let id = bench.unknown().await;
    bench.peer.says(&[&http(200, "paid 999")]);

    bench.asker().step().await.unwrap();

    assert_eq!((bench.stage(&id).await, bench.balance().await), (Stage::Unknown, (9000, 1000)));
    assert!(bench.reviews(&id).await.contains(&"amount_differs".to_owned()));
}

#[tokio::test]
async fn what_a_hint_claims_counts_for_nothing_and_what_the_provider_says_counts() {
    let bench = Bench::new().await;
    let id = bench.sent_with(http(200, "")).await;
    bench.peer.says(&[&http(200, "pending 1000"), &http(200, "declined 1000")]);

    let forged = bench.hint(&id, News::PayoutPaid);
    assert_eq!(bench.asker().confirm(bench.fake(), forged.clone()).await.unwrap(), Confirmed::Done);
    assert_eq!((bench.stage(&id).await, bench.balance().await), (Stage::Sent, (9000, 1000)));
    let row = bench.row(&id).await.unwrap();
    assert_eq!(row.about.as_deref(), Some("tx-9"), "what it named is asked about again");

    assert_eq!(bench.asker().confirm(bench.fake(), forged).await.unwrap(), Confirmed::Done);
    assert_eq!((bench.stage(&id).await, bench.balance().await), (Stage::Done, (10_000, 0)));
}

#[tokio::test]
async fn a_hint_that_cannot_be_confirmed_now_is_kept() {
    let bench = Bench::with(Manners { pace: 3_600_000, ..MANNERS }).await;
    let (id, other) = (bench.sent_with(http(200, "")).await, bench.sent_with(http(200, "")).await);
    bench.peer.says(&[&http(503, "")]);

    let unclear = bench.asker().confirm(bench.fake(), bench.hint(&other, News::PayoutPaid)).await.unwrap();
    assert_eq!(unclear, Confirmed::Later("unclear: HTTP 503".into()));
    let crowded = bench.asker().confirm(bench.fake(), bench.hint(&id, News::PayoutPaid)).await.unwrap();
    assert_eq!(crowded, Confirmed::Later("others are asked about first".into()));
    assert_eq!((bench.peer.count(), bench.row(&id).await.unwrap().due_at), (1, awaited::AT_ONCE));

    bench.peer.says(&[&http(200, "paid 1000")]);
    bench.other().step().await.unwrap();
    assert_eq!(bench.stage(&id).await, Stage::Done, "as soon as the pace allows");
}

#[tokio::test]
async fn a_hint_about_an_order_that_is_not_ours_asks_nothing_and_is_shown_once() {
    let bench = Bench::new().await;
    for _ in 0..3 {
        let hint = bench.hint("0123456789abcdef0123456789abcdef", News::PayoutPaid);
        assert_eq!(bench.asker().confirm(bench.fake(), hint).await.unwrap(), Confirmed::Done);
    }
    assert_eq!(bench.reviews("0123456789abcdef0123456789abcdef").await, ["unknown_order"]);
    assert_eq!(bench.peer.count(), 0);
}

#[tokio::test]
async fn what_was_asked_when_the_process_stopped_is_asked_again() {
    let bench = Bench::new().await;
    let id = bench.unknown().await;
    bench.peer.says(&[&http(200, "paid 1000")]);
    bench.peer.open.send_replace(false);
    let asker = bench.other();
    let asking = tokio::spawn(async move { asker.step().await });
    bench.peer.asked.subscribe().wait_for(|count| *count == 1).await.unwrap();
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    bench.peer.open.send_replace(true);

    assert_eq!(bench.asker().step().await.unwrap(), Stepped::Idle, "the claim has not run out");
    assert_eq!((bench.stage(&id).await, bench.balance().await), (Stage::Unknown, (9000, 1000)));
    bench.wait(&id).await;
    bench.asker().step().await.unwrap();

    assert_eq!((bench.stage(&id).await, bench.balance().await), (Stage::Done, (9000, 0)));
    assert_eq!(bench.peer.count(), 2);
}

#[tokio::test]
async fn a_person_is_called_once_and_not_before_the_last_notification_is_overdue() {
    for tells_status in [false, true] {
        let bench = Bench::with(Manners { tells_status, patience: 1_000_000, ..MANNERS }).await;
        let id = bench.sent_with(http(200, "")).await;
        let ladder = (60 + 24 * 3600) * 1_000_000;
        bench.change(&id, move |row| row.since -= ladder).await;
        bench.asker().step().await.unwrap();
        assert_eq!(bench.reviews(&id).await, Vec::<String>::new(), "the margin is not over");

        for _ in 0..3 {
            bench
                .change(&id, move |row| {
                    row.since -= 15 * 60 * 1_000_000;
                    row.due_at = 1;
                })
                .await;
            bench.asker().step().await.unwrap();
        }

        assert_eq!(bench.reviews(&id).await, ["notification_missing"]);
        assert_eq!((bench.stage(&id).await, bench.balance().await), (Stage::Sent, (9000, 1000)));
        assert_eq!(bench.peer.count(), 0, "an alarm is no question");
    }
}

#[tokio::test]
async fn a_deposit_is_credited_once_and_waited_for_no_more() {
    let bench = Bench::new().await;
    let id = bench.order(Direction::Deposit).await;
    let wanted = id.clone();
    let add = move |tx: &mut WriteTx<'_>| Ok(awaited::add(tx, &wanted, NAME, SITE, clock::now())?);
    bench.app.state().db.write(Scope::Order(id.clone()), add).await.unwrap();
    bench.peer.says(&[&http(200, "received 1000")]);

    bench.asker().step().await.unwrap();
    bench.asker().ask_now(&ExternalId::parse(&id).unwrap(), Direction::Deposit).await.unwrap();

    assert_eq!((bench.balance().await, bench.row(&id).await), ((11_000, 0), None));
    let status = bench.app.state().db.read(move |conn| Ok(deposits::find(conn, &id)?.unwrap().status)).await.unwrap();
    assert_eq!(status, crate::orders::Status::Credited.code());
}

#[tokio::test]
async fn an_order_whose_account_is_gone_is_looked_at_again_in_an_hour() {
    let bench = Bench::new().await;
    let id = bench.unknown().await;
    let state = bench.app.state();
    let mut settings = (*state.settings).clone();
    settings.providers = Accounts::default().done();
    let asker = Asker::new(state.db.clone(), Arc::new(settings), state.outgoing.clone(), state.metrics.clone());

    let before = clock::now();
    asker.step().await.unwrap();

    let row = bench.row(&id).await.unwrap();
    assert!(row.due_at >= before + 3600 * 1_000_000 && row.asked == 0, "{row:?}");
    assert_eq!(row.last_answer, "the site has no account with fake");
    assert_eq!((asker.step().await.unwrap(), bench.peer.count()), (Stepped::Idle, 0));
}

#[tokio::test]
async fn a_row_whose_order_has_ended_goes() {
    let bench = Bench::new().await;
    let id = bench.unknown().await;
    let row = bench.row(&id).await.unwrap();
    bench.end(&id, false).await;
    let put_back = move |tx: &mut WriteTx<'_>| {
        diesel::insert_into(inquiries::table).values(row.clone()).execute(tx.conn()?)?;
        Ok(())
    };
    bench.app.state().db.write(Scope::Nobody, put_back).await.unwrap();

    bench.asker().step().await.unwrap();

    assert_eq!((bench.row(&id).await, bench.peer.count()), (None, 0));
}

#[tokio::test]
async fn a_person_asks_at_the_pace_of_the_provider_and_only_what_can_be_asked() {
    let bench = Bench::with(Manners { pace: 3_600_000, ..MANNERS }).await;
    let id = ExternalId::parse(&bench.unknown().await).unwrap();
    bench.peer.says(&[&http(404, "")]);

    let first = bench.asker().ask_now(&id, Direction::Payout).await.unwrap();
    assert_eq!(first, "not found, which proves nothing: no such order");
    let soon = bench.asker().ask_now(&id, Direction::Payout).await;
    assert!(matches!(&soon, Err(Error::Conflict(why)) if why.contains("ask again at 20")), "{soon:?}");
    let other = bench.asker().ask_now(&id, Direction::Deposit).await;
    assert!(matches!(other, Err(Error::NotFound("deposit"))), "{other:?}");
    assert_eq!((bench.peer.count(), bench.row(id.as_str()).await.unwrap().asked), (1, 1));
}
