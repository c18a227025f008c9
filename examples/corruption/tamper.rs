//! Values changed by SQL, as somebody would who has the file: triggers dropped, one value of one row at a time.

use std::collections::HashSet;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::dump::{Column, columns, lines, tables};
use crate::options::Failure;

/// One change, as one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub table: String,
    /// `(row)`: the row is taken away.
    pub column: String,
    pub sql: String,
}

fn open(database: &Path) -> Result<SqliteConnection, Failure> {
    let path = database.to_str().ok_or("a path is no text")?;
    SqliteConnection::establish(path).map_err(|error| error.to_string())
}

/// Takes away what the database itself has against changes.
pub fn disarm(database: &Path) -> Result<(), Failure> {
    let mut conn = open(database)?;
    let drops = "SELECT 'DROP TRIGGER ' || name AS line FROM sqlite_schema WHERE type = 'trigger'";
    let mut disarm = || -> QueryResult<()> {
        for drop in lines(&mut conn, drops)? {
            conn.batch_execute(&drop)?;
        }
        conn.batch_execute("PRAGMA journal_mode = DELETE")
    };
    disarm().map_err(|error| error.to_string())
}

/// Makes one change. `false`: the schema does not take it.
pub fn make(database: &Path, change: &Change) -> Result<bool, Failure> {
    let mut conn = open(database)?;
    let fast = "PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF";
    conn.batch_execute(fast).map_err(|error| error.to_string())?;
    Ok(diesel::sql_query(&change.sql).execute(&mut conn).is_ok_and(|rows| rows == 1))
}

/// For every column of every table, what is tried in some of its rows; the first that the schema takes counts. Each with the table and
/// the column.
pub fn plan(database: &Path, rows: usize) -> Result<Vec<Vec<Change>>, Failure> {
    let mut conn = open(database)?;
    let mut plan = Vec::new();
    let mut planned = || -> QueryResult<()> {
        for table in tables(&mut conn)? {
            let columns = columns(&mut conn, &table)?;
            let keys: Vec<&Column> = columns.iter().filter(|column| column.pk > 0).collect();
            for key in chosen_rows(&mut conn, &table, &keys, rows)? {
                let change =
                    |column: &str, sql: String| Change { table: table.clone(), column: column.to_owned(), sql };
                plan.push(vec![change("(row)", format!("DELETE FROM {table} WHERE {key}"))]);
                for column in &columns {
                    let name = &column.name;
                    let values = values(&mut conn, &table, column, &key)?;
                    let update =
                        |value: String| change(name, format!("UPDATE {table} SET \"{name}\" = {value} WHERE {key}"));
                    plan.push(values.into_iter().map(update).collect());
                }
            }
        }
        Ok(())
    };
    planned().map_err(|error| error.to_string())?;
    Ok(plan)
}

/// Conditions for some rows: the first, the last, and others evenly between them.
fn chosen_rows(conn: &mut SqliteConnection, table: &str, keys: &[&Column], most: usize) -> QueryResult<Vec<String>> {
    let parts = keys.iter().map(|key| format!("'\"{0}\" = ' || quote(\"{0}\")", key.name)).collect::<Vec<_>>();
    let all = lines(conn, &format!("SELECT {} AS line FROM {table}", parts.join(" || ' AND ' || ")))?;
    if all.len() <= most {
        return Ok(all);
    }
    let last = all.len() - 1;
    let mut places: Vec<usize> = (0..most).map(|nth| nth * last / most.saturating_sub(1).max(1)).collect();
    places.dedup();
    Ok(places.into_iter().map(|place| all[place].clone()).collect())
}

/// Other values than the one that is there: the next one, one that another row has, one that nobody has.
fn values(conn: &mut SqliteConnection, table: &str, column: &Column, key: &str) -> QueryResult<Vec<String>> {
    let name = &column.name;
    let now = lines(conn, &format!("SELECT quote(\"{name}\") AS line FROM {table} WHERE {key}"))?;
    let now = now.into_iter().next().unwrap_or_default();
    let made = match column.kind.as_str() {
        "INTEGER" if now == "NULL" => vec!["1".to_owned()],
        "INTEGER" => vec![format!("{now} + 1"), format!("{now} - 1")],
        "BLOB" if now == "NULL" => vec!["x'00'".to_owned()],
        // The same length: the first byte is another one.
        "BLOB" => vec![format!("x'00' || substr({now}, 2)"), format!("x'01' || substr({now}, 2)")],
        _ if now == "NULL" => vec!["'x'".to_owned()],
        _ => vec![format!("substr({now}, 1, length({now}) - 1) || 'x'"), format!("{now} || 'x'")],
    };
    let others =
        format!("SELECT DISTINCT quote(\"{name}\") AS line FROM {table} WHERE \"{name}\" IS NOT {now} LIMIT 5");
    let mut known = HashSet::from([now]);
    let all = made.into_iter().chain(lines(conn, &others)?);
    Ok(all.filter(|value| known.insert(value.clone())).collect())
}
