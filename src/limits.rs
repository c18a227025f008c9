//! Limits as pure functions: settings and totals in, allowed or why not out. All amounts in minor units.

use crate::clock::{Micros, start_of_day, start_of_month, start_of_week};
use crate::error::Error;
use crate::settings::{Limits, MethodLimits};

/// Whether one deposit of `minor` is within the limits.
///
/// # Errors
///
/// `BelowMinimum`, `AboveMaximum`.
pub fn deposit(limits: &Limits, minor: i64) -> Result<(), Error> {
    within(minor, limits.deposit_min, limits.deposit_max)
}

/// Whether one payout of `minor` is within the limits for one payout.
///
/// # Errors
///
/// `BelowMinimum`, `AboveMaximum`.
pub fn payout(limits: &Limits, minor: i64) -> Result<(), Error> {
    within(minor, limits.payout_min, limits.payout_max)
}

/// A stretch of time that limits are counted over. All of them are UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// A day from midnight.
    Day,
    /// A week from Monday.
    Week,
    /// A calendar month.
    Month,
}

/// Every period with its name.
const PERIODS: [(Period, &str); 3] = [(Period::Day, "day"), (Period::Week, "week"), (Period::Month, "month")];

impl Period {
    /// All of them, the shortest first.
    pub fn all() -> impl Iterator<Item = Self> {
        PERIODS.iter().map(|(period, _)| *period)
    }

    /// The name on the API and in the database.
    pub fn name(self) -> &'static str {
        PERIODS.iter().find(|(period, _)| *period == self).expect("every period has a name").1
    }

    /// The period with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        PERIODS.iter().find(|(_, known)| *known == name).map(|(period, _)| *period)
    }

    /// When the one began in which `at` lies.
    pub fn start(self, at: Micros) -> Micros {
        match self {
            Period::Day => start_of_day(at),
            Period::Week => start_of_week(at),
            Period::Month => start_of_month(at),
        }
    }
}

/// The most that one player may deposit on this site within a period.
pub fn deposit_max(limits: &Limits, period: Period) -> Option<i64> {
    match period {
        Period::Day => limits.deposit_daily_max,
        Period::Week => limits.deposit_weekly_max,
        Period::Month => limits.deposit_monthly_max,
    }
}

/// The most that one player may withdraw from this site within a period.
pub fn payout_max(limits: &Limits, period: Period) -> Option<i64> {
    match period {
        Period::Day => limits.payout_daily_max,
        Period::Week => limits.payout_weekly_max,
        Period::Month => limits.payout_monthly_max,
    }
}

/// Whether `minor` more fits into a period in which `so_far` was moved already.
///
/// # Errors
///
/// `AboveMaximum`.
pub fn fits(most: Option<i64>, so_far: i64, minor: i64) -> Result<(), Error> {
    match (most, so_far.checked_add(minor)) {
        (None, _) => Ok(()),
        (Some(most), Some(sum)) if sum <= most => Ok(()),
        (Some(_), _) => Err(Error::AboveMaximum),
    }
}

/// Whether a deposit of `minor` is within a method's own limits.
///
/// # Errors
///
/// `BelowMinimum`, `AboveMaximum`.
pub fn method(limits: &MethodLimits, minor: i64) -> Result<(), Error> {
    within(minor, limits.deposit_min, limits.deposit_max)
}

fn within(minor: i64, least: Option<i64>, most: Option<i64>) -> Result<(), Error> {
    if least.is_some_and(|least| minor < least) {
        return Err(Error::BelowMinimum);
    }
    if most.is_some_and(|most| minor > most) {
        return Err(Error::AboveMaximum);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_a_limit_are_allowed_and_what_is_past_them_is_not() {
        let limits = Limits {
            deposit_min: Some(100),
            deposit_max: Some(200),
            payout_min: Some(10),
            payout_max: Some(20),
            payout_daily_max: Some(30),
            ..Limits::default()
        };
        for (minor, ok) in [(99, false), (100, true), (200, true), (201, false)] {
            assert_eq!(deposit(&limits, minor).is_ok(), ok, "deposit {minor}");
        }
        for (minor, ok) in [(9, false), (10, true), (20, true), (21, false)] {
            assert_eq!(payout(&limits, minor).is_ok(), ok, "payout {minor}");
        }
        for (today, minor, ok) in [(0, 30, true), (11, 20, false), (10, 20, true), (i64::MAX, 1, false)] {
            assert_eq!(fits(payout_max(&limits, Period::Day), today, minor).is_ok(), ok, "{today} + {minor}");
        }
    }

    #[test]
    fn a_limit_that_is_not_set_does_not_limit() {
        let none = Limits::default();

        assert!(deposit(&none, 1).is_ok() && payout(&none, i64::MAX).is_ok() && fits(None, 5, i64::MAX).is_ok());
        for period in Period::all() {
            assert_eq!((deposit_max(&none, period), payout_max(&none, period)), (None, None));
            assert_eq!(Period::from_name(period.name()), Some(period));
        }
    }

    #[test]
    fn a_method_has_limits_of_its_own_and_both_ends_are_allowed() {
        let limits = MethodLimits { deposit_min: Some(10), deposit_max: Some(20) };

        for (minor, told) in [(9, Err("below")), (10, Ok(())), (20, Ok(())), (21, Err("above"))] {
            let said = method(&limits, minor).map_err(|error| match error {
                Error::BelowMinimum => "below",
                Error::AboveMaximum => "above",
                other => panic!("{other}"),
            });
            assert_eq!(said, told, "{minor}");
        }
    }

    #[test]
    fn each_period_has_the_limit_of_its_name_and_begins_where_it_is_said_to() {
        let limits = Limits {
            deposit_daily_max: Some(1),
            deposit_weekly_max: Some(2),
            deposit_monthly_max: Some(3),
            payout_daily_max: Some(4),
            payout_weekly_max: Some(5),
            payout_monthly_max: Some(6),
            ..Limits::default()
        };
        // Friday, 14 November 2025, 22:13:20.
        let at = 1_763_158_400_000_000;
        let expected = [
            ("day", 1, 4, 1_763_078_400_000_000),
            ("week", 2, 5, 1_762_732_800_000_000),
            ("month", 3, 6, 1_761_955_200_000_000),
        ];

        let seen = Period::all().map(|period| {
            let [deposit, payout] = [deposit_max(&limits, period), payout_max(&limits, period)].map(Option::unwrap);
            (period.name(), deposit, payout, period.start(at))
        });
        assert_eq!(seen.collect::<Vec<_>>(), expected);
        assert_eq!(Period::from_name("year"), None);
    }
}
