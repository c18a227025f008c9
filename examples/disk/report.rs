//! What is told at the end: a table for people, one document for programs.

#[path = "../campaign/problems.rs"]
mod problems;

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

/// How many problems the table is followed by.
const SHOWN: usize = 30;

/// What was done to one scenario.
#[derive(Debug, Clone, Default)]
pub struct Row {
    pub name: &'static str,
    /// Calls that change the disk.
    pub calls: usize,
    /// Of them syncs.
    pub syncs: usize,
    /// Requests that were acknowledged.
    pub acknowledged: usize,
    pub kills: u64,
    pub cuts: u64,
    /// Calls that failed, and images made after that.
    pub faults: u64,
    pub images_after_faults: u64,
    /// Answers that were none.
    pub temporary: u64,
    /// How often the service stopped by itself.
    pub ended: u64,
}

/// The whole campaign.
#[derive(Debug, Default)]
pub struct Report {
    pub seed: u64,
    pub took: Duration,
    pub rows: Vec<Row>,
    pub problems: Vec<String>,
}

impl Report {
    pub fn ok(&self) -> bool {
        self.problems.is_empty()
    }

    pub fn sum(&self, of: impl Fn(&Row) -> u64) -> u64 {
        self.rows.iter().map(of).sum()
    }

    pub fn print(&self, as_json: bool) {
        if as_json {
            println!("{}", self.to_json());
            return;
        }
        println!("{}\n", self.table());
        problems::print(&self.problems, SHOWN);
        let verdict = if self.ok() { "nothing lost, nothing doubled" } else { "IT DOES NOT HOLD" };
        println!(
            "seed {}: {} kills, {} power cuts, {} I/O errors in {} s: {verdict}",
            self.seed,
            self.sum(|row| row.kills),
            self.sum(|row| row.cuts),
            self.sum(|row| row.faults),
            self.took.as_secs()
        );
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header([
            "scenario",
            "calls",
            "syncs",
            "acknowledged",
            "kills",
            "power cuts",
            "I/O errors",
            "images after errors",
            "temporary answers",
            "stops",
        ]);
        let mut sum = Row { name: "all", ..Row::default() };
        for row in &self.rows {
            table.add_row(cells(row));
            sum.calls += row.calls;
            sum.syncs += row.syncs;
            sum.acknowledged += row.acknowledged;
            sum.kills += row.kills;
            sum.cuts += row.cuts;
            sum.faults += row.faults;
            sum.images_after_faults += row.images_after_faults;
            sum.temporary += row.temporary;
            sum.ended += row.ended;
        }
        table.add_row(cells(&sum));
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    fn to_json(&self) -> Value {
        let row = |row: &Row| {
            json!({"scenario": row.name, "calls": row.calls, "syncs": row.syncs, "acknowledged": row.acknowledged,
                "kills": row.kills, "cuts": row.cuts, "faults": row.faults,
                "images_after_faults": row.images_after_faults, "temporary": row.temporary, "ended": row.ended})
        };
        json!({"ok": self.ok(), "seed": self.seed, "seconds": self.took.as_secs(), "problems": self.problems,
            "scenarios": self.rows.iter().map(row).collect::<Vec<_>>()})
    }
}

fn cells(row: &Row) -> [String; 10] {
    [
        row.name.to_owned(),
        row.calls.to_string(),
        row.syncs.to_string(),
        row.acknowledged.to_string(),
        row.kills.to_string(),
        row.cuts.to_string(),
        row.faults.to_string(),
        row.images_after_faults.to_string(),
        row.temporary.to_string(),
        row.ended.to_string(),
    ]
}
