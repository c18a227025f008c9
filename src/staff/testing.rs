//! A throw-away database for the tests of this module.

use crate::db::DbConn;
use crate::db::migrate::{Policy, prepare};
use crate::testing::database::{self, TestDatabase};

/// A migrated database that goes away with its connection.
pub(super) struct Books {
    pub conn: DbConn,
    _database: TestDatabase,
    _directory: tempfile::TempDir,
}

impl Books {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let database = TestDatabase::create(directory.path());
        prepare(&database.place(), Policy::Migrate).expect("the schema");
        Self { conn: database.connect(), _database: database, _directory: directory }
    }

    /// Does to the rows what nobody may.
    pub fn tamper(&mut self, sql: &str) {
        database::tamper(&mut self.conn, sql);
    }
}
