//! The service as a test has it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use croupier::api;
use croupier::app::Application;
use croupier::db;
use croupier::inquiries::Asker;
use croupier::outgoing::Outgoing;
use croupier::payouts::worker::Worker;
use croupier::settings::Settings;
use croupier::simulate::Brand;
use croupier::simulate::caller::Caller;
use croupier::simulate::meter::Meter;
use croupier::simulate::server::{Behaviour, CashierServer};
use croupier::state::State;
use croupier::verify;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::database::TestDatabase;
use super::wire::Wallet;

/// The site of most tests.
pub const SITE: i64 = 332;
/// Its salt.
pub const SALT: &str = "a salt for the demo site of tests";
/// The game server's key.
pub const WALLET_KEY: &str = "a-key-of-the-game-server-in-tests";
/// What seals the details of payouts.
pub const VAULT: &str = "\n[vault]\nkeys = [\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\"]\n";
/// How long anything may take before the test gives up on it. Far more than it takes, so that a slow machine is no failure.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running service, its database, and the Cashier that takes its initiations.
pub struct TestApp {
    /// Base address of the public listener.
    pub public: String,
    /// Base address of the private listener.
    pub private: String,
    /// What handlers see.
    pub state: State,
    /// The worker, for tests that drive it step by step. The service has another one running unless nothing is due.
    pub worker: Worker,
    /// Takes payout initiations, and answers them as the test says.
    pub cashier: CashierServer,
    /// Signs and calls as the Cashier does.
    pub caller: Caller,
    home: Arc<Home>,
    settings: String,
    service: Option<Service>,
    checked: AtomicBool,
}

/// What stays when a service stops.
pub struct Home {
    /// Where the settings, the marks, and the database when it is a file are.
    pub directory: TempDir,
    /// Its database.
    pub database: TestDatabase,
}

impl Home {
    fn new(database: impl FnOnce(&Path) -> TestDatabase) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let database = database(directory.path());
        Self { directory, database }
    }

    /// Where the files are.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A copy of a stopped service's home, with settings that point into it.
    pub fn copy(&self, settings: &str) -> Self {
        let directory = TempDir::new().expect("a directory");
        for entry in std::fs::read_dir(self.path()).expect("the directory") {
            let entry = entry.expect("an entry");
            std::fs::copy(entry.path(), directory.path().join(entry.file_name())).expect("a copy");
        }
        let database = self.database.copy(directory.path());
        let settings = settings.replace(&self.database.url(), &database.url());
        let settings = settings.replace(&self.path().display().to_string(), &directory.path().display().to_string());
        write_settings(directory.path(), &settings);
        Self { directory, database }
    }
}

/// How long a quiet service waits for a provider: far more than one takes that answers at all.
const SHORT: Duration = Duration::from_secs(3);

/// What a service does.
enum Mode {
    /// Everything, as in production.
    Whole,
    /// It only serves, at this public listener.
    Quiet(TcpListener),
}

struct Service {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl TestApp {
    /// A service with one site, automatic approval and no limits.
    pub async fn spawn() -> Self {
        Self::with(|settings| settings).await
    }

    /// A service with other settings: `change` gets the text of [`TestApp::spawn`]'s and gives the text to use. See [`set`].
    pub async fn with(change: impl FnOnce(String) -> String) -> Self {
        Self::at(TestDatabase::create, change).await
    }

    /// A service with other settings and a database of the test's choice.
    pub async fn at(database: impl FnOnce(&Path) -> TestDatabase, change: impl FnOnce(String) -> String) -> Self {
        let home = Arc::new(Home::new(database));
        let here = ([127, 0, 0, 1], 0).into();
        let cashier = CashierServer::start(here, Brand::new(SITE, SALT), |_| Behaviour::Accept).await;
        let cashier = cashier.expect("a free port for the Cashier");
        let plain = plain_settings(home.path(), &cashier.payout_url(), &cashier.authlink_url());
        let plain = set(&plain, "database", "url", &format!("\"{}\"", home.database.url()));
        Self::start(home, change(plain), cashier, Mode::Whole).await
    }

    /// A service that does nothing by itself: it serves, and the test takes the steps of [`TestApp::worker`] and of `state.asker`.
    /// Providers are waited for only shortly. `change` gets the text of [`TestApp::spawn`]'s settings and the public address.
    pub async fn quiet(change: impl FnOnce(String, &str) -> String) -> Self {
        let home = Arc::new(Home::new(TestDatabase::create));
        let here = ([127, 0, 0, 1], 0).into();
        let listener = api::bind(here).expect("a free port");
        let public = format!("http://{}", listener.local_addr().expect("an address"));
        let cashier = CashierServer::start(here, Brand::new(SITE, SALT), |_| Behaviour::Accept).await;
        let cashier = cashier.expect("a free port for the Cashier");
        let plain = plain_settings(home.path(), &cashier.payout_url(), &cashier.authlink_url());
        let plain = set(&plain, "database", "url", &format!("\"{}\"", home.database.url()));
        Self::start(home, change(plain, &public), cashier, Mode::Quiet(listener)).await
    }

    /// Another instance on the same database, with a state directory of its own. Its payouts go to the Cashier of this one.
    pub async fn beside(&self) -> Self {
        let home = Home::new(|_| self.home.database.shared());
        let settings =
            self.settings.replace(&self.directory().display().to_string(), &home.path().display().to_string());
        let here = ([127, 0, 0, 1], 0).into();
        let nobody = CashierServer::start(here, Brand::new(SITE, SALT), |_| Behaviour::Accept).await;
        Self::start(Arc::new(home), settings, nobody.expect("a free port"), Mode::Whole).await
    }

    async fn start(home: Arc<Home>, settings: String, cashier: CashierServer, mode: Mode) -> Self {
        let parsed = Settings::from_text(&settings).unwrap_or_else(|problems| panic!("settings: {problems:?}"));
        let (started, start) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let app = match Application::build(parsed).await {
                    Ok(app) => app,
                    Err(error) => panic!("the service does not start: {error}"),
                };
                let stop = async {
                    let _either_way_we_stop = stopped.await;
                };
                match mode {
                    Mode::Whole => {
                        let (state, worker) = (app.state().clone(), app.worker().clone());
                        let told = (app.public_address(), app.private_address(), state, worker);
                        let _the_test_may_be_gone = started.send(told);
                        app.run(stop).await.expect("the service runs");
                    }
                    Mode::Quiet(public) => {
                        let private = api::bind(([127, 0, 0, 1], 0).into()).expect("a free port");
                        let (state, worker) = quietly(&app);
                        let addresses = [&public, &private].map(|one| one.local_addr().expect("an address"));
                        let told = (addresses[0], addresses[1], state.clone(), worker);
                        let _the_test_may_be_gone = started.send(told);
                        api::serve(public, private, state, stop).await.expect("the service serves");
                        app.state().db.close();
                    }
                }
            });
        });
        let (public, private, state, worker) = start.await.expect("the service starts");
        let (public, private) = (format!("http://{public}"), format!("http://{private}"));
        let caller = Caller::new(&public, Brand::new(SITE, SALT), Arc::new(Meter::default()));
        let service = Some(Service { stop, thread });
        let checked = AtomicBool::new(true);
        Self { public, private, state, worker, cashier, caller, home, settings, service, checked }
    }

    /// Stops the service in order and starts it again on the same files; the Cashier stays.
    pub async fn restart(self) -> Self {
        self.restart_with(|settings| settings).await
    }

    /// Stops the service in order and starts it again on the same files with other settings.
    pub async fn restart_with(self, change: impl FnOnce(String) -> String) -> Self {
        let (home, settings, cashier) = self.stop().await;
        Self::start(home, change(settings), cashier, Mode::Whole).await
    }

    /// Stops the service in order, changes the database by hand, and starts it again.
    pub async fn restart_after(self, change: impl FnOnce(&mut db::DbConn)) -> Self {
        let (home, settings, cashier) = self.stop().await;
        change(&mut home.database.connect());
        Self::start(home, settings, cashier, Mode::Whole).await
    }

    /// Stops the service in order. Gives back what stays, the text of the settings, and the Cashier.
    pub async fn stop(mut self) -> (Arc<Home>, String, CashierServer) {
        let service = self.service.take().expect("it runs");
        let _it_may_have_ended = service.stop.send(());
        // Idle connections of the caller end with it; nothing is left that an orderly stop would wait for.
        let joined = tokio::task::spawn_blocking(move || service.thread.join()).await;
        joined.expect("the thread can be joined").expect("the service ends in order");
        self.check_books();
        self.checked.store(false, Ordering::Relaxed);
        let here = ([127, 0, 0, 1], 0).into();
        let nobody = CashierServer::start(here, Brand::new(SITE, SALT), |_| Behaviour::Accept).await;
        let cashier = std::mem::replace(&mut self.cashier, nobody.expect("a free port"));
        (self.home.clone(), self.settings.clone(), cashier)
    }

    /// Every invariant of the books holds. The end of the test checks it again.
    pub async fn holds(&self) {
        let check = move |conn: &mut db::DbConn| verify::verify(conn, |_| ());
        let report = self.state.db.read(check).await.expect("the books can be read");
        assert_eq!(report.problems, Vec::<String>::new());
    }

    /// The database.
    pub fn database(&self) -> &TestDatabase {
        &self.home.database
    }

    /// Where the settings, the marks, and the database when it is a file are.
    pub fn directory(&self) -> &Path {
        self.home.path()
    }

    /// The text of the settings in force.
    pub fn settings_text(&self) -> &str {
        &self.settings
    }

    /// Writes the settings in force to a file, for commands that run beside the service.
    pub fn settings_file(&self) -> PathBuf {
        write_settings(self.directory(), &self.settings)
    }

    /// The game server's client.
    pub fn wallet(&self) -> Wallet {
        Wallet::new(&self.private, SITE, WALLET_KEY)
    }

    /// Reads from the database as the service does, everything that was answered before included.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut db::DbConn) -> diesel::QueryResult<T> + Send + 'static,
    ) -> T {
        self.state.db.settle().await;
        self.state.db.read(move |conn| Ok(work(conn)?)).await.expect("a read")
    }

    fn check_books(&self) {
        let mut conn = self.database().connect_read_only();
        let report = verify::verify(&mut conn, |_| ()).expect("a readable database");
        assert_eq!(report.problems, Vec::<String>::new(), "the books hold when the test ends");
    }
}

/// What handlers see, and the worker, of a service that waits for providers only shortly.
fn quietly(app: &Application) -> (State, Worker) {
    let outgoing = Outgoing::with_timeouts(SHORT, SHORT).expect("a client");
    let mut state = app.state().clone();
    let (db, settings, metrics) = (state.db.clone(), state.settings.clone(), state.metrics.clone());
    state.asker = Asker::new(db.clone(), settings.clone(), outgoing.clone(), metrics.clone());
    state.outgoing = outgoing.clone();
    let worker = Worker::new(db, settings, outgoing, metrics, app.me().clone());
    (state, worker)
}

impl Drop for TestApp {
    /// The books are checked beside the running service; a test that fails already is not made to fail twice.
    fn drop(&mut self) {
        if !std::thread::panicking() && self.checked.load(Ordering::Relaxed) {
            self.check_books();
        }
        if let Some(service) = self.service.take() {
            let _it_may_have_ended = service.stop.send(());
        }
    }
}

/// Writes settings as only their owner may read them.
pub fn write_settings(directory: &Path, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let file = directory.join("Settings.toml");
    std::fs::write(&file, text).expect("the settings can be written");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("permissions can be set");
    file
}

/// The settings of [`TestApp::spawn`], with a file in `directory` for the database.
pub fn plain_settings(directory: &Path, payout_url: &str, authlink_url: &str) -> String {
    let directory = directory.display();
    format!(
        r#"[server]
public_bind = "127.0.0.1:0"
private_bind = "127.0.0.1:0"
state_dir = "{directory}"

[database]
url = "sqlite://{directory}/croupier.db"

[wallet]
api_keys = {{ game_server = "{WALLET_KEY}" }}

[sites.demo]
site_id = {SITE}
currencies = ["USD", "EUR", "JPY", "KWD"]

[sites.demo.carouseller]
salts = ["{SALT}"]
payout_url = "{payout_url}"
authlink_url = "{authlink_url}"

[sites.demo.payouts]
approval = "auto"
"#
    )
}

/// The text of settings with `key = value` in `[section]`, in the place of an earlier one. `value` is TOML: strings in quotation marks.
pub fn set(settings: &str, section: &str, key: &str, value: &str) -> String {
    let header = format!("[{section}]");
    let mut lines: Vec<String> = settings.lines().map(str::to_owned).collect();
    let Some(start) = lines.iter().position(|line| *line == header) else {
        return format!("{settings}\n{header}\n{key} = {value}\n");
    };
    let end =
        lines.iter().skip(start + 1).position(|line| line.starts_with('[')).map_or(lines.len(), |at| start + 1 + at);
    let is_key = |line: &String| line.split('=').next().is_some_and(|name| name.trim() == key);
    if let Some(at) = lines[start + 1..end].iter().position(is_key) {
        lines.remove(start + 1 + at);
    }
    lines.insert(start + 1, format!("{key} = {value}"));
    lines.join("\n") + "\n"
}
