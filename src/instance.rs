//! Which of several services this one is: a random name, kept beside the marks, so that after a restart it knows its own work again.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a service that ends may take to let go. After a kill the system closes its files one by one, and a restart may come sooner.
const LOOKS: u32 = 100;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Bytes of a name.
const BYTES: usize = 16;

/// A service among others on the same database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// Its name: different for every `server.state_dir`, the same after a restart.
    pub id: Arc<str>,
    /// Whether no other service can be on this database: then everything that was left open is its own.
    pub alone: bool,
}

impl Me {
    /// One by this name.
    pub fn new(id: &str, alone: bool) -> Self {
        Self { id: id.into(), alone }
    }
}

/// Held while the service runs: nobody else uses the name. The system lets go of it however the process ends.
#[derive(Debug)]
pub struct Instance {
    id: Arc<str>,
    _file: File,
}

impl Instance {
    /// Takes the name that is kept under `state_dir` for this database; makes one the first time.
    ///
    /// # Errors
    ///
    /// A sentence for the operator: the file cannot be read or written, or another service has the name.
    pub fn take(state_dir: &Path, database_id: &str) -> Result<Self, String> {
        let path = state_dir.join(format!("croupier-{database_id}.instance"));
        let wrong = |error: std::io::Error| format!("{}: {error}", path.display());
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(wrong)?;
        lock(&file, &path)?;
        let mut kept = String::new();
        // What a crash has left of a name is not UTF-8 or not a name, and is written anew.
        let read = Read::by_ref(&mut file).take(1024).read_to_string(&mut kept);
        if let Err(error) = read
            && error.kind() != std::io::ErrorKind::InvalidData
        {
            return Err(wrong(error));
        }
        let mut id = kept.trim_end().to_owned();
        if !is_name(&id) {
            id = fresh().map_err(|error| format!("no random numbers: {error}"))?;
            keep(&mut file, &id, state_dir).map_err(wrong)?;
        }
        Ok(Self { id: id.into(), _file: file })
    }

    /// Its name.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }
}

fn lock(file: &File, path: &Path) -> Result<(), String> {
    for _ in 0..LOOKS {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK_AGAIN),
            Err(TryLockError::Error(error)) => return Err(format!("{}: cannot lock: {error}", path.display())),
        }
    }
    Err(format!(
        "{}: another croupier service uses this database with the same server.state_dir: give each service a directory of its own",
        path.display()
    ))
}

fn is_name(text: &str) -> bool {
    text.len() == 2 * BYTES && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn fresh() -> Result<String, getrandom::Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

/// Written before it is used: a name that a power cut takes back would leave its work without an owner.
fn keep(file: &mut File, id: &str, state_dir: &Path) -> std::io::Result<()> {
    file.rewind()?;
    file.set_len(0)?;
    writeln!(file, "{id}")?;
    file.sync_all()?;
    fs::File::open(state_dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_stays_and_is_one_for_each_database_and_directory() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let id =
            |dir: &tempfile::TempDir, database: &str| Instance::take(dir.path(), database).unwrap().id().to_string();

        let first = id(&here, "a");
        assert!(is_name(&first));
        assert_eq!(id(&here, "a"), first);
        assert_ne!(id(&here, "b"), first);
        assert_ne!(id(&there, "a"), first);
    }

    #[test]
    fn a_second_service_with_the_same_name_is_refused_until_the_first_is_gone() {
        let here = tempfile::tempdir().unwrap();
        let first = Instance::take(here.path(), "a").unwrap();

        let refused = Instance::take(here.path(), "a").unwrap_err();

        assert!(refused.contains("server.state_dir") && refused.contains("croupier-a.instance"), "{refused}");
        let id = first.id().clone();
        drop(first);
        assert_eq!(*Instance::take(here.path(), "a").unwrap().id(), id);
    }

    #[test]
    fn a_name_that_a_crash_has_cut_is_made_anew() {
        let here = tempfile::tempdir().unwrap();
        let path = here.path().join("croupier-a.instance");
        let broken: [&[u8]; 6] = [b"", b"\n", b"0123", b"\xff\xfe", b"0123456789ABCDEF0123456789ABCDEF", &[b'a'; 2000]];
        for bytes in broken {
            fs::write(&path, bytes).unwrap();
            let id = Instance::take(here.path(), "a").unwrap().id().to_string();
            assert!(is_name(&id));
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{id}\n"));
        }
        assert!(Instance::take(&here.path().join("not here"), "a").is_err());
    }
}
