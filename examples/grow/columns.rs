//! The SQL that repeats a day: for each table that the product wrote to, its rows with what must be different put in.
//!
//! It goes by the names and types of columns as the database tells them, so a new column is copied, and a new table too.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use crate::Failure;
use crate::day;
use crate::renaming::{Plan, STEP};

/// Stands for the number of the day in a script.
pub const DAY: &str = "{day}";

/// Tables that are not repeated: what is one for a whole database, and what is made at the end.
const NOT_REPEATED: [&str; 6] = ["meta", "leases", "players", "accounts", "staff", "event_endpoint"];

/// What is counted on from day to day.
pub struct Numbers {
    /// Journal entries of a day.
    pub entries: i64,
    /// Transactions of the Cashier, paid or not.
    pub transactions: i64,
    /// Accounts that are no player's.
    pub house: i64,
    /// When the day began.
    pub began: i64,
    /// The numbers of those accounts in the day, in order; in the grown book they are 1, 2, ….
    house_accounts: Vec<i64>,
}

impl Numbers {
    pub fn of(conn: &mut SqliteConnection) -> Result<Self, Failure> {
        let house: Vec<Number> =
            diesel::sql_query("SELECT id AS number FROM day.accounts WHERE kind <> 'player' ORDER BY id")
                .load(conn)
                .map_err(text)?;
        let house_accounts: Vec<i64> = house.into_iter().map(|account| account.number).collect();
        Ok(Self {
            entries: number(conn, "SELECT count(*) AS number FROM day.journal_entries")?,
            transactions: number(conn, "SELECT count(*) AS number FROM day.question_keys")?,
            house: i64::try_from(house_accounts.len()).map_err(text)?,
            began: number(conn, "SELECT min(created_at) AS number FROM day.players")?,
            house_accounts,
        })
    }

    /// The account in the grown book for the one in `column`, of the player in `player`.
    fn account(&self, column: &str, player: &str) -> String {
        let house = self.house_accounts.iter().zip(1..).map(|(old, new)| format!("WHEN {old} THEN {new} "));
        format!("CASE {column} {}ELSE {} + {player} END", house.collect::<String>(), self.house)
    }
}

/// A column as the database describes it.
#[derive(QueryableByName)]
pub struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    required: bool,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
}

/// The ids that we made on the day, in their order in time.
pub fn ordered_ids(conn: &mut SqliteConnection) -> Result<Vec<String>, Failure> {
    let ids: Vec<Name> = diesel::sql_query(
        "SELECT external_id AS name FROM day.deposits UNION SELECT external_id FROM day.payouts \
         UNION SELECT id FROM day.wallet_transactions ORDER BY 1",
    )
    .load(conn)
    .map_err(text)?;
    Ok(ids.into_iter().filter_map(|id| id.name).collect())
}

/// The statements that write the day once more, as day [`DAY`].
pub fn script(conn: &mut SqliteConnection, numbers: &Numbers, plan: &Plan) -> Result<String, Failure> {
    let tables: Vec<Name> = diesel::sql_query(
        "SELECT name FROM day.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_\\_%' ESCAPE '\\' \
         ORDER BY name <> 'journal_entries', name",
    )
    .load(conn)
    .map_err(text)?;
    let mut script = String::new();
    for table in tables.into_iter().filter_map(|table| table.name) {
        let rows = number(conn, &format!("SELECT count(*) AS number FROM day.{table}"))?;
        if rows == 0 || NOT_REPEATED.contains(&table.as_str()) {
            continue;
        }
        let columns = columns(conn, &table)?;
        let order = if columns.iter().any(|column| column.name == "id") { " ORDER BY id" } else { "" };
        let values: Vec<String> =
            columns.iter().map(|column| value(conn, &table, column, numbers, plan)).collect::<Result<_, _>>()?;
        script += &format!("INSERT INTO main.{table} SELECT {} FROM day.{table}{order};\n", values.join(", "));
    }
    Ok(script)
}

/// What stands in a column on another day.
fn value(
    conn: &mut SqliteConnection,
    table: &str,
    column: &Column,
    numbers: &Numbers,
    plan: &Plan,
) -> Result<String, Failure> {
    let name = &column.name;
    let player = player("player_id", plan);
    let offset = |conn: &mut SqliteConnection, of: &str| -> Result<String, Failure> {
        let last = number(conn, &format!("SELECT max(id) AS number FROM day.{of}"))?;
        Ok(format!("{DAY} * {last}"))
    };
    let new = match (table, name.as_str(), column.kind.as_str()) {
        ("journal_entries", "hash", _) => chained(conn, numbers, plan)?,
        ("journal_entries", "debit_account" | "credit_account", _) => numbers.account(name, &player),
        ("wallet_transactions", "fingerprint", _) => {
            let reference = format!("renamed(reference, {DAY})");
            format!("asked({player}, kind, amount, currency, {reference}, renamed(coalesce(reason, ''), {DAY}))")
        }
        ("wallet_transactions", "available", _) => format!("after(renamed(id, {DAY}), 0)"),
        ("wallet_transactions", "held", _) => format!("after(renamed(id, {DAY}), 1)"),
        ("transitions", "cause", _) => {
            let shift = offset(conn, "webhooks")?;
            format!(
                "CASE WHEN cause LIKE 'webhook %' THEN 'webhook ' || (CAST(substr(cause, 9) AS INTEGER) + {shift}) ELSE cause END"
            )
        }
        (_, "id", "INTEGER") => format!("id + {}", offset(conn, table)?),
        (_, "webhook_id", _) => format!("webhook_id + {}", offset(conn, "webhooks")?),
        (_, "event_id", _) => format!("event_id + {}", offset(conn, "events")?),
        (_, "player_id", _) => player,
        (_, "token", _) => format!("token(token, {DAY})"),
        (_, name, "INTEGER") if name == "at" || name == "since" || name.ends_with("_at") => {
            format!("{name} + {}", times(numbers, plan))
        }
        (_, "digest" | "fingerprint", _) => format!("digest({name}, {DAY})"),
        (_, name, "TEXT") => format!("renamed({name}, {DAY})"),
        (_, name, "BLOB") => format!("renamed_bytes({name}, {DAY})"),
        (_, name, _) => name.to_owned(),
    };
    Ok(if column.required || new == *name { new } else { format!("CASE WHEN {name} IS NULL THEN NULL ELSE {new} END") })
}

/// Every column of the entry before its hash, as it is on the other day.
fn chained(conn: &mut SqliteConnection, numbers: &Numbers, plan: &Plan) -> Result<String, Failure> {
    let columns = columns(conn, "journal_entries")?;
    let others = columns.iter().filter(|column| column.name != "hash");
    let values: Vec<String> =
        others.map(|column| value(conn, "journal_entries", column, numbers, plan)).collect::<Result<_, _>>()?;
    Ok(format!("chained({})", values.join(", ")))
}

/// [`Plan::player`] in SQL.
fn player(column: &str, plan: &Plan) -> String {
    let (factor, players, of_a_day) = (plan.factor(), plan.players, day::PLAYERS);
    format!("(({factor} * (({DAY} * {of_a_day} + {column}) % {players}) + 7) % {players} + 1)")
}

/// What is added to the day's times.
fn times(numbers: &Numbers, plan: &Plan) -> String {
    format!("({DAY} * {STEP} + {})", plan.start - numbers.began)
}

/// The statements that write players and accounts, with what they have in the end.
pub fn ending(conn: &mut SqliteConnection, numbers: &Numbers, plan: &Plan) -> Result<String, Failure> {
    let (players, house) = (plan.players, numbers.house);
    let everybody =
        format!("WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {players}) ");
    let of_players = |column: &Column| match column.name.as_str() {
        "id" => "n".to_owned(),
        "login" => "printf('customer-%07d', n)".to_owned(),
        "created_at" | "updated_at" => plan.start.to_string(),
        other => format!("p.{other}"),
    };
    let of_accounts = |column: &Column| match column.name.as_str() {
        "id" => format!("{house} + n"),
        "code" => "'player:' || n || ':' || a.currency".to_owned(),
        "player_id" => "n".to_owned(),
        "available" => format!("balance({house} + n, 0)"),
        "held" => format!("balance({house} + n, 1)"),
        other => format!("a.{other}"),
    };
    let of_house = |column: &Column| match column.name.as_str() {
        "id" => numbers.account("id", "0"),
        "available" => format!("balance({}, 0)", numbers.account("id", "0")),
        other => other.to_owned(),
    };
    let list =
        |columns: &[Column], of: &dyn Fn(&Column) -> String| columns.iter().map(of).collect::<Vec<_>>().join(", ");
    let (in_players, in_accounts) = (columns(conn, "players")?, columns(conn, "accounts")?);
    Ok(format!(
        "BEGIN; INSERT INTO main.players {everybody} SELECT {} FROM numbers, (SELECT * FROM day.players LIMIT 1) AS p;\n\
         INSERT INTO main.accounts SELECT {} FROM day.accounts WHERE kind <> 'player' ORDER BY id;\n\
         INSERT INTO main.accounts {everybody} SELECT {} FROM numbers, (SELECT * FROM day.accounts WHERE kind = 'player' LIMIT 1) AS a \
         WHERE balance({house} + n, 2) = 1; COMMIT;",
        list(&in_players, &of_players),
        list(&in_accounts, &of_house),
        list(&in_accounts, &of_accounts),
    ))
}

fn columns(conn: &mut SqliteConnection, table: &str) -> Result<Vec<Column>, Failure> {
    diesel::sql_query(format!(
        "SELECT name, type AS kind, (\"notnull\" <> 0) AS required FROM pragma_table_info('{table}', 'day') ORDER BY cid"
    ))
    .load(conn)
    .map_err(text)
}

fn number(conn: &mut SqliteConnection, sql: &str) -> Result<i64, Failure> {
    let found: Number = diesel::sql_query(sql).get_result(conn).map_err(text)?;
    Ok(found.number)
}

fn text(error: impl std::fmt::Display) -> Failure {
    error.to_string()
}
