//! What is told at the end: a table for people, one document for programs.

#[path = "../campaign/problems.rs"]
mod problems;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

/// How many problems the table is followed by.
const SHOWN: usize = 60;

/// What came of one kind of harm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub times: u64,
    /// The check named it, or could not read the file and said so.
    pub found: u64,
    /// Nothing that is read has changed.
    pub harmless: u64,
    /// What has changed is no money data, and is named as such.
    pub no_money: u64,
    pub overlooked: u64,
    /// How many of those that were found were also given to the command and to the start of the service.
    pub served: u64,
}

/// The whole campaign.
#[derive(Debug, Default)]
pub struct Report {
    pub seed: u64,
    pub took: Duration,
    pub pages: usize,
    pub rows: u64,
    pub kinds: BTreeMap<String, Tally>,
    pub problems: Vec<String>,
    pub kept: Option<PathBuf>,
}

impl Report {
    pub fn ok(&self) -> bool {
        self.problems.is_empty()
    }

    /// All kinds together.
    pub fn all(&self) -> Tally {
        self.kinds.values().fold(Tally::default(), |sum, one| Tally {
            times: sum.times + one.times,
            found: sum.found + one.found,
            harmless: sum.harmless + one.harmless,
            no_money: sum.no_money + one.no_money,
            overlooked: sum.overlooked + one.overlooked,
            served: sum.served + one.served,
        })
    }

    pub fn print(&self, as_json: bool) {
        if as_json {
            println!("{}", self.to_json());
            return;
        }
        println!("{}\n", self.table());
        problems::print(&self.problems, SHOWN);
        if let Some(kept) = &self.kept {
            println!("kept: {}", kept.display());
        }
        let verdict = if self.ok() { "every change of money data was found" } else { "SOMETHING WAS OVERLOOKED" };
        let (times, seconds) = (self.all().times, self.took.as_secs());
        println!(
            "seed {}: {times} times harmed in {seconds} s, {} pages, {} rows: {verdict}",
            self.seed, self.pages, self.rows
        );
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(["harm", "times", "found", "nothing changed", "no money data", "overlooked", "also served"]);
        let all = [("all".to_owned(), self.all())];
        let kinds = self.kinds.iter().map(|(name, tally)| (name.clone(), *tally)).chain(all);
        for (name, tally) in kinds {
            let numbers = [tally.times, tally.found, tally.harmless, tally.no_money, tally.overlooked, tally.served];
            table.add_row([name].into_iter().chain(numbers.map(|number| number.to_string())));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    fn to_json(&self) -> Value {
        let kind = |(name, tally): (&String, &Tally)| {
            json!({"harm": name, "times": tally.times, "found": tally.found, "nothing_changed": tally.harmless,
                "no_money_data": tally.no_money, "overlooked": tally.overlooked, "served": tally.served})
        };
        json!({"ok": self.ok(), "seed": self.seed, "seconds": self.took.as_secs(), "pages": self.pages, "rows": self.rows,
            "kinds": self.kinds.iter().map(kind).collect::<Vec<_>>(), "problems": self.problems,
            "kept": self.kept.as_ref().map(|kept| kept.display().to_string())})
    }
}
