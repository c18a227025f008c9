//! A provider that answers as told, and the driver that speaks to it: a word, an amount and a currency for a body.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use ipnet::IpNet;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

use crate::error::Error;
use crate::ids::SiteId;
use crate::money::Currency;
use crate::outgoing::{AddressRules, Reply};
use crate::providers::{
    Call, DepositOrder, Desk, DeskCall, Direction, Heard, InitiationAnswer, Inquired, Ladder, Manners, News,
    Notification, OpenOrder, Opening, PayoutOrder, Provider, RawRequest, ReadError, Said, SiteFacts, Step, Texts, Told,
    Verb,
};
use crate::secret::Secret;
use crate::sections::Section;

pub const SITE: SiteId = SiteId(332);
pub const NAME: &str = "fake";

pub const MANNERS: Manners = Manners {
    tells_status: true,
    deduplicates: false,
    lost_opening_counts: true,
    patience: 0,
    between: 300,
    pace: 0,
    ladder: Ladder { pauses: &[60], then: (3600, 24) },
};

/// The provider's side.
#[derive(Clone)]
pub struct Peer {
    pub url: Url,
    script: Arc<Mutex<Script>>,
    /// Whether answers to questions go out.
    pub open: Arc<watch::Sender<bool>>,
    /// How many questions came.
    pub asked: Arc<watch::Sender<usize>>,
}

#[derive(Default)]
struct Script {
    pay: String,
    status: VecDeque<String>,
}

pub fn http(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

impl Peer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let peer = Self {
            url,
            script: Arc::default(),
            open: Arc::new(watch::Sender::new(true)),
            asked: Arc::new(watch::Sender::new(0)),
        };
        let own = peer.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move { own.serve(stream).await });
            }
        });
        peer
    }

    async fn serve(self, mut stream: TcpStream) {
        let (mut seen, mut buffer) = (Vec::new(), [0; 2048]);
        while !seen.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(count) => seen.extend_from_slice(&buffer[..count]),
            }
        }
        let answer = if seen.starts_with(b"POST /pay") {
            self.script.lock().unwrap().pay.clone()
        } else {
            self.asked.send_modify(|count| *count += 1);
            let mut open = self.open.subscribe();
            open.wait_for(|open| *open).await.map(|_| ()).unwrap();
            let mut script = self.script.lock().unwrap();
            let next = if script.status.len() > 1 { script.status.pop_front() } else { script.status.front().cloned() };
            next.unwrap_or_default()
        };
        // Whoever asked may be gone.
        let _ = stream.write_all(answer.as_bytes()).await;
    }

    pub fn says(&self, answers: &[&str]) {
        self.script.lock().unwrap().status = answers.iter().map(|answer| (*answer).to_owned()).collect();
    }

    pub fn pays(&self, answer: String) {
        self.script.lock().unwrap().pay = answer;
    }

    pub fn count(&self) -> usize {
        *self.asked.borrow()
    }
}

/// The driver.
#[derive(Debug)]
pub struct Fake {
    pub url: Url,
    pub manners: Manners,
}

fn news(word: &str) -> Option<News> {
    Some(match word {
        "paid" => News::PayoutPaid,
        "declined" => News::PayoutDeclined,
        "pending" => News::PayoutPending,
        "received" => News::DepositPaid,
        "charged_back" => News::ChargedBack,
        _ => return None,
    })
}

fn said(order: &OpenOrder, body: &str) -> Option<Notification> {
    let mut words = body.split(' ');
    let news = news(words.next()?)?;
    let amount_minor = words.next()?.parse().ok()?;
    let external_id = words.next().unwrap_or(order.external_id.as_str()).to_owned();
    let mut digest = [0; 32];
    let content = format!("{external_id} {body}");
    content.bytes().enumerate().for_each(|(at, byte)| digest[at % 32] ^= byte.rotate_left((at / 32) as u32));
    Some(Notification {
        provider: NAME,
        site: order.site,
        signed: true,
        external_id,
        login: order.login.as_str().to_owned(),
        amount_minor,
        currency: order.amount.currency().code().to_owned(),
        real: None,
        transaction_id: "7".into(),
        news,
        codes: body.to_owned(),
        digest,
        content: vec![("body".into(), body.to_owned())],
    })
}

impl Provider for Fake {
    fn name(&self) -> &'static str {
        NAME
    }

    fn add_site(&mut self, _: Section<'_>, _: &SiteFacts) {}

    fn sites(&self) -> Vec<SiteId> {
        vec![SITE]
    }

    fn shown(&self, _: SiteId) -> Value {
        Value::Null
    }

    fn secrets(&self) -> Vec<(String, Secret)> {
        Vec::new()
    }

    fn address_rules(&self, _: SiteId) -> AddressRules {
        AddressRules::new(vec!["127.0.0.0/8".parse::<IpNet>().unwrap()])
    }

    fn read(&self, _: &RawRequest<'_>) -> Result<Heard, ReadError> {
        Err(ReadError::InvalidSignature)
    }

    fn tell(&self, _: Said<'_>) -> Told {
        Told { http: 200, headers: Vec::new(), body: "{}".into() }
    }

    fn serves(&self, _: SiteId, _: Direction, _: Option<&str>, _: Currency) -> bool {
        true
    }

    fn check(&self, _: SiteId, _: Direction, _: Option<&str>, _: &Texts) -> Result<(), Error> {
        Ok(())
    }

    fn pay(&self, _: &PayoutOrder, replies: &[Reply]) -> Result<Step<InitiationAnswer>, Error> {
        let url = self.url.join("pay").unwrap();
        Ok(match replies.first() {
            None => Step::call(Call::json(Verb::Post, url, b"{}".to_vec())),
            Some(reply) if reply.status == 200 => Step::Done(InitiationAnswer::Accepted("taken".into(), Texts::new())),
            Some(_) => Step::Done(InitiationAnswer::Unknown("unclear".into())),
        })
    }

    fn open(&self, _: &DepositOrder, _: &[Reply]) -> Result<Step<Opening>, Error> {
        Err(Error::NotFound("door"))
    }

    fn ask(&self, order: &OpenOrder, replies: &[Reply]) -> Result<Step<Inquired>, Error> {
        let Some(reply) = replies.first() else {
            return Ok(Step::call(Call::get(self.url.join("status").unwrap())));
        };
        let body = String::from_utf8_lossy(&reply.body);
        Ok(Step::Done(match (reply.status, said(order, &body)) {
            (200, Some(notification)) => {
                Inquired::Says(Box::new(notification), Texts::from([("told".to_owned(), body.into_owned())]))
            }
            (404, _) => Inquired::NotFound("no such order".into()),
            (429, _) => Inquired::Later(30),
            (status, _) => Inquired::Unclear(format!("HTTP {status}")),
        }))
    }

    fn manners(&self, _: SiteId) -> Manners {
        self.manners
    }

    fn desk(&self) -> &'static [DeskCall] {
        &[]
    }

    fn call(&self, _: &str, _: &Desk, _: &[Reply]) -> Result<Step<Value>, Error> {
        Err(Error::NotFound("call"))
    }
}
