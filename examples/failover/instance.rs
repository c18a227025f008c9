//! The instances of croupier as processes: each with its ports and files, started again whenever it ends, as a supervisor would.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::options::Failure;
use crate::process::{last_lines, signal};

/// Set for the processes of this program that are croupier.
pub const IS_CROUPIER: &str = "FAILOVER_IS_CROUPIER";
pub const SITE: i64 = 332;
pub const SALT: &str = "a salt of the failure campaign, long enough";
pub const KEY: &str = "a-key-of-the-failure-campaign-0123456789";
/// Payouts above it, in minor units, wait for staff.
pub const AUTOMATIC: i64 = 6_000;

/// How long a supervisor waits before it starts a process again.
const PAUSE: Duration = Duration::from_millis(200);

/// One instance.
#[derive(Debug)]
pub struct Instance {
    pub number: usize,
    pub public: SocketAddr,
    pub private: SocketAddr,
    home: PathBuf,
    child: Mutex<Option<Child>>,
    /// Whether the next end is our own doing.
    killed: AtomicBool,
    ending: AtomicBool,
    /// How often it gave up while it started, as when there is no database.
    pub gave_up: AtomicU64,
    /// Ends nobody asked for.
    pub ended_alone: Mutex<Vec<String>>,
}

impl Instance {
    /// Writes the files of an instance.
    pub fn new(
        number: usize,
        home: &Path,
        ports: [u16; 2],
        database: &str,
        payout_url: &str,
    ) -> Result<Arc<Self>, Failure> {
        let home = home.join(format!("instance-{number}"));
        let [public, private] = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let text = format!(
            r#"[server]
public_bind = "{public}"
private_bind = "{private}"
state_dir = "{state}"
[database]
url = "{database}"
[wallet]
api_keys = {{ game_server = "{KEY}" }}
[sites.demo]
site_id = {SITE}
currencies = ["USD"]
[sites.demo.carouseller]
salts = ["{SALT}"]
payout_url = "{payout_url}"
[sites.demo.payouts]
approval = "auto"
auto_approve_up_to = {{ USD = {AUTOMATIC} }}
"#,
            state = home.display()
        );
        let written = fs::create_dir_all(&home)
            .and_then(|()| fs::write(home.join("Settings.toml"), text))
            .and_then(|()| fs::set_permissions(home.join("Settings.toml"), fs::Permissions::from_mode(0o600)));
        written.map_err(|error| format!("{}: {error}", home.display()))?;
        Ok(Arc::new(Self {
            number,
            public,
            private,
            home,
            child: Mutex::default(),
            killed: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            gave_up: AtomicU64::new(0),
            ended_alone: Mutex::default(),
        }))
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().expect("nobody panics while holding a process")
    }

    fn command(&self) -> Result<Command, Failure> {
        // A test knows where the binary is; the example is croupier too, so that it is never older than what tests it.
        let program = match option_env!("CARGO_BIN_EXE_croupier") {
            Some(program) => PathBuf::from(program),
            None => std::env::current_exe().map_err(|error| format!("this program: {error}"))?,
        };
        let mut command = Command::new(program);
        command.env(IS_CROUPIER, "1").current_dir(&self.home).stdin(Stdio::null());
        Ok(command)
    }

    fn spawn(&self) -> Result<(), Failure> {
        let log = File::options().create(true).append(true).open(self.log_file());
        let log = log.map_err(|error| format!("{}: {error}", self.log_file().display()))?;
        let child =
            self.command()?.args(["serve", "--settings", "Settings.toml"]).stdout(Stdio::null()).stderr(log).spawn();
        *self.child() = Some(child.map_err(|error| format!("croupier: {error}"))?);
        Ok(())
    }

    /// Keeps it running until [`Instance::end`].
    pub fn supervise(self: &Arc<Self>) -> Result<(), Failure> {
        self.spawn()?;
        let instance = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                if instance.ending.load(Ordering::Relaxed) {
                    return;
                }
                if instance.has_ended() {
                    tokio::time::sleep(PAUSE).await;
                    if let Err(failure) = instance.spawn() {
                        instance.note_end(failure);
                        return;
                    }
                }
            }
        });
        Ok(())
    }

    /// Whether the process is gone. One that ended by itself after it was up is noted: an instance waits for its database.
    fn has_ended(&self) -> bool {
        let mut child = self.child();
        let Some(Ok(Some(status))) = child.as_mut().map(Child::try_wait) else { return false };
        *child = None;
        drop(child);
        if self.killed.swap(false, Ordering::Relaxed) {
            return true;
        }
        let log = fs::read_to_string(self.log_file()).unwrap_or_default();
        let end = last_lines(&log, 6);
        if end.contains("public on http://") || status.code() != Some(2) {
            self.note_end(format!("instance {} ended by itself with {status}:\n{end}", self.number));
        } else {
            self.gave_up.fetch_add(1, Ordering::Relaxed);
        }
        true
    }

    fn note_end(&self, text: String) {
        self.ended_alone.lock().expect("nobody panics while noting").push(text);
    }

    /// SIGKILL; the supervisor starts it again.
    pub fn kill(&self) {
        let child = self.child();
        if let Some(child) = child.as_ref() {
            self.killed.store(true, Ordering::Relaxed);
            signal("CONT", &[child.id()]);
            signal("KILL", &[child.id()]);
        }
    }

    /// `STOP` or `CONT`.
    pub fn signal(&self, name: &str) {
        if let Some(child) = self.child().as_ref() {
            signal(name, &[child.id()]);
        }
    }

    /// An orderly stop, for good; its exit code.
    pub async fn end(&self) -> Option<i32> {
        self.ending.store(true, Ordering::Relaxed);
        self.signal("TERM");
        for _ in 0..800 {
            let ended = self.child().as_mut().map(Child::try_wait);
            match ended {
                Some(Ok(None)) => tokio::time::sleep(Duration::from_millis(50)).await,
                Some(Ok(Some(status))) => return status.code(),
                Some(Err(_)) | None => return None,
            }
        }
        self.kill();
        None
    }

    /// Runs another command of croupier with the settings of this instance.
    pub fn cli(&self, args: &[&str]) -> Result<Output, Failure> {
        let mut command = self.command()?;
        command.args(args).args(["--settings", "Settings.toml"]);
        command.output().map_err(|error| format!("croupier {}: {error}", args.join(" ")))
    }

    pub fn log_file(&self) -> PathBuf {
        self.home.join("croupier.log")
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(child) = self.child().as_mut() {
            let _it_may_be_gone = child.kill();
            let _collected = child.wait();
        }
    }
}
