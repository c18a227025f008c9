//! Log lines about strangers: a flood of refused messages must not become a flood of lines (threats R9).

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Lines in one period; more are counted and told at its end.
const MOST: u32 = 20;
const PERIOD: Duration = Duration::from_secs(10);

struct Said {
    since: Instant,
    lines: u32,
}

static SAID: Mutex<Option<Said>> = Mutex::new(None);

/// Logs a warning, unless too many have been logged lately.
pub(super) fn say(line: impl FnOnce() -> String) {
    let now = Instant::now();
    let mut said = SAID.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let said = said.get_or_insert(Said { since: now, lines: 0 });
    if now.duration_since(said.since) > PERIOD {
        if said.lines > MOST {
            log::warn!("{} more lines about refused callers in the last {} s", said.lines - MOST, PERIOD.as_secs());
        }
        *said = Said { since: now, lines: 0 };
    }
    said.lines += 1;
    if said.lines <= MOST {
        log::warn!("{}", line());
    }
}
