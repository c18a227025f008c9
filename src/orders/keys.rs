//! What makes a Cashier's question recognisable, so that a repetition gets the first answer and has no second effect.
//!
//! The key is the Cashier's `transaction_id`; without one it is the content itself, for ten minutes while the order is open
//! (threats IDM-1 to IDM-4). Keys are never purged.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use crate::clock::Micros;
use crate::db::schema::question_keys;
use crate::db::{DbConn, Memory, Row, WriteTx, at_home, insert_in_chunks};
use crate::error::Error;
use crate::ids::{ExternalId, SiteId};
use crate::providers::Question;

/// How long identical content without a `transaction_id` is the same question.
pub const CONTENT_WINDOW: Micros = 10 * 60 * 1_000_000;

/// Keys remembered at most; more are forgotten all at once and looked up again. A key is about 150 bytes.
const REMEMBERED: usize = 100_000;

/// Where a key is unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    provider: &'static str,
    site: SiteId,
    text: String,
}

impl Key {
    /// The key of a question.
    pub fn of(provider: &'static str, question: &Question) -> Self {
        let text = match &question.transaction_id {
            Some(id) => transaction_key(id),
            None => format!("content:{}", hex::encode(question.fingerprint)),
        };
        Self { provider, site: question.site, text }
    }

    /// A key as it is stored.
    pub fn stored(provider: &'static str, site: SiteId, text: String) -> Self {
        Self { provider, site, text }
    }

    /// What is stored of it besides its provider and site.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is the content that is recognised, for want of an id.
    pub fn is_content(&self) -> bool {
        self.text.starts_with("content:")
    }
}

/// The text of the key of a Cashier's `transaction_id`.
pub fn transaction_key(id: &str) -> String {
    format!("transaction:{id}")
}

/// The first question under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct First {
    /// Its content.
    pub fingerprint: [u8; 32],
    /// The order it made.
    pub external_id: ExternalId,
    /// When it was asked.
    pub asked_at: Micros,
}

/// The first question under this key, if there was one.
///
/// # Errors
///
/// What the database says.
pub fn find(tx: &mut WriteTx<'_>, key: &Key) -> Result<Option<First>, Error> {
    let (recent, conn) = tx.memory::<Recent>();
    if let Some(first) = recent.known.get(key) {
        return Ok(Some(first.clone()));
    }
    if recent.absent.contains(key) {
        return Ok(None);
    }
    let asked = question_keys::table.find((key.provider, key.site.0, &key.text)).select((
        question_keys::fingerprint,
        question_keys::external_id,
        question_keys::asked_at,
    ));
    let found: Option<(Vec<u8>, String, Micros)> = at_home!(conn, |conn| asked.first(conn)).optional()?;
    let Some((fingerprint, external_id, asked_at)) = found else { return Ok(None) };
    first(fingerprint, &external_id, asked_at).map(Some)
}

/// Looks the keys of a batch up, all at once.
///
/// # Errors
///
/// What the database says.
pub fn warm(tx: &mut WriteTx<'_>, keys: Vec<Key>) -> Result<(), Error> {
    if keys.is_empty() {
        return Ok(());
    }
    let (recent, conn) = tx.memory::<Recent>();
    let mut wanted: HashMap<(&'static str, i64), Vec<&str>> = HashMap::new();
    for key in &keys {
        wanted.entry((key.provider, key.site.0)).or_default().push(&key.text);
    }
    for ((provider, site), texts) in wanted {
        let found: Vec<(String, Vec<u8>, String, Micros)> = question_keys::table
            .filter(question_keys::provider.eq(provider))
            .filter(question_keys::site_id.eq(site))
            .filter(question_keys::key.eq_any(texts))
            .select((
                question_keys::key,
                question_keys::fingerprint,
                question_keys::external_id,
                question_keys::asked_at,
            ))
            .load(conn)?;
        for (text, fingerprint, external_id, asked_at) in found {
            let key = Key { provider, site: SiteId(site), text };
            recent.known.insert(key, first(fingerprint, &external_id, asked_at)?);
        }
    }
    recent.absent.extend(keys.into_iter().filter(|key| !recent.known.contains_key(key)));
    Ok(())
}

fn first(fingerprint: Vec<u8>, external_id: &str, asked_at: Micros) -> Result<First, Error> {
    let fingerprint = fingerprint.try_into().map_err(|_| Error::Internal("a stored fingerprint is damaged".into()))?;
    Ok(First { fingerprint, external_id: ExternalId::parse(external_id)?, asked_at })
}

/// Remembers a question for ever.
pub fn remember(tx: &mut WriteTx<'_>, key: Key, first: First) {
    tx.stage(KeyRow {
        provider: key.provider,
        site_id: key.site.0,
        key: key.text.clone(),
        fingerprint: first.fingerprint.to_vec(),
        external_id: first.external_id.as_str().to_owned(),
        asked_at: first.asked_at,
    });
    let (recent, _) = tx.memory::<Recent>();
    recent.added.push(key.clone());
    recent.known.insert(key, first);
}

/// Lets a content key go, so that a later question of the same content can take its place.
///
/// # Errors
///
/// What the database says.
pub fn forget_content(tx: &mut WriteTx<'_>, key: &Key) -> Result<(), Error> {
    assert!(key.is_content(), "a transaction_id is never forgotten");
    let row = question_keys::table.find((key.provider, key.site.0, &key.text));
    diesel::delete(row).execute(tx.conn()?)?;
    let (recent, _) = tx.memory::<Recent>();
    recent.known.remove(key);
    Ok(())
}

#[derive(Insertable)]
#[diesel(table_name = question_keys, treat_none_as_default_value = false)]
struct KeyRow {
    provider: &'static str,
    site_id: i64,
    key: String,
    fingerprint: Vec<u8>,
    external_id: String,
    asked_at: Micros,
}

impl Row for KeyRow {
    const ORDER: u8 = 50;

    fn insert_many(rows: &[Self], conn: &mut DbConn) -> QueryResult<usize> {
        insert_in_chunks!(question_keys::table, rows, conn)
    }
}

#[derive(Default)]
struct Recent {
    known: HashMap<Key, First>,
    /// Keys of this batch that nobody had used, where others may use them at any time: then the row cannot be inserted.
    absent: HashSet<Key>,
    added: Vec<Key>,
}

impl Memory for Recent {
    fn order(&self) -> u8 {
        50
    }

    fn flush(&mut self, _conn: &mut DbConn) -> QueryResult<()> {
        Ok(())
    }

    fn committed(&mut self) {
        self.added.clear();
        if self.known.len() > REMEMBERED {
            self.known.clear();
        }
    }

    fn rolled_back(&mut self) {
        for key in self.added.drain(..) {
            self.known.remove(&key);
        }
    }
}
