//! `croupier events`: what was told to the game server, what waits, and once more. Runs beside a service, which notices within a second.

use std::path::Path;

use clap::Subcommand;
use comfy_table::Table;
use serde_json::{Value, json};

use super::{Failure, Outcome, load_settings};
use crate::clock::{self, Micros};
use crate::db::{self, DbConn};
use crate::events::feed::{self, Cursor, Entry};
use crate::money::Currency;
use crate::pushes::desk::{self, Status};

/// Events queued in one commit. More, and the service waits longer for its turn; fewer, and it takes longer.
const AT_ONCE: usize = 200;

/// Characters of an answer in a table; `--json` has all of it.
const SHOWN_OF_AN_ANSWER: usize = 60;

/// Events: the feed, and their pushes to the game server.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Where pushes stand.
    Status {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// List events, oldest first.
    List {
        /// Only those after this one: its id or its number.
        #[arg(long, default_value = "0", value_parser = cursor)]
        after: Cursor,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Every push of an event with its answer.
    Log {
        /// Its id or its number.
        #[arg(value_parser = cursor)]
        id: Cursor,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Push events once more, in order, also those that were given up.
    Redeliver {
        /// Their ids or numbers.
        #[arg(value_parser = cursor, required_unless_present = "since", conflicts_with = "since")]
        ids: Vec<Cursor>,
        /// All from this time on, RFC 3339: 2026-11-21T08:00:00Z.
        #[arg(long, value_parser = moment)]
        since: Option<Micros>,
        /// Only those before this time.
        #[arg(long, value_parser = moment, requires = "since")]
        until: Option<Micros>,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// End a pause and try everything that waits, now.
    Resume,
}

fn cursor(text: &str) -> Result<Cursor, String> {
    Cursor::parse(text).ok_or_else(|| "must be the id of an event, like evt_17_0123456789ab, or its number".into())
}

fn moment(text: &str) -> Result<Micros, String> {
    clock::parse_rfc3339(text).ok_or_else(|| "must be a time of RFC 3339, like 2026-11-21T08:00:00Z".into())
}

/// A connection that may write: not to books that have moved.
fn writing(place: &db::Place) -> Result<DbConn, Failure> {
    db::homes::check(place).map_err(unusable)?;
    db::connect(place).map_err(unusable)
}

/// Runs the command.
///
/// # Errors
///
/// 1 for an event that is not there and for pushes that stand still, 2 for wrong use and wrong settings.
pub fn run(args: Args, settings: &Path) -> Outcome {
    let settings = load_settings(settings)?;
    let place = db::Place::parse(&settings.database.url).map_err(unusable)?;
    let mut reading = db::connect_read_only(&place).map_err(unusable)?;
    let pushed = settings.events.is_some();
    match args.command {
        Command::Status { json } => status(&mut reading, pushed, json),
        Command::List { after, limit, json } => list(&mut reading, &after, limit, json),
        Command::Log { id, json } => log(&mut reading, &id, json),
        Command::Redeliver { ids, since, until, json } => {
            let places = match since {
                Some(since) if until.is_some_and(|until| until <= since) => {
                    return Err(Failure::WrongUse("--until must be later than --since".to_owned()));
                }
                Some(since) => Places::Between(since, until),
                None => Places::These(known(&mut reading, &ids)?),
            };
            let count = redeliver(&mut reading, &mut writing(&place)?, places)?;
            if json {
                println!("{}", json!({ "queued": count }));
            } else {
                println!("{count} events are pushed once more{}", if pushed { "" } else { NOT_SET });
            }
            Ok(())
        }
        Command::Resume => {
            let mut conn = writing(&place)?;
            if !db::immediately(&mut conn, |tx| desk::resume(tx, clock::now())).map_err(unusable)? {
                return Err(Failure::NotInOrder("nothing was ever pushed from this database".into()));
            }
            println!("everything that waits is tried now{}", if pushed { "" } else { NOT_SET });
            Ok(())
        }
    }
}

const NOT_SET: &str = ", as soon as [events] is set and the service runs";

fn unusable(error: impl std::fmt::Display) -> Failure {
    Failure::WrongUse(error.to_string())
}

fn status(conn: &mut DbConn, pushed: bool, as_json: bool) -> Outcome {
    let status = desk::status(conn).map_err(unusable)?;
    let time = |at: Option<Micros>| at.map(clock::rfc3339);
    let endpoint = status.endpoint.as_ref();
    let state = state(&status, pushed);
    let position = endpoint.map_or(0, |endpoint| endpoint.position);
    let members = json!({
        "state": state,
        "newest": status.newest,
        "position": position,
        "not_pushed_yet": if endpoint.is_some() { status.newest - position } else { 0 },
        "queued": status.queued,
        "given_up": status.dead,
        "failures": endpoint.map_or(0, |endpoint| endpoint.failures),
        "failing_since": time(endpoint.and_then(|endpoint| endpoint.failing_since)),
        "next_try_at": time(endpoint.filter(|endpoint| endpoint.failures > 0).map(|endpoint| endpoint.next_try_at)),
        "paused_at": time(endpoint.and_then(|endpoint| endpoint.paused_at)),
        "last_delivery_at": time(status.last_delivery_at),
    });
    if as_json {
        println!("{members}");
    } else {
        let mut table = plain_table();
        for (name, value) in members.as_object().into_iter().flatten() {
            table.add_row([name.replace('_', " "), plain(value)]);
        }
        println!("{table}");
    }
    match state {
        "paused" | "failing" => Err(Failure::NotInOrder(String::new())),
        _ => Ok(()),
    }
}

/// One word for where pushes stand.
fn state(status: &Status, pushed: bool) -> &'static str {
    match &status.endpoint {
        _ if !pushed => "not_set",
        None => "not_begun",
        Some(endpoint) if endpoint.paused_at.is_some() => "paused",
        Some(endpoint) if endpoint.failures > 0 => "failing",
        Some(_) => "healthy",
    }
}

fn list(conn: &mut DbConn, after: &Cursor, limit: i64, as_json: bool) -> Outcome {
    let page = feed::page(conn, after, limit, i64::MAX, &[]).map_err(unusable)?;
    let page = page.ok_or_else(|| Failure::NotInOrder("no such event in these books".into()))?;
    if as_json {
        println!("{}", serde_json::to_string(&page).map_err(unusable)?);
        return Ok(());
    }
    if page.items.is_empty() {
        println!("no events");
        return Ok(());
    }
    let mut table = plain_table();
    table.set_header(["ID", "TYPE", "AT", "PLAYER", "AMOUNT"]);
    for told in page.items {
        let data = serde_json::to_value(&told.data).map_err(unusable)?;
        let amount = in_major(&data["amount"], &data["currency"]);
        table.add_row([told.id, told.kind, told.at, shown(&data["site_login"], 24), amount]);
    }
    println!("{table}");
    Ok(())
}

fn log(conn: &mut DbConn, id: &Cursor, as_json: bool) -> Outcome {
    let place = known(conn, std::slice::from_ref(id))?;
    let entries = feed::entries_at(conn, &place).map_err(unusable)?;
    let told = entries.first().map(Entry::told).ok_or_else(|| Failure::NotInOrder("no such event".into()))?;
    let attempts = desk::attempts(conn, id.place()).map_err(unusable)?;
    let queued = desk::queued(conn, id.place()).map_err(unusable)?;
    let queued = queued
        .map(|row| json!({"refusals": row.refusals, "due_at": row.due_at.map(clock::rfc3339), "given_up": row.dead}));
    let attempts: Vec<Value> = attempts
        .iter()
        .map(|attempt| {
            json!({"at": clock::rfc3339(attempt.started_at), "took_ms": attempt.took_micros / 1000,
                "outcome": attempt.outcome, "http_status": attempt.http_status, "answer": attempt.answer})
        })
        .collect();
    if as_json {
        println!("{}", json!({"event": told, "attempts": attempts, "queued": queued}));
        return Ok(());
    }
    println!("{}", serde_json::to_string_pretty(&told).map_err(unusable)?);
    let mut table = plain_table();
    table.set_header(["AT", "MS", "OUTCOME", "HTTP", "ANSWER"]);
    for attempt in &attempts {
        let of = |name: &str| plain(&attempt[name]);
        let answer = shown(&attempt["answer"], SHOWN_OF_AN_ANSWER);
        table.add_row([of("at"), of("took_ms"), of("outcome"), of("http_status"), answer]);
    }
    println!("{table}");
    match queued {
        Some(row) if row["given_up"] == true => println!("given up; `croupier events redeliver` tries it once more"),
        Some(row) if row["refusals"] == 0 => println!("waits for its turn; see `croupier events status`"),
        Some(row) => println!("waits until {} after {} refusals", plain(&row["due_at"]), row["refusals"]),
        None => {}
    }
    Ok(())
}

/// The numbers of events that must be in these books.
fn known(conn: &mut DbConn, ids: &[Cursor]) -> Result<Vec<i64>, Failure> {
    let mut places = Vec::new();
    for id in ids {
        if id.place() == 0 || !id.is_known(conn).map_err(unusable)? {
            return Err(Failure::NotInOrder("no such event in these books".into()));
        }
        places.push(id.place());
    }
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

/// Which events.
enum Places {
    These(Vec<i64>),
    Between(Micros, Option<Micros>),
}

/// Queues them in commits of a bounded size, so that the service has its turn in between.
fn redeliver(reading: &mut DbConn, writing: &mut DbConn, places: Places) -> Result<usize, Failure> {
    let mut queued = 0;
    let mut queue = |piece: &[i64]| {
        let again = db::immediately(writing, |tx| desk::push_again(tx, piece, clock::now()));
        queued += again.map_err(unusable)?;
        Ok(())
    };
    match places {
        Places::These(places) => places.chunks(AT_ONCE).try_for_each(&mut queue)?,
        Places::Between(since, until) => {
            let mut after = 0;
            loop {
                let limit = i64::try_from(AT_ONCE).unwrap_or(1);
                let piece = desk::between(reading, after, since, until, limit).map_err(unusable)?;
                let Some(last) = piece.last() else { break };
                after = *last;
                queue(&piece)?;
            }
        }
    }
    Ok(queued)
}

fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table
}

/// A value as people read it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// The same, at most so many characters of it.
fn shown(value: &Value, most: usize) -> String {
    let text = plain(value);
    if text.chars().count() <= most { text } else { text.chars().take(most - 1).chain(['…']).collect() }
}

/// An amount as people read it: `25.00 USD`; nothing where there is none.
fn in_major(minor: &Value, currency: &Value) -> String {
    let currency = currency.as_str().and_then(|code| Currency::parse(code).ok());
    let both = minor.as_i64().zip(currency);
    both.map(|(minor, currency)| format!("{} {currency}", currency.in_major(minor))).unwrap_or_default()
}
