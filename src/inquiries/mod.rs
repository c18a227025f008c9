//! Inquiry: orders whose end we wait for are asked about through their provider's status call, politely; what a hint claims is confirmed
//! here. "Not found" proves nothing, and only what a provider says of the end moves money (threats OUT-4, OPS-3).

use std::sync::Arc;

use crate::db::Db;
use crate::error::Error;
use crate::outgoing::Outgoing;
use crate::providers::{Hint, Provider};
use crate::settings::Settings;

/// What became of a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmed {
    /// The provider was asked, and what it says is stored and applied, or put into review.
    Done,
    /// It could not be asked, or did not say; the order is asked about again. Carries why, for people.
    Later(String),
}

/// Asks providers about orders.
#[derive(Clone)]
pub struct Asker {
    #[expect(dead_code, reason = "the next commit uses them")]
    db: Db,
    #[expect(dead_code, reason = "the next commit uses them")]
    settings: Arc<Settings>,
    #[expect(dead_code, reason = "the next commit uses them")]
    outgoing: Outgoing,
}

impl Asker {
    /// Asks about the orders of this database.
    pub fn new(db: Db, settings: Arc<Settings>, outgoing: Outgoing) -> Self {
        Self { db, settings, outgoing }
    }

    /// Asks what a hint claims, and applies what is said.
    ///
    /// # Errors
    ///
    /// Why it could not be stored.
    pub async fn confirm(&self, provider: &dyn Provider, hint: Hint) -> Result<Confirmed, Error> {
        Ok(Confirmed::Later(format!("{} cannot be asked about {}", provider.name(), hint.external_id)))
    }
}
