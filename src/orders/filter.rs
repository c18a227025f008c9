//! What lists of orders can be narrowed to.

use super::Status;
use crate::ids::SiteId;

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
