//! The worker that sends payouts goes on, whatever one of them is like (threats OUT-8).

use croupier::db;
use croupier::db::schema::players;
use croupier::orders::Status;
use croupier::payouts::Stage;
use diesel::prelude::*;

use crate::support::TestApp;

/// More than the worker looks at in one go.
const MANY: i64 = 40;

#[tokio::test]
async fn a_payout_that_cannot_be_written_waits_and_holds_up_no_other() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    app.player_with("bob", 1000).await;
    set_profile(&app, "alice", "damaged");

    let mut stuck = Vec::new();
    for _ in 0..MANY {
        stuck.push(app.payout("alice", 10).await);
    }
    let other = app.payout("bob", 10).await;
    app.initiation(&other).await;

    set_profile(&app, "alice", "{}");
    assert_eq!(app.balance("alice").await, (1000 - MANY * 10, MANY * 10));
    for payout in &stuck {
        assert_eq!(app.payout_standing(payout).await, (Status::PendingPayment, Stage::Queued));
        assert!(app.cashier.initiations(&payout.id).is_empty(), "nothing of it was sent");
    }
}

/// Writes into the database past the service: nothing of ours can damage a profile.
fn set_profile(app: &TestApp, login: &str, profile: &str) {
    let mut conn = db::connect(&app.database()).expect("the database opens");
    let row = diesel::update(players::table.filter(players::login.eq(login)));
    row.set(players::profile.eq(profile)).execute(&mut conn).expect("the profile can be set");
}
