//! What is told at the end: a table for people, one document for programs.

#[path = "../campaign/problems.rs"]
mod problems;

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

/// How many problems the table is followed by.
const SHOWN: usize = 40;

/// The figures of one fault.
#[derive(Debug, Clone, Default)]
pub struct Row {
    pub fault: String,
    pub payouts: usize,
    /// Payouts that the service took for accepted, refused or unknown before anything was told.
    pub accepted: usize,
    pub refused: usize,
    pub unknown: usize,
    /// Payouts that were tried again after an attempt that was certainly not sent.
    pub retried: usize,
    /// Whole requests that left us, and connections without one.
    pub posts: usize,
    pub cut_short: u64,
    pub doubled: usize,
    pub wrongly_released: usize,
    /// Requests of callers: how many, and how often the fault befell one.
    pub asked: u64,
    pub hit: u64,
    /// Payouts that are still unknown at the end, with a review.
    pub left: usize,
    pub took: Duration,
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

    pub fn print(&self, as_json: bool) {
        if as_json {
            println!("{}", self.to_json());
            return;
        }
        println!("{}\n", self.table());
        problems::print(&self.problems, SHOWN);
        let payouts: usize = self.rows.iter().map(|row| row.payouts).sum();
        let verdict = if self.ok() { "none sent twice, none wrongly released" } else { "IT DOES NOT HOLD" };
        let (seed, rows, seconds) = (self.seed, self.rows.len(), self.took.as_secs());
        println!("seed {seed}: {rows} faults, {payouts} payouts in {seconds} s: {verdict}");
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header([
            "fault",
            "payouts",
            "accepted",
            "refused",
            "unknown",
            "retried",
            "POSTs",
            "cut short",
            "doubled",
            "wrongly released",
            "callers' requests",
            "of these hit",
            "left to a person",
            "took",
        ]);
        for row in &self.rows {
            let numbers = [row.payouts, row.accepted, row.refused, row.unknown, row.retried, row.posts];
            let mut cells = vec![row.fault.clone()];
            cells.extend(numbers.iter().map(ToString::to_string));
            cells.push(row.cut_short.to_string());
            cells.extend([row.doubled, row.wrongly_released].iter().map(ToString::to_string));
            cells.extend([row.asked, row.hit].iter().map(ToString::to_string));
            cells.push(row.left.to_string());
            cells.push(format!("{:.1} s", row.took.as_secs_f64()));
            table.add_row(cells);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    fn to_json(&self) -> Value {
        let row = |row: &Row| {
            json!({"fault": row.fault, "payouts": row.payouts, "accepted": row.accepted, "refused": row.refused,
                "unknown": row.unknown, "retried": row.retried, "posts": row.posts, "cut_short": row.cut_short,
                "doubled": row.doubled, "wrongly_released": row.wrongly_released, "asked": row.asked, "hit": row.hit,
                "left": row.left, "took_ms": u64::try_from(row.took.as_millis()).unwrap_or(u64::MAX)})
        };
        json!({"ok": self.ok(), "seed": self.seed, "seconds": self.took.as_secs(), "problems": self.problems,
            "faults": self.rows.iter().map(row).collect::<Vec<_>>()})
    }
}
