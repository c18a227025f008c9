//! Backups: of one moment, never in the place of another file, checked whole before they are put back, and not sending by themselves.
//!
//! What needs a server runs where TEST_DATABASE_URL says one.

use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use croupier::db::copy::{self, CopyError, Heads, Kind, Move, Step};
use croupier::db::{Place, connect, homes};
use diesel::connection::SimpleConnection;

use crate::moving::{Target, number, word, write};
use crate::process::{Service, Setup};
use crate::support::books;
use crate::support::database::about_the_file;

const AT: &str = "2026-11-21T00:00:00Z";

fn go_on(_: Step<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn directory() -> tempfile::TempDir {
    tempfile::TempDir::new().expect("a directory")
}

fn refused<T>(ended: Result<T, CopyError>) -> String {
    match ended {
        Err(CopyError::Refused(text)) => text,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was not refused"),
    }
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_backup_of_a_file_is_whole_while_others_write_and_readable_by_its_owner_only() {
    let here = directory();
    let (file, backup) = (here.path().join("croupier.db"), here.path().join("backup.db"));
    books::with_every_table(&file);
    let place = Place::Sqlite(file.clone());
    let mut writer = connect(&place).expect("a writer");
    writer.batch_execute("BEGIN IMMEDIATE; DELETE FROM rollbacks").expect("a write under way");
    std::fs::write(here.path().join("backup.db.partial"), "left behind by a kill").unwrap();

    let header = copy::back_up(&place, &backup, AT, &mut go_on).expect("a backup");

    writer.batch_execute("COMMIT").expect("the end of the write");
    assert_eq!((header.entries, header.database.as_str(), Heads::number(&header.heads.journal)), (250, "sqlite", 250));
    assert_eq!(std::fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(copy::inspect(&backup).expect("a kind"), Kind::File);
    assert_eq!(
        number(&Place::Sqlite(backup.clone()), "(SELECT count(*) FROM rollbacks)"),
        1,
        "as it was before the write"
    );
    let again = refused(copy::back_up(&place, &backup, AT, &mut go_on));
    assert!(again.contains("never replaces"), "{again}");
    assert!(!names(here.path()).iter().any(|name| name.contains("partial")), "{:?}", names(here.path()));
}

#[test]
fn a_file_is_put_back_with_its_payouts_held() {
    let here = directory();
    let (file, backup, home) =
        (here.path().join("croupier.db"), here.path().join("backup.db"), here.path().join("restored.db"));
    books::with_every_table(&file);
    copy::back_up(&Place::Sqlite(file), &backup, AT, &mut go_on).expect("a backup");

    let staged = copy::stage(&backup, &home).expect("it is whole");
    assert_eq!(staged.header.as_ref().map(|header| header.taken_at.as_str()), Some(AT));
    copy::hold(&staged, "restored").expect("held");
    copy::put_in_place(staged, &home).expect("it is put back");

    let place = Place::Sqlite(home);
    assert!(homes::check(&place).is_ok());
    assert_eq!(word(&place, "(SELECT value FROM meta WHERE name = 'sending_held')"), "restored");
    assert_eq!(number(&place, "(SELECT count(*) FROM meta WHERE name = 'backup')"), 0);
    assert_eq!(number(&place, "(SELECT count(*) FROM journal_entries)"), 250);
    assert!(!names(here.path()).iter().any(|name| name.contains("restoring")), "{:?}", names(here.path()));
}

#[test]
fn a_backup_is_not_put_over_books_nor_beside_the_log_of_lost_ones() {
    let here = directory();
    let (file, backup, home) =
        (here.path().join("croupier.db"), here.path().join("backup.db"), here.path().join("restored.db"));
    books::with_every_table(&file);
    copy::back_up(&Place::Sqlite(file.clone()), &backup, AT, &mut go_on).expect("a backup");

    let over = refused(copy::check_free(&file));
    assert!(over.contains("is not empty (accounts has rows)"), "{over}");
    std::fs::write(here.path().join("restored.db-wal"), "commits of a lost file").unwrap();
    let beside = refused(copy::put_in_place(copy::stage(&backup, &home).expect("it is whole"), &home));
    assert!(beside.contains("no backup has"), "{beside}");
    assert!(!home.exists());
}

#[test]
fn a_file_that_is_damaged_cut_or_not_what_its_header_says_is_not_put_back() {
    let here = directory();
    let (file, backup, home) =
        (here.path().join("croupier.db"), here.path().join("backup.db"), here.path().join("restored.db"));
    books::with_every_table(&file);
    copy::back_up(&Place::Sqlite(file), &backup, AT, &mut go_on).expect("a backup");
    let whole = std::fs::read(&backup).unwrap();
    let mut broken = whole.clone();
    for byte in &mut broken[8192..12288] {
        *byte = 0xa5;
    }
    for bytes in [&whole[..whole.len() / 2], &broken, b"SQLite format 3\0"] {
        std::fs::write(&backup, bytes).unwrap();
        assert!(copy::stage(&backup, &home).is_err(), "{} bytes", bytes.len());
    }
    std::fs::write(&backup, &whole).unwrap();
    write(&Place::Sqlite(backup.clone()), "INSERT INTO audit VALUES (2, 6, 'ann', 'a', 's', 'd', zeroblob(32))");
    let other = refused(copy::stage(&backup, &home));
    assert!(other.contains("its header says 250 entries"), "{other}");
    std::fs::write(&backup, "something else").unwrap();
    assert!(refused(copy::inspect(&backup)).contains("not a backup"));
    assert!(!names(here.path()).iter().any(|name| name.contains("restor")), "{:?}", names(here.path()));
}

/// Books on a server, moved there from a file.
fn served() -> Option<Target> {
    let here = directory();
    let server = Target::create(here.path())?;
    let file = here.path().join("croupier.db");
    books::with_every_table(&file);
    let mut moving = Move::begin(&file, &server.url).expect("it begins");
    moving.copy(&mut go_on).expect("it is copied");
    moving.finish("copied", AT, &mut go_on).expect("it ends");
    Some(server)
}

/// Everything in a database besides what the new one says of itself.
fn contents(place: &Place) -> String {
    let all = "(SELECT string_agg(one, E'\\n') FROM (SELECT query_to_xml(format('SELECT * FROM %I ORDER BY 1, 2', tablename), true, true, '')::text AS one \
               FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('meta', 'turns', 'lanes', 'leases', '__diesel_schema_migrations', 'unsealed_entries') \
               ORDER BY tablename) AS every_table)";
    word(place, all)
}

#[test]
fn what_a_server_held_is_put_back_on_another_row_by_row() {
    let Some(first) = served() else { return };
    let here = directory();
    let backup = here.path().join("backup.jsonl");
    // An entry and an event that have not been sealed yet.
    write(
        &first.place(),
        "INSERT INTO journal_entries VALUES (251, 'win', 'late', 1, 'USD', 5, 3, false, 1, false, 9);
         INSERT INTO unsealed_events (token, kind, site_id, reason, at) VALUES ('t', 'review.opened', 332, '', 5)",
    );

    let header = copy::back_up(&first.place(), &backup, AT, &mut go_on).expect("a backup");
    assert_eq!((header.entries, Heads::number(&header.heads.journal)), (251, 250));
    assert_eq!(copy::inspect(&backup).expect("a kind"), Kind::Lines);
    let second = Target::create(here.path()).expect("a database");
    let found = copy::check(&backup, &mut go_on).expect("it is whole");
    assert_eq!(found, header);
    copy::load_lines(&backup, &header, &second.url, &mut go_on).expect("it is written");

    assert!(
        homes::check(&second.place()).is_err_and(|error| error.to_string().contains("a restore into this database"))
    );
    copy::open_restored(&second.url, "restored").expect("it is opened");
    assert!(homes::check(&second.place()).is_ok());
    assert_eq!(contents(&second.place()), contents(&first.place()));
    assert_eq!(number(&second.place(), "(SELECT max(entry_id) FROM unsealed_entries)"), 251);
    assert_eq!(number(&second.place(), "(SELECT count(*) FROM unsealed_entries)"), 1);
    let meta = |name: &str| word(&second.place(), &format!("(SELECT value FROM meta WHERE name = '{name}')"));
    assert_eq!((meta("sending_held").as_str(), meta("a word").as_str()), ("restored", "kept"));
    assert_eq!(meta("database_id"), header.database_id);
    let onto = refused(copy::load_lines(&backup, &header, &second.url, &mut go_on));
    assert!(onto.contains("it is not empty"), "{onto}");
}

#[test]
fn lines_that_are_changed_missing_or_added_are_found_before_anything_is_written() {
    let Some(first) = served() else { return };
    let here = directory();
    let backup = here.path().join("backup.jsonl");
    copy::back_up(&first.place(), &backup, AT, &mut go_on).expect("a backup");
    let whole = std::fs::read_to_string(&backup).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let without = |at: usize| {
        lines.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    let changed = [
        (whole.replacen("\"amount\":100,", "\"amount\":900,", 1), "SHA-256"),
        (without(7), "SHA-256"),
        (without(lines.len() - 1), "last line is missing"),
        (whole[..whole.len() / 2].to_owned(), ""),
        (format!("{whole}{{}}\n"), "something stands after"),
        (whole.replacen("\"table\":\"staff\"", "\"table\":\"stuff\"", 1), "not known"),
        (whole.replacen("{\"croupier_backup\":1", "{\"croupier_backup\":2", 1), "its form is 2"),
        (without(0), "first line"),
    ];

    for (text, reason) in changed {
        assert_ne!(text, whole);
        std::fs::write(&backup, &text).unwrap();
        let found = refused(copy::check(&backup, &mut go_on));
        assert!(found.contains(reason), "{reason}: {found}");
    }
    std::fs::write(&backup, &whole).unwrap();
    assert!(copy::check(&backup, &mut go_on).is_ok());
}

/// The text of a command's output, and how it ended.
fn said(output: &std::process::Output) -> (Option<i32>, String) {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

fn marks(service: &Service) -> Vec<String> {
    names(service.directory()).into_iter().filter(|name| name.contains(".mark")).collect()
}

/// threats R5, R8, DUR-15: at three in the morning the command says what is lost, and goes on only when it is told to.
#[test]
fn a_backup_that_lacks_what_the_mark_knows_is_put_back_only_by_somebody_who_says_so() {
    let mut service = Service::started(Setup::default());
    service.player("anna", 1000);
    let backup = service.directory().join("night.db");
    let backup = backup.to_str().unwrap();
    let made = service.cli(&["backup", backup, "--json"]);
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap_or_else(|_| panic!("{:?}", said(&made)));
    assert_eq!(made["entries"], 1);
    service.player("bert", 500);
    assert_eq!(service.stop().0, Some(0));
    service.database().lose();
    let before = marks(&service);

    let refused = said(&service.cli(&["restore", backup]));
    assert_eq!(refused.0, Some(1), "{refused:?}");
    assert!(refused.1.contains("--i-know-what-is-lost") && refused.1.contains("the ledger "), "{refused:?}");
    assert!(service.database().is_lost() && marks(&service) == before, "nothing has changed");

    let done = service.cli(&["restore", backup, "--i-know-what-is-lost", "--json"]);
    let done: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{:?}", said(&done)));
    assert_eq!((&done["ok"], &done["entries"]), (&true.into(), &1.into()), "{done}");
    assert!(done["lost"].as_array().is_some_and(|lost| !lost.is_empty()), "{done}");
    assert_eq!(marks(&service).len(), before.len() + 1, "the old mark is kept: {:?}", marks(&service));
    service.start();
    assert_eq!(service.balance("anna"), (1000, 0));
    let held = word(&service.database().place(), "(SELECT value FROM meta WHERE name = 'sending_held')");
    assert!(held.starts_with("restored from ") && held.contains(" taken 20"), "{held}");
    let audit = word(&service.database().place(), "(SELECT detail FROM audit WHERE act = 'database.restore')");
    assert!(audit.contains("the ledger does not hold row"), "{audit}");
    assert_eq!(service.verify()["ok"], true);
}

#[test]
fn a_backup_that_has_everything_is_put_back_without_a_question() {
    let mut service = Service::started(Setup::default());
    service.player("anna", 1000);
    assert_eq!(service.stop().0, Some(0));
    let backup = service.directory().join("night.db");
    let backup = backup.to_str().unwrap();
    assert_eq!(service.cli(&["backup", backup]).status.code(), Some(0));
    assert_eq!(service.cli(&["backup", backup]).status.code(), Some(2), "never in the place of a file");
    let over = said(&service.cli(&["restore", backup]));
    assert_eq!(over.0, Some(1), "{over:?}");
    assert!(over.1.contains("is not empty"), "{over:?}");
    service.database().lose();

    let done = said(&service.cli(&["restore", backup]));

    assert_eq!(done.0, Some(0), "{done:?}");
    assert!(done.1.contains("croupier sending confirm"), "{done:?}");
    service.start();
    assert_eq!((service.balance("anna"), service.verify()["ok"] == true), ((1000, 0), true));
}

#[test]
fn books_that_have_moved_are_read_and_never_written() {
    let mut service = Service::started(Setup::default());
    service.player("anna", 1000);
    assert_eq!(service.stop().0, Some(0));
    write(
        &service.database().place(),
        "INSERT INTO meta VALUES ('moved_to', '{\"to\":\"postgres://db.example/croupier\",\"at\":\"2026-11-21T00:00:00Z\"}')",
    );

    let (code, log) = service.start_refused();
    assert_eq!(code, Some(2));
    assert!(log.contains("moved to postgres://db.example/croupier") && log.contains("--undo"), "{log}");
    for writing in [&["migrate"][..], &["staff", "add", "ann", "--role", "admin"], &["events", "resume"]] {
        let refused = said(&service.cli(writing));
        assert_eq!(refused.0, Some(2), "{writing:?}: {refused:?}");
        assert!(refused.1.contains("these books moved"), "{writing:?}: {refused:?}");
    }
    let backup = service.directory().join("last.db");
    for reading in
        [&["ledger", "verify"][..], &["staff", "list"], &["events", "list"], &["backup", backup.to_str().unwrap()]]
    {
        let ran = said(&service.cli(reading));
        assert_eq!(ran.0, Some(0), "{reading:?}: {ran:?}");
    }
}

#[test]
fn a_backup_of_a_server_does_not_become_a_file() {
    if !about_the_file() {
        return;
    }
    let service = Service::new(Setup::default());
    let backup = service.directory().join("night.jsonl");
    std::fs::write(&backup, "{\"croupier_backup\":1}").unwrap();

    let refused = said(&service.cli(&["restore", backup.to_str().unwrap()]));

    assert_eq!(refused.0, Some(2), "{refused:?}");
    assert!(refused.1.contains("cannot become an SQLite file"), "{refused:?}");
}
