//! The pool of connections that only read.

use diesel::connection::SimpleConnection;
use diesel::r2d2::{Error as PoolError, ManageConnection, R2D2Connection};

use super::connection::{DbConn, connect_read_only};
use super::place::Place;

/// Opens and looks after pooled readers. Ours and not Diesel's, which would try one kind of database after the other and lose the
/// reason why neither opens.
#[derive(Debug)]
pub(super) struct Readers(pub Place);

impl ManageConnection for Readers {
    type Connection = DbConn;
    type Error = PoolError;

    fn connect(&self) -> Result<DbConn, PoolError> {
        let failed =
            |error: super::OpenError| PoolError::ConnectionError(diesel::ConnectionError::BadConnection(error.0));
        let mut conn = connect_read_only(&self.0).map_err(failed)?;
        if let DbConn::Postgres(conn) = &mut conn {
            conn.batch_execute("SET statement_timeout = '60s'").map_err(PoolError::QueryError)?;
        }
        Ok(conn)
    }

    fn is_valid(&self, conn: &mut DbConn) -> Result<(), PoolError> {
        match conn {
            // A file does not go away.
            DbConn::Sqlite(_) => Ok(()),
            DbConn::Postgres(conn) => conn.batch_execute("SELECT 1").map_err(PoolError::QueryError),
        }
    }

    fn has_broken(&self, conn: &mut DbConn) -> bool {
        std::thread::panicking() || R2D2Connection::is_broken(conn)
    }
}
