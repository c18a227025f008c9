//! One PostgreSQL server: its files, its port, its processes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::options::Failure;
use crate::postgres::{ADMIN, Tools};
use crate::process::{last_lines, signal};

/// Longer than recovery and shutdown take with the few rows of a campaign.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server; killed with all its processes when it is dropped.
#[derive(Debug)]
pub struct Server {
    tools: Tools,
    pub name: &'static str,
    pub port: u16,
    files: PathBuf,
    log: PathBuf,
    fsync: bool,
    child: Option<Child>,
    /// Whether it takes connections; for what stands before it.
    up: watch::Sender<bool>,
}

impl Server {
    /// A server to be, with its files under `home`.
    pub fn new(tools: &Tools, name: &'static str, port: u16, home: &Path, fsync: bool) -> Self {
        let (files, log) = (home.join(name), home.join(format!("{name}.log")));
        Self { tools: tools.clone(), name, port, files, log, fsync, child: None, up: watch::Sender::new(false) }
    }

    /// Makes a new cluster.
    pub fn init(&self, password_file: &Path) -> Result<(), Failure> {
        let (files, password) = (self.files.display().to_string(), format!("--pwfile={}", password_file.display()));
        let args =
            ["-D", &files, "-U", ADMIN, "-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync", &password];
        self.tools.run("initdb", &args)?;
        let access = "local all all reject\nhost all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n";
        fs::write(self.files.join("pg_hba.conf"), access).map_err(|error| format!("pg_hba.conf: {error}"))
    }

    /// Becomes a copy of a running primary, to follow it from a slot of its own. What it was before is thrown away.
    pub fn copy_of(&self, primary: &Server) -> Result<(), Failure> {
        self.forget_memory();
        if self.files.exists() {
            fs::remove_dir_all(&self.files).map_err(|error| format!("{}: {error}", self.files.display()))?;
        }
        // A copy that was interrupted may have left its slot.
        let drop_slot = format!(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{}' AND NOT active",
            self.name
        );
        primary.sql("postgres", &drop_slot)?;
        let (files, port) = (self.files.display().to_string(), primary.port.to_string());
        let to = ["-D", &files, "-R", "-C", "-S", self.name, "-X", "stream", "-c", "fast", "--no-sync"];
        let from = ["-h", "127.0.0.1", "-p", &port, "-U", ADMIN];
        self.tools.run("pg_basebackup", &[&to[..], &from[..]].concat()).map(|_| ())
    }

    /// Starts it and waits until it takes connections.
    pub fn start(&mut self) -> Result<(), Failure> {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.map_err(|error| format!("{}: {error}", self.log.display()))?;
        let also = log.try_clone().map_err(|error| error.to_string())?;
        let mut command = self.tools.command("postgres");
        command.arg("-D").arg(&self.files).args(["-p", &self.port.to_string()]);
        for setting in self.settings() {
            command.arg("-c").arg(setting);
        }
        let child = command.stdout(also).stderr(log).spawn().map_err(|error| format!("postgres: {error}"))?;
        self.child = Some(child);
        let deadline = Instant::now() + PATIENCE;
        while self.sql("postgres", "SELECT 1").is_err() {
            if !self.is_running() || Instant::now() > deadline {
                return Err(format!("{} does not start:\n{}", self.name, self.log_end()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.up.send_replace(true);
        Ok(())
    }

    /// Whether it takes connections, and when that changes.
    pub fn is_up(&self) -> watch::Receiver<bool> {
        self.up.subscribe()
    }

    fn settings(&self) -> Vec<String> {
        let fsync = if self.fsync { "on" } else { "off" };
        let fixed = [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
            "shared_buffers=64MB",
            // With its files: a server that is killed would leave it behind in the system's.
            "dynamic_shared_memory_type=mmap",
            "wal_level=replica",
            "hot_standby=on",
            "synchronous_commit=on",
            "wal_sender_timeout=10s",
            "wal_receiver_timeout=10s",
            "wal_retrieve_retry_interval=200ms",
            "log_min_messages=warning",
            "log_line_prefix=%m [%p] ",
        ];
        let own = format!("fsync={fsync}");
        fixed.iter().map(|one| (*one).to_owned()).chain([own]).collect()
    }

    /// One statement as the superuser.
    pub fn sql(&self, database: &str, statement: &str) -> Result<String, Failure> {
        self.tools.sql(self.port, database, statement)
    }

    /// Changes a setting of a running server.
    pub fn set(&self, name: &str, value: &str) -> Result<(), Failure> {
        self.sql("postgres", &format!("ALTER SYSTEM SET {name} = '{value}'"))?;
        self.sql("postgres", "SELECT pg_reload_conf()").map(|_| ())
    }

    /// Whether its first process is there.
    pub fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Its first process and all the others.
    pub fn processes(&self) -> Vec<u32> {
        let Some(child) = &self.child else { return Vec::new() };
        let mut all = children(child.id());
        all.insert(0, child.id());
        all
    }

    /// SIGKILL to all of it. The first process is held before, so that it starts no other meanwhile: nothing of it is left.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        self.up.send_replace(false);
        let first = child.id();
        signal("STOP", &[first]);
        let others = children(first);
        signal("KILL", &others);
        signal("KILL", &[first]);
        let _killed = child.wait();
        let deadline = Instant::now() + PATIENCE;
        // A process that was killed still ends the system call it is in.
        while others.iter().any(|pid| is_alive(*pid)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// An orderly (`INT`) or immediate (`QUIT`) stop.
    pub fn stop(&mut self, how: &str) -> Result<(), Failure> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        self.up.send_replace(false);
        signal(how, &[child.id()]);
        let deadline = Instant::now() + PATIENCE;
        while matches!(child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                self.child = Some(child);
                self.kill();
                return Err(format!("{} does not stop:\n{}", self.name, self.log_end()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn log_end(&self) -> String {
        last_lines(&fs::read_to_string(&self.log).unwrap_or_default(), 20)
    }

    /// A server that was killed leaves a piece of shared memory, which only its next start would free.
    fn forget_memory(&self) {
        let Ok(text) = fs::read_to_string(self.files.join("postmaster.pid")) else { return };
        let id = text.lines().nth(6).and_then(|line| line.split_whitespace().nth(1));
        if let Some(id) = id.filter(|id| id.bytes().all(|b| b.is_ascii_digit())) {
            let _it_may_be_gone = std::process::Command::new("ipcrm").args(["-m", id]).output();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.is_some() {
            signal("CONT", &self.processes());
            self.kill();
        }
        self.forget_memory();
    }
}

/// Whether a process runs; one that is dead and not yet collected does not.
fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

/// The direct children of a process, as the kernel lists them now.
fn children(parent: u32) -> Vec<u32> {
    let Ok(listed) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = listed.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

/// The second field after the name, which may itself hold brackets and blanks.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}
