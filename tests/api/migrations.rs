//! Migrations go up, down and up again, and the schema in the code is the schema in the file.

use std::collections::BTreeSet;
use std::path::Path;

use croupier::db::migrate::{self, Policy};
use croupier::db::{DbConn, connect, schema};
use diesel::prelude::*;
use diesel::query_builder::{AsQuery, QueryFragment};
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;

#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
struct Object {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

/// Everything that is in a file besides what the migration tool keeps.
fn objects(conn: &mut DbConn) -> Vec<Object> {
    let sql = "SELECT type AS kind, name, coalesce(sql, '') AS sql FROM sqlite_schema \
               WHERE name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' AND name NOT LIKE 'sqlite%\\_\\_diesel%' ESCAPE '\\' ORDER BY name";
    diesel::sql_query(sql).load(conn).expect("the schema")
}

fn file(directory: &tempfile::TempDir) -> std::path::PathBuf {
    directory.path().join("croupier.db")
}

fn prepared(path: &Path) -> DbConn {
    migrate::prepare(path, Policy::Migrate).expect("the schema");
    connect(path).expect("the database")
}

#[test]
fn up_down_and_up_again_gives_the_same_schema() {
    let directory = tempfile::TempDir::new().unwrap();
    let mut conn = prepared(&file(&directory));
    let first = objects(&mut conn);
    assert!(first.len() > 20 && first.iter().any(|object| object.kind == "trigger"), "{first:?}");

    migrate::revert_all(&mut conn).expect("down");
    assert_eq!(objects(&mut conn), []);
    drop(conn);
    let mut conn = prepared(&file(&directory));

    assert_eq!(objects(&mut conn), first);
    assert_eq!(migrate::prepare(&file(&directory), Policy::Refuse).expect("up to date"), Vec::<String>::new());
}

/// threats DUR-12
#[test]
fn an_old_schema_is_refused_where_it_may_not_be_migrated() {
    let directory = tempfile::TempDir::new().unwrap();

    let refused = migrate::prepare(&file(&directory), Policy::Refuse).expect_err("nothing is there yet");

    assert!(refused.to_string().contains("older than this binary"), "{refused}");
    assert!(objects(&mut connect(&file(&directory)).unwrap()).is_empty());
}

/// The text of a query for every column of a table as the code knows it.
fn select<T: AsQuery>(table: T) -> String
where
    T::Query: QueryFragment<Sqlite>,
{
    let text = diesel::debug_query::<Sqlite, _>(&table.as_query()).to_string();
    text.split(" -- ").next().unwrap_or_default().to_owned()
}

/// One query per table of the code.
fn selects() -> Vec<(&'static str, String)> {
    use schema::*;
    vec![
        ("accounts", select(accounts::table)),
        ("approvals", select(approvals::table)),
        ("audit", select(audit::table)),
        ("cashier_requests", select(cashier_requests::table)),
        ("deposit_intents", select(deposit_intents::table)),
        ("deposits", select(deposits::table)),
        ("event_attempts", select(event_attempts::table)),
        ("event_endpoint", select(event_endpoint::table)),
        ("event_queue", select(event_queue::table)),
        ("event_turns", select(event_turns::table)),
        ("events", select(events::table)),
        ("journal_entries", select(chained_entries::table)),
        ("leases", select(leases::table)),
        ("meta", select(meta::table)),
        ("method_overrides", select(method_overrides::table)),
        ("outbox", select(outbox::table)),
        ("payout_attempts", select(payout_attempts::table)),
        ("payouts", select(payouts::table)),
        ("player_limits", select(player_limits::table)),
        ("players", select(players::table)),
        ("protection_log", select(protection_log::table)),
        ("question_keys", select(question_keys::table)),
        ("reviews", select(reviews::table)),
        ("rollbacks", select(rollbacks::table)),
        ("staff", select(staff::table)),
        ("staff_tokens", select(staff_tokens::table)),
        ("transitions", select(transitions::table)),
        ("wallet_transactions", select(wallet_transactions::table)),
        ("webhooks", select(webhooks::table)),
    ]
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
}

#[test]
fn every_column_of_every_table_is_known_to_the_code_and_the_other_way_round() {
    let directory = tempfile::TempDir::new().unwrap();
    let mut conn = prepared(&file(&directory));
    let tables: BTreeSet<String> = objects(&mut conn)
        .into_iter()
        .filter(|object| object.kind == "table" && !object.name.starts_with("sqlite_"))
        .map(|object| object.name)
        .collect();
    let known: BTreeSet<String> = selects().into_iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(tables, known);

    for (table, query) in selects() {
        diesel::sql_query(&query).execute(&mut conn).unwrap_or_else(|error| panic!("{query}: {error}"));
        let columns: Vec<Column> = diesel::sql_query(format!("SELECT name FROM pragma_table_info('{table}')"))
            .load(&mut conn)
            .expect("the columns");
        let in_file: Vec<String> = columns.into_iter().map(|column| column.name).collect();
        let list = query.strip_prefix("SELECT ").and_then(|rest| rest.split(" FROM ").next()).unwrap_or_default();
        let in_code: Vec<String> =
            list.split(", ").filter_map(|column| Some(column.split('`').nth(3)?.to_owned())).collect();
        assert_eq!(in_code, in_file, "{table}: the columns and their order");
        assert!(in_file.len() <= 16, "{table} keeps to 16 columns");
    }
}

/// threats DUR-11: neither another type nor a contradiction gets into a table, whoever writes it.
#[test]
fn the_tables_themselves_refuse_what_is_no_row_of_theirs() {
    use diesel::connection::SimpleConnection;
    let directory = tempfile::TempDir::new().unwrap();
    let mut conn = prepared(&file(&directory));
    conn.batch_execute(
        "INSERT INTO players VALUES (1, 332, 'alice', 'active', 1, 1, NULL, '{}', 0, 0, NULL, 0);
         INSERT INTO events VALUES (1, 't', 'payout.held', 332, 1, NULL, NULL, NULL, NULL, NULL, '', 0);
         INSERT INTO protection_log VALUES (1, 1, 'limit', '', 0);
         INSERT INTO accounts VALUES (1, 'player:1:USD', 'player', 1, 'USD', 100, 0, 0);
         INSERT INTO accounts VALUES (2, 'games:332:USD', 'games', NULL, 'USD', -100, 0, 1);
         INSERT INTO journal_entries VALUES (1, 'win', 'w', 1, 'USD', 100, 2, 0, 1, 0, 0, zeroblob(32));
         INSERT INTO audit VALUES (1, 0, 'a', 'b', 'c', 'd', zeroblob(32));",
    )
    .expect("good rows");
    let refused = [
        "UPDATE accounts SET available = 'many' WHERE id = 1",
        "UPDATE accounts SET available = 1.5 WHERE id = 1",
        "UPDATE accounts SET available = -1 WHERE id = 1",
        "UPDATE accounts SET held = -1 WHERE id = 1",
        "UPDATE accounts SET held = 1 WHERE id = 2",
        "INSERT INTO accounts VALUES (3, 'player:1:USD', 'player', 1, 'USD', 0, 0, 0)",
        "INSERT INTO accounts VALUES (3, 'player:9:USD', 'player', 9, 'USD', 0, 0, 0)",
        "INSERT INTO accounts VALUES (3, 'gift:USD', 'gift', NULL, 'USD', 0, 0, 1)",
        "INSERT INTO journal_entries VALUES (2, 'win', 'w', 1, 'USD', 1, 2, 0, 1, 0, 0, zeroblob(32))",
        "INSERT INTO journal_entries VALUES (2, 'win', 'x', 1, 'USD', 0, 2, 0, 1, 0, 0, zeroblob(32))",
        "INSERT INTO journal_entries VALUES (2, 'win', 'x', 1, 'USD', 1, 1, 0, 1, 0, 0, zeroblob(32))",
        "INSERT INTO journal_entries VALUES (2, 'win', 'x', 1, 'USD', 1, 2, 0, 1, 0, 0, zeroblob(31))",
        "INSERT INTO journal_entries VALUES (2, 'win', 'x', 1, 'USD', 1, 7, 0, 1, 0, 0, zeroblob(32))",
        "UPDATE journal_entries SET amount = 1",
        "DELETE FROM journal_entries",
        "UPDATE events SET reason = ''",
        "DELETE FROM events",
        "INSERT INTO events VALUES (1, 't', 'payout.held', 332, 1, NULL, NULL, NULL, NULL, NULL, '', 0)",
        "UPDATE protection_log SET detail = ''",
        "DELETE FROM protection_log",
        "UPDATE players SET limited = 2",
        "INSERT INTO player_limits VALUES (1, 'USD', 'year', 5, NULL, NULL, 0)",
        "INSERT INTO player_limits VALUES (1, 'USD', 'day', -5, NULL, NULL, 0)",
        "UPDATE audit SET detail = ''",
        "DELETE FROM audit",
        "INSERT INTO payouts VALUES ('p', 'c', 332, 1, 0, 'USD', 1, 'queued', NULL, NULL, '', 0, 0)",
        "INSERT INTO payouts VALUES ('p', 'c', 332, 1, 5, 'USD', 10, 'queued', NULL, NULL, '', 0, 0)",
        "INSERT INTO payouts VALUES ('p', 'c', 332, 1, 5, 'USD', 1, 'lost', NULL, NULL, '', 0, 0)",
        "INSERT INTO outbox VALUES ('p', 0, 0, 0)",
        "UPDATE players SET status = 'gone'",
        "DELETE FROM players",
    ];

    for sql in refused {
        let ended = conn.batch_execute(sql);
        assert!(ended.is_err(), "{sql}");
    }
}
