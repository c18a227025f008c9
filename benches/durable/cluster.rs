//! A PostgreSQL cluster of its own that waits for the disk: `tests/cluster.sh --durable`, ended with this process.

use std::path::Path;
use std::process::Command;

use diesel::prelude::*;

use crate::load::Failure;
use crate::process::Process;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster.sh");

/// The running cluster.
#[derive(Debug)]
pub struct Cluster {
    url: String,
    /// As the server says it.
    pub version: String,
    _process: Process,
}

impl Cluster {
    /// Starts it with its files below `parent`, and its log in `logs`.
    pub fn start(parent: &Path, logs: &Path) -> Result<Self, Failure> {
        let mut command = Command::new(SCRIPT);
        command.arg("--durable").env("TMPDIR", parent);
        let mut process = Process::start("cluster", command, logs)?;
        let address = |said: &str| said.lines().find(|line| line.starts_with("postgres://")).map(str::to_owned);
        let url = process.until(address)?;
        let mut cluster = Self { url, version: String::new(), _process: process };
        cluster.version = cluster.setting("server_version")?;
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            let value = cluster.setting(name)?;
            if value != "on" {
                return Err(format!("the cluster has {name} = {value}: nothing durable could be measured"));
            }
        }
        Ok(cluster)
    }

    /// Makes an empty database and returns its address.
    pub fn database(&self, name: &str) -> Result<String, Failure> {
        self.say(&format!("CREATE DATABASE {name}"))?;
        let (server, _) = self.url.rsplit_once('/').ok_or("an address without a database")?;
        Ok(format!("{server}/{name}"))
    }

    /// Removes a database.
    pub fn drop_database(&self, name: &str) -> Result<(), Failure> {
        self.say(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    }

    fn connection(&self) -> Result<PgConnection, Failure> {
        PgConnection::establish(&self.url).map_err(|error| format!("the cluster: {error}"))
    }

    fn say(&self, statement: &str) -> Result<(), Failure> {
        let said = diesel::sql_query(statement).execute(&mut self.connection()?);
        said.map(drop).map_err(|error| format!("{statement}: {error}"))
    }

    fn setting(&self, name: &str) -> Result<String, Failure> {
        let expression = diesel::dsl::sql::<diesel::sql_types::Text>(&format!("current_setting('{name}')"));
        let value = diesel::select(expression).get_result(&mut self.connection()?);
        value.map_err(|error| format!("{name}: {error}"))
    }
}
