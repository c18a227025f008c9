//! Who did what in the back office: append-only, each row sealed with the one before (threats ADM-7).

use diesel::prelude::*;
use sha2::{Digest, Sha256};

use crate::clock::Micros;
use crate::db::schema::audit;
use crate::db::{DbConn, WriteTx};
use crate::error::Error;

/// Rows read at once while verifying.
const PAGE: i64 = 1000;

/// Problems listed at most; after so many the rest adds nothing.
const PROBLEMS: usize = 100;

/// One thing somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit, treat_none_as_default_value = false)]
pub struct AuditRow {
    /// 1 for the first one; no gaps.
    pub id: i64,
    /// When.
    pub at: Micros,
    /// Who: a name of staff, or `cli`.
    pub actor: String,
    /// What, a stable word: `payout.approve`, `staff.role`.
    pub act: String,
    /// On what: `payout:<external_id>`, `staff:<name>`.
    pub subject: String,
    /// Details and reason, in words. Never a secret.
    pub detail: String,
    /// SHA-256 over the hash before and every column.
    pub hash: Vec<u8>,
}

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// How many rows there are.
    pub rows: i64,
    /// The id and hash of the last row; id 0 and the chain's start when there is none. Keep it outside the database:
    /// rows cut off at the end leave a chain that holds.
    pub head: (i64, [u8; 32]),
    /// What is wrong, the first bad row first; at most a hundred.
    pub problems: Vec<String>,
}

/// What stands before the first row of the chain.
pub fn chain_start() -> [u8; 32] {
    Sha256::digest(b"croupier audit").into()
}

/// Writes down what somebody did, in the transaction of its effect. Returns the row's number.
///
/// # Errors
///
/// What the database says, or `Internal` when the last row is damaged.
pub fn append(
    tx: &mut WriteTx<'_>,
    actor: &str,
    act: &str,
    subject: &str,
    detail: &str,
    at: Micros,
) -> Result<i64, Error> {
    let conn = tx.conn()?;
    let (last, before) = head(conn)?;
    let mut row = AuditRow {
        id: last + 1,
        at,
        actor: actor.to_owned(),
        act: act.to_owned(),
        subject: subject.to_owned(),
        detail: detail.to_owned(),
        hash: Vec::new(),
    };
    row.hash = seal(&row, &before).to_vec();
    diesel::insert_into(audit::table).values(&row).execute(conn)?;
    Ok(row.id)
}

/// The id and hash of the last row; id 0 and the chain's start when there is none.
///
/// # Errors
///
/// What the database says, or `Internal` when the hash is not one.
pub fn head(conn: &mut DbConn) -> Result<(i64, [u8; 32]), Error> {
    let last: Option<(i64, Vec<u8>)> =
        audit::table.select((audit::id, audit::hash)).order(audit::id.desc()).first(conn).optional()?;
    let Some((id, hash)) = last else { return Ok((0, chain_start())) };
    let hash = hash.try_into().map_err(|_| Error::Internal(format!("audit row {id} has no hash")))?;
    Ok((id, hash))
}

/// The hash of one row, to compare with a head that was kept outside the database. The chain's start for number 0.
///
/// # Errors
///
/// What the database says.
pub fn hash_of(conn: &mut DbConn, id: i64) -> QueryResult<Option<Vec<u8>>> {
    if id == 0 {
        return Ok(Some(chain_start().to_vec()));
    }
    audit::table.find(id).select(audit::hash).first(conn).optional()
}

/// Rows after the one numbered `after`, oldest first.
///
/// # Errors
///
/// What the database says.
pub fn list(conn: &mut DbConn, after: i64, limit: i64) -> QueryResult<Vec<AuditRow>> {
    audit::table.filter(audit::id.gt(after)).order(audit::id).limit(limit).select(AuditRow::as_select()).load(conn)
}

/// Follows the chain from its start and names what does not fit.
///
/// # Errors
///
/// What the database says.
pub fn verify(conn: &mut DbConn) -> Result<AuditReport, Error> {
    let mut walk = Walk { rows: 0, head: (0, chain_start()), problems: Vec::new() };
    let mut after = i64::MIN;
    loop {
        let page = list(conn, after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.id;
        page.iter().for_each(|row| walk.step(row));
    }
    walk.problems.truncate(PROBLEMS);
    Ok(AuditReport { rows: walk.rows, head: walk.head, problems: walk.problems })
}

struct Walk {
    rows: i64,
    head: (i64, [u8; 32]),
    problems: Vec<String>,
}

impl Walk {
    fn step(&mut self, row: &AuditRow) {
        self.rows += 1;
        let (last, before) = self.head;
        let stored: Option<[u8; 32]> = row.hash.as_slice().try_into().ok();
        if row.id < 1 {
            self.problem(format!("audit row {} does not belong: numbers start at 1", row.id));
            return;
        }
        match row.id - last {
            1 if stored == Some(seal(row, &before)) => {}
            1 => self.problem(format!("audit row {} was changed: it does not match its hash", row.id)),
            2 => self.problem(format!("audit row {} is missing", last + 1)),
            _ => self.problem(format!("audit rows {} to {} are missing", last + 1, row.id - 1)),
        }
        self.head = (row.id, stored.unwrap_or_default());
    }

    fn problem(&mut self, text: String) {
        if self.problems.len() < PROBLEMS {
            self.problems.push(text);
        }
    }
}

/// Texts carry their length, so no two rows read alike.
fn seal(row: &AuditRow, before: &[u8; 32]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(before);
    for text in [&row.actor, &row.act, &row.subject, &row.detail] {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    for number in [row.id, row.at] {
        hasher.update(number.to_be_bytes());
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;

    use super::*;
    use crate::db::immediately;
    use crate::staff::testing::Books;

    fn books_with(rows: i64) -> Books {
        let mut books = Books::new();
        immediately(&mut books.conn, |tx| {
            (1..=rows).try_for_each(|n| append(tx, "ann", "payout.approve", "payout:a", "because", n).map(|_| ()))
        })
        .unwrap();
        books
    }

    fn tampered(rows: i64, sql: &str) -> AuditReport {
        let mut books = books_with(rows);
        let open = "DROP TRIGGER audit_rows_are_never_changed; DROP TRIGGER audit_rows_are_never_deleted;";
        books.tamper(&format!("{open} {sql}"));
        verify(&mut books.conn).unwrap()
    }

    #[test]
    fn an_untouched_chain_holds_across_pages() {
        let mut books = books_with(PAGE + 2);

        let report = verify(&mut books.conn).unwrap();

        assert_eq!((report.rows, report.problems.len()), (PAGE + 2, 0));
        assert_eq!(report.head, head(&mut books.conn).unwrap());
        assert_eq!(hash_of(&mut books.conn, report.head.0).unwrap(), Some(report.head.1.to_vec()));
        assert_eq!(list(&mut books.conn, PAGE, 10).unwrap().iter().map(|row| row.id).collect::<Vec<_>>(), [1001, 1002]);
    }

    #[test]
    fn an_empty_audit_has_a_start_and_no_problems() {
        let report = verify(&mut Books::new().conn).unwrap();

        assert_eq!(report, AuditReport { rows: 0, head: (0, chain_start()), problems: Vec::new() });
    }

    #[test]
    fn the_database_refuses_changes() {
        let mut books = books_with(2);
        for sql in ["UPDATE audit SET actor = 'bob'", "DELETE FROM audit", "DELETE FROM audit WHERE id = 2"] {
            assert!(books.conn.batch_execute(sql).is_err(), "{sql}");
        }
    }

    #[test]
    fn every_change_is_found_and_the_first_bad_row_is_named() {
        let edits = [
            "SET actor = 'bob'",
            "SET act = 'payout.decline'",
            "SET subject = 'payout:b'",
            "SET detail = ''",
            "SET at = at + 1",
            "SET hash = zeroblob(32)",
            "SET actor = 'annp', act = 'ayout.approve'",
        ];
        for edit in edits {
            let report = tampered(5, &format!("UPDATE audit {edit} WHERE id = 3"));
            assert_eq!(report.problems[0], "audit row 3 was changed: it does not match its hash", "{edit}");
        }
    }

    #[test]
    fn missing_and_foreign_rows_are_named() {
        let gap = tampered(5, "DELETE FROM audit WHERE id = 2");
        let start = tampered(5, "DELETE FROM audit WHERE id <= 2");
        let moved = tampered(5, "UPDATE audit SET id = 9 WHERE id = 5");
        let foreign = tampered(2, "INSERT INTO audit VALUES (0, 0, 'a', 'b', 'c', 'd', zeroblob(32))");
        let forged = tampered(2, "INSERT INTO audit VALUES (3, 0, 'a', 'b', 'c', 'd', zeroblob(32))");

        assert_eq!(gap.problems, ["audit row 2 is missing"]);
        assert_eq!(start.problems, ["audit rows 1 to 2 are missing"]);
        assert_eq!(moved.problems, ["audit rows 5 to 8 are missing"]);
        assert_eq!(foreign.problems, ["audit row 0 does not belong: numbers start at 1"]);
        assert_eq!(forged.problems, ["audit row 3 was changed: it does not match its hash"]);
    }

    #[test]
    fn rows_cut_off_at_the_end_show_only_in_the_head() {
        let report = tampered(5, "DELETE FROM audit WHERE id > 3");

        assert_eq!((report.problems.len(), report.head.0), (0, 3));
    }

    #[test]
    fn a_failed_transaction_leaves_no_row() {
        let mut books = books_with(1);

        let failed: Result<(), Error> = immediately(&mut books.conn, |tx| {
            append(tx, "ann", "staff.add", "staff:bob", "", 5)?;
            Err(Error::Busy)
        });

        assert!(failed.is_err());
        assert_eq!(head(&mut books.conn).unwrap().0, 1);
    }
}
