//! `croupier inquiries`: orders whose end is waited for, what their providers said of them, and when the last notification is due. Runs
//! beside a service and asks nobody.

use std::path::Path;

use comfy_table::Table;
use serde_json::{Value, json};

use super::{Failure, Outcome, load_settings};
use crate::clock::rfc3339;
use crate::db;
use crate::inquiries::standing::{self, Standing};
use crate::providers::Direction;

/// Characters of an answer in the table; `--json` has all of it.
const SHOWN_OF_AN_ANSWER: usize = 60;

/// Orders whose end is waited for.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
///
/// 2 for wrong settings and a database that cannot be read.
pub fn run(args: Args, settings: &Path) -> Outcome {
    let settings = load_settings(settings)?;
    let place = db::Place::parse(&settings.database.url).map_err(unusable)?;
    let mut reading = db::connect_read_only(&place).map_err(unusable)?;
    let awaited = standing::all(&mut reading, &settings.providers).map_err(unusable)?;
    println!("{}", if args.json { as_json(&awaited).to_string() } else { as_text(&awaited) });
    Ok(())
}

fn unusable(error: impl std::fmt::Display) -> Failure {
    Failure::WrongUse(error.to_string())
}

fn way(standing: &Standing) -> &'static str {
    match standing.direction {
        Some(Direction::Deposit) => "deposit",
        Some(Direction::Payout) => "payout",
        None => "",
    }
}

fn as_json(awaited: &[Standing]) -> Value {
    let one = |standing: &Standing| {
        let order = &standing.order;
        json!({"provider": order.provider, "site_id": order.site_id, "external_id": order.external_id, "way": way(standing),
            "since": rfc3339(order.since), "asked": order.asked, "last_asked_at": order.last_asked_at.map(rfc3339),
            "last_answer": order.last_answer, "next": standing.next.map(rfc3339),
            "last_notification_due": standing.last_notification_due.map(rfc3339), "alarmed": order.alarmed})
    };
    json!({"items": awaited.iter().map(one).collect::<Vec<_>>()})
}

fn as_text(awaited: &[Standing]) -> String {
    if awaited.is_empty() {
        return "no order is waited for".to_owned();
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let titles = ["PROVIDER", "ORDER", "WAY", "SINCE", "ASKED", "LAST ANSWER", "NEXT", "LAST NOTIFICATION DUE"];
    table.set_header(titles);
    for standing in awaited {
        let order = &standing.order;
        let answer: String = order.last_answer.chars().take(SHOWN_OF_AN_ANSWER).collect();
        table.add_row([
            order.provider.clone(),
            order.external_id.clone(),
            way(standing).to_owned(),
            rfc3339(order.since),
            order.asked.to_string(),
            answer,
            standing.next.map_or_else(|| "at once".to_owned(), rfc3339),
            standing.last_notification_due.map_or_else(|| "no account".to_owned(), rfc3339),
        ]);
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::awaited::Awaited;

    fn standing() -> Standing {
        let order = Awaited {
            external_id: "0123".into(),
            provider: "exotic".into(),
            site_id: 332,
            since: 0,
            due_at: 60_000_000,
            asked: 2,
            last_asked_at: Some(30_000_000),
            last_answer: "not found, which proves nothing: ".repeat(9),
            about: None,
            alarmed: false,
        };
        let (direction, next) = (Some(Direction::Payout), Some(60_000_000));
        Standing { order, direction, next, last_notification_due: Some(86_400_000_000) }
    }

    #[test]
    fn a_person_sees_who_owes_us_what_since_when() {
        assert_eq!(as_text(&[]), "no order is waited for");
        let hinted = Standing { next: None, last_notification_due: None, direction: None, ..standing() };
        let text = as_text(&[standing(), hinted]);
        let lines: Vec<&str> = text.lines().collect();
        let [titles, plain, hinted] = lines[..] else { panic!("{text}") };
        assert!(titles.contains("LAST ANSWER") && titles.contains("LAST NOTIFICATION DUE"), "{text}");
        for part in ["exotic", "0123", "payout", "1970-01-01T00:01:00.000000Z", "1970-01-02T00:00:00.000000Z", " 2 "] {
            assert!(plain.contains(part), "{part}: {text}");
        }
        assert!(hinted.contains("at once") && hinted.contains("no account") && !hinted.contains("payout"), "{text}");
    }

    #[test]
    fn a_program_gets_the_whole_answer() {
        let shown = as_json(&[standing()]);
        let item = &shown["items"][0];
        assert_eq!(item["last_answer"], standing().order.last_answer);
        assert_eq!((&item["asked"], &item["way"], &item["alarmed"]), (&json!(2), &json!("payout"), &json!(false)));
        assert_eq!(as_json(&[])["items"], json!([]));
    }
}
