//! The whole run: what can be measured here, the figures, and what is told of them.

use std::fs;

use crate::cluster::Cluster;
use crate::curve;
use crate::load::Failure;
use crate::machine::Machine;
use crate::measure::{Bench, Measured};
use crate::options::Options;
use crate::process;
use crate::report::Report;
use crate::target::Target;

/// Measures and tells; how many answers of croupier were wrong.
pub fn run(options: &Options) -> Result<usize, Failure> {
    process::end_when_told();
    fs::create_dir_all(&options.dir).map_err(|error| format!("{}: {error}", options.dir.display()))?;
    let mut machine = Machine::look(&options.dir)?;
    let logs = process::directory(&options.dir)?;
    let mut targets = Vec::new();
    let mut cluster = None;
    for target in options.targets() {
        match ready(target, options, &mut cluster, logs.path()) {
            Ok(version) => {
                machine.versions.extend(version);
                targets.push(target);
            }
            Err(why) => machine.skipped.push(why),
        }
    }
    if let Some(Ok(cluster)) = &cluster {
        machine.versions.push(("PostgreSQL", cluster.version.clone()));
    }
    eprintln!("{}", machine.shown());
    let mut measured = Measured::default();
    let outcome = Bench::new(options, targets, cluster.and_then(Result::ok)).run(&mut measured);
    let report = Report { options, machine: &machine, measured: &measured };
    report.print();
    if outcome.is_ok() && !measured.points.is_empty() {
        let file = options.svg();
        fs::write(&file, curve::svg(&measured.points)).map_err(|error| format!("{}: {error}", file.display()))?;
        eprintln!("the curve of the open loop: {}", file.display());
    }
    outcome.map(|()| report.bad())
}

/// Whether a target can be measured here; the server is started for the first that needs it.
fn ready(
    target: Target,
    options: &Options,
    cluster: &mut Option<Result<Cluster, Failure>>,
    logs: &std::path::Path,
) -> Result<Option<(&'static str, String)>, Failure> {
    if target.needs_a_server() {
        let started = cluster.get_or_insert_with(|| Cluster::start(&options.dir, logs));
        if let Err(why) = started {
            return Err(format!("{}: {why}", target.name()));
        }
    }
    target.version()
}
