//! The books before they are served, and while they are: small ones are checked whole at every start; of large ones the newest part, and
//! all of them by a task beside the service.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::StartError;
use crate::db::{self, Db, DbConn, Place, migrate};
use crate::error::Error;
use crate::marks::{self, MarkFile};
use crate::metrics::Metrics;
use crate::settings::{Settings, VerifyAtStart};
use crate::state::Gate;
use crate::verify::{self, Walk};

/// Books of up to this many entries and events are checked whole before they are served: half a second. Higher, and a start takes longer
/// than a caller's retry; lower, and damage is found some seconds after the start where it could have been found before it.
const SMALL: i64 = 100_000;

/// For each moment of checking beside the service, how many moments of rest: a fifth of one core at most is taken from requests.
const REST: u32 = 4;

/// The longest rest, so that an order to stop is heard.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// How long to wait before the check begins anew after the database could not be read.
const AGAIN: Duration = Duration::from_secs(10);

/// How often in a row a check may break off before the books count as unreadable.
const TRIES: u32 = 3;

/// The books as a start has found them.
pub(super) struct Books {
    /// Where their end is kept outside the database.
    pub mark: MarkFile,
    /// Whether all of them were checked.
    pub whole: bool,
}

/// Checks the books, and that they reach as far as was last known. Closes the gate when something does not hold.
pub(super) fn check(place: &Place, settings: &Settings, gate: &Gate) -> Result<Books, StartError> {
    let mut conn = db::connect_to_read_once(place).map_err(StartError::of)?;
    let state_dir = &settings.server.state_dir;
    let kept = |error: std::io::Error| StartError(format!("server.state_dir {}: {error}", state_dir.display()));
    let mark = MarkFile::of(state_dir, place, &mut conn).map_err(StartError::of)?;
    let doubt = mark.doubt().map_err(kept)?;
    let whole = match settings.server.verify_at_start {
        VerifyAtStart::Whole => true,
        VerifyAtStart::Newest => doubt.is_some(),
        VerifyAtStart::Auto => doubt.is_some() || verify::size(&mut conn).map_err(StartError::of)? <= SMALL,
    };
    if let Some(doubt) = &doubt {
        log::warn!("all of the books are checked before they are served, for they did not hold: {doubt}");
    }
    let mut problems =
        if whole { look_at_all(&mut conn, place) } else { verify::newest(&mut conn) }.map_err(StartError::of)?;
    let reached = marks::current(&mut conn).map_err(StartError::of)?;
    match mark.load() {
        Ok(None) if reached.ledger.0 > 0 => {
            log::warn!("server.state_dir holds no mark of this database: entries lost before now would not be noticed");
        }
        Ok(None) => {}
        Ok(Some(known)) => problems.extend(marks::lost(&mut conn, &known).map_err(StartError::of)?),
        Err(problem) => problems.push(problem),
    }
    for problem in &problems {
        log::error!("the books do not hold: {problem}");
    }
    match problems.into_iter().next() {
        Some(first) => {
            log::error!("money routes stay closed until `croupier ledger verify` finds nothing");
            gate.close(first);
        }
        None => {
            mark.settle_doubt().map_err(kept)?;
            // On a server what was read may not be covered by a commit yet; the task that follows the end waits for one.
            if place.file().is_some() {
                mark.save(&reached).map_err(kept)?;
            }
        }
    }
    Ok(Books { mark, whole })
}

fn look_at_all(conn: &mut DbConn, place: &Place) -> Result<Vec<String>, Error> {
    let mut problems = verify::verify(conn, |_| ())?.problems;
    // The pages of a small file were looked at when it was opened.
    if migrate::is_large(place) {
        problems.extend(migrate::damage(conn)?);
    }
    Ok(problems)
}

/// Checks all of the books beside the service, and closes everything when something does not hold. For a thread that may block.
pub(super) struct Beside {
    pub db: Db,
    pub mark: MarkFile,
    pub gate: Gate,
    pub metrics: Metrics,
    pub stopped: watch::Receiver<bool>,
}

impl Beside {
    pub(super) fn run(self) {
        let began = Instant::now();
        let mut broken_off = 0;
        log::info!("the newest part of the books holds; all of them are checked while they are served");
        while !*self.stopped.borrow() {
            match self.walk() {
                Ok(Walked::Stopped) => return,
                Ok(Walked::Holds(entries)) => {
                    self.metrics.books_checked.set(1);
                    log::info!("the books hold: {entries} entries were checked in {} s", began.elapsed().as_secs());
                    return;
                }
                Ok(Walked::Found(problems)) => return self.close(&problems),
                Err(error) => {
                    broken_off += 1;
                    log::error!("the check of the books broke off and begins anew: {error}");
                    if broken_off == TRIES {
                        return self.close(&[format!("the books cannot be read: {error}")]);
                    }
                    self.rest(AGAIN);
                }
            }
        }
    }

    fn walk(&self) -> Result<Walked, Error> {
        let mut conn = match db::connect_to_read_once(self.db.place()) {
            Ok(conn) => conn,
            Err(error) if self.db.is_file() => return Err(Error::NoConnection(error.to_string())),
            // A server that is away is known to everybody else; it says nothing about the books.
            Err(_) => match self.wait_for_the_server() {
                Some(conn) => conn,
                None => return Ok(Walked::Stopped),
            },
        };
        let mut walk = Walk::beside_a_service(&mut conn)?;
        loop {
            if *self.stopped.borrow() {
                return Ok(Walked::Stopped);
            }
            let began = Instant::now();
            let more = db::snapshot(&mut conn, |conn| walk.step(conn))?;
            if !walk.problems().is_empty() {
                return Ok(Walked::Found(walk.problems().to_vec()));
            }
            if !more {
                return Ok(Walked::Holds(walk.entries()));
            }
            self.rest(began.elapsed() * REST);
        }
    }

    fn wait_for_the_server(&self) -> Option<DbConn> {
        while !*self.stopped.borrow() {
            match db::connect_to_read_once(self.db.place()) {
                Ok(conn) => return Some(conn),
                Err(_) => self.rest(AGAIN),
            }
        }
        None
    }

    /// Leaves the machine to others; shortly, when the service is to stop.
    fn rest(&self, time: Duration) {
        let until = Instant::now() + time;
        while !*self.stopped.borrow() && Instant::now() < until {
            std::thread::sleep(until.saturating_duration_since(Instant::now()).min(LONGEST_REST));
        }
    }

    /// Nothing is taken on or written any more, and the next start checks everything before it serves.
    fn close(&self, problems: &[String]) {
        for problem in problems {
            log::error!("the books do not hold: {problem}");
        }
        log::error!("money routes are closed until `croupier ledger verify` finds nothing");
        let first = problems.first().map_or("", String::as_str);
        if let Err(error) = self.mark.raise_doubt(first) {
            log::error!("the mark in server.state_dir cannot be written: {error}");
        }
        self.db.distrust(first);
        self.gate.close(first.to_owned());
        self.metrics.open.set(0);
    }
}

/// How a walk through the books ended.
enum Walked {
    /// Everything holds: so many entries.
    Holds(i64),
    Found(Vec<String>),
    /// The service is to stop.
    Stopped,
}
