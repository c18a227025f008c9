//! Balances written: many rows in one round trip where a server is asked, one prepared statement in a file.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool};
use diesel::sqlite::Sqlite;

use super::connection::DbConn;

/// What an account has now: its number, available, held, whether it may go below zero.
pub type Balances = (i64, i64, i64, bool);

/// Writes what accounts have now.
///
/// # Errors
///
/// `NotFound` when one of them is not there, or what the database says.
pub fn set_balances(conn: &mut DbConn, rows: &[Balances]) -> QueryResult<()> {
    let changed = match conn {
        DbConn::Sqlite(conn) => {
            let mut changed = 0;
            for row in rows {
                changed += SetBalance(row).execute(conn)?;
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

/// What an account has now, as one statement of the same text every time: Diesel's own UPDATE is parsed again at every use, for its text
/// may depend on its values, and there is one for every account of a batch.
struct SetBalance<'a>(&'a Balances);

impl QueryFragment<Sqlite> for SetBalance<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let (id, available, held, may_go_negative) = self.0;
        out.push_sql("UPDATE accounts SET available = ");
        out.push_bind_param::<BigInt, _>(available)?;
        out.push_sql(", held = ");
        out.push_bind_param::<BigInt, _>(held)?;
        out.push_sql(", may_go_negative = ");
        out.push_bind_param::<Bool, _>(may_go_negative)?;
        out.push_sql(" WHERE id = ");
        out.push_bind_param::<BigInt, _>(id)
    }
}

impl QueryId for SetBalance<'_> {
    type QueryId = SetBalance<'static>;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<SqliteConnection> for SetBalance<'_> {}
