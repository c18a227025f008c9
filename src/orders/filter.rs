//! What lists of orders can be narrowed to.

use diesel::prelude::*;

use super::Status;
use crate::db::DbConn;
use crate::db::schema::players;
use crate::ids::SiteId;
use crate::ledger::PlayerId;

/// Which orders, from where, and how many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only at this status.
    pub status: Option<Status>,
    /// Only of this site.
    pub site: Option<SiteId>,
    /// Only of players with this login.
    pub login: Option<String>,
    /// Only after this external id; they sort by time.
    pub after: Option<String>,
    /// How many at most.
    pub limit: i64,
}

impl Filter {
    /// The ids of the orders that may pass, in order, where a login narrows them to those of a few players; `None` where any order may.
    /// `of_player` looks them up for one player from an id on.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub fn ids(
        &self,
        conn: &mut DbConn,
        of_player: impl Fn(&mut DbConn, PlayerId, &str) -> QueryResult<Vec<String>>,
    ) -> QueryResult<Option<Vec<String>>> {
        let Some(login) = &self.login else { return Ok(None) };
        let mut named = players::table.filter(players::login.eq(login)).select(players::id).into_boxed();
        if let Some(site) = self.site {
            named = named.filter(players::site_id.eq(site.0));
        }
        let named: Vec<i64> = named.load(conn)?;
        let after = self.after.as_deref().unwrap_or("");
        let mut ids = Vec::new();
        for player in named {
            ids.extend(of_player(conn, PlayerId(player), after)?);
        }
        ids.sort_unstable();
        Ok(Some(ids))
    }
}
