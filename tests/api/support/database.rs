//! A database for one test: a file in the test's directory, or a database of its own on the cluster of `TEST_DATABASE_URL`.
//!
//! Which of the two is chosen for the whole run, so that every test is run on both by running all of them twice (`./test`). A test that
//! is about the file itself begins with [`about_the_file`], one that needs a server with [`on_a_server`]; there are few of both, and
//! `docs/CONTRIBUTING.md` lists them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use croupier::db::migrate::{self, Policy};
use croupier::db::{self, DbConn, Place};
use croupier::secret::Secret;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, RunQueryDsl};

/// Names the cluster in the environment of a run.
const CLUSTER: &str = "TEST_DATABASE_URL";

/// The address of the cluster, when this run is on one.
pub fn cluster() -> Option<String> {
    std::env::var(CLUSTER).ok().filter(|url| !url.is_empty())
}

/// Whether this run's databases are files. A test about the file itself (locks, pages, the write-ahead log, a full disk) begins with
/// `if !about_the_file() { return; }`: on a server these are the server's matter.
pub fn about_the_file() -> bool {
    cluster().is_none()
}

/// Whether this run has a cluster. A test that needs one begins with `if !on_a_server() { return; }`, and says that it was left out.
pub fn on_a_server() -> bool {
    let there_is = cluster().is_some();
    if !there_is {
        let name = std::thread::current().name().unwrap_or("a test").to_owned();
        eprintln!("{name}: left out, for {CLUSTER} names no PostgreSQL cluster: run it with tests/cluster.sh");
    }
    there_is
}

/// A database that goes away with its test: when the last of those who share it is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    home: Home,
}

#[derive(Debug)]
enum Home {
    File(PathBuf),
    Server(Arc<Server>),
}

/// A database of its own on the cluster.
#[derive(Debug)]
struct Server {
    cluster: String,
    name: String,
}

impl TestDatabase {
    /// A new database. A file lies in `directory` and is not made yet; on a server it has the tables already, but no name of its own.
    pub fn create(directory: &Path) -> Self {
        match cluster() {
            None => Self::file(directory),
            Some(cluster) => Self::server(&cluster, &template(&cluster)),
        }
    }

    /// A file in `directory`, whatever this run is about.
    pub fn file(directory: &Path) -> Self {
        Self { home: Home::File(directory.join("croupier.db")) }
    }

    /// A new database in which there is nothing at all.
    pub fn empty(directory: &Path) -> Self {
        match cluster() {
            None => Self::file(directory),
            Some(cluster) => Self::server(&cluster, "template0"),
        }
    }

    /// A copy of this database as a stopped service left it. A file goes to `directory`.
    pub fn copy(&self, directory: &Path) -> Self {
        match &self.home {
            Home::File(path) => {
                let copy = Self::file(directory);
                copy_file(path, copy.path());
                copy
            }
            Home::Server(server) => {
                let Server { cluster, name } = server.as_ref();
                // Readers of a pool may linger for a moment after their service.
                let ended =
                    format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'");
                administer(cluster, &ended);
                Self::server(cluster, name)
            }
        }
    }

    /// Puts a copy in the place of this database, as somebody does who restores a backup by hand.
    pub fn put_back(&self, copy: &Self) {
        match (&self.home, &copy.home) {
            (Home::File(path), Home::File(copy)) => {
                remove_file(path);
                copy_file(copy, path);
            }
            (Home::Server(server), Home::Server(copy)) => {
                let (Server { cluster, name }, copy) = (server.as_ref(), &copy.name);
                administer(cluster, &format!("DROP DATABASE {name} WITH (FORCE)"));
                administer(cluster, &format!("CREATE DATABASE {name} TEMPLATE {copy}"));
            }
            (Home::File(_), Home::Server(_)) | (Home::Server(_), Home::File(_)) => {
                panic!("two kinds of database")
            }
        }
    }

    /// Leaves nothing of it, as after the loss of a disk.
    pub fn lose(&self) {
        match &self.home {
            Home::File(path) => remove_file(path),
            Home::Server(server) => {
                let Server { cluster, name } = server.as_ref();
                administer(cluster, &format!("DROP DATABASE {name} WITH (FORCE)"));
                administer(cluster, &format!("CREATE DATABASE {name} TEMPLATE template0"));
            }
        }
    }

    /// Whether there is nothing in it.
    pub fn is_lost(&self) -> bool {
        match &self.home {
            Home::File(path) => !path.exists(),
            Home::Server(_) => {
                // What the migration tool looks into is made when it looks.
                let tables = "SELECT 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE '\\_\\_diesel%'";
                let DbConn::Postgres(mut conn) = self.connect() else { panic!("a server") };
                diesel::sql_query(tables).execute(&mut conn).expect("a look") == 0
            }
        }
    }

    /// Everything that is in the tables of a server, as text; what is in a file is read from the file.
    pub fn rows(&self) -> Vec<(String, String)> {
        #[derive(diesel::QueryableByName)]
        struct Text {
            #[diesel(sql_type = diesel::sql_types::Text)]
            text: String,
        }
        let DbConn::Postgres(mut conn) = self.connect() else { return Vec::new() };
        conn.batch_execute("SET bytea_output = 'escape'").expect("bytes as text");
        let tables =
            "SELECT relname::text AS text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";
        let tables: Vec<Text> = diesel::sql_query(tables).load(&mut conn).expect("the tables");
        let rows = tables.into_iter().map(|table| {
            let name = table.text;
            let all = format!("SELECT coalesce(string_agg(t::text, ' '), '') AS text FROM {name} t");
            let row: Text = diesel::sql_query(all).get_result(&mut conn).expect("the rows");
            (name, row.text)
        });
        rows.collect()
    }

    /// The same database once more, for another instance. It goes away with the last of them.
    pub fn shared(&self) -> Self {
        match &self.home {
            Home::File(_) => panic!("a file has one service"),
            Home::Server(server) => Self { home: Home::Server(server.clone()) },
        }
    }

    fn server(cluster: &str, template: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        administer(cluster, &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Self { home: Home::Server(Arc::new(Server { cluster: cluster.to_owned(), name })) }
    }

    /// What stands in the settings as `database.url`.
    pub fn url(&self) -> String {
        match &self.home {
            Home::File(path) => format!("sqlite://{}", path.display()),
            Home::Server(server) => address(&server.cluster, &server.name),
        }
    }

    /// Where it is, as the service reads it.
    pub fn place(&self) -> Place {
        Place::parse(&Secret::new(self.url())).expect("a good address")
    }

    /// A connection that may write.
    pub fn connect(&self) -> DbConn {
        db::connect(&self.place()).expect("the database opens")
    }

    /// A connection that only reads.
    pub fn connect_read_only(&self) -> DbConn {
        db::connect_read_only(&self.place()).expect("the database opens")
    }

    /// Whether it is on a server.
    pub fn is_postgres(&self) -> bool {
        matches!(self.home, Home::Server(_))
    }

    /// The file, of a test that is about the file.
    pub fn path(&self) -> &Path {
        match &self.home {
            Home::File(path) => path,
            Home::Server(_) => panic!("the test is about a file: it begins with about_the_file()"),
        }
    }

    /// Does to the rows what nobody may: see [`tamper`].
    pub fn tamper(&self, sql: &str) {
        tamper(&mut self.connect(), sql);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The service may still be about to end; a failing test does not fail twice.
        let Self { cluster, name } = self;
        let dropped = connection(cluster).batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        assert!(dropped.is_ok() || std::thread::panicking(), "{name}: {dropped:?}");
    }
}

/// Statements that a database must swallow although they are against its rules: what they change is found later, or never happened to
/// an honest service. They are written in SQLite's words: `DROP TRIGGER name`, `zeroblob(32)`, `x'00'`; booleans as `TRUE` and `FALSE`.
pub fn tamper(conn: &mut DbConn, sql: &str) {
    let run = match conn {
        DbConn::Sqlite(conn) => conn.batch_execute(&format!("PRAGMA foreign_keys = OFF; {sql}")),
        // Neither foreign keys nor triggers hold for a replica.
        DbConn::Postgres(conn) => {
            let run = format!("SET session_replication_role = replica; {}", in_postgres_words(sql));
            conn.batch_execute(&run).and_then(|()| conn.batch_execute("SET session_replication_role = DEFAULT"))
        }
    };
    run.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// A statement in the words of the database that `conn` is of.
pub fn in_words_of(conn: &DbConn, sql: &str) -> String {
    match conn {
        DbConn::Sqlite(_) => sql.to_owned(),
        DbConn::Postgres(_) => in_postgres_words(sql),
    }
}

fn in_postgres_words(sql: &str) -> String {
    let statements = sql.split(';').map(|statement| {
        let statement = statement.replace("zeroblob(31)", "decode(repeat('00', 31), 'hex')");
        let statement = statement.replace("zeroblob(32)", "decode(repeat('00', 32), 'hex')");
        let statement = statement.replace("x'00'", "'\\x00'::bytea");
        match statement.trim().strip_prefix("DROP TRIGGER ") {
            None => statement,
            Some(trigger) => format!("DROP TRIGGER {trigger} ON {}", table_of(trigger)),
        }
    });
    statements.collect::<Vec<_>>().join(";")
}

/// The table of a trigger, which is named after it.
fn table_of(trigger: &str) -> &'static str {
    let tables = ["journal_entries", "protection_log", "audit", "events", "seals"];
    let found = tables.into_iter().find(|table| trigger.starts_with(table));
    found.unwrap_or_else(|| panic!("whose trigger is {trigger}?"))
}

/// The parts of a file that say something.
const PARTS: [&str; 2] = ["", "-wal"];

fn copy_file(from: &Path, to: &Path) {
    for part in PARTS {
        let [from, to] = [from, to].map(|path| format!("{}{part}", path.display()));
        if Path::new(&from).exists() {
            std::fs::copy(from, to).expect("a copy");
        }
    }
}

fn remove_file(path: &Path) {
    for part in PARTS.iter().chain(&["-shm"]) {
        let part = format!("{}{part}", path.display());
        if Path::new(&part).exists() {
            std::fs::remove_file(part).expect("it is removed");
        }
    }
}

/// The address of another database of the cluster.
fn address(cluster: &str, name: &str) -> String {
    let (server, query) =
        cluster.split_once('?').map_or((cluster, String::new()), |(server, query)| (server, format!("?{query}")));
    let (server, _) = server.rsplit_once('/').expect("the address of a cluster ends with a database");
    format!("{server}/{name}{query}")
}

fn connection(cluster: &str) -> PgConnection {
    PgConnection::establish(cluster).unwrap_or_else(|error| panic!("{CLUSTER}: {error}"))
}

fn administer(cluster: &str, sql: &str) {
    connection(cluster).batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The database that all others of this program are copies of: migrated once, and nobody's yet.
fn template(cluster: &str) -> String {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    let made = || {
        let name = format!("template_{}", std::process::id());
        administer(cluster, &format!("CREATE DATABASE {name} TEMPLATE template0"));
        let place = Place::parse(&Secret::new(address(cluster, &name))).expect("a good address");
        migrate::prepare(&place, Policy::Migrate).expect("the schema");
        // A name of its own is what each copy gets when it is first opened.
        db::connect(&place)
            .expect("the template opens")
            .batch_execute("DELETE FROM meta WHERE name = 'database_id'")
            .expect("no name");
        name
    };
    TEMPLATE.get_or_init(made).clone()
}
