//! Doors that are being opened: one at a time for an order, and not too many at all, so that a Cashier that hangs holds up few.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::ids::ExternalId;

/// Openings under way at once. More, and a Cashier that hangs takes connections that its own notifications need; fewer, and players wait
/// for each other.
const AT_ONCE: usize = 64;

/// Openings of one player under way at once: a provider may take minutes, and nobody fills all places.
const OF_ONE_PLAYER: usize = 3;

/// Repetitions that wait for the opening of one order. More than a front end that repeats has.
const MOST_WAITING: usize = 8;

/// Who is being let in.
#[derive(Debug, Clone, Default)]
pub struct Doors(Arc<Mutex<HashMap<String, Door>>>);

/// A door that is being opened.
#[derive(Debug)]
struct Door {
    player: i64,
    opening: watch::Sender<()>,
}

/// Whether somebody may open a door now.
#[derive(Debug)]
pub enum Turn {
    /// It is theirs until this is dropped.
    Yours(Opening),
    /// Somebody opens it for the same order: await this to know that they have ended. `None`: too many wait already.
    UnderWay(Option<Waiting>),
    /// Too many doors are being opened.
    Full,
}

/// The right to open a door.
#[derive(Debug)]
pub struct Opening {
    doors: Doors,
    order: String,
}

/// Waits for somebody else's opening.
#[derive(Debug)]
pub struct Waiting(watch::Receiver<()>);

impl Waiting {
    /// Returns when the opening has ended, one way or the other.
    pub async fn ended(mut self) {
        // Nothing is ever sent: the end of the sender is the news.
        while self.0.changed().await.is_ok() {}
    }
}

impl Doors {
    /// Asks for the door of an order of this player.
    pub fn ask(&self, order: &ExternalId, player: i64) -> Turn {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Door { opening, .. }) = open.get(order.as_str()) {
            let has_room = opening.receiver_count() < MOST_WAITING;
            return Turn::UnderWay(has_room.then(|| Waiting(opening.subscribe())));
        }
        let of_player = open.values().filter(|door| door.player == player).count();
        if open.len() >= AT_ONCE || of_player >= OF_ONE_PLAYER {
            return Turn::Full;
        }
        open.insert(order.as_str().to_owned(), Door { player, opening: watch::Sender::new(()) });
        Turn::Yours(Opening { doors: self.clone(), order: order.as_str().to_owned() })
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.doors.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.order);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_door_is_opened_by_one_at_a_time_and_the_others_wait() {
        let doors = Doors::default();
        let order = ExternalId::generate();
        let Turn::Yours(first) = doors.ask(&order, 1) else { panic!("nobody opens it") };
        let Turn::UnderWay(Some(waiting)) = doors.ask(&order, 1) else { panic!("there is room to wait") };
        let others: Vec<Turn> = (1..MOST_WAITING).map(|_| doors.ask(&order, 1)).collect();
        assert!(others.iter().all(|turn| matches!(turn, Turn::UnderWay(Some(_)))));
        assert!(matches!(doors.ask(&order, 1), Turn::UnderWay(None)));

        drop(first);
        waiting.ended().await;
        assert!(matches!(doors.ask(&order, 1), Turn::Yours(_)));
    }

    #[test]
    fn only_so_many_doors_are_opened_at_once() {
        let doors = Doors::default();
        let all: Vec<Turn> = (0..AT_ONCE as i64).map(|player| doors.ask(&ExternalId::generate(), player)).collect();
        assert!(all.iter().all(|turn| matches!(turn, Turn::Yours(_))));
        assert!(matches!(doors.ask(&ExternalId::generate(), -1), Turn::Full));
        drop(all);
        assert!(matches!(doors.ask(&ExternalId::generate(), -1), Turn::Yours(_)));
    }
    #[test]
    fn one_player_never_fills_all_places() {
        let doors = Doors::default();
        let own: Vec<Turn> = (0..OF_ONE_PLAYER).map(|_| doors.ask(&ExternalId::generate(), 7)).collect();
        assert!(own.iter().all(|turn| matches!(turn, Turn::Yours(_))));
        assert!(matches!(doors.ask(&ExternalId::generate(), 7), Turn::Full));
        assert!(matches!(doors.ask(&ExternalId::generate(), 8), Turn::Yours(_)));
    }
}
