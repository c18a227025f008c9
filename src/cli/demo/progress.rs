//! What is seen while a demo runs: bars on a terminal, plain lines every few seconds elsewhere. Always on stderr.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::oneshot;

use crate::simulate::demo::{Plan, Progress};
use crate::simulate::meter::Meter;

const REDRAW: Duration = Duration::from_millis(100);
const LINE_EVERY: Duration = Duration::from_secs(3);

/// A running display.
pub(super) struct Display {
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Display {
    /// Draws the last state and ends.
    pub(super) async fn finish(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// Shows the counts until it is finished.
pub(super) fn show(plan: Plan, counts: Arc<Progress>, meter: Arc<Meter>) -> Display {
    let (stop, mut stopped) = oneshot::channel();
    let rounds = plan.players * plan.rounds;
    let task = tokio::spawn(async move {
        let mut view = if std::io::stderr().is_terminal() { View::bars(rounds) } else { View::lines(rounds) };
        loop {
            view.draw(&counts, meter.requests());
            tokio::select! {
                _ = &mut stopped => break,
                () = tokio::time::sleep(REDRAW) => {}
            }
        }
        view.end(&counts, meter.requests());
    });
    Display { stop, task }
}

enum View {
    Bars { rounds: ProgressBar, facts: ProgressBar, _both: MultiProgress },
    Lines { rounds: u64, started: Instant, next: Duration },
}

impl View {
    fn bars(rounds: u64) -> Self {
        let both = MultiProgress::new();
        let style = |template| ProgressStyle::with_template(template).expect("the template is fixed and right");
        let bar = both.add(ProgressBar::new(rounds));
        bar.set_style(style("{prefix:10} [{bar:50}] {pos}/{len}  {elapsed_precise}, left {eta_precise}"));
        bar.set_prefix("rounds");
        let facts = both.add(ProgressBar::new_spinner());
        facts.set_style(style("{spinner} {msg}"));
        Self::Bars { rounds: bar, facts, _both: both }
    }

    fn lines(rounds: u64) -> Self {
        Self::Lines { rounds, started: Instant::now(), next: LINE_EVERY }
    }

    fn draw(&mut self, counts: &Progress, requests: u64) {
        match self {
            View::Bars { rounds, facts, .. } => {
                rounds.set_position(read(&counts.rounds));
                facts.set_message(text(counts, requests));
                facts.tick();
            }
            View::Lines { rounds, started, next } => {
                if started.elapsed() >= *next {
                    *next += LINE_EVERY;
                    eprintln!("round {} of {rounds}, {}", read(&counts.rounds), text(counts, requests));
                }
            }
        }
    }

    fn end(mut self, counts: &Progress, requests: u64) {
        self.draw(counts, requests);
        match self {
            View::Bars { rounds, facts, .. } => {
                rounds.finish();
                facts.finish();
            }
            View::Lines { rounds, .. } => {
                eprintln!("round {} of {rounds}, {}", read(&counts.rounds), text(counts, requests));
            }
        }
    }
}

fn text(counts: &Progress, requests: u64) -> String {
    let phase = if read(&counts.comparing) == 0 { "" } else { ", comparing the books" };
    format!("{} deposits, {} payouts, {requests} requests{phase}", read(&counts.deposits), read(&counts.payouts))
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}
