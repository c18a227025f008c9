//! The conformance list: named scenarios against any merchant implementation, through the public wire only.
//!
//! A scenario sees what the real Cashier sees: answers, and initiations when it has an address for them. Whether money
//! moved is found out by asking for payouts: what can be withdrawn is there. [`wallet`] is the other list: what a game
//! server may expect of any wallet.

mod accept;
mod amounts;
mod bench;
mod initiations;
mod money;
mod refusals;
mod repeats;
mod report;
mod signatures;
mod transport;
pub mod wallet;
mod webhooks;

use std::future::Future;
use std::pin::Pin;

use super::caller::CallError;

pub use bench::{Bench, Subject};
pub use report::{About, Certificate};

/// How bad it is when a promise is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Money created, lost or stolen, or forged state.
    Critical,
    /// The service or its records are broken.
    High,
    /// Degraded.
    Medium,
    /// Hygiene.
    Low,
}

impl Severity {
    /// C, H, M or L.
    pub fn letter(self) -> &'static str {
        match self {
            Severity::Critical => "C",
            Severity::High => "H",
            Severity::Medium => "M",
            Severity::Low => "L",
        }
    }
}

/// Why a scenario did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The promise is broken; what was seen.
    Failed(String),
    /// It could not be tried; what is needed.
    Skipped(String),
}

impl From<CallError> for Stop {
    fn from(error: CallError) -> Self {
        Stop::Failed(error.to_string())
    }
}

/// What a scenario found: nothing, or why it stopped.
pub type Check<'a> = Pin<Box<dyn Future<Output = Result<(), Stop>> + Send + 'a>>;

/// One promise of the protocol, and how it is tried on a bench.
pub struct Scenario<B = Bench> {
    /// Its name, unique: what `--scenario` takes.
    pub name: &'static str,
    /// What the merchant promises.
    pub promise: &'static str,
    /// How bad it is when the promise is broken.
    pub severity: Severity,
    check: Box<dyn for<'a> Fn(&'a B) -> Check<'a> + Send + Sync>,
}

impl<B> Scenario<B> {
    fn new<F>(severity: Severity, name: &'static str, promise: &'static str, check: F) -> Self
    where
        F: for<'a> Fn(&'a B) -> Check<'a> + Send + Sync + 'static,
    {
        Self { name, promise, severity, check: Box::new(check) }
    }
}

/// How one scenario ended.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The scenario's name.
    pub name: &'static str,
    /// What was promised.
    pub promise: &'static str,
    /// How bad a broken promise is.
    pub severity: Severity,
    /// Passed, or why not.
    pub end: Result<(), Stop>,
}

/// All scenarios in the order they are tried.
pub fn all() -> Vec<Scenario> {
    let mut scenarios = accept::scenarios();
    scenarios.extend(repeats::scenarios());
    scenarios.extend(refusals::scenarios());
    scenarios.extend(amounts::scenarios());
    scenarios.extend(signatures::scenarios());
    scenarios.extend(transport::scenarios());
    scenarios.extend(webhooks::scenarios());
    scenarios.extend(money::scenarios());
    scenarios.extend(initiations::scenarios());
    scenarios
}

/// Tries the scenarios one after another; `seen` is told each finding as it comes.
pub async fn run<B>(about: About, bench: &B, scenarios: &[Scenario<B>], mut seen: impl FnMut(&Finding)) -> Certificate {
    let mut findings = Vec::new();
    for scenario in scenarios {
        let end = (scenario.check)(bench).await;
        let Scenario { name, promise, severity, .. } = *scenario;
        let finding = Finding { name, promise, severity, end };
        seen(&finding);
        findings.push(finding);
    }
    Certificate { about, at: crate::clock::now(), findings }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn there_are_enough_scenarios_and_their_names_are_unique() {
        let lists: [Vec<&str>; 2] = [
            all().iter().map(|scenario| scenario.name).collect(),
            wallet::all().iter().map(|scenario| scenario.name).collect(),
        ];
        for list in lists {
            let names: HashSet<_> = list.iter().collect();
            assert_eq!(names.len(), list.len());
            assert!(names.len() >= 40, "{}", names.len());
            for name in list {
                assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{name}");
                assert!(name.len() <= 40, "{name}");
            }
        }
    }
}
