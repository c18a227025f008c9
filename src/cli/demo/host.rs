//! croupier itself as the demo needs it: started on free ports, checked, stopped. The only file of the simulator's side
//! that touches the service.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::app::Application;
use crate::clock;
use crate::db::{self, DbConn, Scope};
use crate::deposits;
use crate::orders::Status;
use crate::payouts;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::simulate::book::End;
use crate::simulate::demo::{LedgerCheck, Records};
use crate::staff::passwords::{self, Hashed};
use crate::staff::{CLI, Role, accounts};
use crate::verify;

const STAFF: &str = "demo";

/// A running service with its throw-away database.
pub(super) struct Host {
    database: PathBuf,
    wallet_key: Secret,
    running: Running,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<std::io::Result<()>>,
}

/// What is known once the service is up.
struct Running {
    public: String,
    private: String,
    staff_token: Secret,
    staff_password: Secret,
}

impl Host {
    /// Writes settings into the directory and starts the service. `account`: the sections of the site `demo` that lead to its provider.
    /// The environment does not count: a demo must never reach a real database.
    pub(super) async fn start(directory: &Path, account: &str) -> Result<Self, String> {
        let wallet_key = Secret::new(super::random_hex()?);
        let database = directory.join("croupier.db");
        let text = settings(directory, &database, account, &wallet_key);
        write_private(&directory.join("Settings.toml"), &text)?;
        let settings = Settings::from_text(&text).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            format!("the demo's own settings are not right: {}", lines.join("; "))
        })?;
        let (stop, stopped) = oneshot::channel();
        let (up, is_up) = oneshot::channel();
        let thread = std::thread::spawn(move || actix_web::rt::System::new().block_on(serve(settings, up, stopped)));
        let running = is_up.await.map_err(|_| "the service ended at once".to_owned())??;
        Ok(Self { database, wallet_key, running, stop, thread })
    }

    /// Base address of the public listener.
    pub(super) fn public(&self) -> &str {
        &self.running.public
    }

    /// Base address of the private listener.
    pub(super) fn private(&self) -> &str {
        &self.running.private
    }

    pub(super) fn wallet_key(&self) -> &Secret {
        &self.wallet_key
    }

    pub(super) fn staff_name(&self) -> &'static str {
        STAFF
    }

    pub(super) fn staff_password(&self) -> &Secret {
        &self.running.staff_password
    }

    pub(super) fn staff_token(&self) -> &Secret {
        &self.running.staff_token
    }

    /// Checks every invariant of the ledger, beside the running service.
    pub(super) async fn verify(&self) -> Result<LedgerCheck, String> {
        let database = self.database.clone();
        let checked = tokio::task::spawn_blocking(move || {
            let mut conn = db::connect_read_only(&database.into()).map_err(|error| error.to_string())?;
            verify::verify(&mut conn, |_| {}).map_err(|error| error.to_string())
        });
        let report = checked.await.map_err(|error| error.to_string())??;
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        Ok(LedgerCheck {
            entries: count(report.entries),
            postings: count(report.postings),
            players: count(report.players),
            problems: report.problems,
        })
    }

    /// Stops the service in order.
    pub(super) async fn stop(self) {
        let _it_may_have_ended = self.stop.send(());
        let ended = tokio::task::spawn_blocking(move || self.thread.join()).await;
        if !matches!(ended, Ok(Ok(Ok(())))) {
            log::error!("demo: the service did not end in order");
        }
    }
}

impl Records for Host {
    async fn ends(&self, external_ids: Vec<String>) -> Result<BTreeMap<String, (End, String)>, String> {
        let database = self.database.clone();
        let read = tokio::task::spawn_blocking(move || {
            let mut conn = db::connect_read_only(&database.into()).map_err(|error| error.to_string())?;
            let mut ends = BTreeMap::new();
            for external_id in external_ids {
                if let Some(code) = status_code(&mut conn, &external_id).map_err(|error| error.to_string())? {
                    let status = Status::from_code(code).map_err(|error| error.to_string())?;
                    ends.insert(external_id, (end(status), status.name().to_owned()));
                }
            }
            Ok(ends)
        });
        read.await.map_err(|error| error.to_string())?
    }
}

fn status_code(conn: &mut DbConn, external_id: &str) -> Result<Option<i64>, crate::error::Error> {
    match payouts::find(conn, external_id)? {
        Some(payout) => Ok(Some(payout.status)),
        None => Ok(deposits::find(conn, external_id)?.map(|deposit| deposit.status)),
    }
}

fn end(status: Status) -> End {
    match status {
        Status::Credited => End::Paid,
        Status::Failed | Status::Cancelled => End::Declined,
        Status::Created
        | Status::PendingPayment
        | Status::ProviderConfirmed
        | Status::CreditFailed
        | Status::Refunded
        | Status::Chargeback
        | Status::ManualReview => End::Open,
    }
}

/// The service's own thread: starts, makes a staff member, says where it is, serves until told to stop.
async fn serve(
    settings: Settings,
    up: oneshot::Sender<Result<Running, String>>,
    stopped: oneshot::Receiver<()>,
) -> std::io::Result<()> {
    let started = match Application::build(settings).await {
        Ok(app) => staff(&app).await.map(|(password, token)| (app, password, token)),
        Err(error) => Err(error.to_string()),
    };
    let (app, staff_password, staff_token) = match started {
        Ok(started) => started,
        Err(reason) => {
            let _nobody_waits = up.send(Err(reason));
            return Ok(());
        }
    };
    let public = format!("http://{}", app.public_address());
    let private = format!("http://{}", app.private_address());
    let _nobody_waits = up.send(Ok(Running { public, private, staff_token, staff_password }));
    app.run(async {
        let _either_way_we_stop = stopped.await;
    })
    .await
}

/// A back-office account with every right: its password and a token.
async fn staff(app: &Application) -> Result<(Secret, Secret), String> {
    let password = passwords::generate().map_err(|error| error.to_string())?;
    let hashed = Hashed::new(&password).map_err(|error| error.to_string())?;
    let made = app.state().db.write(Scope::Nobody, move |tx| {
        let at = clock::now();
        accounts::add(tx, CLI, STAFF, Role::Admin, &hashed, at)?;
        accounts::issue_token(tx, CLI, STAFF, at)
    });
    Ok((password, made.await.map_err(|error| error.to_string())?))
}

/// The public address in it is nobody's: the listener gets its port later, and simulated platforms are told.
fn settings(directory: &Path, database: &Path, account: &str, wallet_key: &Secret) -> String {
    // A JSON string is a TOML string: a directory may hold quotes and backslashes.
    let quoted = |text: String| serde_json::Value::String(text).to_string();
    format!(
        r#"[server]
public_bind = "127.0.0.1:0"
private_bind = "127.0.0.1:0"
public_url = "http://127.0.0.1:9"
state_dir = {directory}

[database]
url = {database}

[wallet]
api_keys = {{ game_server = "{key}" }}

[sites.demo]
site_id = {site_id}
currencies = ["USD", "EUR"]

{account}
[sites.demo.limits.USD]
deposit_min = 100
deposit_max = 1000000
payout_min = 100
payout_max = 100000000

[sites.demo.limits.EUR]
deposit_min = 100
deposit_max = 1000000
payout_min = 100
payout_max = 100000000

[sites.demo.payouts]
approval = "auto"
"#,
        directory = quoted(directory.display().to_string()),
        database = quoted(format!("sqlite://{}", database.display())),
        key = wallet_key.expose(),
        site_id = super::SITE_ID,
    )
}

fn write_private(file: &Path, text: &str) -> Result<(), String> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut open| std::io::Write::write_all(&mut open, text.as_bytes()));
    written.map_err(|error| format!("{}: {error}", file.display()))
}
