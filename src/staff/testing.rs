//! A throw-away database for the tests of this module.

use crate::db::migrate::{Policy, prepare};
use crate::db::{DbConn, Place, connect};

/// A migrated SQLite file that goes away with its directory.
pub(super) struct Books {
    pub conn: DbConn,
    _dir: tempfile::TempDir,
}

impl Books {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let place = Place::from(dir.path().join("books.db"));
        prepare(&place, Policy::Migrate).expect("the schema");
        Self { conn: connect(&place).expect("a connection"), _dir: dir }
    }
}
