//! One campaign from its first file to its report.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::fault::Fault;
use crate::neighbour;
use crate::options::{Failure, Options};
use crate::report::Report;
use crate::row::Stage;
use crate::service::Service;

/// Runs a campaign as the options say.
///
/// # Errors
///
/// It could not be run. What the service does wrong is in the report.
pub async fn run(options: &Options) -> Result<Report, Failure> {
    let began = Instant::now();
    let mut faults = if options.only.is_empty() { Fault::all().to_vec() } else { options.only.clone() };
    faults.sort_unstable();
    faults.dedup();
    let mut stages = Vec::new();
    for fault in faults {
        stages.push(Stage::start(fault, options).await?);
    }
    let sites: Vec<_> = stages.iter().map(|stage| (stage.site.clone(), stage.way_out.address)).collect();
    let service = Service::start(&sites).await?;
    let mut report = Report { seed: options.seed, ..Report::default() };
    let bar = progress(stages.len());
    let mut sabotage = options.sabotage;
    for stage in stages {
        let name = stage.fault.name();
        bar.set_message(name.clone());
        let (row, problems) = stage.run(&service, options, sabotage.take()).await?;
        if bar.is_hidden() {
            let (payouts, seconds, bad) = (row.payouts, row.took.as_secs_f64(), problems.len());
            eprintln!("{name}: {payouts} payouts in {seconds:.1} s, {bad} problems");
        }
        report.rows.push(row);
        report.problems.extend(problems);
        bar.inc(1);
    }
    bar.finish_and_clear();
    report.problems.extend(service.verify().await?.into_iter().map(|problem| format!("ledger verify: {problem}")));
    service.stop().await?;
    if options.only.is_empty() {
        report.problems.extend(neighbour::run(options).await?);
    }
    report.took = began.elapsed();
    Ok(report)
}

/// A bar on a terminal, lines elsewhere.
fn progress(faults: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(faults as u64), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
