//! Sends approved payouts: claims one in a commit, sends it with no transaction open, records the outcome in another commit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};

use super::lifecycle::Attempt;
use super::outbox::{self, Claim};
use super::{Payout, find};
use crate::clock;
use crate::db::{Db, DbConn, Scope};
use crate::error::Error;
use crate::ids::{ExternalId, Login, SiteId};
use crate::ledger::PlayerId;
use crate::outgoing::{AddressRules, Outgoing, SendError};
use crate::players;
use crate::providers::carouseller::{self, Carouseller};
use crate::providers::{InitiationAnswer, PayoutOrder};
use crate::settings::{Encoding, Settings, Site};

/// Payouts under way at once. More would let one slow provider hold more of our memory; fewer would let it hold up others.
const AT_ONCE: usize = 32;

/// How often payouts are looked for that nobody announced: those that wait after a try.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

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
    carouseller: Arc<Carouseller>,
    outgoing: Outgoing,
}

impl Worker {
    /// A worker on this database.
    pub fn new(db: Db, settings: Arc<Settings>, carouseller: Arc<Carouseller>, outgoing: Outgoing) -> Self {
        Self { db, settings, carouseller, outgoing }
    }

    /// Makes attempts that a stopped process left open unknown. Before the first [`Worker::step`] after a start.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn recover(&self) -> Result<usize, Error> {
        let settings = self.settings.clone();
        let deduplicates = move |site: SiteId| deduplicates(&settings, site);
        self.db.write(Scope::Nobody, move |tx| outbox::recover(tx, &deduplicates, clock::now())).await
    }

    /// Sends one payout that is due.
    ///
    /// # Errors
    ///
    /// What the database says; what the provider says is recorded.
    pub async fn step(&self) -> Result<Worked, Error> {
        match self.due(1).await?.pop() {
            None => Ok(Worked::Idle),
            Some(id) => self.send(id).await.map(|()| Worked::Worked),
        }
    }

    /// Sends payouts until `stop` turns true, then waits for those under way. `wake` announces new ones.
    pub async fn run(self, wake: Arc<Notify>, mut stop: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        while !*stop.borrow() {
            let free = slots.available_permits();
            let due = if free == 0 { Ok(Vec::new()) } else { self.due(free).await };
            let mut backlog = free == 0;
            match due {
                Ok(ids) => {
                    let full = ids.len() == free;
                    for id in ids {
                        let permit = slots.clone().acquire_owned().await;
                        let worker = self.clone();
                        // Claimed before the next look, so that nothing is taken on twice.
                        match worker.claim(&id).await {
                            Ok(Some(claim)) => {
                                backlog |= full;
                                tokio::spawn(async move {
                                    worker.send_claimed(claim).await;
                                    drop(permit);
                                });
                            }
                            Ok(None) => {}
                            Err(error) => log::error!("payout {id}: cannot be claimed, trying again: {error}"),
                        }
                    }
                }
                Err(error) => log::error!("payouts: cannot look for what is due, trying again: {error}"),
            }
            tokio::select! {
                () = wake.notified(), if !backlog => {}
                () = tokio::time::sleep(LOOK_AGAIN), if !backlog => {}
                // There may be more than were taken on: the next one goes as soon as there is room.
                _ = slots.acquire(), if backlog => {}
                _ = stop.changed() => {}
            }
        }
        let _all_back = slots.acquire_many(u32::try_from(AT_ONCE).expect("a small number")).await;
    }

    async fn due(&self, most: usize) -> Result<Vec<String>, Error> {
        let most = i64::try_from(most).unwrap_or(1);
        self.db.read(move |conn| Ok(outbox::due(conn, clock::now(), most)?)).await
    }

    async fn send(&self, id: String) -> Result<(), Error> {
        if let Some(claim) = self.claim(&id).await? {
            self.send_claimed(claim).await;
        }
        Ok(())
    }

    async fn claim(&self, id: &str) -> Result<Option<Claim>, Error> {
        let (id, worker) = (id.to_owned(), self.clone());
        let whose = Scope::Order(id.clone());
        self.db
            .write(whose, move |tx| outbox::claim(tx, &id, |conn, payout| worker.body(conn, payout), clock::now()))
            .await
    }

    async fn send_claimed(&self, claim: Claim) {
        let (outcome, note) = self.post(&claim).await;
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
            let (claim, note) = (claim.clone(), note.clone());
            let whose = Scope::Order(claim.payout.external_id.clone());
            let record = move |tx: &mut crate::db::WriteTx<'_>| {
                outbox::record(tx, &claim, outcome, &note, on_refusal, clock::now())
            };
            match self.db.write(whose, record).await {
                Ok(()) => return,
                Err(Error::Internal(reason)) if reason.contains("lane has stopped") => return,
                Err(error) => log::error!("payout {id}: its outcome cannot be recorded, trying again: {error}"),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(5));
        }
    }

    async fn post(&self, claim: &Claim) -> (Attempt, String) {
        let site = self.settings.site(SiteId(claim.payout.site_id));
        let wire = site.and_then(|site| site.carouseller.as_ref());
        let Some((wire, url)) = wire.and_then(|wire| Some((wire, wire.payout_url.as_ref()?))) else {
            return (Attempt::NotSent, "the site has no payout_url".into());
        };
        let rules = AddressRules::new(wire.private_networks.clone());
        let content_type = encoding(wire.payout_encoding).content_type();
        match self.outgoing.post(url, &rules, content_type, claim.body.clone()).await {
            Ok(reply) => match carouseller::read_initiation_answer(reply.status, &reply.body) {
                InitiationAnswer::Accepted(note) => (Attempt::Accepted, note),
                InitiationAnswer::Refused(note) => (Attempt::Refused, note),
                InitiationAnswer::Unknown(note) => (Attempt::Unknown, note),
            },
            Err(SendError::NotSent(note)) => (Attempt::NotSent, note),
            Err(SendError::Unknown(note)) => (Attempt::Unknown, note),
        }
    }

    /// The bytes of the first attempt: the order, the profile and what the Cashier asked with.
    fn body(&self, conn: &mut DbConn, payout: &Payout) -> Result<Vec<u8>, Error> {
        let player = players::by_id(conn, PlayerId(payout.player_id))?;
        let wire = self.site(payout)?.carouseller.as_ref().ok_or(Error::NotFound("carouseller section"))?;
        let damaged = |_| Error::Internal(format!("details of payout {}", payout.external_id));
        let asked: BTreeMap<String, String> = serde_json::from_str(&payout.details).map_err(damaged)?;
        let from_question = ["customer_ip", "remember_customer_purse"];
        let mut optional: BTreeMap<String, String> = player.profile()?;
        optional.extend(asked.into_iter().filter(|(name, _)| from_question.contains(&name.as_str())));
        if let Some(country) = player.country {
            optional.insert("country_code".into(), country);
        }
        let order = PayoutOrder {
            external_id: ExternalId::parse(&payout.external_id)?,
            site: SiteId(payout.site_id),
            login: Login::parse(&player.login)?,
            amount: payout.money()?,
            purse: payout.purse.clone(),
            optional: optional.into_iter().collect(),
        };
        self.carouseller.initiation(&order, encoding(wire.payout_encoding))
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

/// Whether the site's Cashier pays a repeated id once.
pub fn deduplicates(settings: &Settings, site: SiteId) -> bool {
    let wire = settings.site(site).and_then(|site| site.carouseller.as_ref());
    wire.is_some_and(|wire| wire.deduplicates_external_id)
}

fn encoding(setting: Encoding) -> carouseller::Encoding {
    match setting {
        Encoding::Json => carouseller::Encoding::Json,
        Encoding::Form => carouseller::Encoding::Form,
    }
}
