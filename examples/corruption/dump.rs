//! All money data as text, read by the tables themselves and by each of their indexes, since the service reads by both.

use std::collections::BTreeMap;
use std::path::Path;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::columns::why_not;
use crate::options::Failure;

/// Every line of every table and index, by its name.
pub type Dump = BTreeMap<String, Vec<String>>;

/// A column of a table.
#[derive(Debug, Clone, QueryableByName)]
pub struct Column {
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Text, column_name = "type")]
    pub kind: String,
    /// Its place in the key, from 1; 0 when it is not part of it.
    #[diesel(sql_type = BigInt)]
    pub pk: i64,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    line: Option<String>,
}

/// The texts of a query with one column named `line`.
pub fn lines(conn: &mut SqliteConnection, sql: &str) -> QueryResult<Vec<String>> {
    let rows: Vec<Line> = diesel::sql_query(sql).load(conn)?;
    Ok(rows.into_iter().map(|row| row.line.unwrap_or_default()).collect())
}

/// The tables of the books, without those that say what the schema is.
pub fn tables(conn: &mut SqliteConnection) -> QueryResult<Vec<String>> {
    lines(
        conn,
        "SELECT name AS line FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
         AND name NOT LIKE '__diesel_%' ORDER BY name",
    )
}

pub fn columns(conn: &mut SqliteConnection, table: &str) -> QueryResult<Vec<Column>> {
    diesel::sql_query(format!("SELECT name, type, pk FROM pragma_table_info('{table}')")).load(conn)
}

fn quoted<'a>(columns: impl Iterator<Item = &'a str>) -> String {
    columns.map(|column| format!("quote(\"{column}\")")).collect::<Vec<_>>().join(" || '|' || ")
}

/// Everything that is money in the database at this path.
///
/// # Errors
///
/// It cannot be read.
pub fn dump(database: &Path) -> Result<Dump, Failure> {
    let path = database.to_str().ok_or("a path is no text")?;
    let mut conn = SqliteConnection::establish(path).map_err(|error| error.to_string())?;
    read(&mut conn).map_err(|error| error.to_string())
}

fn read(conn: &mut SqliteConnection) -> QueryResult<Dump> {
    let mut dump = Dump::new();
    for table in tables(conn)? {
        let columns = columns(conn, &table)?;
        let is_money = |column: &str| why_not(&table, column).is_none();
        let money: Vec<&str> =
            columns.iter().map(|column| column.name.as_str()).filter(|name| is_money(name)).collect();
        if money.is_empty() {
            continue;
        }
        let mut keys: Vec<&Column> = columns.iter().filter(|column| column.pk > 0).collect();
        keys.sort_by_key(|column| column.pk);
        let order: Vec<String> = keys.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let sql =
            format!("SELECT {} AS line FROM {table} ORDER BY {}", quoted(money.iter().copied()), order.join(", "));
        dump.insert(table.clone(), lines(conn, &sql)?);
        let indexes =
            format!("SELECT name AS line FROM pragma_index_list('{table}') WHERE partial = 0 AND origin <> 'pk'");
        for index in lines(conn, &indexes)? {
            let of_index =
                lines(conn, &format!("SELECT name AS line FROM pragma_index_info('{index}') ORDER BY seqno"))?;
            let of_index = quoted(of_index.iter().map(String::as_str).filter(|name| is_money(name)));
            if !of_index.is_empty() {
                let sql = format!("SELECT {of_index} AS line FROM {table} INDEXED BY {index} ORDER BY 1");
                dump.insert(format!("{table} by {index}"), lines(conn, &sql)?);
            }
        }
    }
    Ok(dump)
}

/// Where two dumps differ first.
pub fn difference(before: &Dump, after: &Dump) -> Option<String> {
    for (name, lines) in before {
        let none = Vec::new();
        let now = after.get(name).unwrap_or(&none);
        if why_not(name.split(' ').next().unwrap_or(name), "(row)").is_some() {
            // Rows may be gone; those that are left must be as they were.
            match now.iter().find(|line| !lines.contains(line)) {
                Some(line) => return Some(format!("{name}: {line} was not there before")),
                None => continue,
            }
        }
        let at = lines.iter().zip(now).position(|(before, now)| before != now);
        if let Some(at) = at {
            return Some(format!("{name}: {} is now {}", lines[at], now[at]));
        }
        if lines.len() != now.len() {
            return Some(format!("{name}: {} rows are now {}", lines.len(), now.len()));
        }
    }
    None
}
