//! Pushes to a game server that answers anything: whatever it does, each player's order holds, and everything arrives in the end.

use std::collections::HashSet;

use croupier::clock::DAY_MICROS;
use croupier::db::Scope;
use croupier::db::schema::{event_queue, event_turns};
use croupier::pushes::desk;
use croupier::simulate::faults::Dice;
use diesel::prelude::*;

use crate::event_push::{Line, assert_order, pusher};
use crate::support::database::cluster;
use crate::support::receiver::Reply;

/// How it answers on the whole.
#[derive(Debug, Clone, Copy)]
enum Mood {
    Good,
    Capricious,
    Down,
}

/// What it does with one push; the same push meets another answer the next time.
fn reply(mood: Mood, dice: &mut Dice) -> Reply {
    let bad = [Reply::Status(422), Reply::Status(500), Reply::Status(404), Reply::Close, Reply::Status(301)];
    let pick = |dice: &mut Dice, list: &[Reply]| {
        let last = i64::try_from(list.len()).expect("few") - 1;
        list[usize::try_from(dice.between(0, last)).expect("not negative")].clone()
    };
    match mood {
        Mood::Good => Reply::Status(200),
        Mood::Capricious if dice.percent(60) => Reply::Status(202),
        Mood::Capricious => pick(dice, &bad),
        Mood::Down => pick(dice, &bad[1..]),
    }
}

#[tokio::test]
async fn whatever_the_receiver_answers_the_order_holds_and_everything_arrives() {
    // On a server each step is several round trips.
    let seeds = if cluster().is_some() { 4 } else { 12 };
    for seed in 0..seeds {
        let mut dice = Dice::new(seed);
        let mut line = Line::new().await;
        let (mut at, mut told) = (0, 0);
        for _ in 0..40 {
            let mood = [Mood::Good, Mood::Capricious, Mood::Capricious, Mood::Down]
                [usize::try_from(dice.between(0, 3)).expect("not negative")];
            let answers = std::sync::Mutex::new(dice.fork(u64::try_from(told).expect("few")));
            line.receiver.answer_with(move |_| reply(mood, &mut answers.lock().expect("no panic")));
            let whose: Vec<Option<usize>> = (0..dice.between(0, 6))
                .map(|_| usize::try_from(dice.between(0, 5)).ok().filter(|player| *player < 5))
                .collect();
            told += i64::try_from(whose.len()).expect("few");
            if !whose.is_empty() {
                line.tell(&whose).await;
            }
            for _ in 0..dice.between(0, 3) {
                line.step(at).await;
                assert_turns(&line).await;
            }
            at += dice.between(0, 400_000_000);
            if dice.percent(10) {
                let now = line.start + at;
                line.bench.state().db.write(Scope::Nobody, move |tx| desk::resume(tx, now)).await.expect("resumed");
            }
            if dice.percent(10) {
                line = crashed(line, at).await;
            }
        }

        line.receiver.answer_with(|_| Reply::Status(200));
        line.drain(at + DAY_MICROS).await;

        let taken: HashSet<i64> = line.receiver.taken().into_iter().collect();
        assert_eq!(taken, (1..=told).collect(), "seed {seed}");
        assert_order(&line.receiver.seen());
        assert_turns(&line).await;
        let status = line.status().await;
        assert_eq!((status.queued, status.dead), (0, 0), "seed {seed}");
    }
}

/// Whoever has an event that waits has a turn, and nobody else.
async fn assert_turns(line: &Line) {
    let both = line.read(|conn| {
        let waiting = event_queue::table.filter(event_queue::dead.eq(false)).select(event_queue::player);
        let turns = event_turns::table.select(event_turns::player);
        Ok((waiting.distinct().order(event_queue::player).load::<i64>(conn)?, turns.load::<i64>(conn)?))
    });
    let (waiting, mut turns) = both.await;
    turns.sort_unstable();
    assert_eq!(waiting, turns);
}

/// The process is gone between the answers and the commit, and comes back.
async fn crashed(line: Line, at: i64) -> Line {
    line.bench.state().db.close();
    // Nothing may have been due; then there was nothing to lose.
    let _it_cannot_be_recorded = line.pusher.step_at(line.start + at).await;
    let Line { bench, pusher: gone, receiver, start } = line;
    drop(gone);
    let bench = bench.reborn(|_| ()).await;
    Line { pusher: pusher(&bench), bench, receiver, start }
}
