//! What the merchant is told, and by whom.

use super::*;
use crate::simulate::platforms::Twist;
use crate::simulate::platforms::host::{Host, Incoming, Reply};
use crate::simulate::platforms::rebilly::sign::{self, Challenge};

const ASKED: &str =
    "Digest realm=\"merchant-hooks\", qop=\"auth\", algorithm=SHA-256, nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c0\"";

/// A merchant that keeps what comes, and asks for a Digest of whoever brings nothing.
struct Merchant {
    host: Host,
    came: Arc<Mutex<Vec<Incoming>>>,
}

impl Merchant {
    async fn start() -> Self {
        let came = Arc::new(Mutex::new(Vec::new()));
        let keep: Arc<Mutex<Vec<Incoming>>> = came.clone();
        let handler = move |incoming: Incoming| -> BoxFuture<'static, Reply> {
            let bare = incoming.header("authorization").is_none() && incoming.path.ends_with("/rebilly");
            keep.lock().unwrap().push(incoming);
            let headers =
                vec![("www-authenticate", "Basic realm=\"x\"".to_owned()), ("www-authenticate", ASKED.to_owned())];
            let reply = if bare { Reply::Json(401, headers, json!({})) } else { Reply::ok(json!({})) };
            Box::pin(async move { reply })
        };
        Self { host: Host::start(here(), Arc::new(handler)).await.expect("a free port"), came }
    }

    fn url(&self) -> String {
        format!("http://{}", self.host.address())
    }

    fn last(&self) -> Incoming {
        self.came.lock().unwrap().last().cloned().expect("something came")
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.last().body).expect("JSON")
    }
}

async fn both(auth: Auth) -> (Merchant, Rebilly) {
    let merchant = Merchant::start().await;
    let rebilly =
        Rebilly::start(here(), Account { webhook_auth: auth, ..Account::default() }).await.expect("a free port");
    rebilly.set_merchant(&format!("{}/", merchant.url()));
    (merchant, rebilly)
}

fn note(says: Option<End>, twist: Twist) -> Note {
    Note { says, twist }
}

#[tokio::test]
async fn a_payouts_event_comes_with_its_password_and_without_it_when_twisted() {
    let (merchant, rebilly) = both(Auth::Basic).await;
    payout(&rebilly, "w-1", &["approved"]).await;
    rebilly.set("w-1", End::Paid);

    let answer = rebilly.notify("w-1", Note::PLAIN).await.expect("an answer");

    assert!(rebilly.is_acknowledged(&answer));
    let came = merchant.last();
    let account = rebilly.account();
    let right = sign::basic(&account.webhook_user, account.webhook_password.expose());
    assert_eq!((came.method.as_str(), came.path.as_str()), ("POST", "/cashier/webhook/rebilly"));
    assert_eq!(came.header("authorization"), Some(right.as_str()));
    assert_eq!(came.content_type, "application/json; charset=utf-8");
    let body = merchant.json();
    assert_eq!((&body["eventType"], &body["payoutRequestId"]), (&json!("payout-request-fulfilled"), &json!("w-1")));
    assert_eq!(body["_embedded"]["payoutRequest"]["status"], "fulfilled");
    assert!(String::from_utf8_lossy(&came.body).contains(r#""amount":100.00,"availableAmount":0.00"#));
    for twist in [Twist::WrongSignature, Twist::ForeignSignature, Twist::NoSignature] {
        let answer = rebilly.notify("w-1", note(None, twist)).await.expect("an answer");
        assert_ne!(merchant.last().header("authorization"), Some(right.as_str()), "{twist:?}");
        assert_eq!(rebilly.is_acknowledged(&answer), twist != Twist::NoSignature, "{twist:?}");
    }
}

#[tokio::test]
async fn a_challenge_is_answered_with_a_digest_that_holds() {
    let (merchant, rebilly) = both(Auth::Digest).await;
    payout(&rebilly, "w-1", &[]).await;
    let account = rebilly.account().clone();
    let challenge = Challenge::read(ASKED).expect("a Digest");
    let expected = |header: &str| {
        let cnonce = header.split("cnonce=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a cnonce");
        let password = account.webhook_password.expose();
        challenge.answer(&account.webhook_user, password, "POST", "/cashier/webhook/rebilly", cnonce)
    };

    let answer = rebilly.notify("w-1", Note::PLAIN).await.expect("an answer");

    assert_eq!(answer.status, 200);
    let header = merchant.last().header("authorization").expect("a Digest").to_owned();
    assert_eq!(header, expected(&header));
    assert_eq!(merchant.came.lock().unwrap().len(), 2, "the first came bare");
    for twist in [Twist::WrongSignature, Twist::ForeignSignature] {
        rebilly.notify("w-1", note(None, twist)).await.expect("an answer");
        let header = merchant.last().header("authorization").expect("a Digest").to_owned();
        assert_ne!(header, expected(&header), "{twist:?}");
    }
    let bare = rebilly.notify("w-1", note(None, Twist::NoSignature)).await.expect("an answer");
    assert_eq!(bare.status, 401);
}

#[tokio::test]
async fn an_event_may_lie_and_the_payout_stays_what_it_is() {
    let (merchant, rebilly) = both(Auth::Basic).await;
    payout(&rebilly, "w-1", &[]).await;
    for (end, event, status) in [
        (End::Paid, "payout-request-fulfilled", "fulfilled"),
        (End::Declined, "payout-request-canceled", "canceled"),
        (End::Cancelled, "payout-request-canceled", "canceled"),
        (End::Pending, "payout-request-modified", "ready"),
    ] {
        rebilly.notify("w-1", note(Some(end), Twist::None)).await.expect("an answer");
        let body = merchant.json();
        assert_eq!(
            (&body["eventType"], &body["_embedded"]["payoutRequest"]["status"]),
            (&json!(event), &json!(status))
        );
    }
    for (twist, pointer, value) in [
        (Twist::OtherCurrency, "currency", json!("EUR")),
        (Twist::OtherPlayer, "customerId", json!("somebody-else")),
        (Twist::OtherAmount, "id", json!("w-1")),
    ] {
        rebilly.notify("w-1", note(Some(End::Paid), twist)).await.expect("an answer");
        assert_eq!(merchant.json()["_embedded"]["payoutRequest"][pointer], value, "{twist:?}");
    }
    assert!(String::from_utf8_lossy(&merchant.last().body).contains(r#""amount":101.00"#));
    rebilly.notify("w-1", note(Some(End::Paid), Twist::UnknownOrder)).await.expect("an answer");
    let unknown = merchant.json()["payoutRequestId"].as_str().expect("an id").to_owned();
    assert_eq!(ask(&rebilly, "GET", &format!("/payout-requests/{unknown}"), "").await.text_of("status"), "fulfilled");
    rebilly.notify("w-1", note(Some(End::Paid), Twist::OtherDirection)).await.expect("an answer");
    let sale = &merchant.json()["_embedded"]["transaction"];
    assert_eq!(
        (&sale["type"], &sale["depositRequestId"], &sale["payoutRequestId"]),
        (&json!("sale"), &json!("w-1"), &Value::Null)
    );
    assert_eq!((rebilly.orders().len(), rebilly.orders()[0].end), (1, End::Pending));
}

#[tokio::test]
async fn a_deposits_notice_goes_to_its_own_address() {
    let (merchant, rebilly) = both(Auth::Basic).await;
    let token = rebilly.account().notification_token.expose().to_owned();
    let url = format!("{}/notification/{token}/{{id}}/{{result}}/d-1", merchant.url());
    ask(&rebilly, "POST", "/deposit-requests", &deposit_body("10", &url)).await;
    rebilly.set("d-1", End::Paid);
    let path = || merchant.last().path.split('/').skip(1).map(str::to_owned).collect::<Vec<_>>();

    rebilly.notify("d-1", Note::PLAIN).await.expect("an answer");

    let plain = path();
    assert_eq!((plain[1].as_str(), plain[3].as_str(), plain[4].as_str()), (token.as_str(), "approved", "d-1"));
    let truth = ask(&rebilly, "GET", &format!("/transactions/{}", plain[2]), "").await;
    assert_eq!((truth.text_of("result"), merchant.last().body.len()), ("approved".into(), 0));
    rebilly.notify("d-1", note(Some(End::Declined), Twist::None)).await.expect("an answer");
    assert_eq!((path()[2].clone(), path()[3].as_str()), (plain[2].clone(), "declined"), "a notice proves nothing");
    for twist in [Twist::WrongSignature, Twist::ForeignSignature, Twist::NoSignature] {
        rebilly.notify("d-1", note(None, twist)).await.expect("an answer");
        assert_ne!(path()[1], token, "{twist:?}");
    }
    for (twist, name, value) in [
        (Twist::OtherAmount, "currency", json!("USD")),
        (Twist::OtherCurrency, "currency", json!("EUR")),
        (Twist::OtherPlayer, "customerId", json!("somebody-else")),
        (Twist::OtherDirection, "type", json!("credit")),
        (Twist::UnknownOrder, "result", json!("approved")),
    ] {
        rebilly.notify("d-1", note(None, twist)).await.expect("an answer");
        let other = ask(&rebilly, "GET", &format!("/transactions/{}", path()[2]), "").await;
        assert_eq!((other.status, &other.json()[name]), (200, &value), "{twist:?}");
        assert_ne!(path()[2], plain[2], "{twist:?}");
        assert_eq!(path()[4] == "d-1", twist != Twist::UnknownOrder, "{twist:?}");
        assert_eq!(other.text.contains(r#""amount":11.00"#), twist == Twist::OtherAmount, "{twist:?}");
    }
}

#[tokio::test]
async fn transactions_are_told_at_the_webhook_when_that_is_chosen() {
    let (merchant, rebilly) = both(Auth::Basic).await;
    ask(&rebilly, "POST", "/deposit-requests", &deposit_body("10", "http://127.0.0.1:1/{id}/{result}/d-1")).await;
    rebilly.tell_of_deposits_by(Channel::Webhook);
    payout(&rebilly, "w-1", &[]).await;

    assert!(rebilly.notify_of_transaction("w-1", Note::PLAIN).await.is_err(), "it has none yet");
    assert!(rebilly.notify("unknown", Note::PLAIN).await.is_err());
    for (id, kind) in [("d-1", "sale"), ("w-1", "credit")] {
        rebilly.set(id, End::Paid);
        rebilly.notify_of_transaction(id, Note::PLAIN).await.expect("an answer");
        let body = merchant.json();
        assert_eq!(
            (&body["eventType"], &body["_embedded"]["transaction"]["type"]),
            (&json!("transaction-processed"), &json!(kind))
        );
    }
    rebilly.notify("d-1", note(Some(End::Declined), Twist::None)).await.expect("an answer");
    assert_eq!(merchant.json()["eventType"], "transaction-declined");
}
