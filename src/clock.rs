//! Time, read in one place. Nothing below a use case reads a clock.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike, SecondsFormat};

/// A moment: microseconds since 1970-01-01 UTC. Stored as BIGINT in columns whose names end in `_at`.
pub type Micros = i64;

/// Microseconds in a day: 24 hours of UTC.
pub const DAY_MICROS: Micros = 86_400_000_000;

/// Now. The wall clock is read once, when the process starts; from then on time is what the monotonic clock adds,
/// so a clock that jumps or stands still fires no window early and stalls none (threats OPS-1).
pub fn now() -> Micros {
    static ANCHOR: OnceLock<(Instant, Micros)> = OnceLock::new();
    let (started, wall) = ANCHOR.get_or_init(|| (Instant::now(), wall_clock()));
    wall + micros(started.elapsed())
}

/// Seconds since 1970-01-01 UTC as the wall clock says: only for what somebody else compares with a clock of their own, as the time
/// in a signature. It may jump, and after a machine slept it is right where [`now`] is not.
pub fn wall_seconds() -> i64 {
    wall_clock() / 1_000_000
}

/// RFC 3339 in UTC with microseconds: `2026-11-21T02:54:21.000123Z`.
pub fn rfc3339(at: Micros) -> String {
    match DateTime::from_timestamp_micros(at) {
        Some(time) => time.to_rfc3339_opts(SecondsFormat::Micros, true),
        None => at.to_string(),
    }
}

/// The first microsecond of the UTC day in which `at` lies.
pub fn start_of_day(at: Micros) -> Micros {
    at - at.rem_euclid(DAY_MICROS)
}

/// The first microsecond of the week, which begins on Monday, UTC.
pub fn start_of_week(at: Micros) -> Micros {
    // 1970-01-01 was a Thursday.
    let days_since_monday = (at.div_euclid(DAY_MICROS) + 3).rem_euclid(7);
    start_of_day(at) - days_since_monday * DAY_MICROS
}

/// The first microsecond of the calendar month, UTC.
pub fn start_of_month(at: Micros) -> Micros {
    match DateTime::from_timestamp_micros(at) {
        Some(time) => start_of_day(at) - i64::from(time.day0()) * DAY_MICROS,
        None => start_of_day(at),
    }
}

/// Reads RFC 3339, with any offset; `None` when it is not that.
pub fn parse_rfc3339(text: &str) -> Option<Micros> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_micros())
}

fn wall_clock() -> Micros {
    micros(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO))
}

fn micros(duration: Duration) -> Micros {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_goes_backwards() {
        let first = now();

        assert!(now() >= first);
    }

    #[test]
    fn time_is_what_the_monotonic_clock_adds() {
        let read = || (Instant::now(), now(), Instant::now());
        let (earliest, first, latest) = read();
        let mut last = first;
        while earliest.elapsed() < Duration::from_millis(20) {
            let next = now();
            assert!(next >= last);
            last = next;
        }
        let (from, last, to) = read();

        let passed = last - first;
        assert!(
            passed <= micros(to - earliest) + 1,
            "no faster than the monotonic clock, wherever the wall clock jumps"
        );
        assert!(passed + 1 >= micros(from - latest), "it does not stand still: {passed} us");
    }

    #[test]
    fn weeks_start_on_monday_and_months_on_their_first() {
        let read = |text| parse_rfc3339(text).expect("a time");
        let saturday = read("2026-11-21T13:14:15.123456Z");

        assert_eq!(start_of_week(saturday), read("2026-11-16T00:00:00Z"));
        assert_eq!(start_of_week(read("2026-11-16T00:00:00Z")), read("2026-11-16T00:00:00Z"));
        assert_eq!(start_of_week(read("2026-11-15T23:59:59.999999Z")), read("2026-11-09T00:00:00Z"));
        assert_eq!(start_of_month(saturday), read("2026-11-01T00:00:00Z"));
        assert_eq!(start_of_month(read("2024-02-29T23:59:59Z")), read("2024-02-01T00:00:00Z"));
        assert_eq!(read("2026-11-21T14:14:15.123456+01:00"), saturday);
        assert_eq!(parse_rfc3339("2026-11-21"), None);
    }

    #[test]
    fn a_day_starts_at_midnight_utc() {
        assert_eq!(start_of_day(3 * DAY_MICROS + 5), 3 * DAY_MICROS);
        assert_eq!(rfc3339(DAY_MICROS), "1970-01-02T00:00:00.000000Z");
    }
}
