//! The service as a process of its own, so that its memory, its files and its log can be looked at from outside.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use croupier::db::{self, DbConn, Place};
use croupier::secret::Secret;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::options::Failure;

/// Set for the process of this program that is croupier.
pub const IS_CROUPIER: &str = "HOSTILE_IS_CROUPIER";
pub const SITE: i64 = 332;
pub const SALT: &str = "a salt of the hostile campaign, long enough";
pub const KEY: &str = "a-key-of-the-hostile-campaign-0123456789";

/// How long a start may take. A machine that is busy with other things is slow, not wrong.
const START: Duration = Duration::from_secs(120);

/// What the process has at a moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Size {
    /// Resident memory, in KB.
    pub memory_kb: u64,
    /// Open file descriptors.
    pub files: u64,
}

/// A running service.
pub struct Service {
    child: Child,
    pub public: SocketAddr,
    pub private: SocketAddr,
    home: tempfile::TempDir,
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Service {
    /// Starts it; `more` is added to `[server]`.
    pub async fn start(more: &str) -> Result<Self, Failure> {
        let home = tempfile::Builder::new().prefix("hostile-").tempdir().map_err(|error| error.to_string())?;
        let shown = home.path().display();
        let settings = format!(
            r#"[server]
public_bind = "127.0.0.1:0"
private_bind = "127.0.0.1:0"
state_dir = "{shown}"
{more}
[database]
url = "sqlite://{shown}/croupier.db"
[wallet]
api_keys = {{ game_server = "{KEY}" }}
[sites.demo]
site_id = {SITE}
currencies = ["USD"]
[sites.demo.carouseller]
salts = ["{SALT}"]
"#
        );
        let (file, log) = (home.path().join("Settings.toml"), home.path().join("croupier.log"));
        let log = fs::write(&file, settings)
            .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o600)))
            .and_then(|()| File::create(log));
        let log = log.map_err(|error| format!("{}: {error}", home.path().display()))?;
        // A test knows where the binary is; the example is croupier too, so that it is never older than what tests it.
        let program = match option_env!("CARGO_BIN_EXE_croupier") {
            Some(program) => PathBuf::from(program),
            None => std::env::current_exe().map_err(|error| format!("this program: {error}"))?,
        };
        let mut command = Command::new(program);
        command.env(IS_CROUPIER, "1").env_remove("RUST_LOG").current_dir(home.path()).stdin(Stdio::null());
        command.args(["serve", "--settings", "Settings.toml"]).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().map_err(|error| format!("croupier: {error}"))?;
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut service = Self { child, public: nowhere, private: nowhere, home };
        let deadline = Instant::now() + START;
        loop {
            if let Some((public, private)) = service.addresses() {
                (service.public, service.private) = (public, private);
                return Ok(service);
            }
            if Instant::now() > deadline || !matches!(service.child.try_wait(), Ok(None)) {
                return Err(format!("croupier does not start:\n{}", service.log()));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The two addresses, as soon as it says them.
    fn addresses(&self) -> Option<(SocketAddr, SocketAddr)> {
        let log = self.log();
        let (_, said) = log.lines().find_map(|line| line.split_once("public on http://"))?;
        let (public, private) = said.split_once(", private on http://")?;
        Some((public.parse().ok()?, private.trim().parse().ok()?))
    }

    /// Everything it has said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("croupier.log")).unwrap_or_default()
    }

    /// Memory and files of the process, as the kernel tells them.
    pub fn size(&self) -> Result<Size, Failure> {
        let process = format!("/proc/{}", self.child.id());
        let read = |error: std::io::Error| format!("{process}: {error}");
        let status = fs::read_to_string(format!("{process}/status")).map_err(read)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let memory_kb = line.trim().trim_end_matches(" kB").parse().map_err(|_| format!("VmRSS is {line}"))?;
        let files = fs::read_dir(format!("{process}/fd")).map_err(read)?.count() as u64;
        Ok(Size { memory_kb, files })
    }

    /// Bytes of the database, with the pages that are only in its write-ahead log yet, and of that log.
    pub fn bytes(&self) -> Result<u64, Failure> {
        let pages = "SELECT page_count * page_size AS count FROM pragma_page_count, pragma_page_size";
        let counted: Counted =
            diesel::sql_query(pages).get_result(&mut self.reader()?).map_err(|error| error.to_string())?;
        let log = self.home.path().join("croupier.db-wal");
        let log = fs::metadata(&log).map_err(|error| format!("{}: {error}", log.display()))?.len();
        Ok(u64::try_from(counted.count).unwrap_or(0) + log)
    }

    fn reader(&self) -> Result<DbConn, Failure> {
        let url = format!("sqlite://{}/croupier.db", self.home.path().display());
        let place = Place::parse(&Secret::new(&url)).map_err(|error| error.to_string())?;
        db::connect_read_only(&place).map_err(|error| error.to_string())
    }

    /// How many rows each table has.
    pub fn rows(&self) -> Result<BTreeMap<String, i64>, Failure> {
        let mut conn = self.reader()?;
        let list = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let tables: Vec<Named> = diesel::sql_query(list).load(&mut conn).map_err(|error| error.to_string())?;
        let mut rows = BTreeMap::new();
        for Named { name } in tables {
            let count = format!("SELECT COUNT(*) AS count FROM \"{name}\"");
            let counted: Counted =
                diesel::sql_query(count).get_result(&mut conn).map_err(|error| format!("{name}: {error}"))?;
            rows.insert(name, counted.count);
        }
        Ok(rows)
    }

    /// Whether its own check of all its books, as another process, finds nothing.
    pub fn stop_and_verify(mut self) -> Result<Option<String>, Failure> {
        let pid = self.child.id().to_string();
        let _it_may_be_gone = Command::new("kill").args(["-TERM", &pid]).status();
        let status = self.child.wait().map_err(|error| format!("croupier: {error}"))?;
        if status.code() != Some(0) {
            return Ok(Some(format!("it does not stop in order: {status}\n{}", self.log())));
        }
        let url = format!("sqlite://{}/croupier.db", self.home.path().display());
        let place = Place::parse(&Secret::new(&url)).map_err(|error| error.to_string())?;
        let mut conn = db::connect_read_only(&place).map_err(|error| error.to_string())?;
        let report = croupier::verify::verify(&mut conn, |_| ()).map_err(|error| error.to_string())?;
        Ok(report.problems.first().map(|problem| format!("ledger verify: {problem}")))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _it_may_be_gone = self.child.kill();
        let _collected = self.child.wait();
    }
}
