//! Rows of a PostgreSQL database: read as JSON, written from JSON.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

use super::compare::{Balance, Heads};
use super::tables::{COUNTED, ENTRIES, Key, Table};
use super::{CopyError, Count, Home, Line, PAGE, Page, Word};
use crate::db::place::Place;
use crate::db::postgres;
use crate::secret::Secret;

/// A copy reads and writes whole tables, and may wait for somebody who is letting go.
const SESSION: &str = "SET application_name = 'croupier copy'; SET statement_timeout = 0; SET lock_timeout = '15s'; \
     SET idle_in_transaction_session_timeout = 0; SET enable_seqscan = on; SET plan_cache_mode = auto; \
     SET default_transaction_read_only = off;";

/// The number of the lock that keeps two copies apart: "CRPR" and one.
const COPYING: i64 = 0x4352_5053;

/// How long a session that ends may take to be gone, and how often it is looked.
const LOOKS: u32 = 40;
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// A PostgreSQL database to be read or written.
pub(super) struct Server {
    pub conn: PgConnection,
    pub shown: String,
}

impl Server {
    pub(super) fn open(url: &Secret) -> Result<Self, CopyError> {
        let shown = Place::Postgres(url.clone()).shown();
        let mut conn = postgres::connect(url, &shown)?;
        conn.batch_execute(SESSION)?;
        Ok(Self { conn, shown })
    }

    /// Keeps every other copy out of the database for as long as this session lasts.
    pub(super) fn alone(&mut self) -> Result<(), CopyError> {
        let locked = self.conn.batch_execute(&format!("SELECT pg_advisory_lock({COPYING})"));
        locked.map_err(|_| CopyError::refused(format!("{}: another copy or restore is writing to it", self.shown)))
    }

    /// Refuses while somebody of ours is connected; waits a moment for one who is going.
    pub(super) fn no_service(&mut self) -> Result<(), CopyError> {
        let sql = "SELECT count(*) AS count FROM pg_stat_activity WHERE datname = current_database() \
                   AND application_name LIKE 'croupier%' AND pid <> pg_backend_pid()";
        let mut sessions = 0;
        for _ in 0..LOOKS {
            sessions = diesel::sql_query(sql).get_result::<Count>(&mut self.conn)?.count;
            if sessions == 0 {
                return Ok(());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        let text =
            format!("{}: {sessions} sessions of croupier are on this database; stop every service first", self.shown);
        Err(CopyError::Refused(text))
    }

    /// Runs `work` in one transaction.
    pub(super) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, CopyError>,
    ) -> Result<T, CopyError> {
        self.conn.batch_execute("BEGIN")?;
        match work(self) {
            Ok(value) => self.conn.batch_execute("COMMIT").map(|()| value).map_err(CopyError::from),
            Err(error) => {
                if let Err(second) = self.conn.batch_execute("ROLLBACK") {
                    log::warn!("database: rollback after a failure failed too: {second}");
                }
                Err(error)
            }
        }
    }

    /// Writes rows that came as JSON objects. `sealed`: they carry the hash that has a table of its own here.
    pub(super) fn insert(&mut self, table: &Table, rows: &[String], sealed: bool) -> Result<(), CopyError> {
        if rows.is_empty() {
            return Ok(());
        }
        let columns: Vec<String> = self.columns(table.name)?.iter().map(|name| format!("\"{name}\"")).collect();
        let columns = columns.join(", ");
        let name = table.name;
        let array = format!("[{}]", rows.join(","));
        let sql = format!(
            "INSERT INTO {name} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{name}, $1::json)"
        );
        let inserted = diesel::sql_query(sql).bind::<Text, _>(&array).execute(&mut self.conn)?;
        if inserted != rows.len() {
            return Err(CopyError::refused(format!("{name}: {} rows became {inserted}", rows.len())));
        }
        if *table == ENTRIES {
            if sealed {
                let sql = "INSERT INTO seals (number, entry_id, hash) SELECT id, id, hash \
                           FROM json_to_recordset($1::json) AS entry(id bigint, hash bytea)";
                diesel::sql_query(sql).bind::<Text, _>(&array).execute(&mut self.conn)?;
            }
            // They have their place in the chain, or what waits for one comes from the backup.
            self.conn.batch_execute("DELETE FROM unsealed_entries")?;
        }
        Ok(())
    }

    /// Lets the sequences go on behind the highest number, and the planner know what is there.
    pub(super) fn settle(&mut self) -> QueryResult<()> {
        for table in COUNTED {
            self.conn.batch_execute(&format!(
                "SELECT setval('{table}_ids', coalesce(max(id), 1), max(id) IS NOT NULL) FROM {table}"
            ))?;
        }
        // Numbers of what waits begin again with every sealing, so they are behind everything that may wait in a backup.
        self.conn.batch_execute(
            "SELECT setval('unsealed_events_ids', coalesce(max(id), 1), max(id) IS NOT NULL) FROM unsealed_events",
        )?;
        self.conn.batch_execute("ANALYZE")
    }

    /// Writes a word about the database, or takes it away.
    pub(super) fn set_meta(&mut self, name: &str, value: Option<&str>) -> QueryResult<()> {
        diesel::sql_query("DELETE FROM meta WHERE name = $1").bind::<Text, _>(name).execute(&mut self.conn)?;
        if let Some(value) = value {
            let sql = "INSERT INTO meta (name, value) VALUES ($1, $2)";
            diesel::sql_query(sql).bind::<Text, _>(name).bind::<Text, _>(value).execute(&mut self.conn)?;
        }
        Ok(())
    }

    /// The first table that has rows.
    pub(super) fn filled(&mut self, tables: &[Table]) -> QueryResult<Option<&'static str>> {
        for table in tables {
            let sql = format!("SELECT count(*) AS count FROM (SELECT 1 FROM {} LIMIT 1) AS any_row", table.name);
            if diesel::sql_query(sql).get_result::<Count>(&mut self.conn)?.count > 0 {
                return Ok(Some(table.name));
            }
        }
        Ok(None)
    }
}

fn page_sql(table: &Table, first: bool) -> String {
    let keys: Vec<String> = table.key.iter().map(|key| format!("\"{}\"", key.name())).collect();
    let after: Vec<String> = table
        .key
        .iter()
        .enumerate()
        .map(|(at, key)| match key {
            Key::Number(_) => format!("($1::json->>{at})::bigint"),
            Key::Text(_) => format!("($1::json->>{at})"),
            Key::Bytes(_) => format!("($1::json->>{at})::bytea"),
        })
        .collect();
    let (keys, after) = (keys.join(", "), after.join(", "));
    let condition = if first { "$1::text IS NULL".to_owned() } else { format!("({keys}) > ({after})") };
    format!(
        "SELECT json_build_array({keys})::text AS key, row_to_json(one)::text AS line \
         FROM (SELECT * FROM {} WHERE {condition} ORDER BY {keys} LIMIT {PAGE}) AS one ORDER BY {keys}",
        table.name
    )
}

impl Home for Server {
    fn columns(&mut self, table: &str) -> QueryResult<Vec<String>> {
        let sql = "SELECT attname::text AS word FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 \
                   AND NOT attisdropped ORDER BY attnum";
        let found = diesel::sql_query(sql).bind::<Text, _>(table).load::<Word>(&mut self.conn)?;
        Ok(found.into_iter().map(|found| found.word).collect())
    }

    fn count(&mut self, table: &str) -> QueryResult<i64> {
        let sql = format!("SELECT count(*) AS count FROM {table}");
        diesel::sql_query(sql).get_result::<Count>(&mut self.conn).map(|found| found.count)
    }

    fn page(&mut self, table: &Table, after: Option<&str>) -> Result<Page, CopyError> {
        let query = diesel::sql_query(page_sql(table, after.is_none())).bind::<Nullable<Text>, _>(after);
        let mut lines = query.load::<Line>(&mut self.conn)?;
        let last = lines.last_mut().map(|line| std::mem::take(&mut line.key));
        Ok(Page { rows: lines.into_iter().map(|line| line.line).collect(), last })
    }

    fn balances(&mut self) -> QueryResult<Vec<Balance>> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            kind: String,
            #[diesel(sql_type = Text)]
            currency: String,
            #[diesel(sql_type = Text)]
            available: String,
            #[diesel(sql_type = Text)]
            held: String,
        }
        let sql = "SELECT kind, currency, sum(available)::text AS available, sum(held)::text AS held FROM accounts \
                   GROUP BY kind, currency ORDER BY kind, currency";
        let rows = diesel::sql_query(sql).load::<Row>(&mut self.conn)?;
        let balance =
            |row: Row| Balance { kind: row.kind, currency: row.currency, available: row.available, held: row.held };
        Ok(rows.into_iter().map(balance).collect())
    }

    fn heads(&mut self) -> QueryResult<Heads> {
        let mut one = |sql: &str| -> QueryResult<String> {
            let found = diesel::sql_query(sql).get_result::<Word>(&mut self.conn).optional()?;
            Ok(found.map_or_else(|| "none".into(), |found| found.word))
        };
        Ok(Heads {
            journal: one(
                "SELECT number || ' ' || encode(hash, 'hex') AS word FROM seals ORDER BY number DESC LIMIT 1",
            )?,
            audit: one("SELECT id || ' ' || encode(hash, 'hex') AS word FROM audit ORDER BY id DESC LIMIT 1")?,
            event: one("SELECT id || ' ' || token AS word FROM events ORDER BY id DESC LIMIT 1")?,
        })
    }

    fn meta(&mut self, name: &str) -> QueryResult<Option<String>> {
        let query = diesel::sql_query("SELECT value AS word FROM meta WHERE name = $1").bind::<Text, _>(name);
        Ok(query.get_result::<Word>(&mut self.conn).optional()?.map(|found| found.word))
    }

    fn tables(&mut self) -> QueryResult<Vec<String>> {
        let sql = "SELECT tablename::text AS word FROM pg_tables WHERE schemaname = current_schema() \
                   AND tablename NOT LIKE '\\_\\_diesel%' ORDER BY tablename";
        Ok(diesel::sql_query(sql).load::<Word>(&mut self.conn)?.into_iter().map(|found| found.word).collect())
    }
}
