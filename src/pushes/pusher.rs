//! The task that sends: plans a round, sends it with no transaction open, records it in one commit. A crash in between sends the same
//! events again, with the same ids.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use standardwebhooks::Webhook;
use tokio::sync::watch;

use super::lease::{self, Known, Turn};
use super::plan::{self, Group, Look, Plan, Push};
use super::queue::{self, Endpoint};
use super::record::{self, Attempt, Recorded, Round, Sent};
use super::waits::{Fault, Outcome};
use crate::clock::{self, Micros};
use crate::db::{Db, Scope, WriteTx};
use crate::error::Error;
use crate::events;
use crate::instance::Me;
use crate::metrics::Metrics;
use crate::outgoing::{AddressRules, Outgoing, SendError};
use crate::settings;

/// Players whose events are sent at once. More, and a slow game server has more of them open; fewer, and its slowness is the bound.
const AT_ONCE: usize = 16;

/// A round takes on nothing more after this: what was done is recorded before a crash can forget it.
const LONGEST_ROUND: Duration = Duration::from_secs(5);

/// How often it is looked for what nobody announced: waits that are over, and what a command has queued.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How long to wait after the database failed.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// How long a stop waits for the answer to a push. What comes later is sent again after the next start, with the same id.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// How often the gauges are brought up to date.
const MEASURE: Duration = Duration::from_secs(1);

/// The name lookup, connection and TLS of one push.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// One push up to the last byte of its answer. Longer, and a game server that hangs holds up more; shorter, and one that works before it
/// answers never succeeds.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Events that are pushed from the beginning when an endpoint is first set on books that have some already.
const SHORT_HISTORY: i64 = 1000;

/// Characters of an answer that are kept.
const KEPT_OF_AN_ANSWER: usize = 1024;

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked {
    /// It sent something.
    Sent,
    /// The endpoint failed and rests.
    Resting,
    /// Nothing was due.
    Idle,
    /// Another instance pushes.
    Elsewhere,
}

/// Pushes events to the game server.
#[derive(Clone)]
pub struct Pusher {
    db: Db,
    endpoint: Arc<settings::Events>,
    rules: AddressRules,
    signer: Arc<Webhook>,
    outgoing: Outgoing,
    metrics: Metrics,
    stopping: watch::Receiver<bool>,
    me: Me,
    turn: Arc<Mutex<Known>>,
}

impl Pusher {
    /// A pusher with the timeouts of production. When `stopping` turns true it takes on nothing more.
    ///
    /// # Errors
    ///
    /// The reason why there can be none.
    pub fn new(
        db: Db,
        endpoint: &settings::Events,
        metrics: Metrics,
        stopping: watch::Receiver<bool>,
        me: Me,
    ) -> Result<Self, String> {
        let outgoing = Outgoing::with_timeouts(CONNECT_TIMEOUT, TOTAL_TIMEOUT)?;
        // The settings were checked; the error is not shown, for it may quote the secret.
        let signer = Webhook::new(endpoint.secret.expose()).map_err(|_| "events.secret is not a key in base64")?;
        let rules = AddressRules::new(endpoint.private_networks.clone());
        let (endpoint, signer) = (Arc::new(endpoint.clone()), Arc::new(signer));
        Ok(Self { db, endpoint, rules, signer, outgoing, metrics, stopping, me, turn: Arc::default() })
    }

    /// The same with another way out, for tests with other timeouts.
    pub fn through(self, outgoing: Outgoing) -> Self {
        Self { outgoing, ..self }
    }

    /// The same as another instance, for tests.
    pub fn as_instance(self, me: Me) -> Self {
        Self { me, turn: Arc::default(), ..self }
    }

    /// Whether this instance is the one that pushes, at `now`. Takes the lease when nobody has it or its holder is gone, and renews it.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn has_the_turn(&self, now: Instant) -> Result<bool, Error> {
        if self.me.alone || self.known().is_fresh(now) {
            return Ok(true);
        }
        if self.known().is_elsewhere(now) {
            return Ok(false);
        }
        let found = self.db.read(|conn| Ok(lease::find(conn)?)).await?;
        let turn = self.known().judge(found.as_ref(), &self.me, now);
        let taken = match turn {
            Turn::Leave => false,
            Turn::Take => {
                let me = self.me.clone();
                let take = move |tx: &mut WriteTx<'_>| Ok(lease::take(tx, found.as_ref(), &me, clock::now())?);
                self.db.write(Scope::Nobody, take).await?
            }
        };
        let before = self.known().settle(taken, now);
        match (before, taken) {
            (false, true) => log::info!("events: this instance pushes from now on"),
            (true, false) => log::warn!("events: another instance pushes from now on"),
            (true, true) | (false, false) => {}
        }
        Ok(taken)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets another instance push at once.
    pub async fn give_back(&self) {
        let now = Instant::now();
        if self.me.alone || !self.known().settle(false, now) {
            return;
        }
        let me = self.me.clone();
        if let Err(error) = self.db.write(Scope::Nobody, move |tx| Ok(lease::release(tx, &me)?)).await {
            log::warn!("events: the turn to push cannot be given back; another instance takes it in a while: {error}");
        }
    }

    /// Sends until the service stops.
    pub async fn run(self) {
        self.work().await;
        self.give_back().await;
    }

    async fn work(&self) {
        let (mut news, mut stopping) = (self.db.news(), self.stopping.clone());
        let mut measured: Option<Instant> = None;
        while !*stopping.borrow_and_update() {
            // Seen before the look: what is committed after it wakes us.
            news.borrow_and_update();
            let worked = self.step().await;
            if measured.is_none_or(|last| last.elapsed() >= MEASURE) {
                measured = Some(Instant::now());
                if let Err(error) = self.measure().await {
                    log::warn!("events: cannot be counted: {error}");
                }
            }
            let (pause, wakes) = match worked {
                Ok(Worked::Sent) => continue,
                Ok(Worked::Idle) => (LOOK_AGAIN, true),
                // Its holder sees the news; whether it is gone is looked at now and then.
                Ok(Worked::Elsewhere) => (lease::LOOK, false),
                // News do not make it healthy; a command may.
                Ok(Worked::Resting) => (LOOK_AGAIN, false),
                Err(error) => {
                    log::error!("events: cannot be pushed now, trying again: {error}");
                    (TRY_AGAIN, false)
                }
            };
            tokio::select! {
                changed = news.changed(), if wakes => if changed.is_err() { return },
                () = tokio::time::sleep(pause) => {}
                _ = stopping.changed() => return,
            }
        }
    }

    /// Sends one round, now.
    ///
    /// # Errors
    ///
    /// What the database says; what the game server says is recorded.
    pub async fn step(&self) -> Result<Worked, Error> {
        self.step_at(clock::now()).await
    }

    /// Sends one round as if it were `at`; signatures have the true time all the same, for the game server compares it with its clock.
    ///
    /// # Errors
    ///
    /// As [`Pusher::step`].
    pub async fn step_at(&self, at: Micros) -> Result<Worked, Error> {
        if !self.has_the_turn(Instant::now()).await? {
            return Ok(Worked::Elsewhere);
        }
        self.db.settle().await;
        let horizon = self.db.horizon();
        let mut looked = self.db.read(move |conn| plan::look(conn, horizon, at)).await?;
        if let Look::First = looked {
            self.begin().await?;
            looked = self.db.read(move |conn| plan::look(conn, horizon, at)).await?;
        }
        match looked {
            Look::First | Look::Nothing => Ok(Worked::Idle),
            Look::Resting => Ok(Worked::Resting),
            Look::Send(plan) => self.renewing(self.round(plan, at)).await.map(|()| Worked::Sent),
        }
    }

    /// A round may take longer than a lease: it is renewed meanwhile. Whether it is still ours is asked when the round is recorded.
    async fn renewing(&self, round: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
        tokio::pin!(round);
        loop {
            tokio::select! {
                done = &mut round => return done,
                () = tokio::time::sleep(lease::RENEW) => {
                    if let Err(error) = self.has_the_turn(Instant::now()).await {
                        log::warn!("events: the turn to push cannot be renewed: {error}");
                    }
                }
            }
        }
    }

    /// Says where to begin, once for these books.
    async fn begin(&self) -> Result<(), Error> {
        let begun = self.db.write(Scope::Nobody, |tx| {
            let newest = events::newest(tx.read()?)?;
            let position = if newest <= SHORT_HISTORY { 0 } else { newest };
            queue::save_endpoint(tx, &Endpoint::fresh(position))?;
            Ok(position)
        });
        match begun.await? {
            0 => log::info!("events: pushed from now on, from the first event on"),
            position => log::warn!(
                "events: pushed from now on; the {position} older ones are not: \
                 `croupier events redeliver --since TIME` pushes those too"
            ),
        }
        Ok(())
    }

    async fn round(&self, plan: Plan, at: Micros) -> Result<(), Error> {
        let began = Instant::now();
        let Plan { endpoint, groups, held, position, .. } = plan;
        let halted = AtomicBool::new(false);
        let sending = groups.into_iter().map(|group| self.send(group, &halted, began, at));
        let sent: Vec<Vec<Sent>> = futures_util::stream::iter(sending).buffer_unordered(AT_ONCE).collect().await;
        let sent: Vec<Sent> = sent.into_iter().flatten().collect();
        if held.is_empty() && sent.iter().all(|sent| sent.attempt.is_none()) {
            // Stopped before the first one.
            return Ok(());
        }
        for attempt in sent.iter().filter_map(|sent| sent.attempt.as_ref()) {
            match attempt.outcome {
                Outcome::Delivered => self.metrics.events_delivered.inc(),
                failed => self.metrics.event_failures.with_label_values(&[failed.name()]).inc(),
            }
        }
        let percent = getrandom::u32().map_or(20, i64::from);
        let round = Arc::new(Round { endpoint, sent, held, position, began_at: at, at: at + elapsed(began), percent });
        let written = round.clone();
        let me = self.me.clone();
        let record = move |tx: &mut WriteTx<'_>| {
            // The row of the lease is locked until the commit: of two who take themselves for its holder, one finds out here.
            if !me.alone && !lease::keep(tx, &me)? {
                return Ok(None);
            }
            record::record(tx, &written).map(Some)
        };
        let Some(recorded) = self.db.write(Scope::Nobody, record).await? else {
            log::warn!("events: another instance has taken over; what was sent last may be sent once more");
            self.known().settle(false, Instant::now());
            return Ok(());
        };
        self.tell(&round, &recorded);
        Ok(())
    }

    /// Sends the events of one player, each after the one before was taken.
    async fn send(&self, group: Group, halted: &AtomicBool, began: Instant, at: Micros) -> Vec<Sent> {
        let mut sent = Vec::with_capacity(group.pushes.len());
        let mut stuck = false;
        for push in group.pushes {
            let over = began.elapsed() >= LONGEST_ROUND || *self.stopping.borrow();
            let attempt = if stuck || over || halted.load(Ordering::Relaxed) {
                None
            } else {
                self.attempt(&push, at + elapsed(began)).await
            };
            match attempt.as_ref().and_then(Attempt::fault) {
                Some(Fault::Endpoint) => halted.store(true, Ordering::Relaxed),
                Some(Fault::Event) => stuck = true,
                None => stuck |= attempt.is_none(),
            }
            sent.push(Sent { player: group.player, push, attempt });
        }
        sent
    }

    /// `None`: the service stops, and nobody waits for the answer.
    async fn attempt(&self, push: &Push, started_at: Micros) -> Option<Attempt> {
        let started = Instant::now();
        let mut stopping = self.stopping.clone();
        let stopped = async {
            // It changes once, to true, or nobody is left who could change it: the service is gone.
            let _either_way_it_stops = stopping.changed().await;
            tokio::time::sleep(STOP_GRACE).await;
        };
        let (outcome, http_status, answer) = tokio::select! {
            answered = self.post(push) => answered,
            () = stopped => return None,
        };
        Some(Attempt { started_at, took_micros: elapsed(started), outcome, http_status, answer })
    }

    async fn post(&self, push: &Push) -> (Outcome, Option<u16>, String) {
        let told = push.entry.told();
        let unsent = |reason: &str| (Outcome::NotSent, None, reason.to_owned());
        let Ok(body) = serde_json::to_vec(&told) else { return unsent("it cannot be written as JSON") };
        let seconds = clock::wall_seconds();
        let Ok(signature) = self.signer.sign(&told.id, seconds, &body) else { return unsent("it cannot be signed") };
        let seconds = seconds.to_string();
        let headers = [
            ("content-type", "application/json"),
            ("webhook-id", told.id.as_str()),
            ("webhook-timestamp", seconds.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        match self.outgoing.tell(&self.endpoint.url, &self.rules, &headers, body).await {
            Ok(reply) => (Outcome::of_status(reply.status), Some(reply.status), kept(&reply.body)),
            Err(SendError::NotSent(note)) => (Outcome::NotSent, None, kept(note.as_bytes())),
            Err(SendError::Unknown(note)) => (Outcome::Unknown, None, kept(note.as_bytes())),
        }
    }

    /// What people should know of a round. Answers are in the table, not in the log: they are somebody else's text.
    fn tell(&self, round: &Round, recorded: &Recorded) {
        let why = |attempt: &Attempt| match attempt.http_status {
            Some(status) => format!("HTTP {status}"),
            None => attempt.outcome.name().to_owned(),
        };
        let failed = round.endpoint_failed();
        let attempts = round.sent.iter().filter_map(|sent| Some((sent, sent.attempt.as_ref()?)));
        for (sent, attempt) in attempts.filter(|(_, attempt)| attempt.fault().is_some()) {
            let event = sent.push.entry.event.name();
            if !failed {
                log::warn!("event {event}: not taken ({}), trying again later", why(attempt));
            } else if !recorded.paused {
                log::warn!("events: the endpoint failed at {event} ({})", why(attempt));
            }
        }
        for event in &recorded.given_up {
            log::error!("event {event}: refused for days and given up; later ones go on");
        }
        if recorded.paused {
            log::error!("events: the endpoint has failed for a day; pushes are paused and tried every 15 minutes");
        }
        if round.endpoint.failures > 0 && recorded.endpoint.failures == 0 {
            log::info!("events: the endpoint is back after {} failures", round.endpoint.failures);
        }
        self.metrics.events_paused.set(i64::from(recorded.endpoint.paused_at.is_some()));
    }

    /// Brings the gauges up to date.
    async fn measure(&self) -> Result<(), Error> {
        let (waiting, paused) = self
            .db
            .read(|conn| {
                let endpoint = queue::endpoint(conn)?.unwrap_or(Endpoint::fresh(0));
                let (queued, _) = queue::counts(conn)?;
                Ok((events::newest(conn)? - endpoint.position + queued, endpoint.paused_at.is_some()))
            })
            .await?;
        self.metrics.events_waiting.set(waiting);
        self.metrics.events_paused.set(i64::from(paused));
        Ok(())
    }
}

fn elapsed(since: Instant) -> Micros {
    i64::try_from(since.elapsed().as_micros()).unwrap_or(Micros::MAX)
}

/// The beginning of an answer as it may be stored and shown: without control characters.
fn kept(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * KEPT_OF_AN_ANSWER)]);
    text.chars().take(KEPT_OF_AN_ANSWER).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_short_and_clean() {
        assert_eq!(kept(b"a\x00b\x1b[31m\r\nc"), "a b [31m  c");
        assert_eq!(kept("ж".repeat(5000).as_bytes()).chars().count(), KEPT_OF_AN_ANSWER);
        assert_eq!(kept(b"\xff\xfe").chars().count(), 2);
    }
}
