//! croupier itself as the demo needs it: started on free ports, checked, stopped. The only file of the simulator side
//! that touches the service.

use std::path::Path;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::app::{Application, State};
use crate::clock;
use crate::payouts::worker::deduplicates;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::simulate::Brand;
use crate::simulate::demo::LedgerCheck;
use crate::staff::{accounts, passwords, permissions::Role};
use crate::verify;

const STAFF_NAME: &str = "demo";

/// A running service with its throw-away database.
pub(super) struct Host {
    public: String,
    private: String,
    wallet_key: Secret,
    staff_token: Secret,
    staff_password: Secret,
    state: State,
    service: Service,
}

/// The thread that runs the service, and how to end it.
struct Service {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), String>>,
}

impl Host {
    /// Writes settings into the directory and starts the service.
    pub(super) async fn start(directory: &Path, brand: &Brand, payout_url: &str) -> Result<Self, String> {
        let wallet_key = Secret::new(super::random_hex()?);
        let file = directory.join("Settings.toml");
        write_private(&file, &settings(directory, brand, payout_url, &wallet_key))?;
        let (settings, _) = Settings::load_with_warnings(&file)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
        let (started, start) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let app = Application::build(settings).await.map_err(|error| error.to_string())?;
                let told = started.send((app.public_address(), app.private_address(), app.state().clone()));
                told.map_err(|_| "the demo ended before the service had started".to_owned())?;
                let stop = async {
                    let _the_demo_may_be_gone = stopped.await;
                };
                app.run(stop).await.map_err(|error| error.to_string())
            })
        });
        let (public, private, state) = match start.await {
            Ok(started) => started,
            Err(_) => return Err(ended(thread)),
        };
        let staff_password = Secret::new(super::random_hex()?);
        let staff_token = add_staff(&state, &staff_password).await?;
        let (public, private) = (format!("http://{public}"), format!("http://{private}"));
        let service = Service { stop, thread };
        Ok(Self { public, private, wallet_key, staff_token, staff_password, state, service })
    }

    /// Base address of the public listener.
    pub(super) fn public(&self) -> String {
        self.public.clone()
    }

    /// Base address of the private listener.
    pub(super) fn private(&self) -> String {
        self.private.clone()
    }

    pub(super) fn wallet_key(&self) -> &Secret {
        &self.wallet_key
    }

    pub(super) fn staff_name(&self) -> &'static str {
        STAFF_NAME
    }

    pub(super) fn staff_password(&self) -> &Secret {
        &self.staff_password
    }

    pub(super) fn staff_token(&self) -> &Secret {
        &self.staff_token
    }

    /// Checks every invariant of the ledger, beside the running service.
    pub(super) async fn verify(&self) -> Result<LedgerCheck, String> {
        let settings = self.state.settings.clone();
        let check =
            move |conn: &mut crate::db::DbConn| verify::verify(conn, &|site| deduplicates(&settings, site), |_| ());
        let report = self.state.db.read(check).await.map_err(|error| error.to_string())?;
        Ok(LedgerCheck {
            entries: report.entries.unsigned_abs(),
            postings: report.postings.unsigned_abs(),
            players: report.players.unsigned_abs(),
            problems: report.problems,
        })
    }

    /// Stops the service in order.
    pub(super) async fn stop(self) {
        let _it_may_have_ended = self.service.stop.send(());
        let joined = tokio::task::spawn_blocking(move || self.service.thread.join());
        if let Ok(Ok(Err(error))) = joined.await {
            eprintln!("croupier: the service ended with: {error}");
        }
    }
}

/// An account for the back office, and a token of it.
async fn add_staff(state: &State, password: &Secret) -> Result<Secret, String> {
    let hashed = passwords::Hashed::new(password).map_err(|error| error.to_string())?;
    let added = state.db.write(move |tx| {
        accounts::add(tx, "demo command", STAFF_NAME, Role::Admin, &hashed, clock::now())?;
        accounts::issue_token(tx, "demo command", STAFF_NAME, clock::now())
    });
    added.await.map_err(|error| error.to_string())
}

/// Why the service ended before it was up.
fn ended(thread: JoinHandle<Result<(), String>>) -> String {
    match thread.join() {
        Ok(Err(error)) => error,
        Ok(Ok(())) => "the service ended at once".to_owned(),
        Err(_) => "the service panicked".to_owned(),
    }
}

fn settings(directory: &Path, brand: &Brand, payout_url: &str, wallet_key: &Secret) -> String {
    let directory = directory.display();
    format!(
        r#"[server]
public_bind = "127.0.0.1:0"
private_bind = "127.0.0.1:0"
state_dir = "{directory}"

[database]
url = "sqlite://{directory}/croupier.db"

[wallet]
api_keys = {{ game_server = "{key}" }}

[sites.demo]
site_id = {site_id}
currencies = ["USD", "EUR"]

[sites.demo.carouseller]
salts = ["{salt}"]
payout_url = "{payout_url}"

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
        key = wallet_key.expose(),
        site_id = brand.site_id,
        salt = brand.salt.expose(),
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
