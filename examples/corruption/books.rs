//! The books as bytes: closed in order, and as a killed process left them; and homes to put them into, harmed.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use croupier::simulate::faults::Dice;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::check::database;
use crate::door::{Door, Patience};
use crate::dump::{Dump, dump};
use crate::harm::Files;
use crate::house::Purse;
use crate::options::Failure;
use crate::process::free_ports;
use crate::program::Program;
use crate::service::Service;
use crate::story::Story;

/// Books at one moment, with what they say.
#[derive(Debug, Clone)]
pub struct Books {
    pub files: Files,
    /// The mark beside the database: its name and content.
    mark: (String, Vec<u8>),
    pub says: Dump,
}

/// Everything that harm is done to.
#[derive(Debug)]
pub struct Library {
    pub settings: String,
    home: PathBuf,
    /// The database some time before.
    pub before: Vec<u8>,
    /// Closed in order.
    pub closed: Books,
    /// As a SIGKILL left them, with a write-ahead log.
    pub killed: Books,
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

fn beside(home: &Path, suffix: &str) -> PathBuf {
    home.join(format!("croupier.db{suffix}"))
}

fn mark_of(home: &Path) -> Result<(String, Vec<u8>), Failure> {
    let files = fs::read_dir(home).map_err(|error| error.to_string())?;
    let mark = files.flatten().map(|entry| entry.path()).find(|path| path.extension().is_some_and(|ext| ext == "mark"));
    let mark = mark.ok_or("there is no mark")?;
    let name = mark.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((name, read(&mark)?))
}

impl Library {
    /// Lets the story be played and keeps what it leaves.
    pub async fn write(home: &Path, seed: u64) -> Result<Self, Failure> {
        let mut story = Story::begin(home, seed).await?;
        let tokens = story.tokens()?;
        story.decide_as(&tokens[0]);
        story.play(&Purse::numbered(0)).await?;
        // Copied into the file before the rest of the story goes on.
        let checkpoint = || -> Result<Vec<u8>, Failure> {
            let path = database(home).to_string_lossy().into_owned();
            let mut conn = SqliteConnection::establish(&path).map_err(|error| error.to_string())?;
            conn.batch_execute("PRAGMA wal_checkpoint(PASSIVE)").map_err(|error| error.to_string())?;
            read(&database(home))
        };
        let before = checkpoint()?;
        story.people(&tokens).await?;
        story.play(&Purse::numbered(1)).await?;
        story.unsent().await?;
        facts(home)?;
        let code = story.service.stop().await?;
        if code != Some(0) {
            return Err(format!("the service does not stop in order: {code:?}\n{}", story.service.end_of_log()));
        }
        let closed = Books::read(home)?;
        let killed = kill_in_the_middle(home, seed).await?;
        let settings = fs::read_to_string(home.join("Settings.toml")).map_err(|error| error.to_string())?;
        Ok(Self { settings, home: home.to_owned(), before, closed, killed })
    }
}

/// The same books go on, and the process is killed while a reader keeps the log from being copied into the database.
async fn kill_in_the_middle(home: &Path, seed: u64) -> Result<Books, Failure> {
    let mut story = Story::begin(home, seed + 1).await?;
    let path = database(home).to_string_lossy().into_owned();
    let mut reader = SqliteConnection::establish(&path).map_err(|error| error.to_string())?;
    reader.batch_execute("BEGIN; SELECT count(*) FROM players").map_err(|error| error.to_string())?;
    story.play_without_staff(&Purse::numbered(2)).await?;
    story.last_words(home).await?;
    story.service.kill()?;
    let books = Books::read(home)?;
    drop(reader);
    if books.files.log.len() < 100_000 {
        return Err(format!("the log has {} bytes only", books.files.log.len()));
    }
    Ok(books)
}

/// What only other providers leave: receipts of an order.
fn facts(home: &Path) -> Result<(), Failure> {
    let path = database(home).to_string_lossy().into_owned();
    let mut conn = SqliteConnection::establish(&path).map_err(|error| error.to_string())?;
    let sql = "PRAGMA busy_timeout = 5000; INSERT INTO order_facts SELECT external_id, '{\"receipt\":\"r-' || amount || '\"}' \
               FROM deposits WHERE status = 3";
    conn.batch_execute(sql).map_err(|error| error.to_string())
}

impl Books {
    fn read(home: &Path) -> Result<Self, Failure> {
        let log = beside(home, "-wal");
        let log = if log.exists() { read(&log)? } else { Vec::new() };
        let files = Files { database: read(&database(home))?, log };
        let mark = mark_of(home)?;
        let copy = tempfile::tempdir().map_err(|error| error.to_string())?;
        put(copy.path(), &files)?;
        Ok(Self { files, mark, says: dump(&database(copy.path()))? })
    }

    pub fn rows(&self) -> u64 {
        self.says.iter().filter(|(name, _)| !name.contains(' ')).map(|(_, lines)| lines.len() as u64).sum()
    }
}

/// Puts these files in the place of whatever was there.
pub fn put(home: &Path, files: &Files) -> Result<(), Failure> {
    for suffix in ["-wal", "-shm", "-journal"] {
        let path = beside(home, suffix);
        if path.exists() {
            fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    write(&database(home), &files.database)?;
    if files.log.is_empty() { Ok(()) } else { write(&beside(home, "-wal"), &files.log) }
}

/// A directory in which harmed books are looked at, with a service that can be started there.
pub struct Bench {
    pub home: PathBuf,
    pub service: Service,
    pub door: Door,
}

impl Bench {
    pub fn new(library: &Library, home: PathBuf, dice: &mut Dice) -> Result<Self, Failure> {
        let ports = free_ports(dice, 2)?;
        let [public, private] = [ports[0], ports[1]].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let moved = library.settings.replace(&library.home.display().to_string(), &home.display().to_string());
        let settings: Vec<String> = moved
            .lines()
            .map(|line| match line.split_once(" = ") {
                Some(("public_bind", _)) => format!("public_bind = \"{public}\""),
                Some(("private_bind", _)) => format!("private_bind = \"{private}\""),
                Some(_) | None => line.to_owned(),
            })
            .collect();
        let program = Program::new(home.clone(), &settings.join("\n"))?;
        let patience = Patience { longest: std::time::Duration::from_secs(60), pause: 20 };
        let door = Door::new(vec![(public, private)], patience)?;
        Ok(Self { home, service: Service::new(program, private), door })
    }

    /// Lays books out, with their mark.
    pub fn lay(&self, books: &Books, files: &Files) -> Result<(), Failure> {
        put(&self.home, files)?;
        write(&self.home.join(&books.mark.0), &books.mark.1)
    }
}
