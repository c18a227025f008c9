//! Migrations go up, down and up again, and the schema in the code is the schema in the database.

use std::collections::BTreeSet;

use croupier::db::migrate::{self, Policy};
use croupier::db::{DbConn, schema};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AsQuery, QueryFragment};
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;

use crate::support::database::{self, TestDatabase, in_words_of};

#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
struct Object {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

const OBJECTS_OF_A_FILE: &str = "SELECT type AS kind, name, coalesce(sql, '') AS sql FROM sqlite_schema \
     WHERE name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' AND name NOT LIKE 'sqlite%\\_\\_diesel%' ESCAPE '\\' ORDER BY name";

const OBJECTS_ON_A_SERVER: &str = "WITH ours AS (\
     SELECT * FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE '\\_\\_diesel%') \
     SELECT CASE relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'i' THEN 'index' WHEN 'S' THEN 'sequence' \
     ELSE relkind::text END AS kind, relname::text AS name, CASE relkind WHEN 'v' THEN pg_get_viewdef(oid) \
     WHEN 'i' THEN pg_get_indexdef(oid) ELSE '' END AS sql FROM ours \
     UNION ALL SELECT 'column', relname || '.' || attname, format_type(atttypid, atttypmod) || ' ' || attnotnull || ' ' || \
     coalesce(attcollation::regcollation::text, '') || ' ' || coalesce(pg_get_expr(adbin, adrelid), '') \
     FROM ours JOIN pg_attribute ON attrelid = ours.oid AND attnum > 0 \
     LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE relkind IN ('r', 'v') \
     UNION ALL SELECT 'constraint', relname || '.' || conname, pg_get_constraintdef(pg_constraint.oid) \
     FROM ours JOIN pg_constraint ON conrelid = ours.oid \
     UNION ALL SELECT 'trigger', relname || '.' || tgname, pg_get_triggerdef(pg_trigger.oid) \
     FROM ours JOIN pg_trigger ON tgrelid = ours.oid WHERE NOT tgisinternal \
     UNION ALL SELECT 'function', proname::text, pg_get_functiondef(oid) FROM pg_proc \
     WHERE pronamespace = 'public'::regnamespace AND proname NOT LIKE 'diesel%' ORDER BY 2, 1";

/// Everything that is in a database besides what the migration tool keeps.
fn objects(conn: &mut DbConn) -> Vec<Object> {
    let sql = match conn {
        DbConn::Sqlite(_) => OBJECTS_OF_A_FILE,
        DbConn::Postgres(_) => OBJECTS_ON_A_SERVER,
    };
    diesel::sql_query(sql).load(conn).expect("the schema")
}

fn nothing() -> (tempfile::TempDir, TestDatabase) {
    let directory = tempfile::TempDir::new().unwrap();
    let database = TestDatabase::empty(directory.path());
    (directory, database)
}

fn prepared(database: &TestDatabase) -> DbConn {
    migrate::prepare(&database.place(), Policy::Migrate).expect("the schema");
    database.connect()
}

#[test]
fn up_down_and_up_again_gives_the_same_schema() {
    let (_directory, database) = nothing();
    let mut conn = prepared(&database);
    let first = objects(&mut conn);
    assert!(first.len() > 20 && first.iter().any(|object| object.kind == "trigger"), "{first:?}");

    migrate::revert_all(&mut conn).expect("down");
    assert_eq!(objects(&mut conn), []);
    drop(conn);
    let mut conn = prepared(&database);

    assert_eq!(objects(&mut conn), first);
    assert_eq!(migrate::prepare(&database.place(), Policy::Refuse).expect("up to date"), Vec::<String>::new());
}

/// threats DUR-12
#[test]
fn an_old_schema_is_refused_where_it_may_not_be_migrated() {
    let (_directory, database) = nothing();

    let refused = migrate::prepare(&database.place(), Policy::Refuse).expect_err("nothing is there yet");

    assert!(refused.to_string().contains("older than this binary"), "{refused}");
    assert!(objects(&mut database.connect()).is_empty());
}

/// The text of a query for every column of a table as the code knows it.
fn select<T: AsQuery>(table: T) -> String
where
    T::Query: QueryFragment<Sqlite> + QueryFragment<Pg>,
{
    let query = table.as_query();
    let text = match database::cluster() {
        None => diesel::debug_query::<Sqlite, _>(&query).to_string(),
        Some(_) => diesel::debug_query::<Pg, _>(&query).to_string().replace('"', "`"),
    };
    text.split(" -- ").next().unwrap_or_default().to_owned()
}

/// One query per table of the code.
fn selects() -> Vec<(&'static str, String)> {
    use schema::*;
    let everywhere = vec![
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
        ("inquiries", select(inquiries::table)),
        ("leases", select(leases::table)),
        ("order_facts", select(order_facts::table)),
        ("order_secrets", select(order_secrets::table)),
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
    ];
    let here = match database::cluster() {
        None => vec![("journal_entries", select(chained_entries::table))],
        Some(_) => vec![
            ("journal_entries", select(journal_entries::table)),
            ("lanes", select(lanes::table)),
            ("seals", select(seals::table)),
            ("turns", select(turns::table)),
            ("unsealed_entries", select(unsealed_entries::table)),
            ("unsealed_events", select(unsealed_events::table)),
        ],
    };
    let views = vec![("sealed_entries", select(sealed_entries::table))];
    everywhere.into_iter().chain(here).chain(views).collect()
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
}

/// The columns of a table, in their order.
fn columns(conn: &mut DbConn, table: &str) -> Vec<String> {
    let sql = match conn {
        DbConn::Sqlite(_) => format!("SELECT name FROM pragma_table_info('{table}')"),
        DbConn::Postgres(_) => format!(
            "SELECT column_name::text AS name FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position"
        ),
    };
    let columns: Vec<Column> = diesel::sql_query(sql).load(conn).expect("the columns");
    columns.into_iter().map(|column| column.name).collect()
}

#[test]
fn every_column_of_every_table_is_known_to_the_code_and_the_other_way_round() {
    let (_directory, database) = nothing();
    let mut conn = prepared(&database);
    let tables: BTreeSet<String> = objects(&mut conn)
        .into_iter()
        .filter(|object| matches!(object.kind.as_str(), "table" | "view") && !object.name.starts_with("sqlite_"))
        .map(|object| object.name)
        .collect();
    let known: BTreeSet<String> = selects().into_iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(tables, known);

    for (table, query) in selects() {
        let query_here = if database.is_postgres() { query.replace('`', "\"") } else { query.clone() };
        diesel::sql_query(&query_here).execute(&mut conn).unwrap_or_else(|error| panic!("{query}: {error}"));
        let there = columns(&mut conn, table);
        let list = query.strip_prefix("SELECT ").and_then(|rest| rest.split(" FROM ").next()).unwrap_or_default();
        let in_code: Vec<String> =
            list.split(", ").filter_map(|column| Some(column.split('`').nth(3)?.to_owned())).collect();
        assert_eq!(in_code, there, "{table}: the columns and their order");
        assert!(there.len() <= 16, "{table} keeps to 16 columns");
    }
}

/// A text column in the order of people would be read in another order than on SQLite.
#[test]
fn every_text_is_compared_byte_by_byte() {
    let (_directory, database) = nothing();
    if !database.is_postgres() {
        return; // SQLite knows no other order.
    }
    let sql = "SELECT relname || '.' || attname AS name FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 \
               WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND relname NOT LIKE '\\_\\_diesel%' \
               AND attcollation <> 0 AND attcollation <> 'pg_catalog.\"C\"'::regcollation";

    let otherwise: Vec<Column> = diesel::sql_query(sql).load(&mut prepared(&database)).expect("the columns");

    assert_eq!(otherwise.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), Vec::<&str>::new());
}

const GOOD_ROWS: &str =
    "INSERT INTO players VALUES (1, 332, 'alice', 'active', TRUE, TRUE, NULL, '{}', 0, 0, NULL, FALSE);
     INSERT INTO events VALUES (1, 't', 'payout.held', 332, 1, NULL, NULL, NULL, NULL, NULL, '', 0);
     INSERT INTO protection_log VALUES (1, 1, 'limit', '', 0);
     INSERT INTO accounts VALUES (1, 'player:1:USD', 'player', 1, 'USD', 100, 0, FALSE);
     INSERT INTO accounts VALUES (2, 'games:332:USD', 'games', NULL, 'USD', -100, 0, TRUE);
     INSERT INTO audit VALUES (1, 0, 'a', 'b', 'c', 'd', zeroblob(32));";

const GOOD_IN_A_FILE: &str =
    "INSERT INTO journal_entries VALUES (1, 'win', 'w', 1, 'USD', 100, 2, 0, 1, 0, 0, zeroblob(32));";

/// What only a file must be told: there are no booleans and no integers there but by a check.
const REFUSED_IN_A_FILE: [&str; 7] = [
    "UPDATE accounts SET available = 1.5 WHERE id = 1",
    "UPDATE players SET limited = 2",
    "INSERT INTO journal_entries VALUES (2, 'win', 'w', 1, 'USD', 1, 2, 0, 1, 0, 0, zeroblob(32))",
    "INSERT INTO journal_entries VALUES (2, 'win', 'x', 1, 'USD', 0, 2, 0, 1, 0, 0, zeroblob(32))",
    "INSERT INTO journal_entries VALUES (2, 'win', 'x', 1, 'USD', 1, 1, 0, 1, 0, 0, zeroblob(32))",
    "INSERT INTO journal_entries VALUES (2, 'win', 'x', 1, 'USD', 1, 2, 0, 1, 0, 0, zeroblob(31))",
    "INSERT INTO journal_entries VALUES (2, 'win', 'x', 1, 'USD', 1, 7, 0, 1, 0, 0, zeroblob(32))",
];

const GOOD_ON_A_SERVER: &str =
    "INSERT INTO journal_entries VALUES (1, 'win', 'w', 1, 'USD', 100, 2, FALSE, 1, FALSE, 0);
     INSERT INTO seals VALUES (1, 1, zeroblob(32));";

/// There the hash stands beside the entry, and nothing may be emptied at once.
const REFUSED_ON_A_SERVER: [&str; 15] = [
    "INSERT INTO journal_entries VALUES (2, 'win', 'w', 1, 'USD', 1, 2, FALSE, 1, FALSE, 0)",
    "INSERT INTO journal_entries VALUES (2, 'win', 'x', 1, 'USD', 0, 2, FALSE, 1, FALSE, 0)",
    "INSERT INTO journal_entries VALUES (2, 'win', 'x', 1, 'USD', 1, 1, FALSE, 1, FALSE, 0)",
    "INSERT INTO seals VALUES (1, 2, zeroblob(32))",
    "INSERT INTO seals VALUES (2, 1, zeroblob(32))",
    "INSERT INTO seals VALUES (2, 2, zeroblob(31))",
    "UPDATE seals SET hash = zeroblob(32)",
    "DELETE FROM seals",
    "TRUNCATE journal_entries CASCADE",
    "TRUNCATE seals",
    "TRUNCATE events",
    "TRUNCATE audit",
    "TRUNCATE protection_log",
    "DELETE FROM journal_entries WHERE id = 1",
    "UPDATE audit SET hash = zeroblob(32)",
];

/// threats DUR-11: neither another type nor a contradiction gets into a table, whoever writes it.
#[test]
fn the_tables_themselves_refuse_what_is_no_row_of_theirs() {
    use diesel::connection::SimpleConnection;
    let (_directory, database) = nothing();
    let mut conn = prepared(&database);
    let good = format!("{GOOD_ROWS} {}", if database.is_postgres() { GOOD_ON_A_SERVER } else { GOOD_IN_A_FILE });
    conn.batch_execute(&in_words_of(&conn, &good)).expect("good rows");
    let refused = [
        "UPDATE accounts SET available = 'many' WHERE id = 1",
        "UPDATE accounts SET available = -1 WHERE id = 1",
        "UPDATE accounts SET held = -1 WHERE id = 1",
        "UPDATE accounts SET held = 1 WHERE id = 2",
        "INSERT INTO accounts VALUES (3, 'player:1:USD', 'player', 1, 'USD', 0, 0, FALSE)",
        "INSERT INTO accounts VALUES (3, 'player:9:USD', 'player', 9, 'USD', 0, 0, FALSE)",
        "INSERT INTO accounts VALUES (3, 'gift:USD', 'gift', NULL, 'USD', 0, 0, TRUE)",
        "UPDATE journal_entries SET amount = 1",
        "DELETE FROM journal_entries",
        "UPDATE events SET reason = ''",
        "DELETE FROM events",
        "INSERT INTO events VALUES (1, 't', 'payout.held', 332, 1, NULL, NULL, NULL, NULL, NULL, '', 0)",
        "UPDATE protection_log SET detail = ''",
        "DELETE FROM protection_log",
        "INSERT INTO player_limits VALUES (1, 'USD', 'year', 5, NULL, NULL, 0)",
        "INSERT INTO player_limits VALUES (1, 'USD', 'day', -5, NULL, NULL, 0)",
        "UPDATE audit SET detail = ''",
        "DELETE FROM audit",
        "INSERT INTO payouts VALUES ('p', 'c', 332, 1, 0, 'USD', 1, 'queued', NULL, NULL, '', 0, 0)",
        "INSERT INTO payouts VALUES ('p', 'c', 332, 1, 5, 'USD', 10, 'queued', NULL, NULL, '', 0, 0)",
        "INSERT INTO payouts VALUES ('p', 'c', 332, 1, 5, 'USD', 1, 'lost', NULL, NULL, '', 0, 0)",
        "INSERT INTO outbox VALUES ('p', 0, 0, FALSE)",
        "UPDATE players SET status = 'gone'",
        "DELETE FROM players",
    ];

    let here: &[&str] = if database.is_postgres() { &REFUSED_ON_A_SERVER } else { &REFUSED_IN_A_FILE };
    for sql in refused.iter().chain(here) {
        let ended = conn.batch_execute(&in_words_of(&conn, sql));
        let said = ended.expect_err(sql).to_string();
        let for_nothing = ["syntax error", "is of type", "does not exist", "more expressions", "no such"];
        assert!(!for_nothing.iter().any(|other| said.contains(other)), "{sql}: {said}");
    }
}
