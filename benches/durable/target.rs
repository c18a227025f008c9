//! What is measured: croupier in its two homes, the references, and the peers, each started as processes of their own.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;

use crate::cluster::Cluster;
use crate::load::{self, Failure, Run};
use crate::options::Reference;
use crate::process::{self, Memory, Process};
use crate::wire::{self, PLAYERS, SALT, SITE};
use crate::workload::Workload;
use crate::{machine, reference};

/// One of the designs that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// The same request, its signature checked, and no database.
    Bare,
    /// croupier on a file.
    Sqlite,
    /// croupier on a server.
    Postgres,
    /// The work of croupier with one transaction per request, on a file.
    OneByOneSqlite,
    /// The same on a server.
    OneByOnePostgres,
    /// FastAPI and SQLAlchemy on a file.
    Fastapi,
    /// Fastify and better-sqlite3 on a file.
    Fastify,
}

/// The folder of what was installed for the peers.
const INSTALLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers");
const PEERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers");

impl Target {
    /// All of them, in the order in which a round measures them.
    pub fn all() -> [Target; 7] {
        use Target::{Bare, Fastapi, Fastify, OneByOnePostgres, OneByOneSqlite, Postgres, Sqlite};
        [Bare, Sqlite, Postgres, OneByOneSqlite, OneByOnePostgres, Fastify, Fastapi]
    }

    /// In tables and documents.
    pub fn name(self) -> &'static str {
        match self {
            Target::Bare => "bare ceiling",
            Target::Sqlite => "croupier, SQLite",
            Target::Postgres => "croupier, PostgreSQL",
            Target::OneByOneSqlite => "one by one, SQLite",
            Target::OneByOnePostgres => "one by one, PostgreSQL",
            Target::Fastapi => "FastAPI, SQLite",
            Target::Fastify => "Fastify, SQLite",
        }
    }

    /// Whether this load can be put on it.
    pub fn takes(self, workload: Workload) -> bool {
        match self {
            Target::Sqlite | Target::Postgres => true,
            // What it does is the same for either question.
            Target::Bare => workload == Workload::RequestPayout,
            Target::OneByOneSqlite | Target::OneByOnePostgres | Target::Fastapi | Target::Fastify => {
                workload.is_a_question()
            }
        }
    }

    /// Whether its figures are ours to answer for.
    pub fn is_croupier(self) -> bool {
        matches!(self, Target::Sqlite | Target::Postgres)
    }

    /// Whether its database is on a server.
    pub fn needs_a_server(self) -> bool {
        matches!(self, Target::Postgres | Target::OneByOnePostgres)
    }

    /// What it runs on, by name and version.
    ///
    /// # Errors
    ///
    /// It is not installed, and how that is done.
    pub fn version(self) -> Result<Option<(&'static str, String)>, Failure> {
        let (name, program, args) = match self {
            Target::Fastapi => ("Python", python(), vec!["-V"]),
            Target::Fastify => ("Node.js", PathBuf::from("node"), vec!["-v"]),
            Target::Bare | Target::Sqlite | Target::Postgres | Target::OneByOneSqlite | Target::OneByOnePostgres => {
                return Ok(None);
            }
        };
        let missing = || format!("{}: not installed; benches/peers/install does it", self.name());
        let version = machine::version_of(&program, &args).ok_or_else(missing)?;
        if self == Target::Fastify && !modules().join("better-sqlite3/build/Release/better_sqlite3.node").exists() {
            return Err(missing());
        }
        Ok(Some((name, version.trim_start_matches("Python ").to_owned())))
    }
}

fn python() -> PathBuf {
    Path::new(INSTALLED).join("fastapi/bin/python")
}

fn modules() -> PathBuf {
    Path::new(INSTALLED).join("fastify/node_modules")
}

/// How FastAPI is run: one process or two, one connection in the pool of each or the five that are the default. A file has one writer,
/// so which is best is not known before it was tried.
#[derive(Debug, Clone, Copy)]
pub struct Workers {
    pub processes: usize,
    pub pool: usize,
}

impl Workers {
    /// What is tried.
    pub const ALL: [Workers; 4] = [
        Workers { processes: 1, pool: 1 },
        Workers { processes: 1, pool: 5 },
        Workers { processes: 2, pool: 1 },
        Workers { processes: 2, pool: 5 },
    ];
}

/// What services are started with.
#[derive(Debug)]
pub struct Ground {
    /// Where their directories are made.
    pub parent: PathBuf,
    /// For those that need a server.
    pub cluster: Option<Cluster>,
    /// How FastAPI is run.
    pub workers: Workers,
}

/// A target that runs, with funded players and an empty book.
#[derive(Debug)]
pub struct Service {
    pub target: Target,
    pub doors: Vec<SocketAddr>,
    /// Before its first request.
    pub at_rest: Memory,
    process: Process,
    directory: tempfile::TempDir,
}

impl Service {
    /// Starts it with everything of its own. Targets on a server get a new database there.
    pub fn start(target: Target, ground: &Ground) -> Result<Self, Failure> {
        let directory = process::directory(&ground.parent)?;
        let home = directory.path();
        let database = match &ground.cluster {
            Some(cluster) if target.needs_a_server() => {
                let name = if target == Target::Postgres { "croupier" } else { "one_by_one" };
                cluster.drop_database(name)?;
                cluster.database(name)?
            }
            Some(_) | None => format!("sqlite://{}/croupier.db", home.display()),
        };
        let (process, doors) = match target {
            Target::Bare => referenced(Reference::Bare, home, &database)?,
            Target::OneByOneSqlite | Target::OneByOnePostgres => referenced(Reference::OneByOne, home, &database)?,
            Target::Sqlite | Target::Postgres => croupier(home, &database)?,
            Target::Fastapi => fastapi(home, ground.workers)?,
            Target::Fastify => fastify(home)?,
        };
        let at_rest = process.memory();
        let service = Self { target, doors, at_rest, process, directory };
        if target.is_croupier() {
            service.fund()?;
        }
        Ok(service)
    }

    /// Its memory now.
    pub fn memory(&self) -> Memory {
        self.process.memory()
    }

    /// Sees that the books of croupier hold.
    ///
    /// # Errors
    ///
    /// What does not.
    pub fn verify(&self) -> Result<(), Failure> {
        if !self.target.is_croupier() {
            return Ok(());
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_croupier"));
        command.args(["ledger", "verify"]).current_dir(self.directory.path()).stdin(Stdio::null());
        let output = command.output().map_err(|error| format!("croupier: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        if output.status.success() { Ok(()) } else { Err(format!("{}: {said}", self.target.name())) }
    }

    fn fund(&self) -> Result<(), Failure> {
        for make in [wire::put, wire::funds] {
            let run = Run {
                doors: self.doors.clone(),
                requests: (0..PLAYERS).map(make).collect(),
                again: false,
                connections: 16,
                longest: std::time::Duration::from_secs(60),
                rate: None,
                keep: false,
            };
            let figures = load::run(run)?;
            if let Some(bad) = figures.first_bad {
                return Err(format!("{}: players cannot be made: {bad}", self.target.name()));
            }
        }
        Ok(())
    }
}

/// The addresses that were said: the public one, and the private one where there is one.
fn said(text: &str) -> Option<Vec<SocketAddr>> {
    let line = text.lines().find(|line| line.contains("public on http://"))?;
    let addresses = line.split("http://").skip(1).map(|rest| rest.split([',', ' ']).next().unwrap_or_default().parse());
    addresses.collect::<Result<Vec<_>, _>>().ok()
}

fn referenced(reference: Reference, home: &Path, database: &str) -> Result<(Process, Vec<SocketAddr>), Failure> {
    let own = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    let name = match reference {
        Reference::Bare => "bare",
        Reference::OneByOne => "one-by-one",
    };
    let mut command = Command::new(own);
    command.args(["--serve", name, "--database", database, "--dir"]).arg(home);
    let mut process = Process::start(name, command, home)?;
    let doors = process.until(said)?;
    Ok((process, doors))
}

fn croupier(home: &Path, database: &str) -> Result<(Process, Vec<SocketAddr>), Failure> {
    let file = home.join("Settings.toml");
    let written = fs::write(&file, reference::settings(home, database))
        .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o600)));
    written.map_err(|error| format!("{}: {error}", file.display()))?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_croupier"));
    command.args(["serve", "--settings", "Settings.toml"]).current_dir(home).env_remove("RUST_LOG");
    let mut process = Process::start("croupier", command, home)?;
    let doors = process.until(said)?;
    Ok((process, doors))
}

fn fastapi(home: &Path, workers: Workers) -> Result<(Process, Vec<SocketAddr>), Failure> {
    let door = process::free_port()?;
    let mut command = Command::new(python());
    command.args(["-m", "uvicorn", "app:app", "--no-access-log", "--log-level", "warning", "--port"]);
    command.arg(door.port().to_string()).current_dir(Path::new(PEERS).join("fastapi"));
    command.args(["--workers", &workers.processes.to_string()]).env("POOL", workers.pool.to_string());
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    listening("fastapi", command, home, door)
}

fn fastify(home: &Path) -> Result<(Process, Vec<SocketAddr>), Failure> {
    let door = process::free_port()?;
    let mut command = Command::new("node");
    command.arg(Path::new(PEERS).join("fastify/server.js"));
    command.env("NODE_PATH", modules()).env("NODE_ENV", "production").env("PORT", door.port().to_string());
    listening("fastify", command, home, door)
}

fn listening(
    name: &'static str,
    mut command: Command,
    home: &Path,
    door: SocketAddr,
) -> Result<(Process, Vec<SocketAddr>), Failure> {
    command.env("DATABASE", home.join("peer.db")).env("SITE", SITE.to_string()).env("SALT", SALT);
    command.env("SEED_PLAYERS", PLAYERS.to_string());
    let mut process = Process::start(name, command, home)?;
    process.until_it_listens(door)?;
    Ok((process, vec![door]))
}
