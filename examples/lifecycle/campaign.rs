//! The parts of the world, one after the other: enumerated to the fixpoint, then played to the real books.

use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::options::{Options, Scope, Size};
use crate::policy::Policy;
use crate::replay;
use crate::report::{Part, Report};
use crate::search::{self, Limits};

/// A walk of sixty steps is a recursion of sixty, and each has a frame for every closure it goes through.
const STACK: usize = 256 << 20;

/// Enumerates and plays everything that the options name.
pub fn run(options: &Options) -> Result<Report, String> {
    std::thread::scope(|threads| {
        let worker = std::thread::Builder::new().stack_size(STACK).spawn_scoped(threads, || walk(options));
        let worker = worker.map_err(|error| format!("no thread: {error}"))?;
        worker.join().map_err(|_| "the campaign panicked".to_owned())?
    })
}

fn walk(options: &Options) -> Result<Report, String> {
    let mut report = Report { seed: options.seed, ..Report::default() };
    let scopes = match options.size {
        Size::Short => {
            vec![Scope::one_payout(), Scope::one_payout_repeated(), Scope::deposit(), Scope::together_in_short()]
        }
        Size::Campaign => vec![Scope::one_payout(), Scope::one_payout_repeated(), Scope::deposit(), Scope::together()],
    };
    for scope in scopes {
        report.add(part(&scope, options)?);
    }
    Ok(report)
}

fn part(scope: &Scope, options: &Options) -> Result<Part, String> {
    let bar = progress(scope.name, options.json);
    let began = Instant::now();
    let told = |states: usize| bar.set_message(format!("{states} states"));
    // Only what the books are asked about is kept: all of it may be more than there is room for twice.
    let found = search::explore(scope, Policy::Product, Limits::default(), told).1;
    let took = began.elapsed();
    let mut tell = |steps: u64| bar.set_message(format!("{steps} steps in the books"));
    let (played, walked) = if found.violation.is_some() {
        (None, None)
    } else {
        let limits = Limits { depth: Some(options.depth), ..Limits::default() };
        let graph = search::explore(scope, Policy::Product, limits, |_| ()).0;
        let played = replay::every_step(&graph, options.depth, scope, Policy::Product, &mut tell)?;
        let walked = replay::at_random(options.walks, options.seed, options.sabotage, scope, &mut tell)?;
        (Some((options.depth, played)), Some((options.walks, walked)))
    };
    bar.finish_and_clear();
    if bar.is_hidden() && !options.json {
        println!("{}: {} states, {:.1} s", scope.name, found.states, took.as_secs_f64());
    }
    Ok(Part { name: scope.name, found, took, played, walked })
}

/// A line that moves on a terminal; elsewhere nothing.
fn progress(name: &'static str, quiet: bool) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(2) };
    let bar = ProgressBar::with_draw_target(None, target);
    bar.set_style(ProgressStyle::with_template("{spinner} {prefix}: {msg} ({elapsed})").expect("a template"));
    bar.set_prefix(name);
    bar
}
