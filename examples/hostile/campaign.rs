//! One campaign: good traffic alone, everything together, the attack alone, and calm again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::flood::Flood;
use crate::good::Good;
use crate::options::{Failure, Options, Sabotage};
use crate::report::Report;
use crate::service::{KEY, SITE, Service, Size};
use crate::slow::{Kind, Slow};

/// How long the kinds that have to be closed within 15 s are waited for on a machine that is busy with other things.
const CLOSED: Duration = Duration::from_secs(90);
/// How long memory and files may take to come back.
const BACK: Duration = Duration::from_secs(120);
/// Files that a connection pool or a timer may have opened meanwhile.
const NEAR_FILES: u64 = 8;
/// Lines about refused callers in ten seconds: twenty, and one that says how many more there were.
const LINES: u64 = 21;

/// Runs a campaign as the options say.
///
/// # Errors
///
/// It could not be run. What the service does wrong is in the report.
pub async fn run(options: &Options) -> Result<Report, Failure> {
    let began = Instant::now();
    let bar = progress();
    let places = match options.sabotage {
        Some(Sabotage::FewPlaces) => format!("max_connections = {}", (options.slow / 2).max(1)),
        Some(Sabotage::RightSignatures) | None => String::new(),
    };
    let service = Service::start(&places).await?;
    let mut report = Report::default();
    player(&service).await?;
    let numbers = Arc::new(AtomicU64::new(0));

    bar.set_message("good traffic alone");
    let rows = service.rows()?;
    let good = Good::start(options.rate, service.public, numbers.clone());
    tokio::time::sleep(Duration::from_secs(options.quiet_seconds)).await;
    report.quiet = good.end().await?;
    let quiet = service.rows()?;
    let each = per_question(&rows, &quiet, report.quiet.fresh)?;
    let before = service.size()?;

    bar.set_message("everything together");
    let attack = Instant::now();
    let slow = Slow::start(options.slow, service.public);
    let flood = Flood::start(options.flood, service.public, options.sabotage == Some(Sabotage::RightSignatures));
    let good = Good::start(options.rate, service.public, numbers);
    let peak = together(&service, &slow, options).await?;
    report.beside = good.end().await?;
    let beside = service.rows()?;
    report.problems.extend(grown(&quiet, &beside, &each, report.beside.fresh));

    bar.set_message("the attack alone");
    let bytes = service.bytes()?;
    tokio::time::sleep(Duration::from_secs(options.seconds.div_ceil(4))).await;
    report.problems.extend(grown(&beside, &service.rows()?, &each, 0));
    let growth = i64::try_from(service.bytes()?).unwrap_or(0) - i64::try_from(bytes).unwrap_or(0);
    report.slow = slow.counts().into_iter().map(|(kind, most, closed)| (format!("{kind:?}"), most, closed)).collect();
    report.flood = flood.end().await;
    let lasted = attack.elapsed();

    bar.set_message("calm again");
    slow.end().await;
    let (after, back) = calm(&service, before, options).await?;
    let lines = service.log().lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).count() as u64;
    bar.finish_and_clear();
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    report.figures = vec![
        ("memory before", number(before.memory_kb), "KB"),
        ("memory at its peak", number(peak.memory_kb), "KB"),
        ("memory after", number(after.memory_kb), "KB"),
        ("back after", number(back.as_secs()), "s"),
        ("files before", number(before.files), ""),
        ("files at their peak", number(peak.files), ""),
        ("files after", number(after.files), ""),
        ("growth of the database by the attack alone", growth, "bytes"),
        ("rows of a good question", each.values().sum(), ""),
        ("lines of warning", number(lines), ""),
        ("answers to the flood", number(report.flood.by_status.values().sum()), ""),
        ("of these a second", number(report.flood.by_status.values().sum::<u64>() / lasted.as_secs().max(1)), ""),
    ];
    judge(&mut report, options, (before, after), (growth, lines, lasted));
    report.problems.extend(service.stop_and_verify()?);
    report.took = began.elapsed();
    Ok(report)
}

/// What must hold.
fn judge(
    report: &mut Report,
    options: &Options,
    (before, after): (Size, Size),
    (growth, lines, lasted): (i64, u64, Duration),
) {
    let mut problems = Vec::new();
    let (p99, bound) = (report.beside.percentile(99), Duration::from_millis(options.p99_ms));
    if options.p99_ms > 0 && p99 >= bound {
        problems.push(format!("99 of 100 good requests took up to {p99:?} beside the attack, at most {bound:?}"));
    }
    if after.memory_kb > limit_kb(before, options) {
        problems.push(format!("memory was {} KB and stays at {} KB", before.memory_kb, after.memory_kb));
    }
    if after.files > before.files + NEAR_FILES {
        problems.push(format!("{} files were open, and {} stay", before.files, after.files));
    }
    if growth != 0 {
        problems.push(format!("the attack alone made the database grow by {growth} bytes"));
    }
    if report.flood.taken > 0 {
        problems.push(format!("{} requests of the flood were taken", report.flood.taken));
    }
    let most = (lasted.as_secs() / 10 + 2) * LINES;
    if lines > most {
        problems.push(format!("{lines} lines of warning, at most {most}"));
    }
    for (kind, most, closed) in &report.slow {
        if *most == 0 || *closed == 0 && *kind != format!("{:?}", Kind::Idle) {
            problems.push(format!("{kind}: {most} connections at once, and {closed} closed by the service"));
        }
    }
    problems.extend(report.quiet.problems.iter().chain(&report.beside.problems).take(20).cloned());
    report.problems.extend(problems);
}

/// The memory that is near enough to the start.
fn limit_kb(before: Size, options: &Options) -> u64 {
    before.memory_kb + (options.memory_mb * 1024).max(before.memory_kb / 4)
}

/// Lets everything go on together, and says how big the service was at its biggest.
async fn together(service: &Service, slow: &Slow, options: &Options) -> Result<Size, Failure> {
    let (began, mut peak) = (Instant::now(), Size::default());
    // A kind that has to be closed is waited for; idle ones may stay for 75 s.
    let closed =
        || options.slow == 0 || slow.counts().iter().all(|(kind, _, closed)| *closed > 0 || *kind == Kind::Idle);
    loop {
        let (size, elapsed) = (service.size()?, began.elapsed());
        peak.memory_kb = peak.memory_kb.max(size.memory_kb);
        peak.files = peak.files.max(size.files);
        if elapsed >= Duration::from_secs(options.seconds) && (closed() || elapsed > CLOSED) {
            return Ok(peak);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until memory and files are back, and says what they are then and how long that took.
async fn calm(service: &Service, before: Size, options: &Options) -> Result<(Size, Duration), Failure> {
    let began = Instant::now();
    loop {
        let size = service.size()?;
        let back = size.memory_kb <= limit_kb(before, options) && size.files <= before.files + NEAR_FILES;
        if back || began.elapsed() > BACK {
            return Ok((size, began.elapsed()));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// How many rows of each table a new question makes.
fn per_question(
    before: &BTreeMap<String, i64>,
    after: &BTreeMap<String, i64>,
    questions: u64,
) -> Result<BTreeMap<String, i64>, Failure> {
    let questions = i64::try_from(questions).unwrap_or(1).max(1);
    let mut each = BTreeMap::new();
    for (table, rows) in after {
        let more = rows - before.get(table).copied().unwrap_or(0);
        if more % questions != 0 {
            return Err(format!("{questions} questions made {more} rows of {table}"));
        }
        each.insert(table.clone(), more / questions);
    }
    Ok(each)
}

/// Tables that have other rows than so many good questions make.
fn grown(
    before: &BTreeMap<String, i64>,
    after: &BTreeMap<String, i64>,
    each: &BTreeMap<String, i64>,
    questions: u64,
) -> Vec<String> {
    let questions = i64::try_from(questions).unwrap_or(0);
    let mut problems = Vec::new();
    for (table, rows) in after {
        let expected = before.get(table).copied().unwrap_or(0) + each.get(table).copied().unwrap_or(0) * questions;
        if *rows != expected {
            problems.push(format!("{table} has {rows} rows, and {questions} good questions make {expected}"));
        }
    }
    problems
}

/// The player whose deposits the good traffic asks about.
async fn player(service: &Service) -> Result<(), Failure> {
    // This package leaves the choice of a TLS library to the program.
    let _it_may_be_chosen = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().map_err(|error| error.to_string())?;
    let url = format!("http://{}/wallet/v1/sites/{SITE}/players/anna", service.private);
    let body: Value = json!({"country": "LV"});
    let put = http.put(url).bearer_auth(KEY).header("content-type", "application/json").body(body.to_string());
    let answer = put.send().await.map_err(|error| format!("the player: {error}"))?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("the player: {}", answer.status())) }
}

fn progress() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
