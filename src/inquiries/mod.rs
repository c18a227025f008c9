//! Inquiry: orders whose end we wait for are asked about through their provider's status call, politely; what a hint claims is confirmed
//! here. "Not found" proves nothing, and only what a provider says of the end moves money (threats OUT-4, OPS-3).
//!
//! A question is claimed in one commit (threats OUT-10), asked with no transaction open, and its answer applied in another one, through the
//! same code as a notification. A process that stops between leaves a claim that runs out: it is asked again.

mod alarm;
mod answer;
mod claim;
pub mod pace;
pub mod schedule;
pub mod standing;
pub mod subject;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};

use crate::clock::{self, Micros, rfc3339};
use crate::db::{Db, DbConn, Scope, WriteTx};
use crate::error::Error;
use crate::ids::{ExternalId, SiteId};
use crate::metrics::Metrics;
use crate::orders::awaited::{self, Awaited};
use crate::outgoing::{Outgoing, Reply};
use crate::providers::{Direction, Hint, Inquired, News, Provider};
use crate::settings::Settings;
use crate::talk::{Broken, talk};

use answer::{Said, checked};
use claim::{For, Noted, Question, Taken};
use pace::{Account, Pace, Turn};
use subject::Subject;

/// Questions under way at once. More would let dead providers hold more of our memory; fewer would let them hold up others.
const AT_ONCE: usize = 16;

/// Orders of one account that are looked at in one go.
const LOOKED_AT: i64 = 64;

/// How often it is looked for what is due.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How often the orders that are waited for are counted.
const COUNT_AGAIN: Duration = Duration::from_secs(15);

/// One question with all its requests. Shorter than a claim lasts.
const LONGEST: Duration = Duration::from_secs(90);

/// How long a hint's sender waits for a place in the pace. Longer, and it gives up; shorter, and two hints at once are one too many.
const HINT_WAITS: Duration = Duration::from_secs(3);

/// What became of a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmed {
    /// The provider was asked, and what it says is stored and applied, or put into review.
    Done,
    /// It could not be asked, or did not say; the order is asked about again. Carries why, for people.
    Later(String),
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepped {
    /// It took an order up.
    Worked,
    /// Nothing was due.
    Idle,
}

/// Asks providers about orders.
#[derive(Clone)]
pub struct Asker {
    db: Db,
    settings: Arc<Settings>,
    outgoing: Outgoing,
    metrics: Metrics,
    pace: Pace,
}

/// What is to be done now.
#[derive(Debug, Default)]
struct Due {
    /// Orders that are put off, or that people are called about.
    looks: Vec<Awaited>,
    /// Orders to be asked about, each of another account.
    questions: Vec<(Awaited, Turn)>,
    /// Whether there is more.
    more: bool,
}

impl Asker {
    /// Asks about the orders of this database.
    pub fn new(db: Db, settings: Arc<Settings>, outgoing: Outgoing, metrics: Metrics) -> Self {
        Self { db, settings, outgoing, metrics, pace: Pace::default() }
    }

    /// Asks what a hint claims, and applies what is said. The hint is noted first: what cannot be asked now is asked later.
    ///
    /// # Errors
    ///
    /// Why it could not be stored.
    pub async fn confirm(&self, provider: &dyn Provider, hint: Hint) -> Result<Confirmed, Error> {
        let (name, news, account) = (provider.name(), hint.news, (provider.name().to_owned(), hint.site));
        let manners = provider.manners(hint.site);
        if !manners.tells_status {
            return Ok(Confirmed::Later(format!("{name} cannot be asked about {}", hint.external_id)));
        }
        let whose = Scope::Order(hint.external_id.clone());
        // From the note on the order is due, and the schedule would take it up from under us; then its sender would be told to come again.
        let held = self.pace.hold(&account);
        let noted = self.db.write(whose, move |tx| claim::note_hint(tx, name, &hint, clock::now())).await?;
        let pace = Duration::from_millis(manners.pace);
        let wait = match noted {
            Noted::Unknown => return Ok(Confirmed::Done),
            Noted::Due(_) | Noted::NotWaited(_) => self.pace.reserve(&account, pace, HINT_WAITS, Instant::now()),
        };
        let Ok(wait) = wait else { return Ok(Confirmed::Later("others are asked about first".into())) };
        tokio::time::sleep(wait).await;
        let question = match noted {
            Noted::NotWaited(question) => question,
            Noted::Due(order) => match self.take_up(*order, For::Asking).await? {
                Taken::Ask(question) => question,
                Taken::Nothing | Taken::Alarmed(_) | Taken::NoAccount(_) => {
                    return Ok(Confirmed::Later("somebody else has taken it up".into()));
                }
            },
            Noted::Unknown => return Ok(Confirmed::Done),
        };
        drop(held);
        let said = self.ask(*question, Some(news)).await?;
        Ok(if said.told { Confirmed::Done } else { Confirmed::Later(said.text) })
    }

    /// Asks about an order now because a person wants to know. Gives back what was said, for people; it is applied.
    ///
    /// # Errors
    ///
    /// `NotFound` with what was looked for; `Conflict` when its provider cannot be asked about it now; why the answer could not be stored.
    pub async fn ask_now(&self, id: &ExternalId, direction: Direction) -> Result<String, Error> {
        let what = match direction {
            Direction::Deposit => "deposit",
            Direction::Payout => "payout",
        };
        let looked_for = id.clone();
        let found = self.db.read(move |conn| {
            let subject = Subject::find(conn, looked_for.as_str())?.filter(|subject| subject.direction() == direction);
            let subject = subject.ok_or(Error::NotFound(what))?;
            claim::wanted(conn, &subject)
        });
        let wanted = found.await?;
        let (name, site) = (wanted.provider.clone(), wanted.order.site);
        let provider = self.settings.providers.of_site(&name, site);
        let provider = provider.ok_or_else(|| Error::Conflict(format!("the site has no account with {name}")))?;
        let manners = provider.manners(site);
        if !manners.tells_status {
            return Err(Error::Conflict(format!("{name} has no call that tells the status of an order")));
        }
        let pace = Duration::from_millis(manners.pace);
        if let Err(away) = self.pace.reserve(&(name.clone(), site), pace, Duration::ZERO, Instant::now()) {
            let when = rfc3339(clock::now() + Micros::try_from(away.as_micros()).unwrap_or(0));
            return Err(Error::Conflict(format!("{name} was asked a moment ago: ask again at {when}")));
        }
        let claim = move |tx: &mut WriteTx<'_>| claim::claim_wanted(tx, &wanted, clock::now());
        let question = self.db.write(Scope::from(id), claim).await?;
        Ok(self.ask(question, None).await?.text)
    }

    /// Takes up one order that is due: asks about it, or puts it off.
    ///
    /// # Errors
    ///
    /// What the database says; what the provider says is noted.
    pub async fn step(&self) -> Result<Stepped, Error> {
        let due = self.due().await?;
        if let Some(order) = due.looks.into_iter().next() {
            return self.look(order).await.map(|()| Stepped::Worked);
        }
        match due.questions.into_iter().next() {
            Some((order, turn)) => self.put(order, turn).await.map(|()| Stepped::Worked),
            None => Ok(Stepped::Idle),
        }
    }

    /// Asks until `stop` turns true, then waits for what is under way.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let mut counted: Option<Instant> = None;
        while !*stop.borrow() {
            if counted.is_none_or(|at| at.elapsed() >= COUNT_AGAIN) {
                counted = Some(Instant::now());
                self.count().await;
            }
            let due = self.due().await.unwrap_or_else(|error| {
                log::error!("inquiries: cannot look for what is due, trying again: {error}");
                Due::default()
            });
            let mut more = due.more;
            let looked = futures_util::future::join_all(due.looks.into_iter().map(|order| self.look(order))).await;
            for error in looked.into_iter().filter_map(Result::err) {
                more = false;
                log::error!("inquiries: an order cannot be looked at, trying again: {error}");
            }
            for (order, turn) in due.questions {
                // No place: it is still due at the next look.
                let Ok(place) = slots.clone().try_acquire_owned() else { continue };
                let asker = self.clone();
                tokio::spawn(async move {
                    let id = order.external_id.clone();
                    if let Err(error) = asker.put(order, turn).await {
                        log::error!("order {id}: what came of a question is not stored, it is asked again: {error}");
                    }
                    drop(place);
                });
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_AGAIN), if !more => {}
                () = tokio::task::yield_now(), if more => {}
                _ = stop.changed() => {}
            }
        }
        let _all_back = slots.acquire_many(u32::try_from(AT_ONCE).expect("a small number")).await;
    }

    /// Counts the orders that are waited for.
    async fn count(&self) {
        let counts = match self.db.read(|conn| Ok(awaited::counts(conn)?)).await {
            Ok(counts) => HashMap::<String, i64>::from_iter(counts),
            Err(error) => return log::warn!("inquiries: what is waited for cannot be counted: {error}"),
        };
        for name in self.settings.providers.all().map(Provider::name) {
            self.metrics.awaited.with_label_values(&[name]).set(counts.get(name).copied().unwrap_or(0));
        }
    }

    /// What is due: of each account everything that is only looked at, and one question when its pace allows.
    async fn due(&self) -> Result<Due, Error> {
        let asker = self.clone();
        let look = move |conn: &mut DbConn| {
            let (now, mut due) = (clock::now(), Due::default());
            for (name, site) in awaited::due_of(conn, now)? {
                let account: Account = (name, SiteId(site));
                let provider = asker.settings.providers.of_site(&account.0, account.1);
                let manners = provider.map(|provider| provider.manners(account.1));
                let orders = awaited::due(conn, (&account.0, site), now, LOOKED_AT)?;
                let is_question =
                    |order: &Awaited| manners.is_some_and(|it| schedule::is_question_due(&it, order, now));
                let (questions, looks): (Vec<_>, Vec<_>) = orders.into_iter().partition(is_question);
                due.more |= i64::try_from(looks.len()).unwrap_or(0) == LOOKED_AT;
                due.looks.extend(looks);
                if let Some(order) = questions.into_iter().next()
                    && asker.pace.is_free(&account, Instant::now())
                    && let Some(turn) = asker.pace.turn(&account)
                {
                    due.questions.push((order, turn));
                }
            }
            Ok(due)
        };
        self.db.read(look).await
    }

    async fn look(&self, order: Awaited) -> Result<(), Error> {
        self.take_up(order, For::Looking).await.map(|_| ())
    }

    async fn put(&self, order: Awaited, turn: Turn) -> Result<(), Error> {
        let account: Account = (order.provider.clone(), SiteId(order.site_id));
        let Some(provider) = self.settings.providers.of_site(&account.0, account.1) else { return Ok(()) };
        let pace = Duration::from_millis(provider.manners(account.1).pace);
        if self.pace.reserve(&account, pace, Duration::ZERO, Instant::now()).is_err() {
            return Ok(());
        }
        if let Taken::Ask(question) = self.take_up(order, For::Asking).await? {
            self.ask(*question, None).await?;
        }
        drop(turn);
        Ok(())
    }

    async fn take_up(&self, order: Awaited, why: For) -> Result<Taken, Error> {
        let (settings, id, name) = (self.settings.clone(), order.external_id.clone(), order.provider.clone());
        let whose = Scope::Order(id.clone());
        let take = move |tx: &mut WriteTx<'_>| claim::take_up(tx, &settings.providers, &order, why, clock::now());
        let taken = self.db.write(whose, take).await?;
        match &taken {
            Taken::Alarmed(note) => log::error!("a final word is missing: {note}"),
            Taken::NoAccount(true) => {
                log::error!("order {id}: nobody can be asked about it, for its site has no account with {name}");
            }
            Taken::NoAccount(false) | Taken::Nothing | Taken::Ask(_) => {}
        }
        Ok(taken)
    }

    /// Asks, with no transaction open, and applies the answer in one write.
    async fn ask(&self, question: Question, hinted: Option<News>) -> Result<Said, Error> {
        let site = question.order.site;
        let id = question.order.external_id.as_str().to_owned();
        let (provider, inquired) = self.inquire(&question).await?;
        let (name, manners) = (provider.name(), provider.manners(site));
        if let Inquired::Later(seconds) = inquired {
            self.pace.rest(&(name.to_owned(), site), Duration::from_secs(seconds), Instant::now());
        }
        let record =
            move |tx: &mut WriteTx<'_>| answer::record(tx, (&question, &manners), &inquired, hinted, clock::now());
        let said = self.db.write(Scope::Order(id.clone()), record).await?;
        self.metrics.inquiries.with_label_values(&[name, said.word]).inc();
        log::info!("order {id}: {name} was asked: {}", said.text);
        Ok(said)
    }

    async fn inquire(&self, question: &Question) -> Result<(&dyn Provider, Inquired), Error> {
        let order = &question.order;
        let provider = self.settings.providers.of_site(&question.provider, order.site);
        let provider = provider.ok_or(Error::NotFound("account with the provider"))?;
        let (rules, next) = (provider.address_rules(order.site), |replies: &[Reply]| provider.ask(order, replies));
        let talked = tokio::time::timeout(LONGEST, talk(&self.outgoing, &rules, next));
        let inquired = match talked.await {
            Ok(Ok(inquired)) => checked(inquired, provider.name(), order),
            Ok(Err(Broken::Driver(error))) => Inquired::Unclear(error.to_string()),
            Ok(Err(Broken::NotSent(note))) => Inquired::Unclear(format!("it could not be asked: {note}")),
            Ok(Err(Broken::Unknown(note))) => Inquired::Unclear(note),
            Err(_) => Inquired::Unclear(format!("no answer within {LONGEST:?}")),
        };
        Ok((provider, inquired))
    }
}

/// A number that nobody foresees, for pauses.
fn random_percent() -> i64 {
    getrandom::u32().map_or(10, i64::from)
}
