//! The measurements: every target with every load it takes, round after round, and the open loop.

use std::collections::HashMap;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::cluster::Cluster;
use crate::load::{self, Failure, Figures, Request, Run};
use crate::options::Options;
use crate::process::Memory;
use crate::promises;
use crate::stats::{Spread, Summary, milliseconds, thousands};
use crate::target::{Ground, Service, Target, Workers};
use crate::workload::{Deposit, Workload, fresh};

/// Requests that are made ready for each second, unless more were seen to be answered.
const MADE_READY: f64 = 40_000.0;

/// The same where each needs a deposit that was asked about before.
const DEPOSITS_READY: f64 = 10_000.0;

/// Connections of the open loop: enough that it is the service that waits, not the load.
const OPEN_CONNECTIONS: usize = 256;

/// Below this share of the rate a target does not follow.
const FOLLOWS: f64 = 0.95;

/// The same when half of the answers come later than this, in microseconds: they pile up.
const PILED_UP: f64 = 500_000.0;

/// One load on one target, in all rounds.
#[derive(Debug)]
pub struct Cell {
    pub target: Target,
    pub workload: Workload,
    pub connections: usize,
    pub rounds: Vec<Summary>,
}

/// One rate of the open loop on one target.
#[derive(Debug)]
pub struct Point {
    pub target: Target,
    pub rate: u64,
    pub rounds: Vec<Summary>,
}

/// The memory of a target.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    pub target: Target,
    pub connections: usize,
    /// Before the first request.
    pub at_rest: Memory,
    /// After the last.
    pub loaded: Memory,
}

impl Cell {
    pub fn figure(&self, of: impl Fn(&Summary) -> f64) -> Option<Spread> {
        Spread::of(self.rounds.iter().map(of))
    }
}

impl Point {
    pub fn figure(&self, of: impl Fn(&Summary) -> f64) -> Option<Spread> {
        Spread::of(self.rounds.iter().map(of))
    }

    /// Whether the target answered as fast as it was asked.
    pub fn follows(&self) -> bool {
        let rate = self.figure(|round| round.per_second).is_some_and(|seen| seen.median >= FOLLOWS * self.rate as f64);
        rate && self.figure(|round| f64::from(round.p50_micros)).is_some_and(|seen| seen.median < PILED_UP)
    }
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub struct Measured {
    pub cells: Vec<Cell>,
    pub points: Vec<Point>,
    pub memory: Vec<Held>,
    /// What was chosen on the way.
    pub notes: Vec<String>,
}

/// What measures.
pub struct Bench<'a> {
    options: &'a Options,
    targets: Vec<Target>,
    ground: Ground,
    bar: ProgressBar,
    seen: HashMap<(&'static str, &'static str, usize), f64>,
}

impl<'a> Bench<'a> {
    /// Ready to measure these targets.
    pub fn new(options: &'a Options, targets: Vec<Target>, cluster: Option<Cluster>) -> Self {
        let ground = Ground { parent: options.dir.clone(), cluster, workers: Workers::ALL[0] };
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {elapsed} {msg}").expect("a template");
        bar.set_style(style);
        Self { options, targets, ground, bar, seen: HashMap::new() }
    }

    /// Measures everything. What was measured before something failed stays.
    ///
    /// # Errors
    ///
    /// What did not start, or did not keep a promise.
    pub fn run(mut self, measured: &mut Measured) -> Result<(), Failure> {
        if self.targets.contains(&Target::Fastapi) {
            measured.notes.push(self.choose_workers()?);
        }
        let levels = self.options.connections();
        self.bar.set_length((levels.len() * self.options.rounds() * self.plan().len()) as u64);
        if !self.options.workloads().is_empty() {
            for connections in levels {
                self.level(connections, measured)?;
            }
        }
        if self.options.curve() {
            for target in self.targets.clone() {
                self.curve(target, measured)?;
            }
        }
        self.bar.finish_and_clear();
        Ok(())
    }

    /// Tries how FastAPI is best run, and says it.
    fn choose_workers(&mut self) -> Result<String, Failure> {
        let (mut best, mut most) = (self.ground.workers, 0.0);
        let mut told = Vec::new();
        for workers in Workers::ALL {
            self.ground.workers = workers;
            let service = self.start(Target::Fastapi)?;
            let requests = Workload::RequestPayout.requests(10_000, &[]);
            let run = Run { longest: Duration::from_secs(1), ..closed(&service, requests, 64) };
            let seen = load::run(run)?.per_second;
            told.push(format!("{}×{}: {}/s", workers.processes, workers.pool, thousands(seen)));
            if seen > most {
                (best, most) = (workers, seen);
            }
        }
        self.ground.workers = best;
        let (processes, pool, told) = (best.processes, best.pool, told.join(", "));
        let note =
            format!("FastAPI runs best with {processes} processes × {pool} connections ({told} at 64 connections)");
        self.say(&note);
        Ok(note)
    }

    /// What a round measures. The ceiling comes first.
    fn plan(&self) -> Vec<(Target, Workload)> {
        let mut plan = Vec::new();
        if self.targets.contains(&Target::Bare) {
            plan.push((Target::Bare, Workload::RequestPayout));
        }
        for workload in self.options.workloads() {
            let takers = self.targets.iter().filter(|target| **target != Target::Bare && target.takes(workload));
            plan.extend(takers.map(|target| (*target, workload)));
        }
        plan
    }

    /// All rounds with this many connections, on new services with empty books.
    fn level(&mut self, connections: usize, measured: &mut Measured) -> Result<(), Failure> {
        let mut services = Vec::new();
        for target in self.targets.clone() {
            services.push(self.start(target)?);
        }
        let first = measured.cells.len();
        for (target, workload) in self.plan() {
            measured.cells.push(Cell { target, workload, connections, rounds: Vec::new() });
        }
        for round in 1..=self.options.rounds() {
            for cell in &mut measured.cells[first..] {
                let service = services.iter().find(|service| service.target == cell.target);
                let summary = self.closed(service.ok_or("a service is missing")?, cell.workload, connections)?;
                self.say(&format!(
                    "{connections:>4} connections, round {round}: {:<24}{:<16}{:>8}/s  p99 {} ms",
                    cell.target.name(),
                    cell.workload.name(),
                    thousands(summary.per_second),
                    milliseconds(summary.p99_micros.into()),
                ));
                self.complain(cell.target, &summary);
                cell.rounds.push(summary);
                self.bar.inc(1);
            }
        }
        for service in &services {
            let (target, at_rest, loaded) = (service.target, service.at_rest, service.memory());
            measured.memory.push(Held { target, connections, at_rest, loaded });
            service.verify()?;
        }
        Ok(())
    }

    /// Starts a target, sees that it keeps its promises, and lets it get warm.
    fn start(&self, target: Target) -> Result<Service, Failure> {
        let service = Service::start(target, &self.ground)?;
        promises::kept(&service)?;
        let requests = Workload::RequestPayout.requests(20_000, &[]);
        let warm = Run { longest: Duration::from_millis(700), ..closed(&service, requests, 16) };
        load::run(warm)?;
        Ok(service)
    }

    fn closed(&mut self, service: &Service, workload: Workload, connections: usize) -> Result<Summary, Failure> {
        let key = (service.target.name(), workload.name(), connections);
        let seconds = self.options.seconds();
        let seen = self.seen.get(&key).copied();
        let per_second = match workload.deposits(1_000) {
            0 => seen.unwrap_or_default().mul_add(1.5, MADE_READY),
            _ => seen.map_or(DEPOSITS_READY, |seen| seen * 1.5),
        };
        let count = (per_second * seconds as f64) as usize;
        let deposits = asked_about(service, workload.deposits(count))?;
        let requests = workload.requests(count, &deposits);
        let again = service.target == Target::Bare;
        let run = Run { longest: Duration::from_secs(seconds), again, ..closed(service, requests, connections) };
        let figures = load::run(run)?;
        self.seen.insert(key, figures.per_second);
        Ok(figures.into())
    }

    /// The open loop: more and more until the target does not follow.
    fn curve(&mut self, target: Target, measured: &mut Measured) -> Result<(), Failure> {
        let service = self.start(target)?;
        for rate in self.options.rates() {
            let mut point = Point { target, rate, rounds: Vec::new() };
            for _ in 0..self.options.rounds() {
                let summary: Summary = open(&service, rate, self.options.seconds())?.into();
                self.complain(target, &summary);
                point.rounds.push(summary);
            }
            let follows = point.follows();
            let figure = |of: fn(&Summary) -> f64| point.figure(of).map_or(0.0, |spread| spread.median);
            self.say(&format!(
                "open loop {:>7}/s: {:<24}{:>8}/s  p50 {} ms, p99 {} ms{}",
                thousands(rate as f64),
                target.name(),
                thousands(figure(|round| round.per_second)),
                milliseconds(figure(|round| round.p50_micros.into())),
                milliseconds(figure(|round| round.p99_micros.into())),
                if follows { "" } else { ": does not follow" },
            ));
            measured.points.push(point);
            if !follows {
                break;
            }
        }
        service.verify()
    }

    fn complain(&self, target: Target, summary: &Summary) {
        if let Some(bad) = &summary.first_bad {
            self.say(&format!("{}: {} wrong answers, the first: {bad}", target.name(), summary.bad));
        }
    }

    /// A line above the bar, or a plain one where there is no terminal.
    fn say(&self, line: &str) {
        if self.bar.is_hidden() { eprintln!("{line}") } else { self.bar.println(line) }
    }
}

fn closed(service: &Service, requests: Vec<Request>, connections: usize) -> Run {
    let longest = Duration::from_secs(60);
    Run { doors: service.doors.clone(), requests, again: false, connections, longest, rate: None, keep: false }
}

fn open(service: &Service, rate: u64, seconds: u64) -> Result<Figures, Failure> {
    // A percentile of few answers says little.
    let seconds = seconds.max(500 / rate);
    let count = usize::try_from(rate * seconds).map_err(|error| error.to_string())?;
    let again = service.target == Target::Bare;
    let requests = Workload::RequestPayout.requests(if again { count.min(10_000) } else { count }, &[]);
    let run = closed(service, requests, OPEN_CONNECTIONS);
    load::run(Run { longest: Duration::from_secs(seconds), rate: Some(rate), again, ..run })
}

/// Asks about so many deposits, so that they can be paid.
pub fn asked_about(service: &Service, count: usize) -> Result<Vec<Deposit>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let first = fresh();
    let requests = Workload::CheckDeposit.requests(count, &[]);
    let figures = load::run(Run { keep: true, ..closed(service, requests, 64) })?;
    if let Some(bad) = figures.first_bad {
        return Err(format!("{}: a deposit that was to be paid is refused: {bad}", service.target.name()));
    }
    let deposit = |(index, body): (usize, String)| {
        let answer: serde_json::Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        let external_id = answer["external_id"].as_str().ok_or("an answer without an order")?.to_owned();
        // The numbers of one workload follow one another.
        Ok(Deposit { number: first + 1 + index as u64, external_id })
    };
    figures.kept.into_iter().map(deposit).collect()
}
