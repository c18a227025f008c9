//! What is told at the end: a table for people, one document for programs.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use crate::replay::Played;
use crate::search::Found;

/// What came of one part of the world.
#[derive(Debug)]
pub struct Part {
    pub name: &'static str,
    pub found: Found,
    pub took: Duration,
    /// Every step to a depth, in the real books.
    pub played: Option<(u32, Played)>,
    /// Random sequences, in the real books.
    pub walked: Option<(u64, Played)>,
}

/// The whole campaign.
#[derive(Debug, Default)]
pub struct Report {
    pub seed: u64,
    pub parts: Vec<Part>,
    pub problems: Vec<String>,
}

impl Report {
    pub fn ok(&self) -> bool {
        self.problems.is_empty()
    }

    /// Adds a part with what does not hold of it.
    pub fn add(&mut self, part: Part) {
        let name = part.name;
        if let Some(violation) = &part.found.violation {
            self.problems.push(format!("{name}: {}", violation.told()));
        } else if !part.found.fixpoint {
            self.problems.push(format!("{name}: the search ended before there was no new state"));
        }
        let played = part.played.iter().map(|(_, played)| played).chain(part.walked.iter().map(|(_, played)| played));
        let differs = played.filter_map(|played| played.problem.as_ref());
        self.problems.extend(differs.map(|problem| format!("{name}: the books differ from the model: {problem}")));
        self.parts.push(part);
    }

    pub fn print(&self, as_json: bool) {
        if as_json {
            println!("{}", self.to_json());
            return;
        }
        println!("{}\n", self.table());
        for problem in &self.problems {
            println!("does not hold: {problem}");
        }
        let verdict = if self.ok() { "every invariant holds in every state" } else { "SOMETHING DOES NOT HOLD" };
        println!("seed {}: {verdict}", self.seed);
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header([
            "part",
            "states",
            "steps",
            "deepest",
            "s",
            "in the books: to depth",
            "steps",
            "verified",
            "s",
            "random steps",
        ]);
        for part in &self.parts {
            let played = |tell: fn(&(u32, Played)) -> String| part.played.as_ref().map(tell).unwrap_or_default();
            table.add_row([
                part.name.to_owned(),
                part.found.states.to_string(),
                part.found.edges.to_string(),
                part.found.depth.to_string(),
                format!("{:.1}", part.took.as_secs_f64()),
                played(|(depth, _)| depth.to_string()),
                played(|(_, played)| played.steps.to_string()),
                played(|(_, played)| played.verified.to_string()),
                played(|(_, played)| format!("{}.{}", played.milliseconds / 1000, played.milliseconds / 100 % 10)),
                part.walked.as_ref().map(|(_, walked)| walked.steps.to_string()).unwrap_or_default(),
            ]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    fn to_json(&self) -> Value {
        let books = |played: &Played| json!({"steps": played.steps, "verified": played.verified, "milliseconds": played.milliseconds});
        let part = |part: &Part| {
            json!({
                "name": part.name, "states": part.found.states, "steps": part.found.edges, "depth": part.found.depth,
                "fixpoint": part.found.fixpoint, "milliseconds": u64::try_from(part.took.as_millis()).unwrap_or(u64::MAX),
                "books": part.played.as_ref().map(|(depth, played)| json!({"depth": depth, "played": books(played)})),
                "random": part.walked.as_ref().map(|(walks, played)| json!({"sequences": walks, "played": books(played)})),
            })
        };
        json!({"ok": self.ok(), "seed": self.seed, "problems": self.problems, "parts": self.parts.iter().map(part).collect::<Vec<_>>()})
    }
}
