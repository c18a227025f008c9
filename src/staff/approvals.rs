//! Four eyes: some acts happen only when two different people want the same thing (threats ADM-6, R10).

use diesel::prelude::*;

use crate::clock::Micros;
use crate::db::schema::approvals;
use crate::db::{DbConn, Numbered, WriteTx};
use crate::error::Error;

/// Somebody's yes that waits for another one.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = approvals, treat_none_as_default_value = false)]
pub struct Approval {
    /// Its number.
    pub id: i64,
    /// What it is about: `payout:<external_id>`.
    pub subject: String,
    /// What is to be done, with everything that two people must want alike: `approve`, `resolve:succeeded`.
    pub act: String,
    /// Who said yes.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Used up, or withdrawn.
    pub spent: bool,
    /// When.
    pub at: Micros,
}

/// Whether enough people agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agreement {
    /// Not yet.
    Waiting {
        /// How many have said yes.
        approvals: usize,
        /// How many must.
        required: usize,
    },
    /// It may happen now.
    Agreed {
        /// Who said yes, in order of time.
        by: Vec<String>,
    },
}

/// `actor` wants `act` done to `subject`. `required` is 1 or 2; with 1 it is agreed at once and nothing is stored.
/// An agreement uses up every yes about the subject, also to another act: what people thought before it happened says nothing
/// about what they want after it.
///
/// # Errors
///
/// `Conflict`: the same person said yes already, and another one must.
pub fn agree(
    tx: &mut WriteTx<'_>,
    subject: &str,
    act: &str,
    actor: &str,
    reason: &str,
    required: usize,
    at: Micros,
) -> Result<Agreement, Error> {
    assert!((1..=2).contains(&required), "one or two people agree, not {required}");
    let waiting: Vec<Approval> = pending(tx.read()?, subject)?.into_iter().filter(|one| one.act == act).collect();
    let before: Vec<&str> = waiting.iter().map(|one| one.actor.as_str()).collect();
    if !is_agreed(&before, actor, required)? {
        insert(tx, subject, act, actor, reason, at)?;
        return Ok(Agreement::Waiting { approvals: before.len() + 1, required });
    }
    withdraw(tx, subject)?;
    let others = waiting.into_iter().map(|one| one.actor).filter(|other| !other.eq_ignore_ascii_case(actor));
    let by = others.chain([actor.to_owned()]).collect();
    Ok(Agreement::Agreed { by })
}

/// Whether enough people agree when `actor` says yes after those who said it `before`, to the same act about the same subject.
///
/// # Errors
///
/// `Conflict`: the same person said yes already, and another one must.
pub fn is_agreed(before: &[&str], actor: &str, required: usize) -> Result<bool, Error> {
    if required > 1 && before.iter().any(|other| other.eq_ignore_ascii_case(actor)) {
        return Err(Error::Conflict("the same person cannot approve twice".into()));
    }
    Ok(before.len() + 1 >= required)
}

/// The yeses about `subject` that wait for another one, oldest first.
///
/// # Errors
///
/// What the database says.
pub fn pending(conn: &mut DbConn, subject: &str) -> QueryResult<Vec<Approval>> {
    approvals::table
        .filter(approvals::subject.eq(subject))
        .filter(approvals::spent.eq(false))
        .order(approvals::id)
        .select(Approval::as_select())
        .load(conn)
}

/// Every yes about `subject`, used up or not, oldest first.
///
/// # Errors
///
/// What the database says.
pub fn of_subject(conn: &mut DbConn, subject: &str) -> QueryResult<Vec<Approval>> {
    approvals::table
        .filter(approvals::subject.eq(subject))
        .order(approvals::id)
        .select(Approval::as_select())
        .load(conn)
}

/// Takes back every yes about `subject` that waits: it was declined, or has ended another way. Returns how many there were.
///
/// # Errors
///
/// What the database says.
pub fn withdraw(tx: &mut WriteTx<'_>, subject: &str) -> QueryResult<usize> {
    let waiting = approvals::table.filter(approvals::subject.eq(subject)).filter(approvals::spent.eq(false));
    diesel::update(waiting).set(approvals::spent.eq(true)).execute(tx.conn()?)
}

/// Takes back every yes of `actor` that waits: who may no longer approve must not be one of two. Returns how many there were.
///
/// # Errors
///
/// What the database says.
pub fn withdraw_of(tx: &mut WriteTx<'_>, actor: &str) -> QueryResult<usize> {
    let waiting = approvals::table.filter(approvals::actor.eq(actor)).filter(approvals::spent.eq(false));
    diesel::update(waiting).set(approvals::spent.eq(true)).execute(tx.conn()?)
}

fn insert(tx: &mut WriteTx<'_>, subject: &str, act: &str, actor: &str, reason: &str, at: Micros) -> QueryResult<()> {
    let row = Approval {
        id: tx.next_number(Numbered::Approvals)?,
        subject: subject.to_owned(),
        act: act.to_owned(),
        actor: actor.to_owned(),
        reason: reason.to_owned(),
        spent: false,
        at,
    };
    diesel::insert_into(approvals::table).values(row).execute(tx.conn()?).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::immediately;
    use crate::staff::testing::Books;

    const FIRST: Agreement = Agreement::Waiting { approvals: 1, required: 2 };

    fn ask(books: &mut Books, subject: &str, act: &str, actor: &str, required: usize) -> Result<Agreement, Error> {
        immediately(&mut books.conn, |tx| agree(tx, subject, act, actor, "why", required, 7))
    }

    fn both() -> Agreement {
        Agreement::Agreed { by: vec!["ann".into(), "bob".into()] }
    }

    #[test]
    fn one_person_is_enough_when_one_is_required_and_nothing_is_stored() {
        let mut books = Books::new();

        let agreed = ask(&mut books, "payout:a", "approve", "ann", 1).unwrap();

        assert_eq!(agreed, Agreement::Agreed { by: vec!["ann".into()] });
        assert!(of_subject(&mut books.conn, "payout:a").unwrap().is_empty());
    }

    #[test]
    fn the_same_person_never_counts_twice() {
        let mut books = Books::new();
        assert_eq!(ask(&mut books, "payout:a", "approve", "ann", 2).unwrap(), FIRST);

        for name in ["ann", "Ann", "ANN", "ann"] {
            let again = ask(&mut books, "payout:a", "approve", name, 2);
            assert!(matches!(again, Err(Error::Conflict(text)) if text == "the same person cannot approve twice"));
        }
        assert_eq!(pending(&mut books.conn, "payout:a").unwrap().len(), 1);
        assert_eq!(ask(&mut books, "payout:a", "approve", "bob", 2).unwrap(), both());
    }

    #[test]
    fn a_yes_to_something_else_does_not_count() {
        let mut books = Books::new();
        assert_eq!(ask(&mut books, "payout:a", "resolve:succeeded", "ann", 2).unwrap(), FIRST);

        for (subject, act) in
            [("payout:b", "resolve:succeeded"), ("payout:a", "resolve:failed"), ("payout:a", "approve")]
        {
            assert_eq!(ask(&mut books, subject, act, "bob", 2).unwrap(), FIRST, "{subject} {act}");
        }
    }

    #[test]
    fn an_agreement_is_used_up() {
        let mut books = Books::new();
        ask(&mut books, "payout:a", "approve", "ann", 2).unwrap();
        assert_eq!(ask(&mut books, "payout:a", "approve", "bob", 2).unwrap(), both());

        assert!(pending(&mut books.conn, "payout:a").unwrap().is_empty());
        assert_eq!(ask(&mut books, "payout:a", "approve", "bob", 2).unwrap(), FIRST);
    }

    #[test]
    fn an_agreement_uses_up_what_was_said_about_other_acts() {
        let mut books = Books::new();
        ask(&mut books, "payout:a", "resolve:failed", "cleo", 2).unwrap();
        ask(&mut books, "payout:a", "resolve:succeeded", "ann", 2).unwrap();
        assert_eq!(ask(&mut books, "payout:a", "resolve:succeeded", "bob", 2).unwrap(), both());

        assert_eq!(ask(&mut books, "payout:a", "resolve:failed", "bob", 2).unwrap(), FIRST);
    }

    #[test]
    fn what_was_withdrawn_does_not_count() {
        let mut books = Books::new();
        ask(&mut books, "payout:a", "approve", "ann", 2).unwrap();
        ask(&mut books, "payout:b", "approve", "ann", 2).unwrap();

        assert_eq!(immediately(&mut books.conn, |tx| withdraw(tx, "payout:a")).unwrap(), 1);
        assert_eq!(ask(&mut books, "payout:a", "approve", "bob", 2).unwrap(), FIRST);
        assert_eq!(immediately(&mut books.conn, |tx| withdraw_of(tx, "ann")).unwrap(), 1);
        assert_eq!(ask(&mut books, "payout:b", "approve", "bob", 2).unwrap(), FIRST);
        assert_eq!(of_subject(&mut books.conn, "payout:a").unwrap().len(), 2);
    }
}
