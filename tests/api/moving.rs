//! The move from a file to a server: whole, resumed wherever it stopped, at most one of the two in use, and back while nothing was written.
//!
//! What needs a server runs where TEST_DATABASE_URL says one.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use croupier::db::copy::{CopyError, Move, Report, Step, take_back};
use croupier::db::{DbConn, Place, connect, connect_read_only, homes};
use croupier::secret::Secret;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::support::books;
use crate::support::database::{TestDatabase, on_a_server};

const HELD: &str = "copied";
const AT: &str = "2026-11-21T00:00:00Z";

/// A file and a database on a server.
struct Homes {
    _directory: tempfile::TempDir,
    file: PathBuf,
    server: Target,
}

impl Homes {
    /// Whether anything has been copied.
    fn has_rows(&self) -> bool {
        let made = number(&self.server.place(), "(SELECT count(*) FROM pg_tables WHERE tablename = 'players')") > 0;
        made && number(&self.server.place(), "(SELECT count(*) FROM players)") > 0
    }
}

/// An empty database on a server.
pub struct Target {
    database: TestDatabase,
    /// Its address.
    pub url: Secret,
}

impl Target {
    /// A new one, where this run has a server.
    pub fn create(directory: &Path) -> Option<Self> {
        on_a_server().then(|| {
            let database = TestDatabase::empty(directory);
            let url = Secret::new(database.url());
            Self { database, url }
        })
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        self.database.place()
    }
}

/// A file with rows in every table and an empty database, where there is a server.
fn homes() -> Option<Homes> {
    let directory = tempfile::TempDir::new().expect("a directory");
    let server = Target::create(directory.path())?;
    let file = directory.path().join("croupier.db");
    books::with_every_table(&file);
    Some(Homes { _directory: directory, file, server })
}

fn go_on(_: Step<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The whole move, which stops at the step numbered `stop`. Returns how many steps there were.
fn run(file: &Path, to: &Secret, stop: usize) -> (usize, Result<Report, CopyError>) {
    let mut steps = 0;
    let mut tell = |_: Step<'_>| {
        steps += 1;
        if steps == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let ran = Move::begin(file, to).and_then(|mut moving| {
        moving.copy(&mut tell)?;
        let report = moving.compare(&mut tell)?;
        if report.ok {
            moving.finish(HELD, AT, &mut tell)?;
        }
        Ok(report)
    });
    (steps, ran)
}

fn usable(place: &Place) -> bool {
    homes::check(place).is_ok()
}

/// A text of the database.
pub fn word(place: &Place, sql: &str) -> String {
    let mut conn = connect_read_only(place).expect("the database");
    match &mut conn {
        DbConn::Sqlite(conn) => diesel::select(diesel::dsl::sql::<Text>(sql)).get_result(conn),
        DbConn::Postgres(conn) => diesel::select(diesel::dsl::sql::<Text>(sql)).get_result(conn),
    }
    .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// A number of the database.
pub fn number(place: &Place, sql: &str) -> i64 {
    let mut conn = connect_read_only(place).expect("the database");
    match &mut conn {
        DbConn::Sqlite(conn) => diesel::select(diesel::dsl::sql::<BigInt>(sql)).get_result(conn),
        DbConn::Postgres(conn) => diesel::select(diesel::dsl::sql::<BigInt>(sql)).get_result(conn),
    }
    .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Writes past every rule of the service.
pub fn write(place: &Place, sql: &str) {
    connect(place).expect("the database").batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn refused<T>(ended: Result<T, CopyError>) -> String {
    match ended {
        Err(CopyError::Refused(text)) => text,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was not refused"),
    }
}

#[test]
fn everything_moves_and_only_the_new_home_may_be_used() {
    let Some(homes) = homes() else { return };
    let (file, server) = (Place::Sqlite(homes.file.clone()), homes.server.place());

    let (_, report) = run(&homes.file, &homes.server.url, 0);

    let report = report.expect("it moves");
    assert!(report.ok && report.tables.len() == 30, "{report:?}");
    assert!(report.tables.iter().all(|table| table.same && table.source > 0), "{report:?}");
    assert!(!usable(&file) && usable(&server));
    assert_eq!(number(&server, "(SELECT count(*) FROM seals)"), 250);
    assert_eq!(number(&server, "(SELECT count(*) FROM unsealed_entries)"), 0);
    for (table, next) in
        [("players", 3), ("accounts", 4), ("journal_entries", 251), ("webhooks", 4), ("protection_log", 7)]
    {
        let mut conn = connect(&server).expect("the database");
        let DbConn::Postgres(conn) = &mut conn else { panic!("a server") };
        let sql = format!("nextval('{table}_ids')");
        assert_eq!(diesel::select(diesel::dsl::sql::<BigInt>(&sql)).get_result::<i64>(conn).unwrap(), next, "{table}");
    }
    let meta = |place: &Place, name: &str| {
        word(place, &format!("coalesce((SELECT value FROM meta WHERE name = '{name}'), '')"))
    };
    assert_eq!(meta(&server, "sending_held"), HELD);
    assert_eq!(meta(&server, "a word"), "kept");
    assert_eq!(meta(&server, "database_id"), meta(&file, "database_id"));
    let moved = meta(&file, "moved_to");
    assert!(moved.contains("postgres://") && !moved.contains('@'), "{moved}");
    assert!(word(&server, "(SELECT note FROM reviews)").contains('\u{fffd}'));
    let again = refused(run(&homes.file, &homes.server.url, 0).1);
    assert!(again.contains("these books moved to postgres://"), "{again}");
}

#[test]
fn a_move_that_stops_anywhere_goes_on_and_never_leaves_two_homes_in_use() {
    let Some(first) = homes() else { return };
    let (steps, whole) = run(&first.file, &first.server.url, 0);
    assert!(whole.expect("it moves").ok && steps > 80, "{steps}");
    for stop in (1..=steps).step_by(7).chain(steps - 3..=steps) {
        let Some(homes) = homes() else { return };
        let (file, server) = (Place::Sqlite(homes.file.clone()), homes.server.place());

        let (_, stopped) = run(&homes.file, &homes.server.url, stop);

        assert!(matches!(stopped, Err(CopyError::Stopped)), "{stop}: {stopped:?}");
        let left = (usable(&file), usable(&server));
        assert_eq!(left, (stop < steps - 1, stop == steps), "after step {stop} of {steps}");
        if stop < steps {
            let (_, ended) = run(&homes.file, &homes.server.url, 0);
            assert!(ended.unwrap_or_else(|error| panic!("{stop}: {error}")).ok, "{stop}");
        }
        assert_eq!((usable(&file), usable(&server)), (false, true), "{stop}");
    }
}

#[test]
fn books_that_went_on_since_the_copy_began_are_not_mixed_with_it() {
    let Some(homes) = homes() else { return };
    let (_, stopped) = run(&homes.file, &homes.server.url, 20);
    assert!(matches!(stopped, Err(CopyError::Stopped)));
    write(&Place::Sqlite(homes.file.clone()), "INSERT INTO audit VALUES (2, 6, 'ann', 'a', 's', 'd', zeroblob(32))");

    let text = refused(run(&homes.file, &homes.server.url, 0).1);

    assert!(text.contains("gone on since this copy began"), "{text}");
    assert!(usable(&Place::Sqlite(homes.file.clone())) && !usable(&homes.server.place()));
}

#[test]
fn a_row_that_differs_is_named_and_the_new_home_stays_closed() {
    let Some(homes) = homes() else { return };
    let (steps, _) = {
        let Some(other) = self::homes() else { return };
        run(&other.file, &other.server.url, 0)
    };
    // Stopped while the copy is compared: everything is there.
    let (_, stopped) = run(&homes.file, &homes.server.url, steps - 10);
    assert!(matches!(stopped, Err(CopyError::Stopped)));
    write(&homes.server.place(), "UPDATE accounts SET available = available + 1 WHERE id = 1; DELETE FROM rollbacks");

    let (_, report) = run(&homes.file, &homes.server.url, 0);

    let report = report.expect("it is compared");
    let all = report.differences.join("\n");
    assert!(
        !report.ok && all.contains("accounts: as many rows") && all.contains("rollbacks: 1 rows in the source, 0"),
        "{all}"
    );
    assert!(all.contains("accounts of player in USD"), "{all}");
    assert_eq!((usable(&Place::Sqlite(homes.file.clone())), usable(&homes.server.place())), (true, false));
}

#[test]
fn a_database_with_other_rows_is_not_written_to() {
    let Some(homes) = homes() else { return };
    croupier::db::migrate::prepare(&homes.server.place(), croupier::db::migrate::Policy::Migrate).expect("the schema");
    write(&homes.server.place(), "INSERT INTO staff VALUES (1, 'bob', 'admin', 'h', false, 5)");

    let text = refused(run(&homes.file, &homes.server.url, 0).1);

    assert!(text.contains("not empty (staff has rows)"), "{text}");
    assert!(usable(&Place::Sqlite(homes.file.clone())));
}

#[test]
fn the_books_come_back_while_nothing_was_written_and_not_after() {
    let Some(homes) = homes() else { return };
    let (file, server) = (Place::Sqlite(homes.file.clone()), homes.server.place());
    assert!(run(&homes.file, &homes.server.url, 0).1.expect("it moves").ok);
    // Where pushes stand is no part of the books.
    write(&server, "UPDATE event_endpoint SET position = 1, failures = 3; DELETE FROM event_turns");
    write(&server, "INSERT INTO audit VALUES (2, 6, 'ann', 'a', 's', 'd', decode(repeat('00', 32), 'hex'))");

    let differs = take_back(&homes.file, &homes.server.url, &mut go_on).expect("it is compared");

    assert!(!differs.ok && differs.differences.iter().any(|text| text.contains("audit")), "{differs:?}");
    assert_eq!((usable(&file), usable(&server)), (false, true), "nothing has changed");

    write(
        &server,
        "ALTER TABLE audit DISABLE TRIGGER USER; DELETE FROM audit WHERE id = 2; ALTER TABLE audit ENABLE TRIGGER USER",
    );
    let same = take_back(&homes.file, &homes.server.url, &mut go_on).expect("it is compared");

    assert!(same.ok, "{same:?}");
    assert_eq!((usable(&file), usable(&server)), (true, false));
    let again = refused(take_back(&homes.file, &homes.server.url, &mut go_on));
    assert!(again.contains("have not moved"), "{again}");
    let onto = refused(run(&homes.file, &homes.server.url, 0).1);
    assert!(onto.contains("went back"), "{onto}");
}

#[test]
fn nothing_moves_under_a_service() {
    let Some(homes) = homes() else { return };
    let service = connect(&homes.server.place()).expect("a session of a service");

    let text = refused(run(&homes.file, &homes.server.url, 0).1);

    assert!(text.contains("stop every service first"), "{text}");
    drop(service);
    let lock = croupier::db::FileLock::take(&homes.file).expect("the lock of a service");
    let (_, ended) = run(&homes.file, &homes.server.url, 0);
    assert!(
        matches!(&ended, Err(CopyError::Open(error)) if error.to_string().contains("another croupier service")),
        "{ended:?}"
    );
    drop(lock);
}

/// Settings for a file, in its directory.
fn settings(homes: &Homes) -> PathBuf {
    let directory = homes.file.parent().expect("a directory");
    let path = directory.join("Settings.toml");
    let text = format!(
        "[server]\nstate_dir = \"{}\"\n[database]\nurl = \"sqlite://{}\"\n[wallet]\napi_keys = {{ game_server = \"a-key-of-the-move-0123456789abcdef\" }}\n",
        directory.display(),
        homes.file.display()
    );
    std::fs::write(&path, text).expect("settings");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("settings of our own");
    path
}

fn command(homes: &Homes, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_croupier"));
    command.args(["copy-database", "--to", homes.server.url.expose(), "--settings"]).arg(settings(homes)).args(more);
    command
}

#[test]
fn the_command_killed_at_any_moment_goes_on_and_leaves_one_home_at_most() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let Some(server) = Target::create(directory.path()) else { return };
    let file = directory.path().join("croupier.db");
    books::large(&file, 30_000);
    let homes = Homes { _directory: directory, file: file.clone(), server };
    let (file, server) = (Place::Sqlite(file), homes.server.place());
    let mut kills = 0;
    // A fifth later each time: a slow machine gets to the end too, after as many kills more as its slowness needs.
    let patiences = std::iter::successors(Some(Duration::from_millis(150)), |patience| Some(*patience * 6 / 5));
    for patience in patiences {
        let mut child = command(&homes, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program");
        let deadline = Instant::now() + patience;
        let ended = loop {
            match child.try_wait().expect("its end") {
                Some(status) => break Some(status),
                None if Instant::now() >= deadline => break None,
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        if let Some(status) = ended {
            assert!(status.success(), "{status}");
            break;
        }
        child.kill().expect("it is killed");
        child.wait().expect("it is gone");
        kills += 1;
        // Before its first mark the new database is just an empty one.
        let has_books = homes.has_rows();
        assert!(!(usable(&file) && usable(&server) && has_books), "two homes after {kills} kills");
    }
    assert!(kills > 3, "{kills} kills");
    assert_eq!((usable(&file), usable(&server)), (false, true));
    assert_eq!(number(&server, "(SELECT count(*) FROM sealed_entries)"), 30_000);

    let back = command(&homes, &["--undo", "--json"]).output().expect("the program");

    let report: serde_json::Value = serde_json::from_slice(&back.stdout).unwrap_or_else(|_| panic!("{back:?}"));
    assert_eq!((back.status.code(), &report["ok"]), (Some(0), &true.into()), "{report}");
    assert_eq!((usable(&file), usable(&server)), (true, false));
}

/// `cargo test --release a_large_book_moves -- --ignored --nocapture`; LARGE_BOOK=N for another size. Its figures are in
/// docs/OPERATIONS.md.
#[test]
#[ignore = "takes minutes and needs a server"]
fn a_large_book_moves() {
    let entries = std::env::var("LARGE_BOOK").map_or(1_000_000, |text| text.parse().expect("a number"));
    let directory = tempfile::TempDir::new().expect("a directory");
    let server = Target::create(directory.path()).expect("TEST_DATABASE_URL names a server");
    let file = directory.path().join("croupier.db");
    let began = std::time::Instant::now();
    books::large(&file, entries);
    let bytes = std::fs::metadata(&file).expect("the file").len();
    println!("{entries} entries made in {:?}, {} MB", began.elapsed(), bytes >> 20);
    let began = std::time::Instant::now();
    let mut compared = None;
    let mut tell = |step: Step<'_>| {
        if matches!(step, Step::Checked { .. }) && compared.is_none() {
            compared = Some(began.elapsed());
        }
        ControlFlow::Continue(())
    };
    let mut moving = Move::begin(&file, &server.url).expect("it begins");
    moving.copy(&mut tell).expect("it is copied");
    let report = moving.compare(&mut tell).expect("it is compared");
    moving.finish(HELD, AT, &mut tell).expect("it ends");
    let status = std::fs::read_to_string("/proc/self/status").expect("our own status");
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    println!("copied in {:?}, with the comparison {:?}; {peak}", compared.unwrap_or_default(), began.elapsed());
    assert!(report.ok && report.tables.iter().any(|table| table.source == entries as i64), "{report:?}");
}
