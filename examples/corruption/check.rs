//! The check as `ledger verify` makes it, with an end to its patience, and what a start of the service does with the same files.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use croupier::db::{self, Place, migrate};
use croupier::marks::{self, MarkFile};
use croupier::secret::Secret;
use croupier::verify;

use crate::door::{Call, Door, Undecided};
use crate::options::Failure;
use crate::service::Service;

/// A check that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The file of a database in its home.
pub fn database(home: &Path) -> PathBuf {
    home.join("croupier.db")
}

/// What does not hold or cannot be read, if anything: what the command prints.
fn found(home: &Path) -> Result<Option<String>, String> {
    let place = Place::parse(&Secret::new(format!("sqlite://{}", database(home).display())));
    let place = place.map_err(|error| error.to_string())?;
    let mut conn = db::connect_read_only(&place).map_err(|error| error.to_string())?;
    if let Some(damage) = migrate::damage(&mut conn).map_err(|error| error.to_string())? {
        return Ok(Some(damage));
    }
    let known = MarkFile::of(home, &place, &mut conn).map_err(|error| error.to_string())?.load()?;
    let mut report = verify::verify(&mut conn, |_| ()).map_err(|error| error.to_string())?;
    if let Some(known) = known {
        report.add(marks::lost(&mut conn, &known).map_err(|error| error.to_string())?);
    }
    Ok(report.problems.into_iter().next())
}

/// What the check finds in the books of this home; books that cannot be read count as found.
///
/// # Errors
///
/// It panics, or does not end.
pub fn check(home: &Path) -> Result<Option<String>, Failure> {
    within_patience(home, |home| Ok(found(home).unwrap_or_else(Some)))
}

/// Does something that reads damaged files: it must end, and without a panic.
pub fn within_patience<T: Send + 'static>(
    home: &Path,
    read: impl FnOnce(&Path) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let (home, (done, ended)) = (home.to_owned(), channel());
    std::thread::spawn(move || {
        let _nobody_may_wait_any_more = done.send(read(&home));
    });
    match ended.recv_timeout(PATIENCE) {
        Ok(outcome) => outcome,
        Err(RecvTimeoutError::Timeout) => Err(format!("reading it does not end within {PATIENCE:?}")),
        Err(RecvTimeoutError::Disconnected) => Err("reading it panics".to_owned()),
    }
}

/// Whether a service started on these books lets money routes work. A refused start does not.
pub async fn serves(service: &mut Service, door: &Door) -> Result<bool, Failure> {
    service.spawn()?;
    let (ready, began) = (Call::readiness(), Instant::now());
    while began.elapsed() < PATIENCE {
        match door.once(&ready, 0, Duration::from_secs(10)).await {
            Ok(answer) => {
                service.kill()?;
                return Ok(answer.status == 200);
            }
            Err(Undecided::Unavailable) => {
                service.kill()?;
                return Ok(false);
            }
            Err(Undecided::NoConnection | Undecided::NoAnswer) if service.has_ended()? => return Ok(false),
            Err(Undecided::NoConnection | Undecided::NoAnswer) => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    }
    service.kill()?;
    Err(format!("it neither starts nor ends:\n{}", service.end_of_log()))
}
