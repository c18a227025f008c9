//! How far a long command is: a bar on a terminal, plain lines every few seconds elsewhere. Always on stderr.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::db::copy::Step;

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(3);

/// How often a growing file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What is shown of a copy, a backup or a restore.
pub(super) struct Steps {
    bar: Option<ProgressBar>,
    table: String,
    next: Instant,
}

impl Steps {
    pub(super) fn new() -> Self {
        let style = || ProgressStyle::with_template("{prefix:28} [{bar:40}] {pos}/{len}  {elapsed_precise}");
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            bar.set_style(style().expect("the template is fixed and right"));
            bar
        });
        Self { bar, table: String::new(), next: Instant::now() + LINE_EVERY }
    }

    /// Shows a step; never stops anything.
    pub(super) fn show(&mut self, step: Step<'_>) -> ControlFlow<()> {
        match step {
            Step::Copied { table, rows, of } => self.rows("copied", table, rows, of),
            Step::Checked { table, rows, of } => self.rows("checked", table, rows, of),
            Step::TargetHeld => self.said("the target is whole and sends nothing by itself"),
            Step::SourceClosed => self.said("the source is closed"),
            Step::TargetClosed => self.said("the target is closed"),
            Step::TargetOpened => self.said("the target is open"),
        }
        ControlFlow::Continue(())
    }

    /// Shows how many entries have been checked.
    pub(super) fn entries(&mut self, entries: i64) {
        self.rows("verified", "entries", entries, 0);
    }

    fn rows(&mut self, what: &str, table: &str, rows: i64, of: i64) {
        let shown = format!("{what} {table}");
        if let Some(bar) = &self.bar {
            if shown != self.table {
                bar.reset_elapsed();
                bar.set_prefix(shown.clone());
            }
            bar.set_length(u64::try_from(of.max(rows)).unwrap_or(0));
            bar.set_position(u64::try_from(rows).unwrap_or(0));
        } else if Instant::now() >= self.next {
            self.next = Instant::now() + LINE_EVERY;
            let of = if of > 0 { format!(" of {of}") } else { String::new() };
            eprintln!("{shown}: {rows}{of}");
        }
        self.table = shown;
    }

    fn said(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Shows how a file grows until it is dropped: SQLite's own copy tells nothing of its progress.
pub(super) struct Growing {
    ended: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Growing {
    /// `file` will have about as many bytes as `like`.
    pub(super) fn watch(file: PathBuf, like: &Path) -> Self {
        let of = std::fs::metadata(like).map_or(0, |file| file.len());
        let ended = Arc::new(AtomicBool::new(false));
        let seen = ended.clone();
        let thread = std::thread::spawn(move || {
            let mut steps = Steps::new();
            while !seen.load(Ordering::Relaxed) {
                let bytes = std::fs::metadata(&file).map_or(0, |file| file.len());
                let megabytes = |bytes: u64| i64::try_from(bytes >> 20).unwrap_or(i64::MAX);
                steps.rows("copied", "megabytes", megabytes(bytes), megabytes(of));
                std::thread::sleep(LOOK_EVERY);
            }
        });
        Self { ended, thread: Some(thread) }
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _only_showed_something = thread.join();
        }
    }
}
