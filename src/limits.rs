//! Limits as pure functions: settings and totals in, allowed or why not out. All amounts in minor units.

use crate::error::Error;
use crate::settings::Limits;

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

/// Whether a payout of `minor` fits into a day on which `today` was asked for already.
///
/// # Errors
///
/// `AboveMaximum`.
pub fn payout_day(limits: &Limits, today: i64, minor: i64) -> Result<(), Error> {
    match (limits.payout_daily_max, today.checked_add(minor)) {
        (None, _) => Ok(()),
        (Some(most), Some(sum)) if sum <= most => Ok(()),
        (Some(_), _) => Err(Error::AboveMaximum),
    }
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
            assert_eq!(payout_day(&limits, today, minor).is_ok(), ok, "{today} + {minor}");
        }
    }

    #[test]
    fn a_limit_that_is_not_set_does_not_limit() {
        let none = Limits::default();

        assert!(deposit(&none, 1).is_ok() && payout(&none, i64::MAX).is_ok() && payout_day(&none, 5, 5).is_ok());
    }
}
