//! Counts what was asked and answered, and how long it took.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// Answers by kind of request, and latencies. Shared by all who call.
#[derive(Debug, Default)]
pub struct Meter {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    answers: BTreeMap<(String, String), u64>,
    micros: Vec<u64>,
}

/// How long requests took, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency {
    /// Half took no longer.
    pub p50: u64,
    /// 95 of 100 took no longer.
    pub p95: u64,
    /// 99 of 100 took no longer.
    pub p99: u64,
    /// The slowest.
    pub max: u64,
}

impl Meter {
    /// Notes one answered request: what was asked, what was answered, how long it took.
    pub fn note(&self, asked: &str, answered: &str, took: Duration) {
        let mut inner = self.lock();
        *inner.answers.entry((asked.to_owned(), answered.to_owned())).or_default() += 1;
        inner.micros.push(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Requests by what was asked and answered, in order of their names.
    pub fn answers(&self) -> Vec<(String, String, u64)> {
        self.lock().answers.iter().map(|((asked, answered), n)| (asked.clone(), answered.clone(), *n)).collect()
    }

    /// All requests so far.
    pub fn requests(&self) -> u64 {
        self.lock().answers.values().sum()
    }

    /// Latencies so far; zeros when nothing was asked.
    pub fn latency(&self) -> Latency {
        let mut micros = self.lock().micros.clone();
        micros.sort_unstable();
        let at = |percent: usize| micros.get((micros.len() * percent / 100).min(micros.len().max(1) - 1)).copied();
        let or_zero = |value: Option<u64>| value.unwrap_or_default();
        Latency { p50: or_zero(at(50)), p95: or_zero(at(95)), p99: or_zero(at(99)), max: or_zero(at(100)) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics while counting")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let meter = Meter::default();
        assert_eq!(meter.latency(), Latency::default());

        for micros in 1..=100 {
            meter.note("ask", "0", Duration::from_micros(micros));
        }

        assert_eq!(meter.latency(), Latency { p50: 51, p95: 96, p99: 100, max: 100 });
        assert_eq!(meter.answers(), [("ask".to_owned(), "0".to_owned(), 100)]);
    }
}
