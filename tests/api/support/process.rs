//! The real binary as a process: started on free ports with files of its own, killed, stopped, started again.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use croupier::simulate::{Params, sign};
use serde_json::{Value, json};

use crate::raw::{self, Answer, Request};
use crate::support::database::TestDatabase;

pub const SITE: i64 = 332;
pub const SALT: &str = "a salt of the process tests, long enough";
pub const KEY: &str = "a-key-of-the-process-tests-0123456789";
const BINARY: &str = env!("CARGO_BIN_EXE_croupier");
const PATIENCE: Duration = Duration::from_secs(60);

/// What a service is started with.
#[derive(Debug, Clone)]
pub struct Setup {
    pub payout_url: String,
    /// More lines of `[sites.demo.carouseller]`.
    pub carouseller: String,
    /// More lines of `[sites.demo.payouts]`.
    pub payouts: String,
    /// The list of salts, as it is written.
    pub salts: String,
    pub log: &'static str,
    /// More sections.
    pub more: String,
}

impl Default for Setup {
    fn default() -> Self {
        let nobody = "http://127.0.0.1:9/".to_owned();
        let (salts, payouts) = (format!("\"{SALT}\""), "approval = \"auto\"".to_owned());
        Self { payout_url: nobody, carouseller: String::new(), payouts, salts, log: "info", more: String::new() }
    }
}

/// A service with its directory: the process may come and go.
pub struct Service {
    directory: tempfile::TempDir,
    database: TestDatabase,
    setup: Setup,
    running: Option<Running>,
    log: Arc<Mutex<String>>,
}

struct Running {
    child: Child,
    public: SocketAddr,
    private: SocketAddr,
    reader: JoinHandle<()>,
    ready: Receiver<(SocketAddr, SocketAddr)>,
}

impl Service {
    /// Prepares the files; starts nothing.
    pub fn new(setup: Setup) -> Self {
        let directory = tempfile::tempdir().expect("a directory for a test");
        let database = TestDatabase::create(directory.path());
        let service = Self { directory, database, setup, running: None, log: Arc::default() };
        service.write_settings(&service.database.url());
        service
    }

    /// Prepares the files of another instance on the same database; starts nothing.
    pub fn beside(&self) -> Self {
        let directory = tempfile::tempdir().expect("a directory for a test");
        let (database, setup) = (self.database.shared(), self.setup.clone());
        let service = Self { directory, database, setup, running: None, log: Arc::default() };
        service.write_settings(&service.database.url());
        service
    }

    /// Prepares the files and starts.
    pub fn started(setup: Setup) -> Self {
        let mut service = Self::new(setup);
        service.start();
        service
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    pub fn settings(&self) -> PathBuf {
        self.directory().join("Settings.toml")
    }

    /// Writes the settings anew, for the database at this address.
    pub fn write_settings(&self, url: &str) {
        let Setup { payout_url, carouseller, payouts, salts, more, .. } = &self.setup;
        let state = self.directory().display();
        let text = format!(
            r#"[server]
public_bind = "127.0.0.1:0"
private_bind = "127.0.0.1:0"
state_dir = "{state}"
[database]
url = "{url}"
[wallet]
api_keys = {{ game_server = "{KEY}" }}
[sites.demo]
site_id = {SITE}
currencies = ["USD", "EUR"]
[sites.demo.carouseller]
salts = [{salts}]
payout_url = "{payout_url}"
{carouseller}
[sites.demo.payouts]
{payouts}
{more}
"#
        );
        fs::write(self.settings(), text).expect("settings can be written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(self.settings(), fs::Permissions::from_mode(0o600)).expect("settings can be hidden");
        }
    }

    pub fn change(&mut self, change: impl FnOnce(&mut Setup)) {
        change(&mut self.setup);
        self.write_settings(&self.database.url());
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.directory()).env("RUST_LOG", self.setup.log).stdin(Stdio::null());
        command
    }

    /// Starts the process and does not wait for it.
    pub fn spawn(&mut self) {
        let mut command = self.command(BINARY);
        command.arg("serve");
        self.spawn_as(command);
    }

    /// Starts `serve` through a shell line in which `"$@"` stands for it, as with a limit set before.
    pub fn spawn_in_shell(&mut self, line: &str) {
        let mut command = self.command("sh");
        command.args(["-c", line, "sh", BINARY, "serve"]);
        self.spawn_as(command);
    }

    fn spawn_as(&mut self, mut command: Command) {
        assert!(self.running.is_none(), "one process at a time");
        command.arg("--settings").arg(self.settings());
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary can be started");
        let output = child.stderr.take().expect("stderr is piped");
        let log = self.log.clone();
        let (told, ready) = channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                if let Some(addresses) = addresses(&line) {
                    let _the_test_may_not_wait = told.send(addresses);
                }
                let mut log = log.lock().expect("nobody panics while logging");
                log.push_str(&line);
                log.push('\n');
            }
        });
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        self.running = Some(Running { child, public: nowhere, private: nowhere, reader, ready });
    }

    /// Waits until the listeners are there. `false` when the process ended instead.
    pub fn wait_for_listeners(&mut self) -> bool {
        let running = self.running.as_mut().expect("it was started");
        match running.ready.recv_timeout(PATIENCE) {
            Ok((public, private)) => {
                (running.public, running.private) = (public, private);
                true
            }
            Err(_) => false,
        }
    }

    /// Starts and waits until it is ready.
    pub fn start(&mut self) {
        self.spawn();
        self.wait_until_ready();
    }

    pub fn wait_until_ready(&mut self) {
        assert!(self.wait_for_listeners(), "it did not start:\n{}", self.log());
        let ready = raw::once(self.private(), &get("/readyz")).expect("readyz answers");
        assert_eq!(ready.status, 200, "not ready: {}\n{}", ready.shown(), self.log());
    }

    /// Starts what must refuse to: its exit code, and what it said meanwhile.
    pub fn start_refused(&mut self) -> (Option<i32>, String) {
        let before = self.log().len();
        self.spawn();
        assert!(!self.wait_for_listeners(), "it started");
        let code = self.wait_for_end();
        (code, self.log()[before..].to_owned())
    }

    pub fn public(&self) -> SocketAddr {
        self.running.as_ref().expect("it runs").public
    }

    pub fn private(&self) -> SocketAddr {
        self.running.as_ref().expect("it runs").private
    }

    pub fn pid(&self) -> u32 {
        self.running.as_ref().expect("it runs").child.id()
    }

    /// SIGKILL. Returns whether it hit a living process.
    pub fn kill(&mut self) -> bool {
        let Some(mut running) = self.running.take() else { return false };
        let alive = running.child.try_wait().expect("a child can be asked").is_none();
        running.child.kill().expect("a child can be killed");
        running.child.wait().expect("a killed child ends");
        running.reader.join().expect("the log is read to its end");
        alive
    }

    /// SIGTERM. Returns the exit code and how long the process took.
    pub fn stop(&mut self) -> (Option<i32>, Duration) {
        let started = Instant::now();
        self.signal("TERM");
        let code = self.wait_for_end();
        (code, started.elapsed())
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status();
        assert!(sent.expect("kill can be run").success(), "the signal was sent");
    }

    /// Waits for the process to end by itself.
    pub fn wait_for_end(&mut self) -> Option<i32> {
        let mut running = self.running.take().expect("it runs");
        // The log ends when the process does, so this waits for both.
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = running.child.try_wait().expect("a child can be asked") {
                running.reader.join().expect("the log is read to its end");
                return status.code();
            }
            assert!(Instant::now() < deadline, "it did not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Everything all processes have logged.
    pub fn log(&self) -> String {
        self.log.lock().expect("nobody panics while logging").clone()
    }

    /// Runs another command of the binary on the same settings.
    pub fn cli(&self, args: &[&str]) -> Output {
        let mut command = self.command(BINARY);
        command.args(args).arg("--settings").arg(self.settings());
        command.output().expect("the binary can be run")
    }

    /// What `ledger verify --json` says.
    pub fn verify(&self) -> Value {
        let output = self.cli(&["ledger", "verify", "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("a report in JSON");
        assert_eq!(report["ok"] == true, output.status.code() == Some(0), "exit code and report agree");
        report
    }

    /// Creates a player and gives them money.
    pub fn player(&self, login: &str, amount: i64) {
        let put = wallet("PUT", login, "", &json!({"country": "LV"}));
        let put = raw::once(self.private(), &put).expect("an answer");
        assert!(matches!(put.status, 200 | 201), "{}", put.shown());
        if amount > 0 {
            let bonus = raw::once(self.private(), &play(login, "bonus", amount, "seed")).expect("an answer");
            assert!(matches!(bonus.status, 200 | 201), "{}", bonus.shown());
        }
    }

    /// Available and held US dollars.
    pub fn balance(&self, login: &str) -> (i64, i64) {
        let answer = raw::once(self.private(), &wallet("GET", login, "", &Value::Null)).expect("an answer");
        let balances = answer.json()["balances"].as_array().cloned().unwrap_or_default();
        let dollars = balances.iter().find(|one| one["currency"] == "USD");
        let dollars = dollars.unwrap_or_else(|| panic!("no dollars in {}", answer.shown()));
        (dollars["available"].as_i64().expect("an integer"), dollars["held"].as_i64().expect("an integer"))
    }

    /// Asks on the public side.
    pub fn ask(&self, request: &Request) -> Answer {
        raw::once(self.public(), request).expect("an answer")
    }

    /// Asks for a payout that must be accepted; its id.
    pub fn payout(&self, login: &str, amount: i64, transaction: u64) -> String {
        let answer = self.ask(&question("request_payout", login, amount, transaction));
        assert_eq!(answer.code(), Some(50), "{}", answer.shown());
        answer.json()["external_id"].as_str().expect("an id").to_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `public on http://A, private on http://B` at the end of a line.
fn addresses(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let (_, rest) = line.split_once("public on http://")?;
    let (public, private) = rest.split_once(", private on http://")?;
    Some((public.parse().ok()?, private.trim().parse().ok()?))
}

pub fn get(path: &str) -> Request {
    Request { method: "GET", path: path.to_owned(), headers: Vec::new(), body: String::new() }
}

/// A request of the game server about a player.
pub fn wallet(method: &'static str, login: &str, more: &str, body: &Value) -> Request {
    let path = format!("/wallet/v1/sites/{SITE}/players/{login}{more}");
    let headers = vec![("authorization", format!("Bearer {KEY}")), ("content-type", "application/json".to_owned())];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    Request { method, path, headers, body }
}

/// A movement of play; the reference is the key too.
pub fn play(login: &str, kind: &str, amount: i64, reference: &str) -> Request {
    let body = json!({"kind": kind, "amount": amount, "currency": "USD", "reference": reference});
    let mut request = wallet("POST", login, "/transactions", &body);
    request.headers.push(("idempotency-key", format!("{login}-{reference}")));
    request
}

/// A signed question of the Cashier.
pub fn question(action: &str, login: &str, amount: i64, transaction: u64) -> Request {
    let own = if action == "request_payout" { "remember_customer_purse" } else { "source_type" };
    signed(
        "/cashier/callback/carouseller",
        &json!({"action": action, own: 0, "site_id": SITE, "site_login": login, "amount": amount, "currency": "USD",
            "payment_group_id": 6, "payment_type_id": 18, "customer_purse": "555555...4444",
            "customer_ip": "127.0.0.1", "transaction_id": transaction.to_string()}),
    )
}

/// The parameters of a notification.
pub fn notice(external_id: &str, login: &str, amount: i64, type_and_status: (i64, i64), transaction: u64) -> Value {
    let (type_id, status_id) = type_and_status;
    json!({"site_id": SITE, "amount": amount, "currency": "USD", "real_amount": amount, "real_currency": "USD",
        "extended_info_enabled": 0, "processor_id": "89151432", "processor_message": "as the processor says",
        "customer_purse": "555555...4444", "completed_at": "2026-02-12T15:19:21+00:00", "site_login": login,
        "payment_group_id": 6, "display_payment_group_id": 6, "payment_type_id": 18, "customer_ip": "127.0.0.1",
        "source_type": 4, "type_id": type_id, "status_id": status_id, "transaction_id": transaction,
        "external_id": external_id})
}

/// A signed notification.
pub fn notification(external_id: &str, login: &str, amount: i64, type_and_status: (i64, i64), tx: u64) -> Request {
    signed("/cashier/webhook/carouseller", &notice(external_id, login, amount, type_and_status, tx))
}

/// A signed message to the public side.
pub fn signed(path: &str, params: &Value) -> Request {
    let params: &Params = params.as_object().expect("parameters are an object");
    let body = Value::Object(sign::signed(params, SALT)).to_string();
    let headers = vec![("content-type", "application/json".to_owned())];
    Request { method: "POST", path: path.to_owned(), headers, body }
}
