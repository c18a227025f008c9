//! The kinds of faults, and the schedule of a campaign: pure, from the seed alone.

use clap::ValueEnum;
use croupier::simulate::faults::Dice;

/// What befalls the instances and the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Kind {
    /// SIGKILL to an instance.
    KillInstance,
    /// SIGSTOP to an instance, and SIGCONT after seconds: what it was doing then goes on.
    PauseInstance,
    /// The primary ends some sessions of the service.
    TerminateBackends,
    /// SIGKILL to one backend: the server ends all others and recovers.
    KillBackend,
    /// SIGSTOP to the whole primary, and SIGCONT after seconds.
    PausePrimary,
    /// All connections of one instance, or of all, are reset.
    Cut,
    /// Nothing passes between an instance, or all, and the servers for seconds.
    Blackhole,
    /// The same, and new connections are refused.
    Refuse,
    /// The primary stops at once and recovers.
    RestartPrimary,
    /// The standby is gone for seconds: commits wait.
    StopStandby,
    /// The primary is killed, the standby promoted, the old primary made its standby anew.
    Failover,
    /// The same, while an instance is killed too.
    FailoverAndKill,
    /// Commits wait for a standby that is gone, their sessions are ended, which leaves them visible on the primary alone, and then the
    /// primary is lost. What was seen there must not have been acknowledged. Comes only when it is asked for by name.
    LocalCommits,
}

impl Kind {
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether it befalls one instance, so that the others must go on.
    pub fn is_of_one(self) -> bool {
        match self {
            Kind::KillInstance | Kind::PauseInstance => true,
            Kind::TerminateBackends
            | Kind::KillBackend
            | Kind::PausePrimary
            | Kind::Cut
            | Kind::Blackhole
            | Kind::Refuse
            | Kind::RestartPrimary
            | Kind::StopStandby
            | Kind::Failover
            | Kind::FailoverAndKill
            | Kind::LocalCommits => false,
        }
    }
}

/// Each kind with its weight, those first that even a short campaign must have. Weight 0: only when it is asked for.
const KINDS: [(Kind, usize); 13] = [
    (Kind::Failover, 3),
    (Kind::KillInstance, 5),
    (Kind::KillBackend, 2),
    (Kind::PauseInstance, 3),
    (Kind::Cut, 3),
    (Kind::LocalCommits, 0),
    (Kind::TerminateBackends, 4),
    (Kind::Blackhole, 3),
    (Kind::RestartPrimary, 2),
    (Kind::FailoverAndKill, 2),
    (Kind::StopStandby, 2),
    (Kind::PausePrimary, 2),
    (Kind::Refuse, 2),
];

/// The faults of a campaign: each allowed kind once, as far as they go, then by their weights, all in random order.
pub fn schedule(count: usize, dice: &mut Dice, only: &[Kind]) -> Vec<Kind> {
    let allowed: Vec<(Kind, usize)> = KINDS
        .iter()
        .filter(|(kind, weight)| if only.is_empty() { *weight > 0 } else { only.contains(kind) })
        .map(|(kind, weight)| (*kind, (*weight).max(1)))
        .collect();
    let weighted: Vec<Kind> = allowed.iter().flat_map(|(kind, weight)| std::iter::repeat_n(*kind, *weight)).collect();
    let mut schedule: Vec<Kind> = allowed.iter().map(|(kind, _)| *kind).take(count).collect();
    while schedule.len() < count {
        schedule.push(dice.pick(&weighted));
    }
    for last in (1..schedule.len()).rev() {
        let other = usize::try_from(dice.between(0, i64::try_from(last).unwrap_or(0))).unwrap_or(0);
        schedule.swap(last, other);
    }
    schedule
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_has_every_kind_and_comes_from_its_seed() {
        let schedule_of = |seed| schedule(100, &mut Dice::new(seed), &[]);

        let first = schedule_of(7);

        assert_eq!(first.len(), 100);
        assert!(KINDS.iter().all(|(kind, weight)| first.contains(kind) == (*weight > 0)));
        assert_eq!(first, schedule_of(7));
        assert_ne!(first, schedule_of(8));
        assert!(schedule(3, &mut Dice::new(1), &[]).contains(&Kind::Failover));
        assert_eq!(schedule(2, &mut Dice::new(1), &[Kind::Cut]), [Kind::Cut, Kind::Cut]);
    }
}
