//! What every handler of a running service sees, and the gate that closes its money routes.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use tokio::sync::{Notify, Semaphore, watch};

use crate::cashier::doors::Doors;
use crate::db::Db;
use crate::error::Error;
use crate::ids::SiteId;
use crate::inquiries::Asker;
use crate::metrics::Metrics;
use crate::outgoing::Outgoing;
use crate::settings::{Settings, Site};
use crate::vault::Vault;

/// What every handler sees.
#[derive(Clone)]
pub struct State {
    /// The books.
    pub db: Db,
    /// What the operator set.
    pub settings: Arc<Settings>,
    /// Sites by their number.
    pub sites: Arc<HashMap<SiteId, Arc<Site>>>,
    /// Asks providers about orders.
    pub asker: Asker,
    /// Seals what nobody may read in the books.
    pub vault: Arc<Vault>,
    /// The way out to providers.
    pub outgoing: Outgoing,
    /// Wakes the worker that sends payouts.
    pub outbox: Arc<Notify>,
    /// Doors of the Cashier that are being opened for players.
    pub doors: Doors,
    /// Places for players' lists, which read much: fewer than there are readers, so that nobody else waits for them.
    pub lists: Arc<Semaphore>,
    /// Places for requests that wait for events.
    pub polls: Arc<Semaphore>,
    /// Turns true when the service is to stop: whoever waits for something lets go.
    pub stopping: watch::Receiver<bool>,
    /// Counters.
    pub metrics: Metrics,
    pub(crate) gate: Gate,
}

impl State {
    /// Whether money routes are open.
    ///
    /// # Errors
    ///
    /// `Closed` with the first thing that does not hold.
    pub fn check_open(&self) -> Result<(), Error> {
        self.gate.check()
    }

    /// The site with this number.
    pub fn site(&self, id: SiteId) -> Option<&Arc<Site>> {
        self.sites.get(&id)
    }
}

/// Closed while the books do not hold: every money route answers 503 then.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate(Arc<RwLock<Option<String>>>);

impl Gate {
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &*self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            None => Ok(()),
            Some(reason) => Err(Error::Closed(reason.clone())),
        }
    }

    pub(crate) fn close(&self, reason: String) {
        *self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(reason);
    }
}
