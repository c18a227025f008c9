//! Books too large to be checked whole before a start: what is found before they are served, what beside it, and what comes then
//! (threats R8, DUR-7). The setting `server.verify_at_start` makes small books count as large ones here.

use std::time::Duration;

use croupier::db;
use croupier::metrics::Metrics;
use croupier::simulate::messages::{PAYOUT, SUCCESS};
use croupier::verify::{self, Walk};
use tokio::time::Instant;

use crate::support::TestApp;
use crate::support::app::{Home, PATIENCE, SITE, WALLET_KEY, set};
use crate::support::binary::{Serving, run};
use crate::support::wire::Wallet;

/// The settings of books that count as large.
fn large(settings: String) -> String {
    set(&settings, "server", "verify_at_start", "\"newest\"")
}

/// A stopped service's home whose books count as large.
async fn stopped() -> (std::sync::Arc<Home>, String) {
    let app = TestApp::with(large).await;
    app.player_with("alice", 10_000).await;
    app.paid_deposit("alice", 1_000).await;
    app.wallet().play("alice", "bet", 250, "round").await;
    let payout = app.sent_payout("alice", 100).await;
    app.say(&payout, PAYOUT, SUCCESS).await;
    let (home, settings, _) = app.stop().await;
    (home, settings)
}

/// What moves money from one account to another past the journal: the newest entries say nothing of it, and all accounts add up.
fn shift(amount: i64) -> String {
    format!(
        "UPDATE accounts SET available = available + {amount} WHERE code = 'player:1:USD'; \
         UPDATE accounts SET available = available - {amount} WHERE kind = 'games'"
    )
}

/// Waits until the service is as ready as this.
async fn becomes(wallet: &Wallet, status: u16) {
    let (until, mut look) = (Instant::now() + PATIENCE, tokio::time::interval(Duration::from_millis(5)));
    while wallet.call("GET", "/readyz", &[], None).await.status != status {
        assert!(Instant::now() < until, "/readyz does not become {status}");
        look.tick().await;
    }
}

/// Waits until all books are checked, and says whether money routes are open.
async fn are_checked(metrics: &Metrics) -> bool {
    let (until, mut look) = (Instant::now() + PATIENCE, tokio::time::interval(Duration::from_millis(5)));
    while metrics.books_checked.get() == 0 && metrics.open.get() == 1 {
        assert!(Instant::now() < until, "the books are not checked");
        look.tick().await;
    }
    metrics.open.get() == 1
}

/// threats R8, DUR-7
#[tokio::test]
async fn damage_in_the_newest_part_of_large_books_is_found_before_they_are_served() {
    let (home, settings) = stopped().await;
    let cases = [
        "UPDATE accounts SET available = available + 1 WHERE code = 'player:1:USD'",
        "UPDATE payouts SET amount = amount + 1",
        "UPDATE deposits SET status = 0",
        "UPDATE wallet_transactions SET amount = 249 WHERE kind = 'bet'",
        "DELETE FROM webhooks",
        "DROP TRIGGER journal_entries_are_never_changed; UPDATE journal_entries SET amount = amount + 1 WHERE id = 2",
    ];
    for damage in cases {
        let copy = home.copy(&settings);
        copy.database.tamper(damage);

        let serving = Serving::start(copy.path());

        assert!(serving.said.contains("the books do not hold"), "{damage}: {}", serving.said);
        let wallet = Wallet::new(&serving.private, SITE, WALLET_KEY);
        assert_eq!(wallet.call("GET", "/readyz", &[], None).await.status, 503, "{damage}");
        assert_eq!(serving.stop(), 0);
    }
}

/// threats R8, DUR-7
#[tokio::test]
async fn what_only_a_whole_check_finds_closes_the_money_routes_and_keeps_them_closed_over_a_start() {
    let (home, settings) = stopped().await;
    let copy = home.copy(&settings);
    copy.database.tamper(&shift(5));

    let serving = Serving::start(copy.path());
    assert!(!serving.said.contains("do not hold"), "the newest part holds: {}", serving.said);
    let wallet = Wallet::new(&serving.private, SITE, WALLET_KEY);
    becomes(&wallet, 503).await;
    let closed = wallet.play("alice", "bet", 1, "late").await;
    assert_eq!(closed.problem(), (503, "temporarily_unavailable"));
    assert_eq!(serving.stop(), 0);

    let again = Serving::start(copy.path());
    assert!(again.said.contains("player:1:USD"), "everything is checked before it is served: {}", again.said);
    assert_eq!(again.stop(), 0);
    assert_eq!(run(copy.path(), &["ledger", "verify"], "").code, 1);

    copy.database.tamper(&shift(-5));
    let mended = Serving::start(copy.path());
    assert!(mended.said.contains("all of the books are checked"), "{}", mended.said);
    becomes(&Wallet::new(&mended.private, SITE, WALLET_KEY), 200).await;
    assert_eq!(mended.stop(), 0);
    let trusted = Serving::start(copy.path());
    assert!(!trusted.said.contains("all of the books are checked"), "the doubt is settled: {}", trusted.said);
    assert_eq!(trusted.stop(), 0);
}

#[tokio::test]
async fn large_books_are_checked_whole_beside_a_service_that_works() {
    let app = TestApp::with(large).await;
    app.player_with("alice", 100_000).await;
    app.paid_deposit("alice", 1_000).await;
    let app = app.restart().await;

    let playing = async {
        for round in 0..20 {
            app.wallet().play("alice", "bet", 10, &format!("round {round}")).await;
            let payout = app.sent_payout("alice", 100).await;
            app.say_paid_out(&payout).await;
        }
    };
    let (open, ()) = tokio::join!(are_checked(&app.state.metrics), playing);

    assert!(open, "nothing is wrong with them");
    app.holds().await;
}

/// Each step of a walk sees another moment, and everything that happens between two of them is no damage.
#[tokio::test]
async fn a_walk_in_steps_finds_nothing_while_the_books_change() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 100_000).await;
    let mut waiting = app.sent_payout("alice", 100).await;
    let mut begun = app.deposit("alice", 700).await;
    let mut conn = app.database().connect_read_only();

    for round in 0..3 {
        let mut walk = Walk::beside_a_service(&mut conn).expect("a walk");
        let mut step = 0;
        while db::snapshot(&mut conn, |conn| walk.step(conn)).expect("a step") {
            step += 1;
            let name = format!("{round}-{step}");
            app.say_paid_out(&waiting).await;
            app.say(&begun, croupier::simulate::messages::PURCHASE, SUCCESS).await;
            app.wallet().play("alice", "bet", 10, &name).await;
            app.wallet().rollback("alice", &name).await;
            app.player_with(&format!("new-{name}"), 500).await;
            waiting = app.sent_payout("alice", 100).await;
            begun = app.deposit("alice", 700).await;
        }
        assert!(step > 5, "the check has parts between which something can happen");
        assert_eq!(walk.problems(), Vec::<String>::new());
    }
    assert!(verify::newest(&mut conn).expect("the newest part").is_empty());
}

/// An entry that was made up has no order; a walk beside a service finds it too.
#[tokio::test]
async fn a_walk_in_steps_counts_entries_against_orders() {
    if !crate::support::database::about_the_file() {
        return;
    }
    let (home, settings) = stopped().await;
    for (table, words) in [("payouts", "1 holds"), ("deposits", "1 credits"), ("wallet_transactions", "1 bet entries")]
    {
        let copy = home.copy(&settings);
        copy.database.tamper(&format!("DELETE FROM {table}"));
        let mut conn = copy.database.connect_read_only();

        let mut walk = Walk::beside_a_service(&mut conn).expect("a walk");
        while db::snapshot(&mut conn, |conn| walk.step(conn)).expect("a step") {}

        let found = walk.problems().join("; ");
        assert!(found.contains(words), "{table}: {found}");
    }
}
