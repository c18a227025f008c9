//! `croupier sending`: whether payouts go out, and the word of the person that lets those of a restored or copied database go. Runs
//! beside a service, which notices within a second.

use std::path::Path;

use clap::Subcommand;
use serde_json::{Value, json};

use super::{Failure, Outcome, load_settings};
use crate::clock;
use crate::db::{self, DbConn};
use crate::error::Error;
use crate::payouts::approve::By;
use crate::payouts::sending::{self, Sending};
use crate::staff::{self, Act, CLI, LONGEST_REASON, accounts};

/// Payouts that a restored or copied database holds back.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Whether payouts go out, and what waits.
    Status {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Let payouts go out. Compare what waits with the Cashier's back office first.
    Confirm {
        /// Why it is safe, for the audit: 1 to 1024 characters.
        #[arg(long, value_parser = reason)]
        reason: String,
        /// Who says so, for the audit: an approver or admin of the back office. Otherwise it is the command line.
        #[arg(long)]
        actor: Option<String>,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
}

fn reason(text: &str) -> Result<String, String> {
    staff::reason(text).map_err(|_| format!("must be 1 to {LONGEST_REASON} characters without control characters"))
}

/// Runs the command.
///
/// # Errors
///
/// 1 while payouts are held back, and for a confirmation that cannot be; 2 for wrong use and wrong settings.
pub fn run(args: Args, settings: &Path) -> Outcome {
    let settings = load_settings(settings)?;
    let path = db::Place::parse(&settings.database.url).map_err(unusable)?;
    let mut reading = db::connect_read_only(&path).map_err(unusable)?;
    match args.command {
        Command::Status { json } => {
            let standing = sending::look(&mut reading).map_err(unusable)?;
            println!("{}", if json { as_json(&standing).to_string() } else { as_text(&standing) });
            if standing.held.is_some() { Err(Failure::NotInOrder(String::new())) } else { Ok(()) }
        }
        Command::Confirm { reason, actor, json } => {
            db::homes::check(&path).map_err(unusable)?;
            let mut writing = db::connect(&path).map_err(unusable)?;
            let standing = confirm(&mut writing, &reason, actor.as_deref()).map_err(failure)?;
            println!("{}", if json { as_json(&standing).to_string() } else { as_text(&standing) });
            Ok(())
        }
    }
}

fn confirm(conn: &mut DbConn, reason: &str, actor: Option<&str>) -> Result<Sending, Error> {
    db::immediately(conn, |tx| {
        let mut said = reason.to_owned();
        if let Some(name) = actor {
            let known = accounts::named(tx.read()?, name)?.ok_or(Error::NotFound("active staff member"))?;
            let known = accounts::locked(tx, known.id)?.ok_or(Error::NotFound("active staff member"))?;
            known.require(Act::ConfirmSending)?;
            // Nobody has shown who they are: the audit says so.
            said.push_str(" (named on the command line)");
        }
        sending::confirm(tx, By { actor: actor.unwrap_or(CLI), reason: &said }, clock::now())?;
        Ok(sending::look(tx.read()?)?)
    })
}

fn unusable(error: impl std::fmt::Display) -> Failure {
    Failure::WrongUse(error.to_string())
}

fn failure(error: Error) -> Failure {
    match error {
        Error::NotFound(_) | Error::Conflict(_) | Error::NotPermitted(_) => Failure::NotInOrder(error.to_string()),
        other => unusable(other),
    }
}

fn as_json(standing: &Sending) -> Value {
    let Sending { held, queued, awaiting_approval, unknown, oldest } = standing;
    json!({"held": held.is_some(), "reason": held, "queued": queued, "awaiting_approval": awaiting_approval,
        "unknown": unknown, "oldest": oldest.map(clock::rfc3339)})
}

fn as_text(standing: &Sending) -> String {
    let Sending { held, queued, awaiting_approval, unknown, oldest } = standing;
    let state = match held {
        Some(why) => format!("held back until a person confirms: {why}"),
        None => "payouts go out".to_owned(),
    };
    let oldest = oldest.map(|at| format!(", the oldest of {}", clock::rfc3339(at))).unwrap_or_default();
    format!("{state}\n{queued} queued{oldest}; {awaiting_approval} await approval; {unknown} unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_line_of_text() {
        for refused in ["", " ", "\n", "a\0b", "a\x1b[31m", &"x".repeat(LONGEST_REASON + 1)] {
            assert!(reason(refused).is_err(), "{refused:?}");
        }
        assert_eq!(reason(" compared\nwith the Cashier ").as_deref(), Ok("compared with the Cashier"));
    }

    #[test]
    fn a_person_sees_what_would_go_out() {
        let mut standing =
            Sending { held: Some("restored".into()), queued: 2, awaiting_approval: 3, unknown: 1, oldest: Some(0) };
        let text = as_text(&standing);
        assert!(
            text.starts_with("held back until a person confirms: restored\n2 queued, the oldest of 1970-"),
            "{text}"
        );
        assert_eq!(as_json(&standing)["held"], true);

        standing = Sending { held: None, oldest: None, queued: 0, ..standing };
        assert_eq!(as_text(&standing), "payouts go out\n0 queued; 3 await approval; 1 unknown");
        assert_eq!((&as_json(&standing)["reason"], &as_json(&standing)["oldest"]), (&Value::Null, &Value::Null));
    }
}
