//! The campaign: every scenario is recorded once; its trace is cut everywhere; and it is played again with each call failing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use croupier::simulate::faults::Dice;
use croupier::simulate::server::CashierServer;
use indicatif::{ProgressBar, ProgressStyle};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::check::{self, Depth};
use crate::disk::{Event, Fault, How, Trace};
use crate::home;
use crate::image::{Image, Replay};
use crate::options::{Options, Sabotage};
use crate::play::{Played, cashier, play};
use crate::promise::Promise;
use crate::report::{Report, Row};
use crate::scenario::{Begins, Scenario, Step, all};
use crate::vfs;

/// Images that are made of the end of a scenario in which a call failed: one after a kill, the others after power cuts.
const IMAGES_AFTER_A_FAULT: u64 = 3;

/// How calls fail: how, and how many in a row.
const WAYS: [(How, u64); 5] = [(How::Io, 1), (How::Io, 5), (How::NoSpace, 1), (How::NoSpace, 5), (How::Short, 1)];

/// The same until somebody who hears of it mends it.
const UNTIL_MENDED: [(How, u64); 2] = [(How::Io, u64::MAX), (How::NoSpace, u64::MAX)];

/// A scenario in which a call fails.
struct Job {
    scenario: usize,
    nth: u64,
    how: How,
    times: u64,
}

/// A scenario with what was recorded of it.
struct Recorded {
    scenario: Scenario,
    trace: Trace,
    /// Calls of every kind that a fault can hit.
    calls: u64,
}

/// What all threads add to.
struct Shared<'a> {
    options: &'a Options,
    recorded: Vec<Recorded>,
    rows: Vec<Mutex<Row>>,
    problems: Mutex<Vec<String>>,
}

/// Runs it.
pub fn run(options: &Options) -> Report {
    vfs::install();
    let began = Instant::now();
    let mut problems = Vec::new();
    let wanted = |scenario: &Scenario| options.only.as_ref().is_none_or(|part| scenario.name.contains(part));
    let scenarios: Vec<Scenario> = all().into_iter().filter(wanted).collect();
    let runtime = runtime();
    let mut recorded = Vec::new();
    for scenario in scenarios {
        let (found, wrong) = record(&runtime, scenario, options.sabotage);
        problems.extend(wrong.into_iter().map(|wrong| format!("{}: {wrong}", found.scenario.name)));
        recorded.push(found);
    }
    let rows = recorded.iter().map(|one| Mutex::new(row(one))).collect();
    let shared = Shared { options, recorded, rows, problems: Mutex::new(problems) };
    shared.kills();
    shared.cuts();
    shared.faults();
    let rows = shared.rows.into_iter().map(|row| row.into_inner().expect("nobody panicked with it")).collect();
    let problems = shared.problems.into_inner().expect("nobody panicked with it");
    Report { seed: options.seed, took: began.elapsed(), rows, problems }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Plays a scenario with nothing broken; its calls are counted.
fn record(runtime: &Runtime, scenario: Scenario, sabotage: Option<Sabotage>) -> (Recorded, Vec<String>) {
    let weak = sabotage == Some(Sabotage::NormalSync);
    let played = runtime.block_on(async {
        let cashier = cashier().await;
        play(&scenario, &cashier, weak, None).await
    });
    let mut trace = played.trace;
    match sabotage {
        Some(Sabotage::AnswerFirst) => answer_first(&mut trace),
        Some(Sabotage::MarkFirst) => mark_first(&mut trace),
        Some(Sabotage::NormalSync | Sabotage::DeniedErrors) | None => {}
    }
    (Recorded { scenario, trace, calls: played.calls.0 }, played.problems)
}

/// Moves every answer to where its question came.
fn answer_first(trace: &mut Trace) {
    move_back(trace, |event, question| match (event, question) {
        (Event::Promised(Promise::Answered(number, _)), Event::Promised(Promise::Asked(asked))) => {
            asked.number == *number
        }
        _ => false,
    });
}

/// Moves every mark to before the question whose answer it followed.
fn mark_first(trace: &mut Trace) {
    move_back(trace, |event, question| {
        matches!(event, Event::Promised(Promise::Marked(..))) && matches!(question, Event::Promised(Promise::Asked(_)))
    });
}

/// Moves events to right after the last earlier one that they belong to.
fn move_back(trace: &mut Trace, belongs: impl Fn(&Event, &Event) -> bool) {
    for at in 0..trace.events.len() {
        if let Some(to) = trace.events[..at].iter().rposition(|earlier| belongs(&trace.events[at], earlier)) {
            trace.events[to + 1..=at].rotate_right(1);
        }
    }
}

fn row(recorded: &Recorded) -> Row {
    let count = |is: fn(&Event) -> bool| recorded.trace.events.iter().filter(|event| is(event)).count();
    Row {
        name: recorded.scenario.name,
        calls: count(Event::is_call),
        syncs: count(|event| matches!(event, Event::Synced(_))),
        acknowledged: count(|event| matches!(event, Event::Promised(Promise::Answered(..)))),
        ..Row::default()
    }
}

/// A place in a trace, and the dice of a power cut there; without dice the process is killed.
type Place = (usize, Option<Dice>);

impl Shared<'_> {
    fn problem(&self, scenario: usize, text: &str) {
        let name = self.recorded[scenario].scenario.name;
        self.problems.lock().expect("nobody panicked with it").push(format!("{name}: {text}"));
    }

    /// Kills after every so many-th call; also before the first one, and whenever somebody has just been answered.
    fn kills(&self) {
        let every = self.options.kills_every;
        if every == 0 {
            return;
        }
        let places = |one: &Recorded| {
            let mut calls = 0;
            let is_place = |event: &Event| match event {
                Event::Promised(Promise::Answered(..) | Promise::Sent(_)) => true,
                Event::Promised(_) => false,
                _ => {
                    calls += 1;
                    (calls - 1) % every == 0
                }
            };
            let chosen: Vec<bool> = one.trace.events.iter().map(is_place).collect();
            chosen.iter().enumerate().filter(|(_, chosen)| **chosen).map(|(at, _)| (at + 1, None)).collect()
        };
        let all: Vec<Vec<Place>> = self.recorded.iter().map(places).collect();
        self.images("kills", &all, |row| row.kills += 1);
    }

    /// Cuts the power at random places, more of them in longer scenarios.
    fn cuts(&self) {
        let dice = Dice::new(self.options.seed);
        let lengths: Vec<u64> = self.recorded.iter().map(|one| one.trace.events.len() as u64).collect();
        let sum: u64 = lengths.iter().sum();
        if sum == 0 || self.options.cuts == 0 {
            return;
        }
        let mut all: Vec<Vec<Place>> = vec![Vec::new(); self.recorded.len()];
        for number in 0..self.options.cuts {
            let mut dice = dice.fork(number);
            let mut at = dice.roll() % sum;
            let scenario = lengths.iter().position(|length| {
                let here = at < *length;
                at -= if here { 0 } else { *length };
                here
            });
            let scenario = scenario.expect("a place in the sum");
            all[scenario].push((usize::try_from(at).expect("a place in a list") + 1, Some(dice)));
        }
        all.iter_mut().for_each(|places| places.sort_by_key(|(at, _)| *at));
        self.images("power cuts", &all, |row| row.cuts += 1);
    }

    /// Makes and checks the images of all places, in ascending order for each scenario.
    fn images(&self, what: &str, all: &[Vec<Place>], count: fn(&mut Row)) {
        let bar = bar(what, all.iter().map(|places| places.len() as u64).sum());
        let threads = self.options.threads();
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let bar = &bar;
                scope.spawn(move || {
                    let mut checker = Checker::new(self.options);
                    for (scenario, places) in all.iter().enumerate() {
                        let trace = &self.recorded[scenario].trace;
                        let (mut replay, mut done) = (Replay::new(trace), 0);
                        for (at, dice) in places.iter().skip(thread).step_by(threads) {
                            trace.events[done..*at].iter().for_each(|event| replay.step(event));
                            done = *at;
                            let image = match dice {
                                None => replay.killed(),
                                Some(dice) => replay.cut(&mut dice.clone()),
                            };
                            self.check(scenario, &image, &format!("{what} at {at}"), &mut checker);
                            count(&mut self.rows[scenario].lock().expect("nobody panicked with it"));
                            bar.inc(1);
                        }
                    }
                });
            }
        });
        finish(&bar, what);
    }

    fn check(&self, scenario: usize, image: &Image, place: &str, checker: &mut Checker) {
        if let Err(problem) = checker.check(image, self.recorded[scenario].scenario.begins) {
            self.problem(scenario, &format!("{place}: {problem}"));
        }
    }

    /// Every so many-th of: each scenario, with each of its calls failing in each way.
    fn fault_jobs(&self, every: u64) -> Vec<Job> {
        let mut jobs = Vec::new();
        for (scenario, one) in self.recorded.iter().enumerate() {
            let talks = one.scenario.steps.iter().any(|step| matches!(step, Step::Send(..)));
            let wanted = |nth: &u64| self.options.call.is_none_or(|call| call == *nth);
            for nth in (0..one.calls).filter(wanted) {
                let job = |(how, times)| Job { scenario, nth, how, times };
                jobs.extend(WAYS.map(job));
                // Whoever waits for the worker, which tries on by itself, hears of nothing that could be mended.
                jobs.extend((!talks).then_some(UNTIL_MENDED.map(job)).into_iter().flatten());
            }
        }
        let (every, first) = (usize::try_from(every).unwrap_or(usize::MAX), self.options.seed % every);
        jobs.into_iter().skip(usize::try_from(first).unwrap_or(0)).step_by(every).collect()
    }

    /// Plays every scenario again, with each call failing in each way.
    fn faults(&self) {
        if self.options.faults_every == 0 {
            return;
        }
        let jobs = self.fault_jobs(self.options.faults_every);
        let (bar, next) = (bar("I/O errors", jobs.len() as u64), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..self.options.threads() {
                scope.spawn(|| {
                    let mut checker = Checker::new(self.options);
                    let cashier = checker.runtime.block_on(cashier());
                    while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        self.fault(job, &cashier, &mut checker);
                        bar.inc(1);
                    }
                });
            }
        });
        finish(&bar, "I/O errors");
    }

    fn fault(&self, job: &Job, cashier: &CashierServer, checker: &mut Checker) {
        let Job { scenario, nth, how, times } = *job;
        let denied = self.options.sabotage == Some(Sabotage::DeniedErrors);
        let fault = Fault { nth, how, times, denied };
        let one = &self.recorded[scenario].scenario;
        let played = checker.runtime.block_on(play(one, cashier, false, Some(fault)));
        // What cannot fail in this way was not touched; that is none.
        let Some(kind) = played.calls.1 else { return };
        let long = if times == u64::MAX { "until it is mended".into() } else { format!("{times} in a row") };
        let place = format!("call {nth} ({kind:?}) fails, {how:?}, {long}");
        for problem in &played.problems {
            self.problem(scenario, &format!("{place}: {problem}"));
        }
        let images = if played.problems.is_empty() { IMAGES_AFTER_A_FAULT } else { 0 };
        self.after_a_fault(job, &played, &place, images, checker);
        let mut row = self.rows[scenario].lock().expect("nobody panicked with it");
        (row.faults, row.temporary) = (row.faults + 1, row.temporary + played.temporary);
        row.images_after_faults += images;
        row.ended += u64::from(played.ended);
    }

    /// What was acknowledged in spite of the fault is still there after a kill, or after a power cut, just before the service stopped; or after
    /// it stopped by itself.
    fn after_a_fault(&self, job: &Job, played: &Played, place: &str, images: u64, checker: &mut Checker) {
        let events = &played.trace.events;
        let last = events.iter().rposition(|event| played.ended || matches!(event, Event::Promised(_)));
        let mut replay = Replay::new(&played.trace);
        events[..last.map_or(0, |at| at + 1)].iter().for_each(|event| replay.step(event));
        for number in 0..images {
            let image = match number {
                0 => replay.killed(),
                _ => replay.cut(&mut Dice::new(self.options.seed).fork(job.nth).fork(number)),
            };
            self.check(job.scenario, &image, &format!("{place}, image {number}"), checker);
        }
    }
}

/// What a thread needs to check images.
struct Checker {
    runtime: Runtime,
    home: TempDir,
    service_every: u64,
    count: u64,
}

impl Checker {
    fn new(options: &Options) -> Self {
        Self { runtime: runtime(), home: home::directory(), service_every: options.service_every, count: 0 }
    }

    fn check(&mut self, image: &Image, begins: Begins) -> Result<(), String> {
        self.count += 1;
        let whole = self.service_every > 0 && self.count.is_multiple_of(self.service_every);
        let own = whole.then(home::directory);
        let directory = own.as_ref().unwrap_or(&self.home).path().to_owned();
        let depth = if whole { Depth::Service } else { Depth::Books };
        let checked = catch_unwind(AssertUnwindSafe(|| check::check(image, begins, &directory, depth, &self.runtime)));
        home::empty(self.home.path());
        checked.unwrap_or_else(|_| Err("panicked".to_owned()))
    }
}

fn bar(what: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:12} {wide_bar} {pos}/{len} {eta}").expect("a good template");
    ProgressBar::new(length).with_style(style).with_message(what.to_owned())
}

/// Without a terminal there is no bar, and a line instead.
fn finish(bar: &ProgressBar, what: &str) {
    if bar.is_hidden() {
        eprintln!("{what}: {} in {} s", bar.position(), bar.elapsed().as_secs());
    }
    bar.finish_and_clear();
}
