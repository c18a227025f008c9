//! Everybody who asks and reads while things go wrong, until they are sent home and what they have seen is counted.

use std::sync::Arc;
use std::time::Duration;

use croupier::simulate::faults::Dice;
use croupier::simulate::server::CashierServer;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::compare::{Seen, Told};
use crate::door::{Call, Door};
use crate::feed::{READERS, read_again, read_along};
use crate::house::Purse;
use crate::player::{Load, POOR, Player, SHARED};
use crate::settle;

/// Players and readers.
pub struct Crowd {
    pub load: Arc<Load>,
    /// Tasks that end when the load stops.
    pub workers: JoinSet<()>,
    stop: watch::Sender<bool>,
    readers: JoinSet<Vec<Told>>,
    readers_done: watch::Sender<bool>,
}

/// What there is when everything has come to rest.
pub struct Rest {
    /// What the service shows.
    pub seen: Seen,
    unknown: u64,
    resolved: u64,
    again: u64,
}

impl Crowd {
    /// Nobody yet, before the door.
    pub fn new(door: Door, cashiers: Vec<CashierServer>, pace: Duration) -> Self {
        let (stop, stopping) = watch::channel(false);
        let (readers_done, _) = watch::channel(false);
        let load = Load::new(door, cashiers, pace, stopping);
        Self { load, workers: JoinSet::new(), stop, readers: JoinSet::new(), readers_done }
    }

    /// Lets them in: so many players, and the readers. Needs a service that answers, and a staff token at the door.
    pub async fn enter(&mut self, dice: &mut Dice, players: u64) {
        for login in [SHARED, POOR] {
            self.load.create(dice, &Purse::of(login), 0).await;
        }
        for number in 0..players {
            self.workers.spawn(Player::live(self.load.clone(), number, dice.fork(number)));
        }
        for number in 0..READERS {
            let dice = dice.fork(2_000 + number);
            self.readers.spawn(read_along(self.load.clone(), dice, self.readers_done.subscribe()));
        }
    }

    /// Nobody asks for anything new.
    pub async fn leave(&mut self) {
        self.stop.send_replace(true);
        while self.workers.join_next().await.is_some() {}
    }

    /// Waits until payouts have come to rest, asks up to `again` requests again, and looks at everything.
    ///
    /// # Errors
    ///
    /// A reader did not end as it should.
    pub async fn look(&mut self, dice: &mut Dice, patience: Duration, again: usize) -> Result<Rest, String> {
        settle::payouts_at_rest(&self.load, dice, patience).await;
        let (unknown, resolved) = settle::unknown_payouts(&self.load, dice).await;
        let again = settle::ask_again(&self.load, dice, None, again, "at the end").await;
        self.readers_done.send_replace(true);
        let mut feeds = Vec::new();
        while let Some(feed) = self.readers.join_next().await {
            feeds.push(feed.map_err(|error| error.to_string())?);
        }
        feeds.push(read_again(&self.load, dice).await);
        let mut seen = settle::look(&self.load, dice).await;
        seen.feeds = feeds;
        Ok(Rest { seen, unknown, resolved, again })
    }

    /// What there was, in numbers.
    pub fn figures(&self, rest: &Rest) -> Vec<(&'static str, u64)> {
        let book = self.load.book();
        let counts = self.load.door.counts.lock().expect("nobody panics while counting");
        let count = |name: &str| counts.get(name).copied().unwrap_or(0);
        vec![
            ("effects acknowledged", book.acknowledged),
            ("answers asked for again at the end", rest.again),
            ("lines in statements", rest.seen.statements.values().map(|lines| lines.len() as u64).sum()),
            ("deposits", book.deposits.len() as u64),
            ("deposits paid", book.deposits.values().filter(|deposit| deposit.paid).count() as u64),
            ("deposits charged back", book.deposits.values().filter(|deposit| deposit.reversed).count() as u64),
            ("payouts", book.payouts.len() as u64),
            ("payouts initiated", rest.seen.initiations.len() as u64),
            ("payouts decided by a person", book.payouts.values().filter(|one| one.decision.is_some()).count() as u64),
            ("payouts of unknown outcome at the end", rest.unknown),
            ("of these resolved", rest.resolved),
            ("events", rest.seen.feeds.first().map_or(0, |feed| feed.len() as u64)),
            ("requests answered", count("answered")),
            ("requests without a connection", count("no connection")),
            ("requests without an answer", count("no answer")),
            ("requests answered 503", count("503")),
            ("requests refused for the day", count("429")),
        ]
    }

    /// An effect past the book, which must be found.
    pub async fn play_past_the_book(&self, dice: &mut Dice) {
        let call = Call::play(&Purse::numbered(0), "win", 777, "not-in-the-book");
        let _nobody_writes_it_down = self.load.ask(dice, &call).await;
    }
}
