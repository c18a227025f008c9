//! Time, read in one place. Nothing below a use case reads a clock.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat};

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

/// Reads RFC 3339, with any offset: `2026-11-21T02:54:21Z`.
pub fn parse_rfc3339(text: &str) -> Option<Micros> {
    DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_micros()).ok()
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
        let (started, first) = (Instant::now(), now());
        let mut last = first;
        while started.elapsed() < Duration::from_millis(20) {
            let next = now();
            assert!(next >= last);
            last = next;
        }

        let passed = last - first;
        assert!(
            passed <= micros(started.elapsed()),
            "no faster than the monotonic clock, wherever the wall clock jumps"
        );
        assert!(passed >= 19_000, "it does not stand still: {passed} us");
    }

    #[test]
    fn a_moment_is_read_as_it_is_written() {
        let at = 3 * DAY_MICROS + 123_456;

        assert_eq!(parse_rfc3339(&rfc3339(at)), Some(at));
        assert_eq!(parse_rfc3339("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!([parse_rfc3339(""), parse_rfc3339("yesterday"), parse_rfc3339("2026-11-21")], [None; 3]);
    }

    #[test]
    fn a_day_starts_at_midnight_utc() {
        assert_eq!(start_of_day(3 * DAY_MICROS + 5), 3 * DAY_MICROS);
        assert_eq!(rfc3339(DAY_MICROS), "1970-01-02T00:00:00.000000Z");
    }
}
