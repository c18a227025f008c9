//! A database of its own on the server of TEST_DATABASE_URL, gone when the test ends.

use std::sync::atomic::{AtomicU32, Ordering};

use croupier::db::Place;
use croupier::secret::Secret;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

/// An empty database.
pub struct EmptyDatabase {
    name: String,
    server: String,
    /// Its address.
    pub url: Secret,
}

impl EmptyDatabase {
    /// A new one; `None` where no server is named.
    pub fn create() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = std::env::var("TEST_DATABASE_URL").ok()?;
        let name = format!("croupier_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut conn = PgConnection::establish(&server).expect("the server of TEST_DATABASE_URL");
        conn.batch_execute(&format!("DROP DATABASE IF EXISTS {name}; ")).expect("no such database");
        conn.batch_execute(&format!("CREATE DATABASE {name}")).expect("a database");
        let (base, _) = server.rsplit_once('/').expect("an address with a database");
        let url = Secret::new(format!("{base}/{name}"));
        Some(Self { name, server, url })
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        Place::Postgres(self.url.clone())
    }
}

impl Drop for EmptyDatabase {
    fn drop(&mut self) {
        if let Ok(mut conn) = PgConnection::establish(&self.server) {
            let _gone_with_the_server =
                conn.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        }
    }
}
