//! What lists of orders can be narrowed to.

use diesel::prelude::*;

use super::Status;
use super::of_player::PAGE;
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
    /// The first orders that pass, as `page` loads them: up to so many, of these ids where there are some. Where a login narrows them to
    /// those of a few players, `of_player` looks up the ids for one of these from an id on.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub fn list<Listed>(
        &self,
        conn: &mut DbConn,
        of_player: impl Fn(&mut DbConn, PlayerId, &str) -> QueryResult<Vec<String>>,
        page: impl Fn(&mut DbConn, i64, Option<&[String]>) -> QueryResult<Vec<Listed>>,
    ) -> QueryResult<Vec<Listed>> {
        let Some(login) = &self.login else { return page(conn, self.limit, None) };
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
        let mut listed = Vec::new();
        for ids in ids.chunks(PAGE) {
            let left = self.limit - i64::try_from(listed.len()).unwrap_or(self.limit);
            if left <= 0 {
                break;
            }
            listed.extend(page(conn, left, Some(ids))?);
        }
        Ok(listed)
    }
}
