//! What is told at the end: a table for people, one document for programs.

#[path = "../campaign/problems.rs"]
mod problems;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use crate::moment::Moment;

/// How many problems the table is followed by.
const SHOWN: usize = 40;

/// The kills at one kind of moment.
#[derive(Debug, Clone, Default)]
pub struct Kills {
    pub count: u64,
    /// Of the starts that came after them and were left alone, until the books were verified and the service answered.
    pub restarts: Vec<Duration>,
}

/// The whole campaign.
#[derive(Debug, Default)]
pub struct Report {
    pub seed: u64,
    pub took: Duration,
    pub databases: u64,
    pub kills: BTreeMap<Moment, Kills>,
    /// Sums over all databases.
    pub figures: BTreeMap<&'static str, u64>,
    pub problems: Vec<String>,
    /// Where databases and logs are, when they were kept.
    pub kept: Vec<PathBuf>,
}

impl Report {
    pub fn ok(&self) -> bool {
        self.problems.is_empty()
    }

    /// How often the process was killed.
    pub fn count(&self) -> u64 {
        self.kills.values().map(|kills| kills.count).sum()
    }

    pub fn killed(&mut self, moment: Moment) {
        self.kills.entry(moment).or_default().count += 1;
    }

    pub fn restarted(&mut self, after: Moment, took: Duration) {
        self.kills.entry(after).or_default().restarts.push(took);
    }

    pub fn add(&mut self, figures: &[(&'static str, u64)]) {
        for (name, number) in figures {
            *self.figures.entry(name).or_default() += number;
        }
    }

    pub fn print(&self, as_json: bool) {
        if as_json {
            println!("{}", self.to_json());
            return;
        }
        println!("{}\n", self.table());
        for (name, number) in &self.figures {
            println!("{number:>9}  {name}");
        }
        problems::print(&self.problems, SHOWN);
        for kept in &self.kept {
            println!("kept: {}", kept.display());
        }
        let verdict = if self.ok() { "nothing lost, nothing doubled" } else { "THE BOOKS DO NOT AGREE" };
        let (kills, databases, seconds) = (self.count(), self.databases, self.took.as_secs());
        println!("seed {}: {kills} kills on {databases} databases in {seconds} s: {verdict}", self.seed);
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(["killed while", "times", "started again after", "median", "longest"]);
        let mut all = Vec::new();
        for (moment, kills) in &self.kills {
            all.extend(&kills.restarts);
            let (median, longest) = spread(&kills.restarts);
            table.add_row([
                moment.name(),
                kills.count.to_string(),
                kills.restarts.len().to_string(),
                ms(median),
                ms(longest),
            ]);
        }
        let (median, longest) = spread(&all);
        table.add_row(["all".to_owned(), self.count().to_string(), all.len().to_string(), ms(median), ms(longest)]);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    fn to_json(&self) -> Value {
        let kills = |(moment, kills): (&Moment, &Kills)| {
            let (median, longest) = spread(&kills.restarts);
            json!({"while": moment.name(), "times": kills.count, "started_again": kills.restarts.len(),
                "restart_median_ms": median.as_secs_f64() * 1e3, "restart_longest_ms": longest.as_secs_f64() * 1e3})
        };
        let figures: serde_json::Map<String, Value> =
            self.figures.iter().map(|(name, number)| (name.replace(' ', "_"), json!(number))).collect();
        json!({"ok": self.ok(), "seed": self.seed, "seconds": self.took.as_secs(), "databases": self.databases,
            "kills": self.count(), "moments": self.kills.iter().map(kills).collect::<Vec<_>>(), "figures": figures,
            "problems": self.problems,
            "kept": self.kept.iter().map(|kept| kept.display().to_string()).collect::<Vec<_>>()})
    }
}

/// The middle one and the longest.
fn spread(durations: &[Duration]) -> (Duration, Duration) {
    let mut all = durations.to_vec();
    all.sort_unstable();
    (all.get(all.len() / 2).copied().unwrap_or_default(), all.last().copied().unwrap_or_default())
}

fn ms(duration: Duration) -> String {
    format!("{:.0} ms", duration.as_secs_f64() * 1e3)
}
