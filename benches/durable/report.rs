//! What is told at the end: tables for people, one document for programs.

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use crate::machine::Machine;
use crate::measure::{Cell, Measured};
use crate::options::Options;
use crate::stats::{Spread, Summary, milliseconds, thousands};
use crate::target::Target;
use crate::workload::Workload;

/// One ratio of two targets under the same load and number of connections.
struct Ratio {
    what: &'static str,
    workload: Workload,
    of: Target,
    to: Target,
    /// At which number of connections it must be how large.
    goals: &'static [(usize, f64)],
}

/// The ratios that have goals.
const RATIOS: [Ratio; 9] = {
    use Target::{Bare, Fastapi, Fastify, OneByOnePostgres, OneByOneSqlite, Postgres, Sqlite};
    use Workload::{CheckDeposit, RequestPayout};
    const fn ratio(
        what: &'static str,
        workload: Workload,
        (of, to): (Target, Target),
        goals: &'static [(usize, f64)],
    ) -> Ratio {
        Ratio { what, workload, of, to, goals }
    }
    [
        ratio("SQLite / bare ceiling", RequestPayout, (Sqlite, Bare), &[(64, 0.30)]),
        ratio("SQLite / bare ceiling", CheckDeposit, (Sqlite, Bare), &[(64, 0.35)]),
        ratio("SQLite / one by one", RequestPayout, (Sqlite, OneByOneSqlite), &[(64, 9.0)]),
        ratio("SQLite / one by one", CheckDeposit, (Sqlite, OneByOneSqlite), &[(64, 9.0)]),
        ratio("PostgreSQL / one by one", RequestPayout, (Postgres, OneByOnePostgres), &[(64, 3.5), (256, 5.0)]),
        ratio("SQLite / FastAPI", RequestPayout, (Sqlite, Fastapi), &[(64, 25.0)]),
        ratio("SQLite / FastAPI", CheckDeposit, (Sqlite, Fastapi), &[(64, 25.0)]),
        ratio("SQLite / Fastify", RequestPayout, (Sqlite, Fastify), &[(64, 8.0)]),
        ratio("SQLite / Fastify", CheckDeposit, (Sqlite, Fastify), &[(64, 8.0)]),
    ]
};

/// Everything that is told.
pub struct Report<'a> {
    pub options: &'a Options,
    pub machine: &'a Machine,
    pub measured: &'a Measured,
}

impl Report<'_> {
    /// Wrong answers of croupier: there must be none.
    pub fn bad(&self) -> usize {
        let cells = self.measured.cells.iter().filter(|cell| cell.target.is_croupier()).flat_map(|cell| &cell.rounds);
        let points =
            self.measured.points.iter().filter(|point| point.target.is_croupier()).flat_map(|point| &point.rounds);
        cells.chain(points).map(|round| round.bad).sum()
    }

    pub fn print(&self) {
        if self.options.json {
            println!("{}", self.to_json());
            return;
        }
        let (rounds, seconds) = (self.options.rounds(), self.options.seconds());
        println!("{}", self.machine.shown());
        for note in &self.measured.notes {
            println!("{note}");
        }
        println!();
        if !self.measured.cells.is_empty() {
            println!("requests/s: median (lowest–highest) of {rounds} rounds of {seconds} s, by connections");
            println!("{}\n", self.cells(|cell| Some(cell.figure(|round| round.per_second)?.shown(thousands))));
            println!("latency in ms, p50 / p99: medians of the rounds, by connections");
            println!("{}\n", self.cells(latency));
            println!("ratios of one round: median (lowest–highest), by connections");
            println!("{}\n", self.ratios());
        }
        if !self.measured.points.is_empty() {
            println!("open loop, request_payout: latency in ms from when it was due, p50 / p99, by requests/s");
            println!("{}\n", self.points());
        }
        if !self.measured.memory.is_empty() {
            println!("memory in MB, resident (all processes of a target; a server of a database is not counted)");
            println!("{}", self.memory());
        }
        if self.bad() > 0 {
            println!("\nWRONG ANSWERS: {}", self.bad());
        }
    }

    fn cell(&self, target: Target, workload: Workload, connections: usize) -> Option<&Cell> {
        let same = |cell: &&Cell| (cell.target, cell.workload, cell.connections) == (target, workload, connections);
        self.measured.cells.iter().find(same)
    }

    /// A table of one figure: a row for each load and target, a column for each number of connections.
    fn cells(&self, show: impl Fn(&Cell) -> Option<String>) -> Table {
        let levels = self.options.connections();
        let mut table = table(["load", "target"].map(str::to_owned).into_iter().chain(numbers(&levels)), 2);
        for workload in Workload::all() {
            for target in Target::all() {
                let cells: Vec<_> = levels.iter().map(|level| self.cell(target, workload, *level)).collect();
                if cells.iter().any(Option::is_some) {
                    let shown = cells.into_iter().map(|cell| cell.and_then(&show).unwrap_or_default());
                    let load = if target == Target::Bare { "" } else { workload.name() };
                    table.add_row([load.to_owned(), target.name().to_owned()].into_iter().chain(shown));
                }
            }
        }
        table
    }

    fn ratio(&self, ratio: &Ratio, connections: usize, figure: impl Fn(&Summary) -> f64) -> Option<Spread> {
        let reference = if ratio.to == Target::Bare { Workload::RequestPayout } else { ratio.workload };
        let of = self.cell(ratio.of, ratio.workload, connections)?;
        let to = self.cell(ratio.to, reference, connections)?;
        Spread::of(of.rounds.iter().zip(&to.rounds).map(|(of, to)| figure(of) / figure(to)))
    }

    fn ratios(&self) -> Table {
        let levels = self.options.connections();
        let head = ["requests/s", "load"].map(str::to_owned).into_iter().chain(numbers(&levels));
        let mut table = table(head.chain(["goal".to_owned()]), 2);
        for ratio in &RATIOS {
            let spread = |level: usize| self.ratio(ratio, level, |round| round.per_second);
            let shown: Vec<String> = levels
                .iter()
                .map(|level| spread(*level).map(|spread| spread.shown(times)).unwrap_or_default())
                .collect();
            if shown.iter().all(String::is_empty) {
                continue;
            }
            let goals = ratio.goals.iter().filter_map(|(level, goal)| {
                let reached = spread(*level)?.median >= *goal;
                Some(format!("{} at {level}: {}", times(*goal), if reached { "reached" } else { "NOT REACHED" }))
            });
            let goals = goals.collect::<Vec<_>>().join("; ");
            let row = [ratio.what.to_owned(), ratio.workload.name().to_owned()].into_iter().chain(shown);
            table.add_row(row.chain([goals]));
        }
        table
    }

    fn points(&self) -> Table {
        let mut rates: Vec<u64> = self.measured.points.iter().map(|point| point.rate).collect();
        rates.sort_unstable();
        rates.dedup();
        let head = rates.iter().map(|rate| thousands(*rate as f64));
        let mut table = table(["target".to_owned()].into_iter().chain(head), 1);
        for target in Target::all() {
            let points = self.measured.points.iter().filter(|point| point.target == target);
            let mut row = vec![String::new(); rates.len()];
            for point in points {
                let figure = |of: fn(&Summary) -> f64| point.figure(of).map_or(0.0, |spread| spread.median);
                let at = rates.iter().position(|rate| *rate == point.rate).expect("the rates are of the points");
                row[at] = if point.follows() {
                    let p50 = milliseconds(figure(|round| round.p50_micros.into()));
                    format!("{p50} / {}", milliseconds(figure(|round| round.p99_micros.into())))
                } else {
                    format!("only {}/s", thousands(figure(|round| round.per_second)))
                };
            }
            if row.iter().any(|cell| !cell.is_empty()) {
                table.add_row([target.name().to_owned()].into_iter().chain(row));
            }
        }
        table
    }

    fn memory(&self) -> Table {
        let mut table = table(["target", "connections", "at rest", "after the load", "highest"].map(str::to_owned), 1);
        for held in &self.measured.memory {
            let bytes = [held.at_rest.now, held.loaded.now, held.loaded.peak];
            let row = [held.target.name().to_owned(), held.connections.to_string()];
            table.add_row(row.into_iter().chain(bytes.map(|bytes| (bytes / 1_000_000).to_string())));
        }
        table
    }

    fn to_json(&self) -> Value {
        let round = |round: &Summary| {
            json!({"per_second": round.per_second, "p50_micros": round.p50_micros, "p99_micros": round.p99_micros,
                "due": round.due, "answered": round.answered, "wrong": round.bad})
        };
        let rounds = |rounds: &[Summary]| rounds.iter().map(round).collect::<Vec<_>>();
        let cell = |cell: &Cell| {
            json!({"target": cell.target.name(), "load": cell.workload.name(), "connections": cell.connections,
                "rounds": rounds(&cell.rounds)})
        };
        let ratios = RATIOS.iter().flat_map(|ratio| {
            self.options.connections().into_iter().filter_map(|level| {
                let spread = self.ratio(ratio, level, |round| round.per_second)?;
                let goal = ratio.goals.iter().find(|(at, _)| *at == level).map(|(_, goal)| goal);
                Some(json!({"ratio": ratio.what, "load": ratio.workload.name(), "connections": level,
                    "spread": spread.to_json(), "goal": goal}))
            })
        });
        json!({"machine": self.machine.to_json(), "rounds": self.options.rounds(), "seconds": self.options.seconds(),
            "notes": self.measured.notes, "wrong": self.bad(), "ratios": ratios.collect::<Vec<_>>(),
            "closed_loop": self.measured.cells.iter().map(cell).collect::<Vec<_>>(),
            "open_loop": self.measured.points.iter().map(|point| {
                json!({"target": point.target.name(), "rate": point.rate, "follows": point.follows(),
                    "rounds": rounds(&point.rounds)})
            }).collect::<Vec<_>>(),
            "memory": self.measured.memory.iter().map(|held| {
                json!({"target": held.target.name(), "connections": held.connections, "at_rest": held.at_rest.now,
                    "loaded": held.loaded.now, "highest": held.loaded.peak})
            }).collect::<Vec<_>>()})
    }
}

fn latency(cell: &Cell) -> Option<String> {
    let p50 = cell.figure(|round| round.p50_micros.into())?.median;
    let p99 = cell.figure(|round| round.p99_micros.into())?.median;
    Some(format!("{} / {}", milliseconds(p50), milliseconds(p99)))
}

/// A ratio with as many digits as say something.
fn times(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.2}") } else { format!("{ratio:.1}") }
}

fn numbers(levels: &[usize]) -> Vec<String> {
    levels.iter().map(usize::to_string).collect()
}

/// A table whose first columns are words.
fn table(head: impl IntoIterator<Item = String>, words: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(head);
    for column in table.column_iter_mut().skip(words) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
