//! What is told at the end: a table for people, one document for programs.

#[path = "../campaign/problems.rs"]
mod problems;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use crate::fault::Kind;

/// How many problems the table is followed by.
const SHOWN: usize = 40;

/// One fault with its figures.
#[derive(Debug, Clone)]
pub struct Done {
    pub kind: Kind,
    pub note: String,
    /// From its beginning until every instance answered a read and a write again.
    pub outage: Duration,
    /// The same from when nothing stood in the way any more.
    pub recovery: Duration,
    /// The longest silence of the instances that it did not befall.
    pub others: Option<Duration>,
}

/// The whole campaign.
#[derive(Debug, Default)]
pub struct Report {
    pub seed: u64,
    pub took: Duration,
    pub faults: Vec<Done>,
    /// Names and numbers, in the order in which they are told.
    pub figures: Vec<(&'static str, u64)>,
    pub problems: Vec<String>,
    /// Where the logs are, when they were kept.
    pub kept: Option<PathBuf>,
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
        println!("{}\n", self.kinds());
        for (name, number) in &self.figures {
            println!("{number:>9}  {name}");
        }
        problems::print(&self.problems, SHOWN);
        if let Some(kept) = &self.kept {
            println!("logs: {}", kept.display());
        }
        let verdict = if self.ok() { "nothing lost, nothing doubled" } else { "THE BOOKS DO NOT AGREE" };
        println!("seed {}: {} faults in {} s: {verdict}", self.seed, self.faults.len(), self.took.as_secs());
    }

    fn by_kind(&self) -> BTreeMap<Kind, Vec<&Done>> {
        let mut kinds: BTreeMap<Kind, Vec<&Done>> = BTreeMap::new();
        for done in &self.faults {
            kinds.entry(done.kind).or_default().push(done);
        }
        kinds
    }

    fn kinds(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header([
            "fault",
            "times",
            "outage, median",
            "longest",
            "back after the end, median",
            "longest",
            "others silent, longest",
        ]);
        for (kind, done) in self.by_kind() {
            let (outage, back) =
                (spread(done.iter().map(|one| one.outage)), spread(done.iter().map(|one| one.recovery)));
            let others = done.iter().filter_map(|one| one.others).max();
            let row = [
                kind.name(),
                done.len().to_string(),
                seconds(outage.0),
                seconds(outage.1),
                seconds(back.0),
                seconds(back.1),
                others.map(seconds).unwrap_or_default(),
            ];
            table.add_row(row);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    fn to_json(&self) -> Value {
        let fault = |done: &Done| {
            json!({"kind": done.kind.name(), "note": done.note, "outage_ms": ms(done.outage), "recovery_ms": ms(done.recovery),
                "others_silent_ms": done.others.map(ms)})
        };
        let figures: serde_json::Map<String, Value> =
            self.figures.iter().map(|(name, number)| (name.replace(' ', "_"), json!(number))).collect();
        json!({"ok": self.ok(), "seed": self.seed, "seconds": self.took.as_secs(), "problems": self.problems,
            "faults": self.faults.iter().map(fault).collect::<Vec<_>>(), "figures": figures,
            "logs": self.kept.as_ref().map(|kept| kept.display().to_string())})
    }
}

/// The middle one and the longest.
fn spread(durations: impl Iterator<Item = Duration>) -> (Duration, Duration) {
    let mut all: Vec<Duration> = durations.collect();
    all.sort_unstable();
    let middle = all.get(all.len() / 2).copied().unwrap_or_default();
    (middle, all.last().copied().unwrap_or_default())
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
