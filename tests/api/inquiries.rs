//! Orders whose end is waited for, with the running service and the played Exotic: what a hint, a person and the schedule ask, and what
//! comes of the answers. What an answer can be besides is in `src/inquiries/tests`.

use std::net::SocketAddr;

use croupier::clock;
use croupier::db::Scope;
use croupier::db::schema::inquiries;
use croupier::ids::{ExternalId, SiteId};
use croupier::orders::awaited::{self, Awaited};
use croupier::payouts::Stage;
use croupier::payouts::approve::{self, By};
use croupier::simulate::platforms::exotic::{Account, Exotic};
use croupier::simulate::platforms::{Answering, End, Note, Platform, Telling, Twist};
use croupier::staff::Role;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{SITE, set, write_settings};
use crate::support::binary::run;
use crate::support::story::Asked;
use crate::support::wire;

const PAID: Note = Note { says: Some(End::Paid), twist: Twist::None };

/// The service, and the platform that its site has an account with.
struct Both {
    app: TestApp,
    exotic: Exotic,
}

impl Both {
    async fn new() -> Self {
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let exotic = Exotic::start(here, Account::example()).await.expect("a free port");
        let with = |text: String| {
            let text = set(&text, "server", "public_url", "\"http://127.0.0.1:8080\"");
            let text = set(&text, "vault", "keys", "[\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\"]");
            let text = format!("{text}\n{}", exotic.settings("demo"));
            set(&text, "sites.demo.exotic", "status_pause", "1000")
        };
        let app = TestApp::with(with).await;
        exotic.set_merchant(&app.public);
        app.player_with("alice", 100_000).await;
        Self { app, exotic }
    }

    /// A withdrawal of 50.00 USD that was approved, and has come to this stage.
    async fn payout(&self, answering: Answering, stage: Stage) -> Asked {
        self.exotic.answer_with(answering);
        let given = self.exotic.details("exotic_card").into_iter();
        let details: serde_json::Map<String, Value> =
            given.map(|(name, text)| (name.to_owned(), text.into())).collect();
        let body = json!({"amount": "50.00", "currency": "USD", "method": "exotic_card", "details": details});
        let told = self.app.front("alice").await.post("/cashier/withdrawal", &body).await;
        let asked = Asked { id: told.id(), order: wire::order("alice", 5_000, "USD") };
        let (id, state) = (ExternalId::parse(&asked.id).expect("an id"), &self.app.state);
        let site = state.site(SiteId(SITE)).expect("the site").clone();
        let by = By { actor: "carol", reason: "checked" };
        let approve =
            state.db.write(Scope::from(&id), move |tx| approve::approve(tx, &site, &id, by, clock::now()).map(|_| ()));
        approve.await.expect("it is approved");
        state.outbox.notify_one();
        self.app.comes_to(&asked, stage).await;
        asked
    }

    /// What `croupier inquiries` lists.
    fn listed(&self) -> Vec<Value> {
        write_settings(self.app.directory(), self.app.settings_text());
        let listed = run(self.app.directory(), &["inquiries", "--json"], "").json();
        listed["items"].as_array().expect("items").clone()
    }

    async fn row(&self, asked: &Asked) -> Option<Awaited> {
        let id = asked.id.clone();
        self.app.read(move |conn| awaited::find(conn, &id)).await
    }

    /// Lets the time of the first question come.
    async fn let_time_pass(&self, asked: &Asked) {
        let id = asked.id.clone();
        let past = move |tx: &mut croupier::db::WriteTx<'_>| {
            let day_ago = clock::now() - 20 * 3600 * 1_000_000;
            let set = (inquiries::since.eq(day_ago), inquiries::due_at.eq(day_ago));
            diesel::update(inquiries::table.find(&id)).set(set).execute(tx.conn()?)?;
            Ok(())
        };
        self.app.state.db.write(Scope::Nobody, past).await.expect("an update");
    }
}

#[tokio::test]
async fn a_notice_is_confirmed_by_asking_and_what_it_claims_counts_for_nothing() {
    let both = Both::new().await;
    let asked = both.payout(Answering::Accept, Stage::Sent).await;

    let answer = both.exotic.notify(&asked.id, PAID).await.expect("an answer");
    assert!(both.exotic.is_acknowledged(&answer), "{}", answer.summary());
    assert_eq!(both.exotic.asked_about(&asked.id), 1);
    assert_eq!(both.app.balance("alice").await, (95_000, 5_000), "the platform says: pending");
    assert_eq!(both.row(&asked).await.expect("it is waited for").asked, 1);

    both.exotic.set(&asked.id, End::Declined);
    both.exotic.notify(&asked.id, PAID).await.expect("an answer");
    assert_eq!(both.app.balance("alice").await, (100_000, 0), "the platform says: declined");
    assert_eq!((both.app.payout_standing(&asked).await.1, both.row(&asked).await), (Stage::Done, None));

    both.exotic.notify(&asked.id, PAID).await.expect("an answer");
    assert_eq!(both.app.balance("alice").await, (100_000, 0), "once");
    both.app.holds().await;
}

#[tokio::test]
async fn a_notice_that_cannot_be_confirmed_is_not_acknowledged_and_moves_nothing() {
    let both = Both::new().await;
    let asked = both.payout(Answering::Accept, Stage::Sent).await;
    both.exotic.set(&asked.id, End::Paid);

    for telling in [Telling::Unavailable, Telling::Hangup, Telling::NotFound] {
        both.exotic.tell_with(telling);
        let answer = both.exotic.notify(&asked.id, PAID).await.expect("an answer");
        assert!(!both.exotic.is_acknowledged(&answer), "{telling:?}: {}", answer.summary());
        assert_eq!(both.app.balance("alice").await, (95_000, 5_000), "{telling:?}");
    }
    both.exotic.tell_with(Telling::Truth);
    let answer = both.exotic.notify(&asked.id, PAID).await.expect("an answer");
    assert!(both.exotic.is_acknowledged(&answer), "{}", answer.summary());
    assert_eq!(both.app.balance("alice").await, (95_000, 0));
    assert_eq!(both.app.payout_standing(&asked).await.1, Stage::Done);
}

#[tokio::test]
async fn a_person_asks_about_a_payout_whose_answer_was_lost() {
    let both = Both::new().await;
    let asked = both.payout(Answering::Hangup, Stage::Unknown).await;
    let otto = both.app.staff("otto", Role::Operator).await;
    let ask = format!("/admin/api/v1/payouts/{}/ask", asked.id);

    let pending = both.app.as_staff(&otto, "POST", &ask, Value::Null).await;
    assert_eq!(pending.status, 200, "{:?}", pending.json);
    assert!(
        pending.json["answer"].as_str().is_some_and(|text| text.starts_with("payout pending")),
        "{:?}",
        pending.json
    );
    assert_eq!(both.app.payout_standing(&asked).await.1, Stage::Sent, "it is there, that is certain now");
    assert_eq!(both.app.reviews().await, ["payout_unknown"], "a person closes it");
    let soon = both.app.as_staff(&otto, "POST", &ask, Value::Null).await;
    assert_eq!((soon.status, &soon.json["code"]), (409, &json!("conflict")), "a second has not passed");

    let page = both.app.as_staff(&otto, "GET", &format!("/admin/api/v1/payouts/{}", asked.id), Value::Null).await;
    assert_eq!(page.json["awaited"]["asked"], 1);
    assert!(page.json["awaited"]["last_notification_due"].is_string(), "{:?}", page.json);
    let listed = both.listed();
    let [item] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!(
        (&item["provider"], &item["external_id"], &item["way"]),
        (&json!("exotic"), &json!(asked.id), &json!("payout"))
    );
    assert_eq!((&item["asked"], &item["alarmed"]), (&json!(1), &json!(false)));
    assert_eq!(both.app.balance("alice").await, (95_000, 5_000));
}

/// threats OPS-3
#[tokio::test]
async fn after_a_long_stop_every_open_order_is_listed_asked_about_and_not_guessed() {
    let mut both = Both::new().await;
    let [paid, declined, lost] = [
        both.payout(Answering::Accept, Stage::Sent).await,
        both.payout(Answering::Hangup, Stage::Unknown).await,
        both.payout(Answering::Vanish, Stage::Unknown).await,
    ];
    for asked in [&paid, &declined, &lost] {
        both.let_time_pass(asked).await;
    }
    both.exotic.set(&paid.id, End::Paid);
    both.exotic.set(&declined.id, End::Declined);
    both.app = both.app.restart().await;

    both.app.comes_to(&paid, Stage::Done).await;
    both.app.comes_to(&declined, Stage::Done).await;
    assert_eq!(both.app.balance("alice").await, (90_000, 5_000), "one is paid, one is back, one is not known");
    assert_eq!((both.row(&paid).await, both.row(&declined).await), (None, None));
    let ids: Vec<_> = both.listed().into_iter().map(|item| item["external_id"].clone()).collect();
    assert_eq!(ids, [json!(lost.id)]);
    assert_eq!(both.app.payout_standing(&lost).await.1, Stage::Unknown);
    both.app.holds().await;
}
