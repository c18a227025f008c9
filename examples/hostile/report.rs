//! What is told at the end: figures for people, one document for programs.

#[path = "../campaign/problems.rs"]
mod problems;

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use crate::flood::Answers;
use crate::good::Traffic;

/// How many problems are told.
const SHOWN: usize = 40;

/// The whole campaign.
#[derive(Debug, Default)]
pub struct Report {
    pub took: Duration,
    /// The good traffic alone, and beside the attack.
    pub quiet: Traffic,
    pub beside: Traffic,
    /// Kinds of slow connections with the most at once and how many the service has closed.
    pub slow: Vec<(String, u64, u64)>,
    pub flood: Answers,
    /// Figures by their names, in the order in which they are told.
    pub figures: Vec<(&'static str, i64, &'static str)>,
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
        let heads = ["good traffic", "requests", "p50", "p99", "longest"];
        let rows = [("alone", &self.quiet), ("beside the attack", &self.beside)].map(|(name, traffic)| {
            let times = [traffic.percentile(50), traffic.percentile(99), traffic.longest()].map(shown);
            [vec![name.to_owned(), traffic.took.len().to_string()], times.to_vec()].concat()
        });
        println!("{}\n", table(&heads, rows.to_vec()));
        let rows =
            self.slow.iter().map(|(kind, most, closed)| vec![kind.clone(), most.to_string(), closed.to_string()]);
        println!("{}\n", table(&["slow connections", "most at once", "closed by the service"], rows.collect()));
        let rows = self.flood.by_status.iter();
        let rows = rows.map(|((what, status), count)| vec![(*what).to_owned(), status.to_string(), count.to_string()]);
        println!("{}\n", table(&["flood", "status", "answers"], rows.collect()));
        let rows = self.figures.iter();
        let rows =
            rows.map(|(name, number, unit)| vec![(*name).to_owned(), format!("{number} {unit}").trim().to_owned()]);
        println!("{}\n", table(&["figure", ""], rows.collect()));
        problems::print(&self.problems, SHOWN);
        let verdict = if self.ok() { "good callers were served, and nothing has grown" } else { "IT DOES NOT HOLD" };
        println!("{} s: {verdict}", self.took.as_secs());
    }

    fn to_json(&self) -> Value {
        let traffic = |traffic: &Traffic| {
            json!({"requests": traffic.took.len(), "p50_us": us(traffic.percentile(50)),
                "p99_us": us(traffic.percentile(99)), "longest_us": us(traffic.longest())})
        };
        let slow = |(kind, most, closed): &(String, u64, u64)| json!({"kind": kind, "most": most, "closed": closed});
        let flood =
            |((what, status), count): (&(&str, u16), &u64)| json!({"what": what, "status": status, "answers": count});
        let figures: serde_json::Map<String, Value> =
            self.figures.iter().map(|(name, number, _)| (name.replace(' ', "_"), json!(number))).collect();
        json!({"ok": self.ok(), "seconds": self.took.as_secs(), "problems": self.problems,
            "alone": traffic(&self.quiet), "beside": traffic(&self.beside),
            "slow": self.slow.iter().map(slow).collect::<Vec<_>>(),
            "flood": self.flood.by_status.iter().map(flood).collect::<Vec<_>>(), "figures": figures})
    }
}

fn table(heads: &[&str], rows: Vec<Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(heads.to_vec());
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn shown(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1_000.0)
}

fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
