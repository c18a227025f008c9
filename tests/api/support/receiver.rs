//! A game server that takes pushes: checks every signature, remembers everything, and answers what a test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use standardwebhooks::Webhook;

use super::app::PATIENCE;

/// What pushes are signed with.
pub const SECRET: &str = "whsec_YSBzZWNyZXQgb2YgdGhlIHJlY2VpdmVyIGluIHRlc3Rz";

/// What to do with a push.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Answer with this status.
    Status(u16),
    /// Answer with this status and this body.
    Saying(u16, Vec<u8>),
    /// Send elsewhere.
    Redirect(String),
    /// Never answer, and keep the connection.
    Hang,
    /// Take it, and never end the answer.
    Endless,
    /// Close the connection without an answer.
    Close,
}

/// A push that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `webhook-id`.
    pub id: String,
    /// The body as it came.
    pub body: String,
    /// Whether it was answered with 2xx.
    pub taken: bool,
}

impl Delivery {
    /// The body.
    pub fn event(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }

    /// The place of the event in the log.
    pub fn place(&self) -> i64 {
        place(&self.id)
    }

    /// Whose it is.
    pub fn login(&self) -> Option<String> {
        self.event()["data"]["site_login"].as_str().map(str::to_owned)
    }
}

/// The place in an event's name.
pub fn place(id: &str) -> i64 {
    let place = id.strip_prefix("evt_").and_then(|rest| rest.split('_').next());
    place.and_then(|place| place.parse().ok()).unwrap_or_else(|| panic!("no event's name: {id}"))
}

type Choose = Box<dyn Fn(&Delivery) -> Reply + Send + Sync>;

struct Shared {
    seen: Mutex<Vec<Delivery>>,
    arrived: Condvar,
    wrong: Mutex<Vec<String>>,
    choose: Mutex<Arc<Choose>>,
    kept: Mutex<Vec<TcpStream>>,
}

/// The game server.
#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    /// One that takes everything.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let choose: Choose = Box::new(|_| Reply::Status(204));
        let shared = Arc::new(Shared {
            seen: Mutex::default(),
            arrived: Condvar::new(),
            wrong: Mutex::default(),
            choose: Mutex::new(Arc::new(choose)),
            kept: Mutex::default(),
        });
        let serving = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = serving.clone();
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { address, shared }
    }

    /// From now on pushes are answered like this.
    pub fn answer_with(&self, choose: impl Fn(&Delivery) -> Reply + Send + Sync + 'static) {
        *self.shared.choose.lock().expect("no panic") = Arc::new(Box::new(choose));
    }

    /// The section of the settings that leads here.
    pub fn settings(&self) -> String {
        format!("[events]\nurl = \"{}\"\nsecret = \"{SECRET}\"\n", self.url())
    }

    pub fn url(&self) -> String {
        format!("http://{}/croupier", self.address)
    }

    /// Everything that has arrived, in order. Every signature was right.
    pub fn seen(&self) -> Vec<Delivery> {
        assert_eq!(*self.shared.wrong.lock().expect("no panic"), Vec::<String>::new());
        self.shared.seen.lock().expect("no panic").clone()
    }

    /// The numbers of the events that were taken, in order.
    pub fn taken(&self) -> Vec<i64> {
        self.seen().iter().filter(|delivery| delivery.taken).map(Delivery::place).collect()
    }

    /// Forgets what has arrived.
    pub fn forget(&self) {
        self.shared.seen.lock().expect("no panic").clear();
    }

    /// Waits until what has arrived is enough.
    pub fn wait(&self, what: &str, enough: impl Fn(&[Delivery]) -> bool) -> Vec<Delivery> {
        let seen = self.shared.seen.lock().expect("no panic");
        let waited = self.shared.arrived.wait_timeout_while(seen, 3 * PATIENCE, |seen| !enough(seen));
        let (seen, timeout) = waited.expect("no panic");
        assert!(!timeout.timed_out(), "{what}: {} have arrived", seen.len());
        seen.clone()
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) {
        // A peer that is killed in the middle of a request leaves nothing.
        let Some((delivery, wrong)) = read(&stream) else { return };
        if let Some(wrong) = wrong {
            self.wrong.lock().expect("no panic").push(wrong);
        }
        let choose = self.choose.lock().expect("no panic").clone();
        let reply = choose(&delivery);
        let taken = matches!(&reply, Reply::Status(200..=299) | Reply::Saying(200..=299, _) | Reply::Endless);
        self.seen.lock().expect("no panic").push(Delivery { taken, ..delivery });
        self.arrived.notify_all();
        let head = |status: u16, length: usize, more: &str| {
            format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{more}\r\n").into_bytes()
        };
        let mut out = &stream;
        let _the_peer_may_be_gone = match reply {
            Reply::Status(status) => out.write_all(&head(status, 0, "")),
            Reply::Saying(status, body) => out.write_all(&[head(status, body.len(), ""), body].concat()),
            Reply::Redirect(to) => out.write_all(&head(307, 0, &format!("location: {to}\r\n"))),
            Reply::Endless => {
                let begun = out.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
                begun.and_then(|()| {
                    loop {
                        out.write_all(b"4\r\nmore\r\n")?;
                    }
                })
            }
            Reply::Hang => {
                self.kept.lock().expect("no panic").push(stream);
                return;
            }
            Reply::Close => Ok(()),
        };
    }
}

/// A request, and what is wrong with it.
fn read(stream: &TcpStream) -> Option<(Delivery, Option<String>)> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let (mut headers, mut length) = (HeaderMap::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().ok()?;
        }
        headers.insert(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let signed = Webhook::new(SECRET).expect("a good secret").verify(&body, &headers);
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let body = String::from_utf8(body).ok()?;
    let id = header("webhook-id");
    let json: Value = serde_json::from_str(&body).unwrap_or_default();
    let mut wrong = Vec::new();
    if let Err(error) = signed {
        wrong.push(format!("{id}: {error}"));
    }
    if !first.starts_with("POST /croupier HTTP/1.1") || header("content-type") != "application/json" {
        wrong.push(format!("{id}: {first} {}", header("content-type")));
    }
    if json["id"] != id.as_str() {
        wrong.push(format!("{id} in the header, {} in the body", json["id"]));
    }
    let wrong = (!wrong.is_empty()).then(|| wrong.join("; "));
    Some((Delivery { id, body, taken: false }, wrong))
}
