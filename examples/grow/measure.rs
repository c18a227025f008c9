//! What the service does on books of different sizes: how long it takes to be ready and to be checked, how much memory it has, how fast it
//! answers.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use crate::Failure;
use crate::build;
use crate::day;
use crate::load::{self, Figures, Pace, Question};
use crate::service::{self, Service};

/// What is measured.
#[derive(Debug, Clone)]
pub struct Plan {
    pub sizes: Vec<i64>,
    pub seed: u64,
    /// Requests of each run with the next one after each answer.
    pub requests: u64,
    /// Requests a second, and seconds, of each run at a fixed rate.
    pub rate: u32,
    pub seconds: u32,
}

/// One size with its figures.
#[derive(Debug, Clone, Default)]
pub struct Row {
    pub entries: i64,
    pub build: Duration,
    pub bytes: u64,
    pub verify: Duration,
    pub verify_kib: u64,
    pub clean: Duration,
    pub killed: Duration,
    pub rest_kib: u64,
    pub load_kib: u64,
    pub deposits: Figures,
    pub payouts: Figures,
    pub open_deposits: Figures,
    pub open_payouts: Figures,
}

/// Builds and measures each size in a directory below `directory`, and removes it again.
pub fn run(plan: &Plan, directory: &Path, told: impl Fn(&str)) -> Result<Vec<Row>, Failure> {
    let played = tempfile::tempdir_in(directory).map_err(|error| error.to_string())?;
    let played_file = day::play(played.path(), plan.seed)?;
    let mut rows = Vec::new();
    for entries in &plan.sizes {
        let home = tempfile::tempdir_in(directory).map_err(|error| error.to_string())?;
        told(&format!("{entries} entries: built"));
        let (began, file) = (Instant::now(), home.path().join("croupier.db"));
        let built = build::build(&played_file, &file, *entries, plan.seed, &ProgressBar::hidden())?;
        let mut row = Row { entries: built, build: began.elapsed(), ..Row::default() };
        row.bytes = std::fs::metadata(&file).map_err(|error| error.to_string())?.len();
        measure(plan, home.path(), (&file, build::players(*entries)), &mut row, &told)?;
        rows.push(row);
    }
    Ok(rows)
}

fn measure(
    plan: &Plan,
    home: &Path,
    (file, players): (&Path, i64),
    row: &mut Row,
    told: &impl Fn(&str),
) -> Result<(), Failure> {
    let text = day::settings(file, home, "http://127.0.0.1:9/", "manual");
    service::write_settings(home, &text)?;
    let entries = row.entries;
    told(&format!("{entries} entries: verified"));
    (row.verify, row.verify_kib) = service::run(home, &["ledger", "verify"])?;
    told(&format!("{entries} entries: started"));
    Service::start(home)?.stop()?;
    let service = Service::start(home)?;
    (row.clean, row.rest_kib) = (service.ready, service.memory("VmRSS"));
    service.kill()?;
    let service = Service::start(home)?;
    row.killed = service.ready;
    told(&format!("{entries} entries: under load"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let mut first = 90_000_000_000;
    let mut ask = |question, pace| {
        let count = match pace {
            Pace::Closed => plan.requests,
            Pace::Open(rate) => u64::from(rate * plan.seconds),
        };
        let requests = load::requests(question, count, players, first, service.public);
        first += count;
        runtime.block_on(load::run(service.public, Arc::new(requests), question, pace))
    };
    row.deposits = ask(Question::Deposit, Pace::Closed)?;
    row.payouts = ask(Question::Payout, Pace::Closed)?;
    row.open_deposits = ask(Question::Deposit, Pace::Open(plan.rate))?;
    row.open_payouts = ask(Question::Payout, Pace::Open(plan.rate))?;
    row.load_kib = service.memory("VmHWM");
    service.stop()
}

/// A column for each size.
pub fn table(rows: &[Row], rate: u32) -> Table {
    let seconds = |time: Duration| format!("{}.{:02} s", time.as_secs(), time.subsec_millis() / 10);
    let mib = |kib: u64| format!("{} MB", kib / 1024);
    let ms = |micros: u64| format!("{}.{:02} ms", micros / 1000, micros % 1000 / 10);
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    let mut line = |name: String, of: &dyn Fn(&Row) -> String| {
        table.add_row(std::iter::once(name).chain(rows.iter().map(of)).collect::<Vec<_>>());
    };
    line("built in".into(), &|row| seconds(row.build));
    line("file".into(), &|row| mib(row.bytes / 1024));
    line("`ledger verify`".into(), &|row| seconds(row.verify));
    line("… its memory".into(), &|row| mib(row.verify_kib));
    line("start to ready, closed cleanly".into(), &|row| seconds(row.clean));
    line("start to ready, after kill -9".into(), &|row| seconds(row.killed));
    line("memory at rest".into(), &|row| mib(row.rest_kib));
    line("memory at most, 64 connections".into(), &|row| mib(row.load_kib));
    for (name, of) in [
        ("check_deposit", (|row| (row.deposits, row.open_deposits)) as fn(&Row) -> (Figures, Figures)),
        ("request_payout", |row| (row.payouts, row.open_payouts)),
    ] {
        line(format!("{name}, 64 connections"), &|row| format!("{}/s", of(row).0.per_second));
        line(format!("{name}, p99"), &|row| ms(of(row).0.p99_micros));
        line(format!("{name} at {rate}/s, p50"), &|row| ms(of(row).1.p50_micros));
        line(format!("{name} at {rate}/s, p99"), &|row| ms(of(row).1.p99_micros));
    }
    line("answers that were not a yes".into(), &|row| all(row).iter().map(|run| run.bad).sum::<usize>().to_string());
    table.set_header(std::iter::once(String::new()).chain(rows.iter().map(|row| format!("{} entries", row.entries))));
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

fn all(row: &Row) -> [Figures; 4] {
    [row.deposits, row.payouts, row.open_deposits, row.open_payouts]
}

/// Whether every answer was a yes.
pub fn is_sound(rows: &[Row]) -> bool {
    rows.iter().flat_map(all).all(|run| run.bad == 0)
}

/// The same for programs; times in microseconds.
pub fn document(rows: &[Row]) -> Value {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let figures = |run: Figures| json!({"per_second": run.per_second, "p50_micros": run.p50_micros, "p99_micros": run.p99_micros, "bad": run.bad});
    let row = |row: &Row| {
        json!({
            "entries": row.entries, "build_micros": micros(row.build), "bytes": row.bytes,
            "verify_micros": micros(row.verify), "verify_kib": row.verify_kib,
            "clean_start_micros": micros(row.clean), "killed_start_micros": micros(row.killed),
            "rest_kib": row.rest_kib, "load_kib": row.load_kib,
            "check_deposit": figures(row.deposits), "request_payout": figures(row.payouts),
            "check_deposit_open": figures(row.open_deposits), "request_payout_open": figures(row.open_payouts),
        })
    };
    Value::Array(rows.iter().map(row).collect())
}
