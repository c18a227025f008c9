//! Who may use the wallet API: keys, several at once while one is exchanged for another, and what each of them may do.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::SiteId;
use crate::secret::Secret;
use crate::sections::{Node, Section};

/// What a key of the wallet API may be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// See players, their statements, limits and methods.
    Read,
    /// Create and change players, their limits, exclusions and methods.
    Players,
    /// Bets, wins, refunds, rollbacks.
    Play,
    /// Bonuses.
    Bonus,
    /// Adjustments.
    Adjust,
    /// Sessions of players, opening the Cashier.
    Cashier,
    /// The feed of events.
    Events,
}

/// Every scope with its word in the settings and on the API.
const SCOPES: [(Scope, &str); 7] = [
    (Scope::Read, "read"),
    (Scope::Players, "players"),
    (Scope::Play, "play"),
    (Scope::Bonus, "bonus"),
    (Scope::Adjust, "adjust"),
    (Scope::Cashier, "cashier"),
    (Scope::Events, "events"),
];

impl Scope {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        SCOPES.iter().map(|(scope, _)| *scope)
    }

    /// The word in the settings and on the API.
    pub fn name(self) -> &'static str {
        SCOPES.iter().find(|(scope, _)| *scope == self).expect("every scope has a word").1
    }
}

/// One user of the wallet API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The keys that are good: more than one while a new one takes the place of an old one.
    pub keys: Vec<Secret>,
    /// What they are good for.
    pub scopes: BTreeSet<Scope>,
    /// The sites they are good for; empty: all.
    pub sites: Vec<SiteId>,
}

impl ApiKey {
    /// Whether they are good for this site.
    pub fn reaches(&self, site: SiteId) -> bool {
        self.sites.is_empty() || self.sites.contains(&site)
    }
}

/// Reads `api_keys`: a key, a list of keys, or a table of `keys`, `scopes` and `sites`, under each name.
pub(super) fn api_keys(section: Option<Section<'_>>) -> BTreeMap<String, ApiKey> {
    let Some(mut section) = section else { return BTreeMap::new() };
    let everything = |keys: Vec<Secret>| ApiKey { keys, scopes: Scope::all().collect(), sites: Vec::new() };
    let mut found = BTreeMap::new();
    for name in section.names() {
        let is_table = section.peek(&name).is_some_and(Node::is_table);
        let key = if is_table {
            section.section(&name).map(limited)
        } else {
            Some(everything(section.secrets_or_one(&name)))
        };
        if let Some(key) = key {
            found.insert(name, key);
        }
    }
    section.finish();
    found
}

fn limited(mut s: Section<'_>) -> ApiKey {
    if !s.has("keys") {
        s.notes().error(s.key("keys"), "is missing: a list of at least one key");
    }
    let keys = s.secrets_or_one("keys");
    let some = s.has("scopes");
    let scopes = s.words("scopes", &SCOPES).into_iter().collect();
    let scopes = if some { scopes } else { Scope::all().collect() };
    if s.peek("sites").is_some_and(Node::is_empty_list) {
        s.notes().error(s.key("sites"), "is empty, which would be no site; leave it out for every site");
    }
    let sites = s.integers("sites", 1, i64::MAX).into_iter().map(SiteId).collect();
    s.finish();
    ApiKey { keys, scopes, sites }
}
