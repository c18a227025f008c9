//! Servers and databases that could lose or mix up money are refused at the start, with the reason and what to do (issue 4, point 4).

use diesel::connection::SimpleConnection;

use crate::process::{Service, Setup};
use crate::support::database::on_a_server;

const LOGIN: &str = "anna";

/// Changes a setting of the service's database as its owner would; an empty value takes it back.
fn set(service: &Service, name: &str, value: &str) {
    let url = service.database().url();
    let (_, database) = url.rsplit_once('/').expect("a database");
    let what = if value.is_empty() { format!("RESET {name}") } else { format!("SET {name} = '{value}'") };
    let mut conn = service.database().connect_read_only();
    // Whoever is in a database that is read-only by default may say otherwise, from the next transaction on.
    for sql in ["SET default_transaction_read_only = off".to_owned(), format!("ALTER DATABASE {database} {what}")] {
        conn.batch_execute(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// That the start is refused with these words, and with nothing of the password.
fn refuses(service: &mut Service, words: &str) {
    let url = service.database().url();
    let password = url.split(['/', ':', '@']).rfind(|part| part.len() == 32).expect("the cluster has a password");
    let (code, said) = service.start_refused();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains(words), "{words}: {said}");
    assert!(!said.contains(password), "the password is in: {said}");
}

#[test]
fn a_server_on_which_an_answered_commit_could_be_lost_or_locks_do_not_hold_is_refused() {
    if !on_a_server() {
        return;
    }
    let mut service = Service::started(Setup::default());
    service.player(LOGIN, 1_000);
    assert_eq!(service.stop().0, Some(0));
    for (name, value, words) in [
        ("synchronous_commit", "off", "synchronous_commit is off"),
        ("default_transaction_isolation", "serializable", "it must be read committed"),
        ("default_transaction_isolation", "repeatable read", "it must be read committed"),
        ("default_transaction_read_only", "on", "the server is read-only"),
    ] {
        set(&service, name, value);
        refuses(&mut service, words);
        set(&service, name, "");
    }

    service.start();
    assert_eq!(service.balance(LOGIN), (1_000, 0), "taken back, it is fit");
}

#[test]
fn a_newer_schema_and_the_database_of_another_program_are_refused_and_left_as_they_are() {
    if !on_a_server() {
        return;
    }
    let mut newer = Service::started(Setup::default());
    assert_eq!(newer.stop().0, Some(0));
    let version = "INSERT INTO __diesel_schema_migrations VALUES ('29991231235959', '2999-12-31')";
    newer.database().connect().batch_execute(version).expect("a newer version was here");
    refuses(&mut newer, "newer than this binary");

    let mut foreign = Service::new(Setup::default());
    foreign.database().lose();
    let theirs = "CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine')";
    foreign.database().connect().batch_execute(theirs).expect("their table");
    refuses(&mut foreign, "another program");
    assert_eq!(foreign.database().rows(), [("notes".to_owned(), "(mine)".to_owned())]);
}

/// threats DUR-12
#[test]
fn an_old_schema_is_migrated_unless_the_operator_forbids_it() {
    if !on_a_server() {
        return;
    }
    let mut service = Service::new(Setup::default());
    service.database().lose();

    let refused = service.cli(&["serve", "--no-migrate"]);

    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("older than this binary") && said.contains("croupier migrate"), "{said}");
    assert!(service.database().is_lost(), "nothing was made");
    assert!(service.cli(&["migrate"]).status.success());
    service.start();
    service.player(LOGIN, 500);
    assert_eq!(service.balance(LOGIN), (500, 0));
}

#[test]
fn a_server_that_is_not_there_and_one_that_knows_us_not_are_said_without_the_password() {
    if !on_a_server() {
        return;
    }
    let mut service = Service::new(Setup::default());
    let url = service.database().url();
    let (server, name) = url.rsplit_once('/').expect("a database");
    let (user, address) = server.rsplit_once('@').expect("a user");
    let cases = [
        (format!("{server}/no_such_database"), "no_such_database"),
        (format!("{user}@127.0.0.1:1/{name}"), "127.0.0.1:1"),
        (format!("{user}x@{address}/{name}"), "authentication failed"),
    ];
    for (url, words) in cases {
        service.write_settings(&url);
        refuses(&mut service, words);
        let checked = service.cli(&["ledger", "verify", "--json"]);
        assert_ne!(checked.status.code(), Some(0), "{words}");
    }
}
