//! Pushes that go well, and what a receiver that behaves badly can do: nothing to others (threats WLT-4, SEC-4).

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use croupier::clock::{self, Micros};
use croupier::db::{DbConn, Scope};
use croupier::events::{self, Kind, New, feed};
use croupier::ids::{Login, Player, SiteId};
use croupier::instance::Me;
use croupier::ledger::PlayerId;
use croupier::money::{Currency, Money};
use croupier::outgoing::Outgoing;
use croupier::players;
use croupier::pushes::desk::{self, Attempt};
use croupier::pushes::{Pusher, Worked};
use croupier::settings;
use croupier::status::Status;

use crate::bench::Bench;
use crate::process::{SITE, Setup};
use crate::support::receiver::{Delivery, Receiver, Reply, SECRET};

/// A pusher that a test drives step by step, books with players, and a game server.
pub struct Line {
    pub bench: Bench,
    pub pusher: Pusher,
    pub receiver: Receiver,
    pub start: Micros,
}

/// Players of a line, by their place.
const LOGINS: [&str; 5] = ["ann", "ben", "cleo", "dora", "eve"];

impl Line {
    pub async fn new() -> Self {
        let receiver = Receiver::start();
        let setup = Setup { more: receiver.settings(), ..Setup::default() };
        let bench = Bench::with(setup).await;
        let pusher = pusher(&bench);
        let line = Self { bench, pusher, receiver, start: clock::now() };
        for login in LOGINS {
            let change = players::Change::default();
            let player = Player { site: SiteId(SITE), login: Login::parse(login).expect("a login") };
            let put =
                line.bench.state().db.write(Scope::from(&player), move |tx| players::put(tx, &player, &change, 0));
            put.await.expect("a player");
        }
        line
    }

    /// An event for each of these players, in one commit; `None` is an event of no player.
    pub async fn tell(&self, whose: &[Option<usize>]) {
        let whose = whose.to_vec();
        let at = self.start;
        let told = self.bench.state().db.write(Scope::Nobody, move |tx| {
            for (nth, player) in whose.iter().enumerate() {
                let login = player.map(|player| Login::parse(LOGINS[player])).transpose()?;
                let known = login.map(|login| players::read(tx.read()?, &Player { site: SiteId(SITE), login }));
                let player = known.transpose()?.flatten().map(|row| PlayerId(row.id));
                let amount = Money::new(100 + i64::try_from(nth).expect("few"), Currency::parse("USD")?)?;
                let new = New {
                    kind: Kind::PayoutSent,
                    site: SiteId(SITE),
                    player,
                    external_id: Some("an-order"),
                    standing: Some((Status::PendingPayment, Some("sent"))),
                    amount: Some(amount),
                    reason: "",
                };
                events::emit(tx, new, at)?;
            }
            Ok(())
        });
        told.await.expect("events");
    }

    /// As [`Line::tell`], all of players.
    pub async fn tell_players(&self, whose: &[usize]) {
        self.tell(&whose.iter().copied().map(Some).collect::<Vec<_>>()).await;
    }

    /// Steps at this time after the start until there is nothing to do.
    pub async fn drain(&self, after: Micros) -> usize {
        let mut steps = 0;
        while self.step(after).await == Worked::Sent {
            steps += 1;
            assert!(steps < 10_000, "there is no end");
        }
        steps
    }

    pub async fn step(&self, after: Micros) -> Worked {
        self.bench.state().db.settle().await;
        self.pusher.step_at(self.start + after).await.expect("a step")
    }

    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut DbConn) -> diesel::QueryResult<T> + Send + 'static,
    ) -> T {
        self.bench.state().db.settle().await;
        self.bench.state().db.read(move |conn| Ok(work(conn)?)).await.expect("a read")
    }

    pub async fn status(&self) -> desk::Status {
        self.read(desk::status).await
    }

    pub async fn attempts(&self, event: i64) -> Vec<Attempt> {
        self.read(move |conn| desk::attempts(conn, event)).await
    }

    /// The kinds of all reviews.
    pub async fn reviews(&self) -> Vec<String> {
        let list = |conn: &mut DbConn| croupier::orders::reviews::list(conn, None, 0, 1000);
        self.read(list).await.into_iter().map(|review| review.kind).collect()
    }
}

/// The pusher of a bench, with timeouts that a test can wait for.
pub fn pusher(bench: &Bench) -> Pusher {
    let patience = Duration::from_millis(600);
    let outgoing = Outgoing::with_timeouts(patience, patience).expect("a client");
    bench.app.pusher().expect("[events] is set").clone().through(outgoing)
}

/// That no event of a player was sent before an earlier one of theirs had been taken.
pub fn assert_order(seen: &[Delivery]) {
    let mut taken: HashSet<i64> = HashSet::new();
    let mut known: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for delivery in seen {
        if let Some(login) = delivery.login() {
            known.entry(login).or_default().push(delivery.place());
        }
    }
    for delivery in seen {
        let own = delivery.login().and_then(|login| known.get(&login)).cloned().unwrap_or_default();
        for earlier in own.iter().filter(|place| **place < delivery.place()) {
            assert!(taken.contains(earlier), "{} overtook {earlier}", delivery.id);
        }
        if delivery.taken {
            taken.insert(delivery.place());
        }
    }
}

/// threats WLT-4
#[tokio::test]
async fn every_event_is_pushed_once_in_order_and_in_the_words_of_the_feed() {
    let line = Line::new().await;
    let whose: Vec<Option<usize>> = (0..300).map(|nth| (nth % 7 < 5).then_some(nth % 7)).collect();
    line.tell(&whose).await;

    line.drain(0).await;

    let seen = line.receiver.seen();
    let all: HashSet<i64> = line.receiver.taken().into_iter().collect();
    assert_eq!((seen.len(), all), (300, (1..=300).collect()), "each once");
    assert_order(&seen);
    let page = line.read(|conn| feed::entries(conn, 0, 1000, i64::MAX)).await;
    let words: BTreeMap<i64, String> =
        page.iter().map(|entry| (entry.event.id, serde_json::to_string(&entry.told()).expect("JSON"))).collect();
    for delivery in &seen {
        assert_eq!(delivery.body, words[&delivery.place()], "byte for byte");
    }
    let status = line.status().await;
    assert_eq!((status.endpoint.map(|endpoint| endpoint.position), status.queued, status.dead), (Some(300), 0, 0));
    assert_eq!(line.step(0).await, Worked::Idle);
}

/// threats WLT-4: a crash between the answer and the commit.
#[tokio::test]
async fn what_was_sent_and_not_recorded_is_sent_again_with_the_same_id() {
    let line = Line::new().await;
    line.tell_players(&[0, 1]).await;
    line.drain(0).await;
    line.tell_players(&[0, 0, 1, 2]).await;
    line.bench.state().db.close();
    line.pusher.step_at(line.start).await.expect_err("nothing can be recorded");
    let first: Vec<Delivery> = line.receiver.seen().split_off(2);

    let Line { bench, pusher: gone, receiver, start } = line;
    drop(gone);
    let bench = bench.reborn(|_| ()).await;
    let line = Line { pusher: pusher(&bench), bench, receiver, start };
    line.drain(0).await;

    let seen = line.receiver.seen();
    let sorted = |list: &[Delivery]| {
        let mut pairs: Vec<_> = list.iter().map(|one| (one.id.clone(), one.body.clone())).collect();
        pairs.sort();
        pairs
    };
    assert_eq!(first.len(), 4);
    assert_eq!(sorted(&first), sorted(&seen[6..]), "the same again, byte for byte");
    assert_order(&seen[6..]);
}

/// threats WLT-4: what moves money does not notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_hangs_holds_up_no_commit() {
    let line = Line::new().await;
    line.receiver.answer_with(|_| Reply::Hang);
    line.tell_players(&[0]).await;
    let (pusher, at) = (line.pusher.clone(), line.start);
    let pushing = tokio::spawn(async move { pusher.step_at(at).await });
    line.receiver.wait("the push arrives", |seen| seen.len() == 1);

    line.tell_players(&[0, 1, 2]).await;

    assert!(!pushing.is_finished(), "the commit was not the one that waited");
    assert_eq!(pushing.await.expect("no panic").expect("a step"), Worked::Sent);
    assert_eq!(line.attempts(1).await[0].outcome, "unknown");
}

/// threats NET-8
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_does_not_wait_for_a_receiver_that_hangs() {
    let line = Line::new().await;
    line.receiver.answer_with(|_| Reply::Hang);
    line.tell_players(&[0]).await;
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let events = line.bench.state().settings.events.clone().expect("[events] is set");
    let pusher = Pusher::new(
        line.bench.state().db.clone(),
        &events,
        line.bench.state().metrics.clone(),
        stopping,
        line.bench.app.me().clone(),
    );
    let began = std::time::Instant::now();
    let running = tokio::spawn(pusher.expect("a pusher").run());
    line.receiver.wait("the push arrives", |seen| seen.len() == 1);

    stop.send_replace(true);

    running.await.expect("it ends");
    assert!(began.elapsed() < Duration::from_secs(8), "before the push itself gives up: {:?}", began.elapsed());
    assert_eq!(line.attempts(1).await, [], "nobody knows, so it is sent again");
    line.receiver.answer_with(|_| Reply::Status(200));
    line.drain(0).await;
    assert_eq!(line.receiver.taken(), [1]);
}

#[tokio::test]
async fn a_receiver_that_behaves_badly_gets_everything_when_it_is_mended() {
    let elsewhere = Receiver::start();
    let redirect = Reply::Redirect(elsewhere.url());
    let control = Reply::Saying(500, [b"\x1b[31m\x00".as_slice(), &b"x".repeat(5000)].concat());
    let bad = [Reply::Hang, redirect, Reply::Close, control, Reply::Saying(500, vec![b'x'; 100_000])];
    for reply in bad {
        let line = Line::new().await;
        line.tell_players(&[0, 0, 1, 2]).await;
        let answer = reply.clone();
        line.receiver.answer_with(move |_| answer.clone());

        line.step(0).await;

        let attempt = line.attempts(1).await.pop().expect("an attempt");
        assert_ne!(attempt.outcome, "delivered", "{reply:?}");
        assert!(attempt.answer.chars().count() <= 1024, "{reply:?}");
        assert!(!attempt.answer.chars().any(char::is_control), "{reply:?}");
        assert_eq!(line.step(0).await, Worked::Resting, "{reply:?}");
        line.receiver.answer_with(|_| Reply::Status(200));
        line.drain(10_000_000).await;
        let taken: HashSet<i64> = line.receiver.taken().into_iter().collect();
        assert!((1..=4).all(|place| taken.contains(&place)), "{reply:?}: {taken:?}");
    }
    assert_eq!(elsewhere.seen(), [], "a redirection is not followed");
}

/// threats WLT-4: a receiver that took an event is believed, whatever it writes about it.
#[tokio::test]
async fn the_status_of_an_answer_decides_whatever_its_body_is() {
    let long = vec![b'x'; 100_000];
    let cases = [
        (Reply::Endless, "delivered", 200),
        (Reply::Saying(201, long.clone()), "delivered", 201),
        (Reply::Saying(422, long), "refused", 422),
    ];
    for (reply, outcome, status) in cases {
        let line = Line::new().await;
        line.tell_players(&[0]).await;
        let answer = reply.clone();
        line.receiver.answer_with(move |_| answer.clone());

        line.step(0).await;

        let attempt = line.attempts(1).await.pop().expect("an attempt");
        assert_eq!((attempt.outcome.as_str(), attempt.http_status), (outcome, Some(status)), "{}", attempt.answer);
        assert!(attempt.answer.chars().count() <= 1024);
        assert_eq!(line.step(0).await, Worked::Idle, "the endpoint is up");
    }
}

/// threats SEC-4
#[tokio::test]
async fn a_private_address_is_not_called() {
    let line = Line::new().await;
    line.tell_players(&[0]).await;
    let own = format!("https://localhost.localdomain.invalid:{}/", line.receiver.address.port());
    for url in ["https://10.1.2.3/x", "https://169.254.169.254/latest", "https://[fd00::1]/", &own] {
        let events = settings::Events {
            url: url.parse().expect("a URL"),
            secret: croupier::secret::Secret::new(SECRET),
            private_networks: Vec::new(),
        };
        let state = line.bench.state();
        let pusher = Pusher::new(
            state.db.clone(),
            &events,
            state.metrics.clone(),
            state.stopping.clone(),
            line.bench.app.me().clone(),
        );
        let before = line.attempts(1).await.len();

        pusher
            .expect("a pusher")
            .step_at(line.start + 3_600_000_000 * i64::try_from(before).expect("few"))
            .await
            .expect("a step");

        let attempts = line.attempts(1).await;
        assert_eq!((attempts.len(), attempts[before].outcome.as_str()), (before + 1, "not_sent"), "{url}");
        assert!(!attempts[before].answer.contains("//"), "no part of the address: {}", attempts[before].answer);
    }
    assert_eq!(line.receiver.seen(), []);
}

#[tokio::test]
async fn an_endpoint_set_on_books_with_a_long_past_begins_with_the_present() {
    for (past, expected) in [(1000, 0), (1001, 1001)] {
        let line = Line::new().await;
        let whose: Vec<usize> = (0..past).map(|nth| nth % 5).collect();
        line.tell_players(&whose).await;

        line.receiver.answer_with(|_| Reply::Status(503));
        line.step(0).await;

        let position = line.status().await.endpoint.map(|endpoint| endpoint.position);
        assert_eq!(position, Some(expected), "{past} events were there");
    }
}

#[tokio::test]
async fn deliveries_are_forgotten_after_a_month_and_refusals_never() {
    let line = Line::new().await;
    line.receiver.answer_with(|push| Reply::Status(if push.place() == 1 { 422 } else { 200 }));
    line.tell_players(&[0, 1, 2]).await;
    line.step(-40 * clock::DAY_MICROS).await;
    assert_eq!([line.attempts(1).await.len(), line.attempts(2).await.len()], [1, 1]);

    line.tell_players(&[3]).await;
    line.receiver.answer_with(|_| Reply::Status(200));
    line.drain(0).await;

    let counts = [line.attempts(1).await.len(), line.attempts(2).await.len(), line.attempts(3).await.len()];
    assert_eq!(counts, [2, 0, 0], "the refusal stays, and the delivery of today");
    assert_eq!(line.attempts(4).await.len(), 1);
}

/// threats WLT-4
#[tokio::test]
async fn one_instance_pushes_and_another_goes_on_when_it_is_gone() {
    let line = Line::new().await;
    let instance = |id: &str| line.pusher.clone().as_instance(Me::new(id, false));
    let (left, right, start) = (instance("left"), instance("right"), Instant::now());
    let ids = || line.receiver.taken();
    let (one, two, three) = (vec![1], vec![1, 2], vec![1, 2, 3]);
    line.tell_players(&[0]).await;

    assert_eq!(left.step().await.expect("a step"), Worked::Sent);
    assert_eq!(right.step().await.expect("a step"), Worked::Elsewhere);
    assert_eq!(ids(), one);

    // An orderly stop gives it back.
    left.give_back().await;
    assert!(right.has_the_turn(start + Duration::from_secs(2)).await.expect("a look"));
    line.tell_players(&[1]).await;
    assert_eq!(right.step().await.expect("a step"), Worked::Sent);
    assert_eq!(ids(), two);

    // Who stands still loses it; what they send then is not recorded, so it comes once more, with the same id.
    for (seconds, taken) in [(10, false), (20, false), (24, false), (25, true)] {
        let now = start + Duration::from_secs(seconds);
        assert_eq!(left.has_the_turn(now).await.expect("a look"), taken, "after {seconds} s");
    }
    line.tell_players(&[0]).await;
    assert_eq!(right.step().await.expect("a step"), Worked::Sent);
    assert_eq!(line.status().await.endpoint.map(|endpoint| endpoint.position), Some(2));
    assert_eq!(right.step().await.expect("a step"), Worked::Elsewhere);
    assert_eq!(left.step().await.expect("a step"), Worked::Sent);
    assert_eq!(ids(), [three, vec![3]].concat());
    assert_eq!(line.status().await.endpoint.map(|endpoint| endpoint.position), Some(3));
}
