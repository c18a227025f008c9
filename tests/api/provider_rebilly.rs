//! Rebilly, over real HTTP: nothing it tells moves money before it is read back (threats R1, R5, R6, R7).

use std::sync::{Arc, OnceLock};

use croupier::ids::ExternalId;
use croupier::orders::Status;
use croupier::payouts::Stage;
use croupier::providers::Direction;
use croupier::simulate::caller::Answer;
use croupier::simulate::messages::Order;
use croupier::simulate::platforms::host::{Host, Incoming, Reply};
use croupier::simulate::platforms::rebilly::{Account, Auth, Rebilly};
use croupier::simulate::platforms::{Answering, End, Note, Platform, Telling, Twist};
use croupier::staff::Role;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{PATIENCE, set};
use crate::support::player::Told;
use crate::support::story::Asked;

const VAULT: &str = "[\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\"]";
const FORGED: [Twist; 3] = [Twist::WrongSignature, Twist::NoSignature, Twist::ForeignSignature];
const OTHER: [Twist; 3] = [Twist::OtherAmount, Twist::OtherCurrency, Twist::OtherPlayer];

/// The service, the provider, and the proxy before the service, whose address is known before the service has one.
struct Scene {
    app: TestApp,
    rebilly: Rebilly,
    _proxy: Host,
    approver: String,
}

impl Scene {
    async fn with(account: Account, lines: &[(&str, &str)]) -> Self {
        let here = ([127, 0, 0, 1], 0).into();
        let rebilly = Rebilly::start(here, account).await.expect("a free port");
        let to: Arc<OnceLock<String>> = Arc::default();
        let proxy = proxy(to.clone()).await;
        let app = TestApp::with(|text| {
            let text = set(&text, "server", "public_url", &format!("\"http://{}\"", proxy.address()));
            let mut text = set(&text, "vault", "keys", VAULT) + "\n" + &rebilly.settings("demo");
            for (key, value) in lines {
                text = set(&text, "sites.demo.rebilly", key, value);
            }
            text
        })
        .await;
        to.set(app.public.clone()).expect("once");
        rebilly.set_merchant(&app.public);
        let approver = app.staff("carol", Role::Approver).await;
        app.player_with("alice", 10_000).await;
        Self { app, rebilly, _proxy: proxy, approver }
    }

    async fn new() -> Self {
        Self::with(Account::default(), &[]).await
    }

    /// A withdrawal that staff have approved.
    async fn approved(&self) -> Asked {
        let body = json!({"amount": "50.00", "currency": "USD", "method": "rebilly",
            "details": {"payment_instrument_id": "inst_0YVB8KPKNXCBR9EDX7JHSED75N"}});
        let told = self.app.front("alice").await.post("/cashier/withdrawal", &body).await;
        let decided = self.app.decide(&self.approver, "approve", &told.id()).await;
        assert_eq!(decided.status, 200, "{decided:?}");
        asked(&told.id(), 5_000)
    }

    /// One that Rebilly has taken.
    async fn sent(&self) -> Asked {
        let payout = self.approved().await;
        self.app.comes_to(&payout, Stage::Sent).await;
        payout
    }

    async fn begin_deposit(&self, login: &str) -> Told {
        let body = json!({"amount": "25.00", "currency": "USD", "method": "rebilly"});
        self.app.front(login).await.post("/cashier/deposit", &body).await
    }

    /// A deposit whose page is open.
    async fn deposit(&self) -> Asked {
        let told = self.begin_deposit("alice").await;
        assert_eq!(told.json["next_action"], "REDIRECT", "{told:?}");
        assert!(told.json["redirect_url"].as_str().is_some_and(|url| url.contains("/deposit/dep_req_")), "{told:?}");
        asked(&told.id(), 2_500)
    }

    async fn tell(&self, order: &Asked, note: Note) -> Answer {
        self.rebilly.notify(&order.id, note).await.expect("an answer")
    }

    /// Tells how the order stands; it must be acknowledged.
    async fn tells(&self, order: &Asked) {
        let answer = self.tell(order, Note::PLAIN).await;
        assert!(self.rebilly.is_acknowledged(&answer), "{}", answer.summary());
    }

    /// Asks by itself, as the inquiry does.
    async fn asks(&self, order: &Asked, direction: Direction) -> String {
        let id = ExternalId::parse(&order.id).expect("an id");
        self.app.state.asker.ask_now(&id, direction).await.expect("it can be asked")
    }

    async fn balance(&self) -> (i64, i64) {
        self.app.balance("alice").await
    }
}

fn asked(id: &str, amount: i64) -> Asked {
    let (login, currency, transaction_id) = ("alice".into(), "USD".into(), 1);
    Asked { id: id.to_owned(), order: Order { login, amount, currency, transaction_id } }
}

/// Passes POSTs on to whoever is known by then.
async fn proxy(to: Arc<OnceLock<String>>) -> Host {
    let handler = move |incoming: Incoming| -> futures_util::future::BoxFuture<'static, Reply> {
        let to = to.get().cloned().unwrap_or_default();
        Box::pin(async move {
            let http = reqwest::Client::builder().no_proxy().build().expect("a client");
            let request = http.post(format!("{to}{}", incoming.path)).header("content-type", incoming.content_type);
            let response = request.body(incoming.body).send().await.expect("an answer");
            let status = response.status().as_u16();
            Reply::Raw(status, "application/json", response.bytes().await.expect("a body").to_vec())
        })
    };
    Host::start(([127, 0, 0, 1], 0).into(), Arc::new(handler)).await.expect("a free port")
}

#[tokio::test]
async fn a_payout_is_paid_when_rebilly_says_so_on_being_asked() {
    let scene = Scene::new().await;
    let payout = scene.sent().await;
    assert_eq!(scene.balance().await, (5_000, 5_000));

    // It is told that it is paid, and it is not.
    let lie = scene.tell(&payout, Note { says: Some(End::Paid), twist: Twist::None }).await;
    assert!(scene.rebilly.is_acknowledged(&lie), "{}", lie.summary());
    assert_eq!((scene.balance().await, scene.app.payout_standing(&payout).await.1), ((5_000, 5_000), Stage::Sent));

    scene.rebilly.set(&payout.id, End::Paid);
    scene.tells(&payout).await;
    scene.tells(&payout).await;

    assert_eq!(scene.app.payout_standing(&payout).await, (Status::Credited, Stage::Done));
    assert_eq!((scene.balance().await, scene.rebilly.moved(&payout.id)), ((5_000, 0), 5_000));
    let lie = scene.tell(&payout, Note { says: Some(End::Declined), twist: Twist::None }).await;
    assert!(scene.rebilly.is_acknowledged(&lie), "{}", lie.summary());
    assert_eq!(scene.app.payout_standing(&payout).await, (Status::Credited, Stage::Done), "final stays final");
    assert_eq!(scene.rebilly.orders().iter().map(|order| order.asked).collect::<Vec<_>>(), [1]);
    scene.app.holds().await;
}

#[tokio::test]
async fn a_payout_that_rebilly_cancels_gives_the_money_back() {
    for (end, status) in [(End::Declined, Status::Failed), (End::Cancelled, Status::Cancelled)] {
        let scene = Scene::new().await;
        let payout = scene.sent().await;
        scene.rebilly.set(&payout.id, end);
        scene.tells(&payout).await;
        assert_eq!(scene.app.payout_standing(&payout).await, (status, Stage::Done), "{end:?}");
        assert_eq!(scene.balance().await, (10_000, 0), "{end:?}");
        scene.app.holds().await;
    }
}

#[tokio::test]
async fn nobody_without_the_password_is_heard() {
    for webhook_auth in [Auth::Basic, Auth::Digest] {
        let scene = Scene::with(Account { webhook_auth, ..Account::default() }, &[]).await;
        let payout = scene.sent().await;
        scene.rebilly.set(&payout.id, End::Paid);
        let before = scene.rebilly.asked_about(&payout.id);
        for twist in FORGED {
            let answer = scene.tell(&payout, Note { says: None, twist }).await;
            assert_eq!(answer.status, 401, "{webhook_auth:?} {twist:?}: {}", answer.summary());
        }
        assert_eq!(scene.rebilly.asked_about(&payout.id), before, "nobody is asked for a stranger's sake");
        assert_eq!(scene.balance().await, (5_000, 5_000));
        scene.tells(&payout).await;
        assert_eq!(scene.balance().await, (5_000, 0), "{webhook_auth:?}");
    }
}

/// What an event says of the order is not believed: the order stands as Rebilly shows it.
#[tokio::test]
async fn what_an_event_says_of_amounts_and_players_counts_for_nothing() {
    let scene = Scene::new().await;
    let payout = scene.sent().await;
    for twist in
        [Twist::OtherAmount, Twist::OtherCurrency, Twist::OtherPlayer, Twist::OtherDirection, Twist::UnknownOrder]
    {
        let answer = scene.tell(&payout, Note { says: Some(End::Paid), twist }).await;
        assert!(scene.rebilly.is_acknowledged(&answer), "{twist:?}: {}", answer.summary());
        assert_eq!(scene.balance().await, (5_000, 5_000), "{twist:?}");
    }
    assert_eq!(scene.app.payout_standing(&payout).await.1, Stage::Sent);
}

#[tokio::test]
async fn a_lost_answer_keeps_the_hold_and_the_retry_pays_once() {
    let lost = [
        Answering::Hangup,
        Answering::Html,
        Answering::BrokenJson,
        Answering::Status(500),
        Answering::Status(403),
        Answering::Status(204),
        Answering::Vanish,
    ];
    for answering in lost {
        let scene = Scene::new().await;
        scene.rebilly.answer_with(answering.clone());
        let payout = scene.approved().await;
        scene.app.comes_to(&payout, Stage::Unknown).await;
        assert_eq!(scene.balance().await, (5_000, 5_000), "{answering:?}");

        scene.rebilly.answer_with(Answering::Accept);
        let retried = scene.app.decide(&scene.approver, "retry", &payout.id).await;
        assert_eq!(retried.status, 200, "{answering:?}: {retried:?}");
        scene.app.comes_to(&payout, Stage::Sent).await;
        scene.rebilly.set(&payout.id, End::Paid);
        scene.tells(&payout).await;

        let taken: Vec<_> = scene.rebilly.orders().into_iter().map(|order| (order.id, order.asked)).collect();
        assert_eq!(taken, [(payout.id.clone(), 2)], "{answering:?}: one request, made twice");
        assert_eq!((scene.balance().await, scene.rebilly.moved(&payout.id)), ((5_000, 0), 5_000), "{answering:?}");
    }
}

#[tokio::test]
async fn an_answer_that_hides_what_was_taken_is_looked_through() {
    for status in [404, 409, 422] {
        let scene = Scene::new().await;
        scene.rebilly.answer_with(Answering::Status(status));
        let payout = scene.approved().await;
        scene.app.comes_to(&payout, Stage::Sent).await;
        assert_eq!(scene.balance().await, (5_000, 5_000), "{status}");
    }
}

#[tokio::test]
async fn a_clear_refusal_gives_the_money_back_and_a_limit_does_not() {
    let scene = Scene::new().await;
    scene.rebilly.answer_with(Answering::Refuse);
    let refused = scene.approved().await;
    scene.app.comes_to(&refused, Stage::Done).await;
    assert_eq!(scene.app.payout_standing(&refused).await.0, Status::Failed);
    assert_eq!(scene.balance().await, (10_000, 0));

    scene.rebilly.answer_with(Answering::Accept);
    scene.rebilly.limit_rate(Some(croupier::clock::wall_seconds() + 60));
    let limited = scene.approved().await;
    assert_eq!(scene.app.outcome(&limited).await, "not_sent");
    assert_eq!(scene.balance().await, (5_000, 5_000), "it waits");
    scene.rebilly.limit_rate(None);
    scene.app.comes_to(&limited, Stage::Sent).await;
}

#[tokio::test]
async fn a_split_payout_is_paid_when_all_its_parts_are() {
    for (ends, status, balance) in [
        ([End::Paid, End::Paid], Status::Credited, (5_000, 0)),
        ([End::Cancelled, End::Cancelled], Status::Cancelled, (10_000, 0)),
        ([End::Paid, End::Cancelled], Status::ManualReview, (5_000, 5_000)),
    ] {
        let scene = Scene::with(Account::default(), &[("allocate", "\"none\"")]).await;
        let payout = scene.sent().await;
        let parts = scene.rebilly.split(&payout.id, &[3_000, 2_000]).expect("it is split");
        scene.rebilly.end_part(&parts[0], ends[0]);
        scene.tells(&payout).await;
        assert_eq!(scene.app.payout_standing(&payout).await.1, Stage::Sent, "one is open: {ends:?}");
        assert_eq!(scene.balance().await, (5_000, 5_000), "{ends:?}");

        scene.rebilly.end_part(&parts[1], ends[1]);
        scene.tells(&payout).await;
        assert_eq!(scene.app.payout_standing(&payout).await.0, status, "{ends:?}");
        assert_eq!(scene.balance().await, balance, "{ends:?}");
        scene.app.holds().await;
    }
}

#[tokio::test]
async fn what_the_gateway_declines_waits_for_a_person_and_may_still_be_paid() {
    let scene = Scene::new().await;
    let payout = scene.sent().await;

    scene.rebilly.gateway_declines(&payout.id);
    scene.tells(&payout).await;
    assert_eq!(scene.app.payout_standing(&payout).await, (Status::ManualReview, Stage::Unknown));
    assert_eq!((scene.balance().await, scene.app.reviews().await), ((5_000, 5_000), vec!["payout_unclear".to_owned()]));

    scene.rebilly.set(&payout.id, End::Paid);
    scene.tells(&payout).await;
    assert_eq!(scene.app.payout_standing(&payout).await, (Status::Credited, Stage::Done));
}

#[tokio::test]
async fn a_blocked_payout_is_unknown_until_the_block_is_lifted() {
    let scene = Scene::with(Account::default(), &[("allocate", "\"none\"")]).await;
    scene.rebilly.answer_with(Answering::Hangup);
    let payout = scene.approved().await;
    scene.app.comes_to(&payout, Stage::Unknown).await;
    scene.rebilly.answer_with(Answering::Accept);
    scene.rebilly.block(&payout.id, true);

    scene.app.decide(&scene.approver, "retry", &payout.id).await;
    scene.rebilly.wait_for(&payout.id, PATIENCE).await.expect("it is there");
    scene.app.comes_to(&payout, Stage::Unknown).await;
    scene.rebilly.block(&payout.id, false);
    let retried = scene.app.decide(&scene.approver, "retry", &payout.id).await;
    assert_eq!(retried.status, 200, "{retried:?}");
    scene.app.comes_to(&payout, Stage::Sent).await;
}

#[tokio::test]
async fn a_deposit_is_credited_once_when_its_transaction_is_approved() {
    let scene = Scene::new().await;
    let deposit = scene.deposit().await;
    scene.rebilly.begin(&deposit.id).expect("the player begins");

    let lie = scene.tell(&deposit, Note { says: Some(End::Paid), twist: Twist::None }).await;
    assert!(scene.rebilly.is_acknowledged(&lie), "{}", lie.summary());
    assert_eq!(scene.balance().await, (10_000, 0), "it says approved and is not");

    scene.rebilly.set(&deposit.id, End::Paid);
    for twist in FORGED {
        let answer = scene.tell(&deposit, Note { says: None, twist }).await;
        assert_eq!((answer.status, scene.balance().await), (404, (10_000, 0)), "{twist:?}");
    }
    scene.tells(&deposit).await;
    scene.tells(&deposit).await;

    assert_eq!((scene.balance().await, scene.app.deposit_status(&deposit).await), ((12_500, 0), Status::Credited));
    let order = &scene.rebilly.orders()[0];
    assert_eq!((order.amount, order.login.as_str(), order.asked), (2_500, "alice", 1));
    scene.app.holds().await;
}

#[tokio::test]
async fn another_amount_currency_or_player_is_parked_and_credits_nothing() {
    for twist in OTHER {
        let scene = Scene::new().await;
        let deposit = scene.deposit().await;
        let answer = scene.tell(&deposit, Note { says: Some(End::Paid), twist }).await;
        assert!(scene.rebilly.is_acknowledged(&answer), "{twist:?}: {}", answer.summary());
        assert_eq!(scene.balance().await, (10_000, 0), "{twist:?}");
        let kind = match twist {
            Twist::OtherAmount => "amount_differs",
            Twist::OtherCurrency => "currency_differs",
            _ => "other_player",
        };
        assert_eq!(scene.app.reviews().await, [kind], "{twist:?}");
    }
}

#[tokio::test]
async fn the_player_who_chose_another_amount_is_not_credited_by_itself() {
    let scene = Scene::new().await;
    let deposit = scene.deposit().await;
    scene.rebilly.choose_amount(&deposit.id, 2_499);
    scene.rebilly.set(&deposit.id, End::Paid);

    scene.tells(&deposit).await;

    assert_eq!((scene.balance().await, scene.app.reviews().await), ((10_000, 0), vec!["amount_differs".to_owned()]));
}

#[tokio::test]
async fn a_declined_attempt_may_be_followed_by_another_until_the_request_expires() {
    let scene = Scene::new().await;
    let (paid, expired) = (scene.deposit().await, scene.deposit().await);
    for deposit in [&paid, &expired] {
        scene.rebilly.set(&deposit.id, End::Declined);
        scene.tells(deposit).await;
        assert_eq!(scene.app.deposit_status(deposit).await, Status::PendingPayment);
    }

    scene.rebilly.set(&paid.id, End::Paid);
    scene.tells(&paid).await;
    scene.rebilly.set(&expired.id, End::Expired);
    scene.tells(&expired).await;

    assert_eq!(scene.app.deposit_status(&paid).await, Status::Credited);
    assert!(matches!(scene.app.deposit_status(&expired).await, Status::Failed | Status::Cancelled));
    assert_eq!(scene.balance().await, (12_500, 0));
}

#[tokio::test]
async fn what_nobody_told_is_found_by_asking() {
    let scene = Scene::new().await;
    let (deposit, payout) = (scene.deposit().await, scene.sent().await);
    scene.rebilly.set(&deposit.id, End::Paid);
    scene.rebilly.set(&payout.id, End::Paid);

    scene.rebilly.tell_with(Telling::NotFound);
    scene.asks(&deposit, Direction::Deposit).await;
    assert_eq!(scene.balance().await, (5_000, 5_000), "not found proves nothing");
    scene.rebilly.tell_with(Telling::Truth);
    let answer = scene.tell(&deposit, Note::PLAIN).await;
    assert!(scene.rebilly.is_acknowledged(&answer), "{}", answer.summary());
    scene.tells(&payout).await;

    assert_eq!(scene.balance().await, (7_500, 0));
}

#[tokio::test]
async fn a_notice_that_cannot_be_confirmed_shall_come_again() {
    for telling in [Telling::Unavailable, Telling::TooMany, Telling::Hangup] {
        let scene = Scene::new().await;
        let deposit = scene.deposit().await;
        scene.rebilly.set(&deposit.id, End::Paid);
        scene.rebilly.tell_with(telling);
        let answer = scene.tell(&deposit, Note::PLAIN).await;
        assert_eq!((answer.status, scene.balance().await), (503, (10_000, 0)), "{telling:?}");
    }
}

#[tokio::test]
async fn a_lost_opening_may_be_paid_all_the_same() {
    let scene = Scene::new().await;
    scene.rebilly.answer_with(Answering::Hangup);
    let told = scene.begin_deposit("alice").await;
    let deposit = asked(&told.id(), 2_500);
    assert!(told.json["redirect_url"].is_null(), "{told:?}");
    assert_eq!(scene.app.deposit_status(&deposit).await, Status::PendingPayment);

    scene.rebilly.answer_with(Answering::Accept);
    scene.rebilly.set(&deposit.id, End::Paid);
    scene.asks(&deposit, Direction::Deposit).await;

    assert_eq!(scene.balance().await, (12_500, 0));
}

#[tokio::test]
async fn the_cashier_is_opened_with_and_without_the_balances() {
    for older in [false, true] {
        let lines = [("deposit_by", "\"cashier\""), ("send_balances", "true")];
        let scene = Scene::with(Account::default(), &lines).await;
        scene.rebilly.set_older_edition(older);
        let first = scene.deposit().await;
        // The cashier lives and is the first order's: the second has a request of its own.
        let second = scene.deposit().await;

        scene.rebilly.set(&second.id, End::Paid);
        scene.tells(&second).await;

        assert_eq!(scene.balance().await, (12_500, 0), "{older}");
        assert_eq!(scene.app.deposit_status(&first).await, Status::PendingPayment);
        assert_eq!(scene.app.deposit_status(&second).await, Status::Credited);
    }
}

#[tokio::test]
async fn money_that_goes_back_is_seen_by_a_person() {
    let scene = Scene::new().await;
    let deposit = scene.deposit().await;
    scene.rebilly.set(&deposit.id, End::Paid);
    scene.tells(&deposit).await;
    scene.rebilly.refund(&deposit.id);

    let answer = scene.rebilly.notify_of_transaction(&deposit.id, Note::PLAIN).await.expect("an answer");
    assert!(scene.rebilly.is_acknowledged(&answer), "{}", answer.summary());
    assert_eq!((scene.balance().await, scene.app.reviews().await), ((12_500, 0), vec!["unknown_order".to_owned()]));

    // The notice names the order, and the transaction says that it was refunded.
    scene.tells(&deposit).await;
    assert_eq!((scene.balance().await, scene.app.deposit_status(&deposit).await), ((10_000, 0), Status::Refunded));
}

#[tokio::test]
async fn a_message_for_rebilly_says_nothing_to_another_provider() {
    let scene = Scene::new().await;
    let payout = scene.sent().await;
    scene.rebilly.set(&payout.id, End::Paid);
    for other in ["carouseller", "nobody", "rebilly/other"] {
        let body = json!({"payoutRequestId": payout.id, "eventType": "payout-request-fulfilled"});
        let path = format!("/cashier/webhook/{other}");
        let told = scene.app.stranger().with("Basic cmViaWxseTp3ZWJob29r").post(&path, &body).await;
        assert!((400..500).contains(&told.status), "{other}: {told:?}");
        assert_eq!(scene.balance().await, (5_000, 5_000), "{other}");
    }
}

#[tokio::test]
async fn a_player_whom_rebilly_cannot_name_has_an_id_of_their_own_or_none() {
    let scene = Scene::new().await;
    scene.app.player("Ann Lee").await;
    let told = scene.begin_deposit("Ann Lee").await;
    assert_eq!((told.status, scene.rebilly.orders().len()), (502, 0), "{told:?}");

    let profile: Value = json!({"rebilly_customer_id": "cus_0YV7DDSDD1C8DA64KHH2W33CPF"});
    assert_eq!(scene.app.wallet().put("Ann Lee", profile).await.status, 200);
    let told = scene.begin_deposit("Ann Lee").await;
    let deposit = asked(&told.id(), 2_500);
    assert_eq!(scene.rebilly.orders()[0].login, "cus_0YV7DDSDD1C8DA64KHH2W33CPF");
    scene.rebilly.set(&deposit.id, End::Paid);
    scene.tells(&deposit).await;

    assert_eq!(scene.app.balance("Ann Lee").await, (2_500, 0));
}
