//! The real service in this process: its listeners, its books in a file, and a worker for each row, so that a row chooses how long an
//! answer of the Cashier is waited for.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use croupier::app::{Application, State};
use croupier::clock;
use croupier::db::schema::{payout_attempts, payouts, reviews};
use croupier::ids::{ExternalId, SiteId};
use croupier::outgoing::Outgoing;
use croupier::payouts::approve::{self, By, Ending};
use croupier::payouts::worker::Worker;
use croupier::settings::Settings;
use croupier::simulate::book::Account;
use croupier::{api, verify};
use diesel::prelude::*;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::fault::Fault;
use crate::options::Failure;

const KEY: &str = "a-key-of-the-network-campaign-0123456789";
/// The first site; each fault has one of its own.
const FIRST_SITE: i64 = 400;
/// How long payouts may take to come to rest. A machine that is busy with other things is slow, not wrong.
const REST: Duration = Duration::from_secs(600);

/// A fault's site at the Cashier.
#[derive(Debug, Clone)]
pub struct Site {
    pub id: i64,
    pub salt: String,
}

impl Site {
    pub fn of(fault: Fault) -> Self {
        let number = Fault::all().iter().position(|one| *one == fault).unwrap_or(0);
        let id = FIRST_SITE + i64::try_from(number).unwrap_or(0);
        Self { id, salt: format!("a salt of the network campaign for site {id}") }
    }
}

/// Where a payout stands in the service's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    pub status: i64,
    pub stage: String,
    /// What its attempts came to, oldest first; an open one is `open`.
    pub attempts: Vec<String>,
    /// Reviews that are open.
    pub reviews: usize,
}

/// A running service.
pub struct Service {
    app: Application,
    pub public: SocketAddr,
    private: SocketAddr,
    stop: watch::Sender<bool>,
    served: JoinHandle<std::io::Result<()>>,
    http: reqwest::Client,
    _home: tempfile::TempDir,
}

impl Service {
    /// Starts with these sites, each with the address its payouts go to.
    pub async fn start(sites: &[(Site, SocketAddr)]) -> Result<Self, Failure> {
        let home = tempfile::Builder::new().prefix("network-").tempdir().map_err(|error| error.to_string())?;
        let file = home.path().join("Settings.toml");
        let written = fs::write(&file, settings(&home.path().display().to_string(), sites))
            .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o600)));
        written.map_err(|error| format!("{}: {error}", file.display()))?;
        let settings = Settings::load_with_warnings(&file).map_err(|problems| format!("settings: {problems:?}"))?.0;
        let app = Application::build(settings).await.map_err(|error| error.to_string())?;
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let listen = || api::bind(here).map_err(|error| format!("no free port: {error}"));
        let address = |listener: &std::net::TcpListener| listener.local_addr().map_err(|error| error.to_string());
        let (public, private) = (listen()?, listen()?);
        let addresses = (address(&public)?, address(&private)?);
        let (stop, mut stopped) = watch::channel(false);
        let stopping = async move {
            let _gone_is_stopped_too = stopped.wait_for(|stop| *stop).await;
        };
        let served = tokio::spawn(api::serve(public, private, app.state().clone(), stopping));
        // This package leaves the choice of a TLS library to the program.
        let _it_may_be_chosen = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().map_err(|error| error.to_string())?;
        Ok(Self { app, public: addresses.0, private: addresses.1, stop, served, http, _home: home })
    }

    fn state(&self) -> &State {
        self.app.state()
    }

    /// Sends payouts until the returned worker is stopped; answers are waited for so long.
    pub fn send(&self, patience: Option<Duration>) -> Result<Sending, Failure> {
        let outgoing = match patience {
            Some(patience) => Outgoing::with_timeouts(Duration::from_secs(5), patience),
            None => Outgoing::new(),
        }?;
        let state = self.state();
        let (db, settings, metrics) = (state.db.clone(), state.settings.clone(), state.metrics.clone());
        let worker = Worker::new(db, settings, outgoing, metrics, self.app.me().clone());
        let (stop, stopped) = watch::channel(false);
        Ok(Sending { stop, task: tokio::spawn(worker.run(state.outbox.clone(), stopped)) })
    }

    async fn wallet(
        &self,
        method: reqwest::Method,
        path: &str,
        key: Option<&str>,
        body: &Value,
    ) -> Result<Value, Failure> {
        let mut request =
            self.http.request(method, format!("http://{}/wallet/v1{path}", self.private)).bearer_auth(KEY);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.map_err(|error| format!("{path}: {error}"))?;
        let (status, text) = (answer.status(), answer.bytes().await.map_err(|error| error.to_string())?);
        if !status.is_success() {
            return Err(format!("{path}: {status} {}", String::from_utf8_lossy(&text)));
        }
        serde_json::from_slice(&text).map_err(|error| format!("{path}: {error}"))
    }

    /// Makes a player with so much money.
    pub async fn player(&self, site: &Site, login: &str, money: i64) -> Result<(), Failure> {
        let path = format!("/sites/{}/players/{login}", site.id);
        self.wallet(reqwest::Method::PUT, &path, None, &json!({"country": "LV"})).await?;
        let bonus = json!({"kind": "bonus", "amount": money, "currency": "USD", "reference": "seed"});
        let key = format!("seed-{}-{login}", site.id);
        self.wallet(reqwest::Method::POST, &format!("{path}/transactions"), Some(&key), &bonus).await.map(|_| ())
    }

    /// Available and held, as the game server is told.
    pub async fn balance(&self, site: &Site, (login, currency): &Account) -> Result<(i64, i64), Failure> {
        let path = format!("/sites/{}/players/{login}", site.id);
        let player = self.wallet(reqwest::Method::GET, &path, None, &Value::Null).await?;
        let balances = player["balances"].as_array().cloned().unwrap_or_default();
        let balance = balances.iter().find(|balance| balance["currency"] == currency.as_str());
        let number = |name: &str| balance.and_then(|balance| balance[name].as_i64());
        number("available").zip(number("held")).ok_or_else(|| format!("{path}: no balance in {player}"))
    }

    /// Payouts of a site by their order, as the books have them.
    pub async fn payouts(&self, site: &Site) -> Result<BTreeMap<String, Standing>, Failure> {
        let site = site.id;
        let read = self.state().db.read(move |conn| {
            let of_site = payouts::table.filter(payouts::site_id.eq(site));
            let rows: Vec<(String, i64, String)> =
                of_site.select((payouts::external_id, payouts::status, payouts::stage)).load(conn)?;
            let mut all: BTreeMap<String, Standing> = BTreeMap::new();
            for (id, status, stage) in rows {
                all.insert(id, Standing { status, stage, ..Standing::default() });
            }
            let ours = payout_attempts::table
                .inner_join(payouts::table.on(payouts::external_id.eq(payout_attempts::external_id)));
            let ours = ours.filter(payouts::site_id.eq(site));
            let attempts: Vec<(String, Option<String>)> = ours
                .order((payout_attempts::external_id, payout_attempts::number))
                .select((payout_attempts::external_id, payout_attempts::outcome))
                .load(conn)?;
            for (id, outcome) in attempts {
                all.entry(id).or_default().attempts.push(outcome.unwrap_or_else(|| "open".to_owned()));
            }
            let open = reviews::table.filter(reviews::site_id.eq(site)).filter(reviews::closed_at.is_null());
            let open: Vec<Option<String>> = open.select(reviews::external_id).load(conn)?;
            for id in open.into_iter().flatten() {
                all.entry(id).or_default().reviews += 1;
            }
            Ok(all)
        });
        read.await.map_err(|error| error.to_string())
    }

    /// Waits until every payout of a site satisfies `done`, and gives all of them back, however they stand when time is up.
    pub async fn wait_for(
        &self,
        site: &Site,
        done: impl Fn(&Standing) -> bool,
    ) -> Result<BTreeMap<String, Standing>, Failure> {
        let deadline = Instant::now() + REST;
        loop {
            let all = self.payouts(site).await?;
            if all.values().all(&done) || Instant::now() > deadline {
                return Ok(all);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A person says how a payout of unknown outcome ended.
    pub async fn resolve(&self, site: &Site, id: &str, paid: bool) -> Result<(), Failure> {
        let ending = if paid { Ending::Succeeded } else { Ending::Failed };
        let site = self.state().site(SiteId(site.id)).ok_or("the site is not there")?.clone();
        let id = ExternalId::parse(id).map_err(|error| error.to_string())?;
        let by = By { actor: "judge", reason: "the Cashier's own list says so" };
        let order = id.clone();
        let resolved = self
            .state()
            .db
            .write(&order, move |tx| approve::resolve(tx, &site, &id, ending, by, clock::now()).map(|_| ()));
        resolved.await.map_err(|error| format!("payout {} cannot be resolved: {error}", order.as_str()))
    }

    /// What the service's own check of all its books finds.
    pub async fn verify(&self) -> Result<Vec<String>, Failure> {
        let report = self.state().db.read(|conn| verify::verify(conn, |_| ())).await;
        Ok(report.map_err(|error| error.to_string())?.problems)
    }

    /// Stops in order.
    pub async fn stop(self) -> Result<(), Failure> {
        self.stop.send_replace(true);
        let ended = self.served.await.map_err(|error| error.to_string())?;
        self.app.state().db.close();
        ended.map_err(|error| error.to_string())
    }
}

/// A worker that runs.
#[derive(Debug)]
pub struct Sending {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Sending {
    /// Takes no more on and waits for what is under way.
    pub async fn end(self) -> Result<(), Failure> {
        self.stop.send_replace(true);
        self.task.await.map_err(|error| format!("the worker: {error}"))
    }

    /// Lets everything go that is under way, as the end of the process would.
    pub fn abort(self) {
        self.task.abort();
    }
}

fn settings(home: &str, sites: &[(Site, SocketAddr)]) -> String {
    let mut text = format!(
        r#"[server]
public_bind = "127.0.0.1:0"
private_bind = "127.0.0.1:0"
state_dir = "{home}"
[database]
url = "sqlite://{home}/croupier.db"
[wallet]
api_keys = {{ game_server = "{KEY}" }}
"#
    );
    for (Site { id, salt }, to) in sites {
        text.push_str(&format!(
            r#"[sites.fault{id}]
site_id = {id}
currencies = ["USD"]
[sites.fault{id}.carouseller]
salts = ["{salt}"]
payout_url = "http://{to}/api/payout/"
[sites.fault{id}.payouts]
approval = "auto"
"#
        ));
    }
    text
}
