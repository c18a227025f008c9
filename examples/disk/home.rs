//! Where a service lives for the length of a scenario: its settings, the books it begins with, and the service itself without its listeners.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use croupier::app::Application;
use croupier::db::{self, Place};
use croupier::settings::Settings;
use tempfile::TempDir;

use crate::ask::{Ask, perform};
use crate::disk::Name;
use crate::scenario::{Begins, PLAYERS};

pub const SITE: i64 = 332;
pub const SALT: &str = "a salt for the demo site of campaigns";
/// The file with the books.
pub const FILE: &str = "croupier.db";

/// The settings of a service whose files are in `directory`: payouts up to 20.00 go by themselves, from 50.00 on two people must agree.
pub fn settings(directory: &Path, payout_url: &str) -> Settings {
    let directory = directory.display();
    let text = format!(
        r#"[server]
public_bind = "127.0.0.1:0"
private_bind = "127.0.0.1:0"
state_dir = "{directory}"

[database]
url = "sqlite://{directory}/{FILE}"

[wallet]
api_keys = {{ game_server = "a-key-of-the-game-server-in-campaigns" }}

[sites.demo]
site_id = {SITE}
currencies = ["USD"]

[sites.demo.carouseller]
salts = ["{SALT}"]
payout_url = "{payout_url}"

[sites.demo.payouts]
approval = "auto"
auto_approve_up_to = {{ USD = 2000 }}
four_eyes_from = {{ USD = 5000 }}
"#
    );
    Settings::from_text(&text).unwrap_or_else(|problems| panic!("settings: {problems:?}"))
}

/// A directory that goes away with its value; in memory where there is such a place, because nothing here is about the real disk.
pub fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.or_else(|_| tempfile::tempdir()).expect("a temporary directory")
}

pub fn place(directory: &Path) -> Place {
    Place::Sqlite(directory.join(FILE))
}

/// A service in `directory`, opened and checked, without listeners that are served. Payouts go to this address.
pub async fn service(directory: &Path, cashier: Option<SocketAddr>) -> Result<Application, String> {
    let to = cashier.map_or_else(|| "127.0.0.1:9".to_owned(), |address| address.to_string());
    let settings = settings(directory, &format!("http://{to}/api/payout/"));
    let application = Application::build(settings).await.map_err(|error| format!("does not start: {error}"))?;
    application.state().check_open().map_err(|error| format!("starts with closed money routes: {error}"))?;
    Ok(application)
}

/// The files that a scenario begins with: books that the service has migrated, with players who have money.
pub fn books(begins: Begins) -> &'static [(Name, Arc<[u8]>)] {
    static BOOKS: OnceLock<[Files; 2]> = OnceLock::new();
    let [closed, killed] = BOOKS.get_or_init(|| {
        let home = directory();
        db::migrate::prepare(&place(home.path()), db::migrate::Policy::Migrate).expect("new books");
        let mut conn = db::connect(&place(home.path())).expect("new books open");
        for (login, money) in PLAYERS {
            let kind = croupier::wallet::transactions::Kind::Win;
            for ask in [Ask::Player { login }, Ask::Play { login, kind, amount: *money, reference: "start" }] {
                db::immediately(&mut conn, |tx| perform(tx, &ask)).expect("a player with money");
            }
        }
        let killed = files(home.path());
        drop(conn);
        [files(home.path()), killed]
    });
    match begins {
        Begins::Empty => &[],
        Begins::WithPlayers => closed,
        Begins::AfterAKill => killed,
    }
}

type Files = Vec<(Name, Arc<[u8]>)>;

/// The files of the books in a directory, without the shared memory.
fn files(directory: &Path) -> Files {
    let one = |part: &str| {
        let name = format!("{FILE}{part}");
        let bytes = std::fs::read(directory.join(&name)).ok()?;
        Some((name.into(), bytes.into()))
    };
    ["", "-wal", "-journal"].into_iter().filter_map(one).collect()
}

/// Puts files into a directory.
pub fn put(directory: &Path, files: &[(Name, impl AsRef<[u8]>)]) {
    for (name, bytes) in files {
        std::fs::write(directory.join(&**name), bytes).expect("room in the directory");
    }
}

/// Empties a directory.
pub fn empty(directory: &Path) {
    let entries = std::fs::read_dir(directory).expect("our directory");
    let paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    for path in paths {
        std::fs::remove_file(&path).expect("our file");
    }
}
