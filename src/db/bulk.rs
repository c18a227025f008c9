//! Balances written: many rows in one round trip where a server is asked, one prepared statement in a file.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool};

use super::cached::{Fixed, Value};
use super::connection::DbConn;

/// What an account has now: its number, available, held, whether it may go below zero.
pub type Balances = (i64, i64, i64, bool);

/// Writes what accounts have now.
///
/// # Errors
///
/// `NotFound` when one of them is not there, or what the database says.
pub fn set_balances(conn: &mut DbConn, rows: &[Balances]) -> QueryResult<()> {
    enum SetBalance {}
    let changed = match conn {
        DbConn::Sqlite(conn) => {
            let mut changed = 0;
            let text = &["UPDATE accounts SET available = ", ", held = ", ", may_go_negative = ", " WHERE id = "];
            for (id, available, held, may_go_negative) in rows {
                let (available, held) = (Value::Number(*available), Value::Number(*held));
                let values = [available, held, Value::Flag(*may_go_negative), Value::Number(*id)];
                changed += Fixed::<SetBalance>::new(text, &values).execute(conn)?;
            }
            changed
        }
        DbConn::Postgres(conn) if rows.is_empty() => {
            let _nothing_to_ask = conn;
            0
        }
        DbConn::Postgres(conn) => {
            let column = |of: fn(&Balances) -> i64| rows.iter().map(of).collect::<Vec<_>>();
            let flags: Vec<bool> = rows.iter().map(|row| row.3).collect();
            diesel::sql_query(
                "UPDATE accounts SET available = new.available, held = new.held, may_go_negative = new.may_go_negative \
                 FROM unnest($1, $2, $3, $4) AS new (id, available, held, may_go_negative) WHERE accounts.id = new.id",
            )
            .bind::<Array<BigInt>, _>(column(|row| row.0))
            .bind::<Array<BigInt>, _>(column(|row| row.1))
            .bind::<Array<BigInt>, _>(column(|row| row.2))
            .bind::<Array<Bool>, _>(flags)
            .execute(conn)?
        }
    };
    if changed == rows.len() { Ok(()) } else { Err(diesel::result::Error::NotFound) }
}
