//! Sends approved payouts: claims one in a commit, sends it with no transaction open, records the outcome in another commit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Notify, watch};

use super::lifecycle::Attempt;
use super::orphans::{self, Seen, UnderWay, Watch};
use super::outbox::{self, Claim, Due, Open, Written};
use super::places::{Account, Places};
use super::{Payout, deduplicates, find, sending, written};
use crate::clock;
use crate::db::{Db, DbConn, Scope, WriteTx};
use crate::error::Error;
use crate::ids::{ExternalId, Login, SiteId};
use crate::instance::Me;
use crate::ledger::PlayerId;
use crate::metrics::Metrics;
use crate::orders::RAIL;
use crate::orders::secrets::{self, Kept};
use crate::outgoing::{AddressRules, Outgoing, Reply};
use crate::players;
use crate::providers::{Call, InitiationAnswer, PayoutOrder, Provider, Step, Texts};
use crate::settings::{Settings, Site};
use crate::talk::{self, Broken, Ready};
use crate::vault::Vault;

/// How often payouts are looked for that nobody announced: those that wait after a try.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What is announced within this time of a look waits for its end, so that a busy service looks a hundred times a second and not after every
/// question.
const PAUSE: Duration = Duration::from_millis(10);

/// A claim is not sent any more after this: the process stood still meanwhile, others may have called it unknown, and a person may have
/// decided that it was never sent. Longer, and that can happen; shorter, and a slow commit wastes attempts.
const STALE: Duration = Duration::from_secs(20);

/// One payout from its first request that makes something to the last: with what prepares it, it ends before others take it for orphaned
/// (`orphans`), however many requests a provider needs.
const LONGEST_TALK: Duration = Duration::from_secs(60);

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked {
    /// It took one on.
    Worked,
    /// Nothing was due.
    Idle,
}

/// Sends payouts of all sites.
#[derive(Clone)]
pub struct Worker {
    db: Db,
    settings: Arc<Settings>,
    vault: Arc<Vault>,
    outgoing: Outgoing,
    metrics: Metrics,
    me: Me,
    under_way: UnderWay,
}

impl Worker {
    /// A worker on this database.
    pub fn new(db: Db, settings: Arc<Settings>, outgoing: Outgoing, metrics: Metrics, me: Me) -> Self {
        let vault = Arc::new(Vault::new(&settings.vault));
        Self { db, settings, vault, outgoing, metrics, me, under_way: UnderWay::default() }
    }

    /// Makes attempts that an earlier process of this instance left open unknown. Before the first [`Worker::step`] after a start.
    /// Returns how many there were.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn recover(&self) -> Result<usize, Error> {
        let open = self.open().await?;
        let own = open.into_iter().filter(|one| orphans::is_orphaned(&one.owner, &self.me, Seen::AtStart));
        self.settle(own.collect(), "start").await
    }

    /// The same later on: with attempts of other instances that are gone, and with those that nobody in this process waits for, as after
    /// a claim whose commit nobody knew of. `watch` has seen them open for long enough at `now`.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn recover_later(&self, watch: &mut Watch, now: Instant) -> Result<usize, Error> {
        let open = self.open().await?;
        let orphaned = watch.look(open, &self.me, &self.under_way, now);
        self.settle(orphaned, "nobody waits for the answer").await
    }

    async fn open(&self) -> Result<Vec<Open>, Error> {
        self.db.read(|conn| Ok(outbox::open_attempts(conn)?)).await
    }

    /// One write for each payout, so that none waits for the players of others.
    async fn settle(&self, left: Vec<Open>, cause: &'static str) -> Result<usize, Error> {
        let mut settled = 0;
        for open in left {
            let settings = self.settings.clone();
            let deduplicates = move |provider: &str, site| deduplicates(&settings.providers, provider, site);
            let whose = Scope::Order(open.external_id.clone());
            let settle = move |tx: &mut WriteTx<'_>| outbox::settle(tx, &open, &deduplicates, cause, clock::now());
            settled += usize::from(self.db.write(whose, settle).await?);
        }
        Ok(settled)
    }

    /// Looks for attempts that nobody waits for, until `stop` turns true.
    pub async fn watch_open(self, mut stop: watch::Receiver<bool>) {
        let mut seen = Watch::default();
        while !*stop.borrow() {
            match self.recover_later(&mut seen, Instant::now()).await {
                Ok(0) => {}
                Ok(left) => {
                    log::error!("{left} payouts were under way and nobody waits for their answers; see their reviews")
                }
                Err(error) => log::error!("payouts under way cannot be looked at, trying again: {error}"),
            }
            tokio::select! {
                () = tokio::time::sleep(orphans::LOOK_EVERY) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Sends one payout that is due.
    ///
    /// # Errors
    ///
    /// What the database says; what the provider says is recorded.
    pub async fn step(&self) -> Result<Worked, Error> {
        match self.due(1, Vec::new()).await?.pop() {
            None => Ok(Worked::Idle),
            Some(due) => self.send(due.external_id).await.map(|()| Worked::Worked),
        }
    }

    /// Sends payouts until `stop` turns true, then waits for those under way. `wake` announces new ones.
    pub async fn run(self, wake: Arc<Notify>, mut stop: watch::Receiver<bool>) {
        let places = Places::default();
        while !*stop.borrow() {
            let again = match places.free() {
                0 => false,
                free => self.take_on(&places, free).await,
            };
            // There may be more that can be taken on at once.
            if again && places.free() > 0 {
                continue;
            }
            tokio::time::sleep(PAUSE).await;
            let held_up = places.free() == 0 || !places.full().is_empty();
            tokio::select! {
                () = wake.notified() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = places.freed(), if held_up => {}
                _ = stop.changed() => {}
            }
        }
        places.all_free().await;
    }

    /// Takes on what is due and has a place, at most `free`. Says whether there may be more for which there is a place.
    async fn take_on(&self, places: &Places, free: usize) -> bool {
        let due = match self.due(free, places.full()).await {
            Ok(due) => due,
            Err(error) => {
                log::error!("payouts: cannot look for what is due, trying again: {error}");
                return false;
            }
        };
        let (whole, mut again) = (due.len() == free, false);
        for Due { external_id: id, provider, site_id } in due {
            let account: Account = (provider, site_id);
            let Some(place) = places.take(&account) else {
                // It has become full just now: others may wait behind it.
                again = true;
                continue;
            };
            // Claimed before the next look, so that nothing is taken on twice.
            let (asked_at, here) = (Asked::now(), self.under_way.enter(&id));
            match self.claim(&id).await {
                Ok(Some(claim)) => {
                    again |= whole;
                    let worker = self.clone();
                    tokio::spawn(async move {
                        worker.send_claimed(claim, asked_at).await;
                        drop((place, here));
                    });
                }
                Ok(None) => {}
                Err(error) => log::error!("payout {id}: cannot be claimed, trying again: {error}"),
            }
        }
        again
    }

    async fn due(&self, most: usize, full: Vec<Account>) -> Result<Vec<Due>, Error> {
        let most = i64::try_from(most).unwrap_or(1);
        let look = move |conn: &mut DbConn| {
            let held = sending::held(conn)?.is_some();
            // Only to spare the work: the claim looks again, in its own transaction.
            let due = if held { Vec::new() } else { outbox::due(conn, clock::now(), most, &full)? };
            Ok((held, due))
        };
        let (held, due) = self.db.read(look).await?;
        self.tell_held(held);
        Ok(due)
    }

    /// Says so when a person has confirmed, here or by a command beside the service.
    fn tell_held(&self, held: bool) {
        if self.metrics.sending_held.get() == 1 && !held {
            log::warn!("payouts: a person has confirmed that they may go out");
        }
        self.metrics.sending_held.set(i64::from(held));
    }

    async fn send(&self, id: String) -> Result<(), Error> {
        let (asked_at, _here) = (Asked::now(), self.under_way.enter(&id));
        if let Some(claim) = self.claim(&id).await? {
            self.send_claimed(claim, asked_at).await;
        }
        Ok(())
    }

    async fn claim(&self, id: &str) -> Result<Option<Claim>, Error> {
        let (id, worker) = (id.to_owned(), self.clone());
        let whose = Scope::Order(id.clone());
        let claim = move |tx: &mut WriteTx<'_>| {
            let write = |conn: &mut DbConn, payout: &Payout| worker.write(conn, payout);
            outbox::claim(tx, &id, write, (&worker.me.id, &worker.vault), clock::now())
        };
        self.db.write(whose, claim).await
    }

    /// Sends what was claimed. `asked_at` is when the claim was asked for. Looks once more whether it is still under way: a machine that
    /// stood still finds out here that others, or a person, have settled it meanwhile.
    async fn send_claimed(&self, claim: Claim, asked_at: Asked) {
        let (order, number) = (claim.payout.external_id.clone(), claim.attempt);
        let still = self.db.read(move |conn| Ok(outbox::is_under_way(conn, &order, number)?)).await;
        let not_sent = |note: String| (Attempt::NotSent, note, Texts::new());
        let (outcome, note, facts) = match still {
            Ok(true) if !asked_at.is_stale() => self.post(&claim).await,
            Ok(_) => not_sent("the process stood still between the claim and the request".into()),
            Err(error) => not_sent(format!("the claim could not be looked at again: {error}")),
        };
        let id = claim.payout.external_id.clone();
        match outcome {
            Attempt::Accepted => log::info!("payout {id}: accepted by {}", claim.payout.provider),
            Attempt::NotSent => {
                log::warn!("payout {id}: attempt {} not sent, trying again later: {note}", claim.attempt)
            }
            Attempt::Refused => log::warn!("payout {id}: refused by {}: {note}", claim.payout.provider),
            Attempt::Unknown => log::error!("payout {id}: outcome unknown, the hold stays: {note}"),
        }
        let on_refusal = match self.site(&claim.payout) {
            Ok(site) => site.payouts.on_refusal,
            Err(_) => crate::settings::OnRefusal::Review,
        };
        // The outcome must not be lost for a passing fault of the database; after a stop the start makes it unknown.
        let mut wait = Duration::from_millis(100);
        loop {
            let (claim, note, facts) = (claim.clone(), note.clone(), facts.clone());
            let whose = Scope::Order(claim.payout.external_id.clone());
            let record = move |tx: &mut WriteTx<'_>| {
                outbox::record(tx, &claim, outcome, (&note, &facts), on_refusal, clock::now())
            };
            match self.db.write(whose, record).await {
                Ok(()) => return,
                Err(Error::Internal(reason)) if reason.contains("lane has stopped") => return,
                Err(error @ (Error::NotFound(_) | Error::Database(diesel::result::Error::NotFound))) => {
                    log::error!(
                        "payout {id}: its attempt is gone from the books, its outcome is {}: {error}",
                        outcome.name()
                    );
                    return;
                }
                Err(error) => log::error!("payout {id}: its outcome cannot be recorded, trying again: {error}"),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(5));
        }
    }

    /// Sends what was claimed, and what the driver asks for after it. Gives back what came of it, for people, and what we must know later.
    async fn post(&self, claim: &Claim) -> (Attempt, String, Texts) {
        let site = SiteId(claim.payout.site_id);
        let nothing = |outcome, note: String| (outcome, note, Texts::new());
        let Some(provider) = self.settings.providers.of_site(&claim.payout.provider, site) else {
            return nothing(Attempt::NotSent, "the site has no account with the provider".into());
        };
        let (rules, order) = (provider.address_rules(site), &claim.written.order);
        let (call, before) = match claim.written.prepares {
            false => (claim.written.call.clone(), Vec::new()),
            true => match self.prepare(claim, provider, &rules).await {
                Ok(ready) => ready,
                Err((outcome, note)) => return nothing(outcome, note),
            },
        };
        let prepared = before.len();
        let next = |replies: &[Reply]| match replies.len() > prepared {
            true => provider.pay(order, replies),
            // The bytes that were written down before.
            false => Ok(Step::call(call.clone())),
        };
        let talk = talk::go_on(&self.outgoing, &rules, before, next);
        let late = || Err(Broken::Unknown(format!("no end within {LONGEST_TALK:?}")));
        match tokio::time::timeout(LONGEST_TALK, talk).await.unwrap_or_else(|_| late()) {
            Ok(InitiationAnswer::Accepted(note, facts)) => (Attempt::Accepted, note, facts),
            Ok(InitiationAnswer::Refused(note)) => nothing(Attempt::Refused, note),
            // It is not there, which is what matters: it goes again later.
            Ok(InitiationAnswer::NotNow(note)) | Err(Broken::NotSent(note)) => nothing(Attempt::NotSent, note),
            Ok(InitiationAnswer::Unknown(note)) | Err(Broken::Unknown(note)) => nothing(Attempt::Unknown, note),
            // The request that makes the order was written before; whatever refuses a reply says nothing about it.
            Err(Broken::Driver(error)) => nothing(Attempt::Unknown, error.to_string()),
        }
    }

    /// What comes before the request that makes the order, and then that request, in the books before it goes. Whatever becomes of what only
    /// prepares, nothing was sent.
    async fn prepare(
        &self,
        claim: &Claim,
        provider: &dyn Provider,
        rules: &AddressRules,
    ) -> Result<(Call, Vec<Reply>), (Attempt, String)> {
        let not_sent = |note: String| (Attempt::NotSent, note);
        let written = &claim.written;
        let next = |replies: &[Reply]| match replies {
            [] => Ok(Step::prepare(written.call.clone())),
            [_, ..] => provider.pay(&written.order, replies),
        };
        let (mut call, replies) = match talk::prepare(&self.outgoing, rules, next).await {
            Ok(Ready::Call(call, replies)) => (*call, replies),
            Ok(Ready::Done(InitiationAnswer::Refused(note))) => return Err((Attempt::Refused, note)),
            Ok(Ready::Done(InitiationAnswer::NotNow(note) | InitiationAnswer::Unknown(note))) => {
                return Err(not_sent(note));
            }
            // Nothing was to be taken: a driver that says so is not believed in either direction.
            Ok(Ready::Done(InitiationAnswer::Accepted(note, _))) => return Err((Attempt::Unknown, note)),
            Err(Broken::NotSent(note) | Broken::Unknown(note)) => return Err(not_sent(note)),
            Err(Broken::Driver(error)) => return Err(not_sent(error.to_string())),
        };
        if let Some(earlier) = &written.earlier {
            call.body.clone_from(earlier);
        }
        let (asked_at, whose) = (Asked::now(), Scope::Order(claim.payout.external_id.clone()));
        let (claim, vault, bytes) = (claim.clone(), self.vault.clone(), call.clone());
        let write_down = move |tx: &mut WriteTx<'_>| written::write_down(tx, &vault, &claim, &bytes);
        match self.db.write(whose, write_down).await {
            Ok(true) if !asked_at.is_stale() => Ok((call, replies)),
            Ok(true) => Err(not_sent("the process stood still before the request".into())),
            Ok(false) => Err(not_sent("it was settled while it was prepared".into())),
            Err(error) => Err(not_sent(format!("the request could not be written down: {error}"))),
        }
    }

    /// The order as its provider gets it, with the first request: the order, the profile and what it was asked with.
    ///
    /// # Errors
    ///
    /// It cannot be written: with the name of a field, or that the account or a key of `[vault]` is gone.
    pub fn write(&self, conn: &mut DbConn, payout: &Payout) -> Result<Written, Error> {
        let site = SiteId(payout.site_id);
        let provider = self.settings.providers.of_site(&payout.provider, site);
        let provider = provider.ok_or(Error::NotFound("account with the provider"))?;
        let player = players::by_id(conn, PlayerId(payout.player_id))?;
        let damaged = |_| Error::Internal(format!("details of payout {}", payout.external_id));
        let asked: BTreeMap<String, String> = serde_json::from_str(&payout.details).map_err(damaged)?;
        let from_question = ["customer_ip", "remember_customer_purse"];
        let mut optional: BTreeMap<String, String> = player.profile()?;
        let rail = asked.get(RAIL).cloned();
        optional.extend(asked.into_iter().filter(|(name, _)| from_question.contains(&name.as_str())));
        if let Some(country) = player.country {
            optional.insert("country_code".into(), country);
        }
        let order = PayoutOrder {
            external_id: ExternalId::parse(&payout.external_id)?,
            site,
            login: Login::parse(&player.login)?,
            amount: payout.money()?,
            purse: payout.purse.clone(),
            rail,
            details: secrets::open_texts(conn, &self.vault, &payout.external_id, Kept::Details)?,
            optional: optional.into_iter().collect(),
        };
        let first = provider.pay(&order, &[])?;
        Written::begin(order, first)
    }

    fn site(&self, payout: &Payout) -> Result<&Site, Error> {
        self.settings.site(SiteId(payout.site_id)).ok_or(Error::NotFound("site"))
    }

    /// Where a payout stands, for tests that drive [`Worker::step`].
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn standing(&self, id: &ExternalId) -> Result<Option<Payout>, Error> {
        let id = id.clone();
        self.db.read(move |conn| Ok(find(conn, id.as_str())?)).await
    }
}

/// When something was asked for, by a clock that nobody sets and by one that also counts while a machine stands still.
#[derive(Clone, Copy)]
struct Asked(Instant, SystemTime);

impl Asked {
    fn now() -> Self {
        Self(Instant::now(), SystemTime::now())
    }

    /// Whether either clock says that it was long ago, or the second one went back.
    fn is_stale(self) -> bool {
        self.0.elapsed() >= STALE || self.1.elapsed().map_or(true, |elapsed| elapsed >= STALE)
    }
}
