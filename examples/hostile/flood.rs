//! A flood of requests that must be refused and leave nothing behind.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use croupier::simulate::Brand;
use croupier::simulate::faults::Dice;
use croupier::simulate::messages::{self, Notice, Order};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::service::{SALT, SITE};
use crate::wire;

const CALLBACK: &str = "/cashier/callback/carouseller";
const WEBHOOK: &str = "/cashier/webhook/carouseller";

/// What the answers were, by what was asked and the status; `taken` is a `code` that says yes.
#[derive(Debug, Default, Clone)]
pub struct Answers {
    pub by_status: BTreeMap<(&'static str, u16), u64>,
    pub without: u64,
    pub taken: u64,
}

/// All connections of the flood.
pub struct Flood {
    stop: watch::Sender<bool>,
    senders: JoinSet<()>,
    answers: Arc<Mutex<Answers>>,
}

impl Flood {
    /// So many connections. With `knows_salt` the signatures are right.
    pub fn start(count: usize, address: SocketAddr, knows_salt: bool) -> Self {
        let (stop, stopping) = watch::channel(false);
        let answers = Arc::<Mutex<Answers>>::default();
        let mut senders = JoinSet::new();
        for number in 0..count {
            let (mut stopping, answers) = (stopping.clone(), answers.clone());
            senders.spawn(async move {
                let mut dice = Dice::new(number as u64);
                tokio::select! {
                    () = send_for_ever(address, &mut dice, knows_salt, &answers) => {}
                    _ = stopping.wait_for(|stop| *stop) => {}
                }
            });
        }
        Self { stop, senders, answers }
    }

    /// Stops, and says what was answered.
    pub async fn end(mut self) -> Answers {
        self.stop.send_replace(true);
        while self.senders.join_next().await.is_some() {}
        self.answers.lock().expect("nobody panics while counting").clone()
    }
}

/// One request after another, on one connection as long as the service keeps it.
async fn send_for_ever(address: SocketAddr, dice: &mut Dice, knows_salt: bool, answers: &Mutex<Answers>) {
    let mut stream = None;
    loop {
        let (what, bytes) = request(dice, knows_salt);
        let answered = ask(&mut stream, address, &bytes).await;
        let mut answers = answers.lock().expect("nobody panics while counting");
        match answered {
            Ok(answer) => {
                let code = answer.json().and_then(|json| json["code"].as_i64());
                answers.taken += u64::from(matches!(code, Some(0 | 50)));
                *answers.by_status.entry((what, answer.status().unwrap_or(0))).or_default() += 1;
                let says = String::from_utf8_lossy(&answer.bytes[..answer.body]).to_ascii_lowercase();
                if says.contains("connection: close") {
                    stream = None;
                }
            }
            Err(_) => {
                answers.without += 1;
                stream = None;
            }
        }
    }
}

async fn ask(stream: &mut Option<TcpStream>, address: SocketAddr, bytes: &[u8]) -> std::io::Result<wire::Message> {
    let on = match stream {
        Some(on) => on,
        None => stream.insert(wire::connect(address).await?),
    };
    // A refusal may come, and the connection end, while a long head is still on its way.
    let written = on.write_all(bytes).await;
    match wire::read(on).await {
        Ok(answer) => Ok(answer),
        Err(error) => Err(written.err().unwrap_or(error)),
    }
}

/// Something to be refused.
fn request(dice: &mut Dice, knows_salt: bool) -> (&'static str, Vec<u8>) {
    let salt = if knows_salt { SALT } else { "a salt that somebody guesses" };
    let transaction_id = dice.transaction_id();
    let order = Order { login: "anna".to_owned(), amount: 1_000, currency: "USD".to_owned(), transaction_id };
    let signed = |site: i64, params: &croupier::simulate::Params| {
        Value::Object(Brand::new(site, salt).signed(params)).to_string()
    };
    let post = |path: &str, body: &str| {
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nhost: croupier\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    };
    match dice.between(0, 9) {
        0..=2 => ("a bad signature", post(CALLBACK, &signed(SITE, &messages::check_deposit(SITE, &order)))),
        3 => ("a bad signature", post(CALLBACK, &signed(SITE, &messages::request_payout(SITE, &order)))),
        4 | 5 => {
            let external_id = format!("{transaction_id}");
            let notice = Notice { external_id, order, type_id: messages::PAYOUT, status_id: messages::SUCCESS };
            ("a forged notification", post(WEBHOOK, &signed(SITE, &messages::notification(SITE, &notice))))
        }
        6 => ("an unknown site", post(CALLBACK, &signed(7, &messages::check_deposit(7, &order)))),
        7 => ("no JSON", post(CALLBACK, "{\"action\":\"check_deposit\",")),
        8 => {
            let long = format!(
                "GET /healthz HTTP/1.1\r\nhost: croupier\r\n{}\r\n",
                "x-long: yyyyyyyyyyyyyyyy\r\n".repeat(1_600)
            );
            ("a huge head", long.into_bytes())
        }
        _ => ("a huge body", post(CALLBACK, &"x".repeat(70_000))),
    }
}
