//! What the played Cactus promises: strict with every call, true to its orders, and wrong only when told to be.

mod answering;
mod notifications;
mod refusals;
mod services;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::calls::Call;
use super::{Account, Cactus, sign};
use crate::simulate::Params;
use crate::simulate::caller::client;
use crate::simulate::platforms::Platform;
use crate::simulate::platforms::host::{Host, Incoming, Reply};

const HERE: ([u8; 4], u16) = ([127, 0, 0, 1], 0);
const PATIENCE: Duration = Duration::from_secs(5);

/// A running platform and a client of it.
struct Bench {
    cactus: Cactus,
    http: reqwest::Client,
}

impl Bench {
    async fn start() -> Self {
        let cactus = Cactus::start(SocketAddr::from(HERE), Account::example()).await.expect("a free port");
        Self { cactus, http: client() }
    }

    /// Signs and calls; HTTP status and body, or nothing when no readable JSON came.
    async fn call(&self, call: Call, params: &Params) -> Option<(u16, Value)> {
        self.send(call, &signed(params)).await
    }

    /// Calls with the signature that is there.
    async fn send(&self, call: Call, params: &Params) -> Option<(u16, Value)> {
        let url = format!("{}{}", self.cactus.url(), call.path());
        let request = if call.method() == "GET" {
            self.http.get(format!("{url}?{}", crate::simulate::form(params)))
        } else {
            let body = Value::Object(params.clone()).to_string();
            self.http.post(url).header("content-type", "application/json").body(body)
        };
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, serde_json::from_slice(&response.bytes().await.ok()?).ok()?))
    }

    /// Makes an order that must be taken.
    async fn make(&self, call: Call, id: &str, method: &str) -> Value {
        let params = with(order(call), &[("request_id", json!(id)), ("method", json!(method)), fields(call, method)]);
        let (status, answer) = self.call(call, &params).await.expect("an answer");
        assert_eq!((status, &answer["success"]), (200, &json!(true)), "{call:?} {method}: {answer}");
        answer
    }
}

/// A merchant that keeps what it is told.
struct Merchant {
    host: Host,
    heard: Arc<Mutex<Vec<Incoming>>>,
}

impl Merchant {
    async fn start(cactus: &Cactus) -> Self {
        let heard: Arc<Mutex<Vec<Incoming>>> = Arc::default();
        let keep = heard.clone();
        let handler = move |incoming| -> futures_util::future::BoxFuture<'static, Reply> {
            keep.lock().expect("nobody panics while listening").push(incoming);
            Box::pin(async { Reply::ok(json!({"code": 0, "result": "ok"})) })
        };
        let host = Host::start(SocketAddr::from(HERE), Arc::new(handler)).await.expect("a free port");
        cactus.set_merchant(&format!("http://{}/", host.address()));
        Self { host, heard }
    }

    /// The last notification's path and members.
    fn last(&self) -> (String, Params) {
        let heard = self.heard.lock().expect("nobody panics while listening");
        let last = heard.last().unwrap_or_else(|| panic!("nothing came to {}", self.host.address()));
        assert_eq!((last.method.as_str(), last.content_type.as_str()), ("POST", "application/json"));
        (last.path.clone(), serde_json::from_slice(&last.body).expect("a JSON object"))
    }
}

fn salt() -> String {
    Account::example().salt.expose().to_owned()
}

fn signed(params: &Params) -> Params {
    sign::signed(params.clone(), &salt())
}

fn holds(answer: &Value) -> bool {
    answer.as_object().is_some_and(|members| sign::holds(members, &salt()))
}

fn object(value: Value) -> Params {
    value.as_object().cloned().expect("written as an object")
}

/// The members with others instead of some, or in addition.
fn with(mut params: Params, changes: &[(&str, Value)]) -> Params {
    params.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    params
}

/// A call with everything it needs, not yet signed.
fn order(call: Call) -> Params {
    let account = Account::example();
    let all = with(
        object(
            json!({"merchant_id": account.merchant_id, "site_id": account.site_id, "project_id": account.project_id,
            "site_login": "user_login", "request_id": "request_id123", "amount": 900_000, "currency": "KZT",
            "method": "card", "update_type": "delete"}),
        ),
        &[fields(call, "card")],
    );
    let needed = |name: &String| call.required().contains(&name.as_str());
    let params: Params = all.into_iter().filter(|(name, _)| needed(name)).collect();
    // The list of failed deposits is a query, in which everything is a text.
    if call == Call::Failed { with(params, &[("site_id", json!("332"))]) } else { params }
}

/// `additional_fields` with the examples of everything that the method must have in this call.
fn fields(call: Call, method: &str) -> (&'static str, Value) {
    let rail = super::rails::find(call.rails(), method);
    let mut given: Params = rail
        .map(|rail| rail.fields)
        .unwrap_or_default()
        .iter()
        .filter(|field| field.is_required)
        .map(|field| (field.name.to_owned(), field.example.into()))
        .collect();
    if call == Call::Invoice && method.eq_ignore_ascii_case("cash") {
        given.insert("asap".to_owned(), "true".into());
    }
    ("additional_fields", Value::Object(given))
}

#[tokio::test]
async fn every_method_of_every_call_is_taken_with_its_fields_and_waits() {
    let bench = Bench::start().await;

    for call in [Call::Form, Call::Invoice, Call::Payout] {
        for rail in call.rails() {
            let id = format!("{call:?}-{}", rail.name);
            let answer = bench.make(call, &id, &rail.name.to_ascii_uppercase()).await;

            assert!(holds(&answer), "{id}: {answer}");
            let taken = bench.cactus.wait_for(&id, PATIENCE).await.expect("it was taken");
            assert_eq!((taken.method.as_str(), taken.way, taken.asked), (rail.name, call.way(), 1), "{id}");
            assert_eq!((taken.amount, taken.currency.as_str(), taken.login.as_str()), (900_000, "KZT", "user_login"));
            assert_eq!(taken.end, super::End::Pending);
        }
    }
    assert_eq!(bench.cactus.orders().len(), 17 + 12 + 13);
}

#[tokio::test]
async fn the_settings_lead_here_and_name_every_method_once() {
    let bench = Bench::start().await;

    for by_invoice in [false, true] {
        bench.cactus.behave(super::Manners { by_invoice, tells_status: !by_invoice, ..super::Manners::default() });
        let toml = bench.cactus.settings("demo");
        let source = config::File::from_str(&toml, config::FileFormat::Toml);
        let read = config::Config::builder().add_source(source).build().expect("it is TOML");

        let text = |key: &str| read.get_string(key).unwrap_or_default();
        assert_eq!(text("sites.demo.cactus.url"), bench.cactus.url());
        assert_eq!(text("sites.demo.cactus.deposit_by"), if by_invoice { "invoice" } else { "form" });
        assert_eq!(text("sites.demo.cactus.status_url").is_empty(), by_invoice, "only where there is the call");
        assert_eq!(text("sites.demo.methods.cactus_walletm10.provider_method"), "WalletM10");
        let uses = |method: &str, way: &str| read.get_bool(&format!("sites.demo.methods.cactus_{method}.{way}")).ok();
        assert_eq!((uses("card", "deposits"), uses("card", "payouts")), (Some(true), Some(true)));
        assert_eq!(uses("skrill", "deposits"), Some(!by_invoice));
        assert_eq!(uses("tbank_card", "payouts"), Some(false));
    }
    assert_eq!(bench.cactus.details("cactus_sbp"), [("phone_number", "79999999999"), ("phone_holder", "John Wick")]);
    assert_eq!(bench.cactus.details("sbp_qr"), []);
}

#[tokio::test]
async fn the_salt_is_in_no_debug_text() {
    let bench = Bench::start().await;
    bench.make(Call::Form, "d1", "card").await;

    let texts = format!("{:?} {:?}", bench.cactus, Account::example());

    assert!(!texts.contains(&salt()), "{texts}");
}
