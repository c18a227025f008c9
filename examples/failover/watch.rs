//! Who answers, and since when: at every instance a canary asks whether it is ready and then has one write acknowledged, all the time.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use croupier::simulate::faults::Dice;

use crate::door::Call;
use crate::house::Purse;
use crate::player::Load;

/// How long a canary waits for an answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks: what is measured is not finer than this.
const PAUSE: Duration = Duration::from_millis(40);

/// One look: both the readiness and the write were answered.
#[derive(Debug, Clone, Copy)]
struct Look {
    began: Instant,
    ended: Instant,
}

/// The looks that were answered, instance by instance, oldest first.
#[derive(Debug)]
pub struct Watch(Vec<Mutex<Vec<Look>>>);

impl Watch {
    pub fn new(instances: usize) -> Arc<Self> {
        Arc::new(Self((0..instances).map(|_| Mutex::default()).collect()))
    }

    /// When an instance first answered something that it was asked after `since`.
    pub fn answered_since(&self, instance: usize, since: Instant) -> Option<Instant> {
        let looks = self.0[instance].lock().expect("nobody panics while looking");
        looks.iter().rev().take_while(|look| look.began >= since).last().map(|look| look.ended)
    }

    /// The longest time between two answers of an instance, from the last one before `from` to the first one after `to`.
    pub fn silence(&self, instance: usize, from: Instant, to: Instant) -> Duration {
        let looks = self.0[instance].lock().expect("nobody panics while looking");
        let ends: Vec<Instant> = looks.iter().map(|look| look.ended).collect();
        let first = ends.partition_point(|end| *end < from).saturating_sub(1);
        let last = (ends.partition_point(|end| *end < to) + 1).min(ends.len());
        let pairs = ends[first.min(last)..last].windows(2);
        pairs.map(|pair| pair[1].duration_since(pair[0])).max().unwrap_or_default()
    }

    fn note(&self, instance: usize, look: Look) {
        self.0[instance].lock().expect("nobody panics while looking").push(look);
    }
}

/// The canary of one instance. A write without an answer is asked again under its key, so that its player's book stays certain.
pub async fn look_after(load: Arc<Load>, watch: Arc<Watch>, instance: usize, mut dice: Dice) {
    let purse = Purse::of(&format!("canary-{instance}"));
    load.create(&mut dice, &purse, 0).await;
    let mut number = 0;
    let ready = Call::readiness();
    loop {
        let reference = format!("look-{number}");
        let write = Call::play(&purse, "win", 1, &reference);
        let began = Instant::now();
        let is_ready = load.door.once(&ready, instance, PATIENCE).await.is_ok_and(|answer| answer.status == 200);
        if let Ok(answer) = load.door.once(&write, instance, PATIENCE).await {
            if matches!(answer.status, 200 | 201) {
                let mut book = load.book();
                book.played(&purse, &reference, 1);
                book.answered(&write, &answer.body);
                number += 1;
                if is_ready {
                    watch.note(instance, Look { began, ended: Instant::now() });
                }
            } else {
                load.unexpected(&write, &answer);
            }
        }
        if load.is_stopping() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    // The last write may have been taken without an answer.
    load.play(&mut dice, &purse, "win", 1, &format!("look-{number}")).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_and_the_longest_silence_are_measured() {
        let (watch, start) = (Watch::new(1), Instant::now());
        let at = |ms: u64| start + Duration::from_millis(ms);
        for (began, ended) in [(0, 10), (20, 30), (40, 900), (950, 960), (1_000, 1_010)] {
            watch.note(0, Look { began: at(began), ended: at(ended) });
        }

        assert_eq!(watch.answered_since(0, at(35)), Some(at(900)));
        assert_eq!(watch.answered_since(0, at(45)), Some(at(960)));
        assert_eq!(watch.answered_since(0, at(2_000)), None);
        assert_eq!(watch.silence(0, at(35), at(955)), Duration::from_millis(870));
        assert_eq!(watch.silence(0, at(955), at(1_000)), Duration::from_millis(60));
    }
}
