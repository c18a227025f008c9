//! What must be true of an image of the disk: the service opens it and finds nothing wrong, whatever was acknowledged is there, what was not is
//! there wholly or not at all, whoever asks again gets the same answer and no second effect, and work goes on.

use std::collections::BTreeSet;
use std::path::Path;

use croupier::db::migrate::{self, Policy};
use croupier::db::{self, Db, DbConn, Scope};
use croupier::error::Error;
use croupier::payouts::{self, Stage};
use croupier::{marks, verify};
use tokio::runtime::Runtime;

use crate::ask::{self, Again, Ask, balance, perform};
use crate::home;
use crate::image::{Image, Promised, Told};
use crate::play::{Book, opening, rows};
use crate::promise::Asked;
use crate::scenario::{Begins, PLAYERS};

/// How an image is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// As every start does it, then one connection that writes.
    Books,
    /// The whole service with its lane, its checkpoints and what it settles at a start.
    Service,
}

/// Checks an image in an empty directory.
///
/// # Errors
///
/// What does not hold.
pub fn check(image: &Image, begins: Begins, directory: &Path, depth: Depth, runtime: &Runtime) -> Result<(), String> {
    home::put(directory, &image.files);
    let promised = &image.promised;
    match depth {
        Depth::Books => {
            let place = home::place(directory);
            migrate::prepare(&place, Policy::Migrate).map_err(|error| format!("cannot be opened: {error}"))?;
            let mut conn = db::connect(&place).map_err(|error| format!("cannot be opened: {error}"))?;
            stands(&mut conn, promised)?;
            let before = before(&mut conn, promised, begins)?;
            ask_again(promised, &mut |ask| db::immediately(&mut conn, |tx| perform(tx, ask)))?;
            after(&mut conn, promised, before)
        }
        Depth::Service => {
            if let Some((name, bytes, _)) = &promised.mark {
                std::fs::write(directory.join(&**name), bytes).map_err(|error| error.to_string())?;
            }
            let app = runtime.block_on(home::service(directory, None))?;
            let mut conn =
                db::connect_read_only(&home::place(directory)).map_err(|error| format!("cannot be read: {error}"))?;
            stands(&mut conn, promised)?;
            let before = before(&mut conn, promised, begins)?;
            let settled = runtime.block_on(app.worker().recover());
            settled.map_err(|error| format!("what was under way cannot be settled: {error}"))?;
            is_not_due(&mut conn, promised)?;
            let db = app.state().db.clone();
            ask_again(promised, &mut |ask| written(runtime, &db, ask))?;
            let result = after(&mut conn, promised, before);
            db.close();
            result
        }
    }
}

fn written(runtime: &Runtime, db: &Db, ask: &Ask) -> Result<String, Error> {
    let ask = ask.clone();
    runtime.block_on(db.write(Scope::Nobody, move |tx| perform(tx, &ask)))
}

fn cannot_be_read(error: impl std::fmt::Display) -> String {
    format!("cannot be read: {error}")
}

/// The books agree with themselves and with everything that outsiders have seen of them.
fn stands(conn: &mut DbConn, promised: &Promised) -> Result<(), String> {
    holds(conn)?;
    if let Some((_, _, mark)) = &promised.mark
        && let Some(lost) = marks::lost(conn, mark).map_err(cannot_be_read)?.into_iter().next()
    {
        return Err(format!("the mark: {lost}"));
    }
    let found = rows(conn).map_err(cannot_be_read)?;
    if found.iter().zip(&promised.rows).any(|(found, seen)| found < seen) {
        return Err(format!("rows are {found:?}, and {:?} were seen", promised.rows));
    }
    for id in &promised.sent {
        let attempts = payouts::outbox::attempts(conn, id).map_err(cannot_be_read)?;
        let stage = stage(conn, id)?;
        if attempts.is_empty() || matches!(stage, Stage::AwaitingApproval | Stage::Queued) {
            return Err(format!("payout {id} was sent, and is {} with {} attempts", stage.name(), attempts.len()));
        }
    }
    Ok(())
}

fn holds(conn: &mut DbConn) -> Result<(), String> {
    let report = verify::verify(conn, |_| ()).map_err(cannot_be_read)?;
    report.problems.into_iter().next().map_or(Ok(()), |problem| Err(format!("verify: {problem}")))
}

fn stage(conn: &mut DbConn, id: &str) -> Result<Stage, String> {
    let payout = payouts::find(conn, id).map_err(cannot_be_read)?;
    let payout = payout.ok_or_else(|| format!("payout {id} was sent, and is not there"))?;
    payout.standing().map(|(_, stage)| stage).map_err(cannot_be_read)
}

/// After a start nothing that was sent waits to be sent.
fn is_not_due(conn: &mut DbConn, promised: &Promised) -> Result<(), String> {
    for id in &promised.sent {
        if matches!(stage(conn, id)?, Stage::Queued | Stage::Sending) {
            return Err(format!("payout {id} was sent, and would be sent again"));
        }
    }
    Ok(())
}

/// What a request may have done by now.
fn may_have_done(asked: &Asked, told: Option<&Told>) -> Option<(i64, i64)> {
    match told {
        Some(Told::No) => None,
        Some(Told::Yes(_)) | None => Some(asked.change),
    }
}

/// All money that a player may have: what is certain, and any part of what is not.
fn possible(
    begins: Begins,
    login: &str,
    promised: &Promised,
    certain: impl Fn(&Asked, Option<&Told>) -> bool,
) -> BTreeSet<(i64, i64)> {
    let mut sums = BTreeSet::from([opening(begins).get(login).copied().unwrap_or_default()]);
    for (asked, told) in promised.asked.iter().filter(|(asked, _)| asked.login == login) {
        let Some((available, held)) = may_have_done(asked, told.as_ref()) else { continue };
        let moved = sums.iter().map(|sum| (sum.0 + available, sum.1 + held)).collect::<Vec<_>>();
        if certain(asked, told.as_ref()) {
            sums = moved.into_iter().collect();
        } else {
            sums.extend(moved);
        }
    }
    sums
}

fn balances(conn: &mut DbConn) -> Result<Book, String> {
    PLAYERS.iter().map(|(login, _)| Ok((*login, balance(conn, login).map_err(cannot_be_read)?))).collect()
}

/// Everything that was acknowledged is in the balances, and of the rest each request wholly or not at all.
fn before(conn: &mut DbConn, promised: &Promised, begins: Begins) -> Result<Begins, String> {
    for (login, found) in balances(conn)? {
        let possible = possible(begins, login, promised, |_, told| told.is_some());
        if !possible.contains(&found) {
            return Err(format!("{login} has {found:?}, possible is {possible:?}"));
        }
    }
    Ok(begins)
}

/// Asks everything again that was asked before.
fn ask_again(promised: &Promised, write: &mut impl FnMut(&Ask) -> Result<String, Error>) -> Result<(), String> {
    for (asked, told) in &promised.asked {
        let again = asked.ask.again();
        if again == Again::Never || *told == Some(Told::No) {
            continue;
        }
        match (write(&asked.ask), told) {
            (Ok(_), None) => {}
            (Ok(text), Some(Told::Yes(first))) if again == Again::Same && text == *first => {}
            (Ok(text), Some(told)) if again == Again::Same => {
                return Err(format!("{:?}: was answered {told:?}, and now {text}", asked.ask));
            }
            (Err(error), _) if again == Again::Refused && error.is_refusal() => {}
            (Ok(text), Some(_)) => return Err(format!("{:?}: was done, and is done again: {text}", asked.ask)),
            // One of several at once that is refused, and whose refusal nobody has heard.
            (Err(error), None) if error.is_refusal() && asked.change == (0, 0) => {}
            (Err(error), _) => return Err(format!("{:?}: asked again: {error}", asked.ask)),
        }
    }
    new_work(write)
}

/// A deposit that nobody has asked for before.
fn new_work(write: &mut impl FnMut(&Ask) -> Result<String, Error>) -> Result<(), String> {
    let login = "bob";
    let failed = |error: Error| format!("work does not go on: {error}");
    write(&Ask::Player { login }).map_err(failed)?;
    let answer = write(&ask::question("check_deposit", login, MORE, "one more")).map_err(failed)?;
    let id = ask::order_in(&answer).ok_or_else(|| format!("work does not go on: {answer}"))?;
    write(&ask::notice(&id, login, MORE, crate::scenario::PAID, "one more")).map(|_| ()).map_err(failed)
}

const MORE: i64 = 12_345;

/// After everything was asked again, everything has happened exactly once.
fn after(conn: &mut DbConn, promised: &Promised, begins: Begins) -> Result<(), String> {
    for (login, found) in balances(conn)? {
        let more = if login == "bob" { MORE } else { 0 };
        let certain = |asked: &Asked, told: Option<&Told>| told.is_some() || asked.ask.again() != Again::Never;
        let possible = possible(begins, login, promised, certain);
        if !possible.contains(&(found.0 - more, found.1)) {
            return Err(format!("asked again, {login} has {found:?}, possible is {possible:?} and {more} more"));
        }
    }
    holds(conn)
}
