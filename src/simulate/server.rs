//! The address where payout initiations come: verifies them, keeps its own record, and answers as it is told to,
//! well or badly (manual, "Pay-out initiation").

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::http::{self, Incoming};
use super::{Brand, Params, sign};

/// How an initiation is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// Taken: `success` true, `code` 0.
    Accept,
    /// Taken, but the answer comes only after this long.
    Slow(Duration),
    /// Definitely refused: `success` false and this code.
    Refuse(i64),
    /// Taken, and the connection is closed without an answer.
    Hangup,
    /// Taken, and the connection is reset without an answer.
    Reset,
    /// An empty body with this HTTP status; nobody knows what happened.
    Status(u16),
    /// HTTP 200 and a page instead of JSON.
    Html,
    /// HTTP 200 and JSON that stops in the middle.
    BrokenJson,
    /// Exactly this status and body, as JSON.
    Exactly(u16, String),
    /// A redirection to this address.
    Redirect(String),
    /// An answer that never ends.
    Endless,
}

/// An initiation as it arrived.
#[derive(Debug, Clone)]
pub struct Initiation {
    /// The merchant's order id; empty when there is none.
    pub external_id: String,
    /// The player.
    pub login: String,
    /// Minor units, when it is an integer.
    pub amount: Option<i64>,
    /// As sent.
    pub currency: String,
    /// Whether the signature is right. One that is not is refused, whatever the behaviour.
    pub signature_holds: bool,
    /// 1 for the first one of its order; more is a payout sent twice.
    pub nth: usize,
    /// How it was answered, once that is decided.
    pub answered: Option<Behaviour>,
    /// When it arrived.
    pub at: Instant,
    /// Everything that came.
    pub params: Params,
}

/// Decides how an initiation is answered.
pub type Choose = dyn Fn(&Initiation) -> Behaviour + Send + Sync;

/// A running Cashier address. Stops when it is dropped.
#[derive(Debug)]
pub struct CashierServer {
    address: SocketAddr,
    state: Arc<State>,
    task: tokio::task::JoinHandle<()>,
}

struct State {
    brand: Brand,
    choose: RwLock<Arc<Choose>>,
    seen: Mutex<Seen>,
    count: watch::Sender<usize>,
}

/// Initiations in the order of their arrival, and where those of an order are.
#[derive(Default)]
struct Seen {
    all: Vec<Initiation>,
    of_order: HashMap<String, Vec<usize>>,
    front: Vec<(&'static str, Params)>,
}

impl Seen {
    fn of(&self, external_id: &str) -> impl Iterator<Item = &Initiation> {
        self.of_order.get(external_id).into_iter().flatten().map(|at| &self.all[*at])
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("brand", &self.brand).finish_non_exhaustive()
    }
}

impl CashierServer {
    /// Listens on `bind` (port 0: any free one) and answers every initiation as `choose` says.
    ///
    /// # Errors
    ///
    /// The address cannot be bound.
    pub async fn start<F>(bind: SocketAddr, brand: Brand, choose: F) -> io::Result<Self>
    where
        F: Fn(&Initiation) -> Behaviour + Send + Sync + 'static,
    {
        let listener = TcpListener::bind(bind).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            brand,
            choose: RwLock::new(Arc::new(choose)),
            seen: Mutex::default(),
            count: watch::Sender::new(0),
        });
        let task = tokio::spawn(accept(listener, state.clone()));
        Ok(Self { address, state, task })
    }

    /// The bound address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where initiations go: the merchant's `payout_url`.
    pub fn payout_url(&self) -> String {
        format!("http://{}/api/payout/", self.address)
    }

    /// Where a Cashier key is obtained: the merchant's `authlink_url`.
    pub fn authlink_url(&self) -> String {
        format!("http://{}/api/authlink/obtain/", self.address)
    }

    /// Changes how initiations are answered from now on.
    pub fn answer_with(&self, choose: impl Fn(&Initiation) -> Behaviour + Send + Sync + 'static) {
        *self.state.choose.write().expect("nobody panics while choosing") = Arc::new(choose);
    }

    /// The initiations of one order, oldest first.
    pub fn initiations(&self, external_id: &str) -> Vec<Initiation> {
        self.state.seen().of(external_id).cloned().collect()
    }

    /// All initiations so far, oldest first.
    pub fn all(&self) -> Vec<Initiation> {
        self.state.seen().all.clone()
    }

    /// What the front was asked with a signature that holds, oldest first: `authlink` or `rotation`, with all parameters.
    pub fn asked_of_the_front(&self) -> Vec<(&'static str, Params)> {
        self.state.seen().front.clone()
    }

    /// Orders that were initiated more than once, with how often.
    pub fn doubles(&self) -> Vec<(String, usize)> {
        let seen = self.state.seen();
        let counts = seen.of_order.iter().map(|(external_id, at)| (external_id.clone(), at.len()));
        let mut doubles: Vec<_> = counts.filter(|(_, count)| *count > 1).collect();
        doubles.sort_unstable();
        doubles
    }

    /// The first initiation of an order, as soon as it is there; `None` when it does not come in time.
    pub async fn wait_for(&self, external_id: &str, patience: Duration) -> Option<Initiation> {
        self.wait(patience, external_id, 1).await
    }

    /// The `nth` initiation of an order, as soon as it is there; `None` when it does not come in time.
    pub async fn wait(&self, patience: Duration, external_id: &str, nth: usize) -> Option<Initiation> {
        let mut count = self.state.count.subscribe();
        let arrived = async {
            loop {
                let found = self.state.seen().of(external_id).nth(nth.saturating_sub(1)).cloned();
                if found.is_some() || count.changed().await.is_err() {
                    return found;
                }
            }
        };
        tokio::time::timeout(patience, arrived).await.ok().flatten()
    }
}

impl Drop for CashierServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panics while noting an initiation")
    }

    /// Decides the answer and notes it, too.
    fn decide(&self, initiation: &Initiation) -> Behaviour {
        let choose = self.choose.read().expect("nobody panics while choosing").clone();
        let behaviour = if initiation.signature_holds { choose(initiation) } else { Behaviour::Refuse(403) };
        let mut seen = self.seen();
        let at = seen.of_order.get(&initiation.external_id).and_then(|places| places.get(initiation.nth - 1)).copied();
        if let Some(noted) = at.and_then(|at| seen.all.get_mut(at)) {
            noted.answered = Some(behaviour.clone());
        }
        behaviour
    }

    /// Notes an initiation before anything is answered: a real Cashier has taken it by then.
    fn note(&self, params: Params) -> Initiation {
        let text = |name: &str| params.get(name).map(sign::text).unwrap_or_default();
        let mut seen = self.seen();
        let external_id = text("external_id");
        let initiation = Initiation {
            nth: 1 + seen.of(&external_id).count(),
            login: text("site_login"),
            amount: text("amount").parse().ok(),
            currency: text("currency"),
            signature_holds: sign::holds(&params, self.brand.salt.expose())
                && text("site_id") == self.brand.site_id.to_string(),
            external_id,
            answered: None,
            at: Instant::now(),
            params,
        };
        let at = seen.all.len();
        seen.of_order.entry(initiation.external_id.clone()).or_default().push(at);
        seen.all.push(initiation.clone());
        self.count.send_replace(seen.all.len());
        initiation
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let state = state.clone();
                connections.spawn(async move {
                    if let Err(error) = serve(stream, &state).await {
                        log::debug!("simulated Cashier: connection ended: {error}");
                    }
                });
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, state: &State) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(incoming) = http::read(&mut stream).await? {
        let done = match (incoming.method.as_str(), parse(&incoming)) {
            ("GET", Some(params)) => front(&mut stream, state, &incoming.path, "authlink", params).await,
            ("POST", Some(params)) if incoming.path.contains("rotation") => {
                front(&mut stream, state, &incoming.path, "rotation", params).await
            }
            ("POST", Some(params)) => {
                let initiation = state.note(params);
                let behaviour = state.decide(&initiation);
                answer(&mut stream, behaviour, &initiation).await
            }
            (_, _) => write(&mut stream, 400, "application/json", br#"{"success":false,"code":400}"#).await,
        }?;
        if let Connection::Close = done {
            return Ok(());
        }
    }
    Ok(())
}

/// What becomes of a connection after an answer.
enum Connection {
    Keep,
    Close,
}

fn parse(incoming: &Incoming) -> Option<Params> {
    let json = incoming.content_type.to_ascii_lowercase().contains("json");
    if incoming.method == "POST" && json {
        return serde_json::from_slice(&incoming.body).ok();
    }
    let text = if incoming.method == "GET" { incoming.query.as_bytes() } else { &incoming.body };
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(text).ok()?;
    Some(pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect())
}

/// What the front of the Cashier is asked: for a key, or to forget. Noted when the signature holds.
async fn front(
    stream: &mut BufReader<TcpStream>,
    state: &State,
    path: &str,
    asked: &'static str,
    params: Params,
) -> io::Result<Connection> {
    let ours = params.get("site_id").map(sign::text) == Some(state.brand.site_id.to_string());
    let holds = ours && sign::holds(&params, state.brand.salt.expose());
    let (status, body) = match (path.contains(asked), holds, asked) {
        (false, _, _) => (404, json!({"success": false})),
        (true, false, _) => {
            (200, json!({"success": false, "errors": "Invalid signature", "error": "Invalid signature"}))
        }
        (true, true, "authlink") => {
            (200, json!({"success": true, "errors": null, "key": sign::signature(&params, "key")}))
        }
        (true, true, _) => (200, json!({"success": true, "error": null})),
    };
    if holds {
        state.seen().front.push((asked, params));
    }
    write(stream, status, "application/json", body.to_string().as_bytes()).await
}

async fn answer(
    stream: &mut BufReader<TcpStream>,
    behaviour: Behaviour,
    initiation: &Initiation,
) -> io::Result<Connection> {
    match behaviour {
        Behaviour::Accept => write(stream, 200, "application/json", &accepted(initiation)).await,
        Behaviour::Slow(pause) => {
            tokio::time::sleep(pause).await;
            write(stream, 200, "application/json", &accepted(initiation)).await
        }
        Behaviour::Refuse(code) => {
            let body = json!({"success": false, "errors": "refused", "transaction": null, "code": code,
                "message_for_user": "Refused"});
            write(stream, 200, "application/json", body.to_string().as_bytes()).await
        }
        Behaviour::Hangup => Ok(Connection::Close),
        Behaviour::Reset => {
            stream.get_ref().set_zero_linger()?;
            Ok(Connection::Close)
        }
        Behaviour::Status(status) => write(stream, status, "text/plain", b"").await,
        Behaviour::Html => write(stream, 200, "text/html", b"<html><body>It works!</body></html>").await,
        Behaviour::BrokenJson => write(stream, 200, "application/json", br#"{"success":true,"code":"#).await,
        Behaviour::Exactly(status, body) => write(stream, status, "application/json", body.as_bytes()).await,
        Behaviour::Redirect(to) => {
            stream.write_all(&http::response(302, &[("location", &to)], b"")).await?;
            Ok(Connection::Keep)
        }
        Behaviour::Endless => endless(stream).await,
    }
}

fn accepted(initiation: &Initiation) -> Vec<u8> {
    let digest = sign::signature(&initiation.params, "order");
    let number = digest.bytes().fold(0u64, |sum, byte| (sum * 31 + u64::from(byte)) % 1_000_000_000_000);
    let body = json!({"success": true, "errors": null, "transaction": null, "code": 0, "message_for_user": "Success",
        "transaction_id": number, "order_id": format!("2177426192640{number:017}")});
    body.to_string().into_bytes()
}

async fn endless(stream: &mut BufReader<TcpStream>) -> io::Result<Connection> {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head).await?;
    loop {
        stream.write_all(b"10\r\n                \r\n").await?;
        stream.flush().await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn write(
    stream: &mut BufReader<TcpStream>,
    status: u16,
    content_type: &str,
    body: &[u8],
) -> io::Result<Connection> {
    stream.write_all(&http::response(status, &[("content-type", content_type)], body)).await?;
    stream.flush().await?;
    Ok(Connection::Keep)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::Encoding;
    use crate::simulate::caller::client;

    fn initiation(external_id: &str) -> Params {
        let value = json!({"action": "payout", "site_id": 7, "site_login": "u", "amount": 100, "currency": "USD",
            "external_id": external_id});
        value.as_object().cloned().unwrap_or_default()
    }

    async fn post(server: &CashierServer, params: &Params, encoding: Encoding) -> Option<Value> {
        let (content_type, body) = encoding.write(params);
        let request = client().post(server.payout_url()).header("content-type", content_type).body(body);
        let text = request.send().await.ok()?.bytes().await.ok()?;
        serde_json::from_slice(&text).ok()
    }

    #[tokio::test]
    async fn it_takes_initiations_and_notices_a_second_one() {
        let brand = Brand::new(7, "a salt for one test only");
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = CashierServer::start(here, brand.clone(), |_| Behaviour::Accept).await.expect("a free port");
        let params = brand.signed(&initiation("order-1"));

        let first = post(&server, &params, Encoding::Json).await.expect("an answer");
        let second = post(&server, &params, Encoding::Form).await.expect("an answer");
        let forged = post(&server, &initiation("order-2"), Encoding::Json).await.expect("an answer");

        assert_eq!((&first["success"], &first["code"]), (&json!(true), &json!(0)));
        assert_eq!(second["success"], json!(true));
        assert_eq!((&forged["success"], &forged["code"]), (&json!(false), &json!(403)));
        assert_eq!(server.initiations("order-2")[0].answered, Some(Behaviour::Refuse(403)));
        assert_eq!(server.doubles(), [("order-1".to_owned(), 2)]);
        let seen = server.wait_for("order-1", Duration::from_secs(5)).await.expect("it is there");
        assert_eq!((seen.amount, seen.login.as_str(), seen.signature_holds), (Some(100), "u", true));
    }

    #[tokio::test]
    async fn a_lost_answer_is_an_initiation_that_was_taken() {
        let brand = Brand::new(7, "a salt for one test only");
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        for behaviour in [Behaviour::Hangup, Behaviour::Reset, Behaviour::BrokenJson, Behaviour::Status(502)] {
            let chosen = behaviour.clone();
            let server = CashierServer::start(here, brand.clone(), move |_| chosen.clone()).await.expect("a free port");

            let answer = post(&server, &brand.signed(&initiation("order-1")), Encoding::Json).await;

            assert_eq!(answer, None, "{behaviour:?}");
            assert_eq!(server.initiations("order-1").len(), 1, "{behaviour:?}");
        }
    }

    #[tokio::test]
    async fn chunked_bodies_and_kept_connections_are_read() {
        let brand = Brand::new(7, "a salt for one test only");
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = CashierServer::start(here, brand.clone(), |_| Behaviour::Accept).await.expect("a free port");
        let http = client();

        for number in 0..3 {
            let (content_type, body) = Encoding::Json.write(&brand.signed(&initiation(&format!("order-{number}"))));
            let pieces = body.chunks(7).map(|piece| Ok::<_, io::Error>(piece.to_vec())).collect::<Vec<_>>();
            let stream = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
            let sent = http.post(server.payout_url()).header("content-type", content_type).body(stream).send().await;
            assert_eq!(sent.expect("an answer").status(), 200);
        }

        assert_eq!(server.all().len(), 3);
        assert!(server.all().iter().all(|one| one.signature_holds && one.nth == 1));
    }
}
