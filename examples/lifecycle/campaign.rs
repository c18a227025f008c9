//! The parts of the world, one after the other: enumerated to the fixpoint, then played to the real books.

use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::options::{Options, Scope, Size};
use crate::policy::Policy;
use crate::replay;
use crate::report::{Part, Report};
use crate::search::{self, Limits};

/// A walk of sixty steps is a recursion of sixty, and each has a frame for every closure it goes through.
const STACK: usize = 256 << 20;

/// Enumerates and plays everything that the options name, each part on a thread of its own.
pub fn run(options: &Options) -> Result<Report, String> {
    let scopes = match options.size {
        Size::Short => {
            let repeated = Scope::one_payout_repeated_in_short();
            [Scope::one_payout(), repeated, Scope::deposit(), Scope::together_in_short()]
        }
        Size::Campaign => [Scope::one_payout(), Scope::one_payout_repeated(), Scope::deposit(), Scope::together()],
    };
    let mut report = Report { seed: options.seed, ..Report::default() };
    let hidden = if options.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(2) };
    let bars = MultiProgress::with_draw_target(hidden);
    let parts: Result<Vec<Part>, String> = std::thread::scope(|threads| {
        let started: Result<Vec<_>, _> = scopes
            .iter()
            .map(|scope| {
                let bar = bars.add(ProgressBar::new_spinner());
                let part = move || part(scope, options, &bar);
                std::thread::Builder::new().stack_size(STACK).spawn_scoped(threads, part)
            })
            .collect();
        let started = started.map_err(|error| format!("no thread: {error}"))?;
        started.into_iter().map(|part| part.join().map_err(|_| "a part panicked".to_owned())?).collect()
    });
    parts?.into_iter().for_each(|part| report.add(part));
    Ok(report)
}

fn part(scope: &Scope, options: &Options, bar: &ProgressBar) -> Result<Part, String> {
    bar.set_style(ProgressStyle::with_template("{spinner} {prefix}: {msg} ({elapsed})").expect("a template"));
    bar.set_prefix(scope.name);
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
    if !options.json && bar.is_hidden() {
        println!("{}: {} states in {:.1} s, then the books", scope.name, found.states, took.as_secs_f64());
    }
    Ok(Part { name: scope.name, found, took, played, walked })
}
