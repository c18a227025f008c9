//! Accounts of staff and their bearer tokens. There is no account that nobody made (threats ADM-10).
//!
//! Role and state are read from the database for every request, so a change acts at once. Each change is in the audit.

use diesel::prelude::*;
use diesel::sql_types::Text;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::approvals;
use super::audit;
use super::passwords::{self, Hashed};
use super::permissions::{self, Act, Role};
use crate::clock::Micros;
use crate::db::schema::{staff, staff_tokens};
use crate::db::{DbConn, Numbered, WriteTx};
use crate::error::Error;
use crate::secret::Secret;

/// What a token starts with, so that people and scanners know one when they see it.
const TOKEN_PREFIX: &str = "crp_";

diesel::define_sql_function! {
    /// Lower-cases ASCII letters.
    fn lower(text: Text) -> Text;
}

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Their number.
    pub id: i64,
    /// Their name, as in the audit.
    pub name: String,
    /// What they are now.
    pub role: Role,
}

impl Actor {
    /// Refuses an act that the role does not allow.
    ///
    /// # Errors
    ///
    /// `NotPermitted`.
    pub fn require(&self, act: Act) -> Result<(), Error> {
        permissions::require(self.role, act)
    }
}

/// An account, for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub name: String,
    /// The role.
    pub role: Role,
    /// Whether it may still be used.
    pub disabled: bool,
    /// How many tokens it has.
    pub tokens: usize,
    /// When it was made.
    pub created_at: Micros,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = staff, treat_none_as_default_value = false)]
struct StaffRow {
    id: i64,
    name: String,
    role: String,
    password_hash: String,
    disabled: bool,
    created_at: Micros,
}

impl StaffRow {
    fn role(&self) -> Result<Role, Error> {
        Role::parse(&self.role).ok_or_else(|| Error::Internal(format!("staff member {} has no known role", self.id)))
    }

    /// Who it is, unless the account is disabled.
    fn actor(self) -> Result<Option<Actor>, Error> {
        let role = self.role()?;
        Ok((!self.disabled).then_some(Actor { id: self.id, name: self.name, role }))
    }
}

/// Makes an account. `by` is who does it, for the audit.
///
/// # Errors
///
/// `Invalid` when the name is not 1 to 64 characters of `[A-Za-z0-9._@-]`; `Conflict` when there is one that differs at most in
/// the case of letters.
pub fn add(
    tx: &mut WriteTx<'_>,
    by: &str,
    name: &str,
    role: Role,
    password: &Hashed,
    at: Micros,
) -> Result<i64, Error> {
    check_name(name)?;
    let conn = tx.read()?;
    let same: i64 = staff::table.filter(lower(staff::name).eq(name.to_ascii_lowercase())).count().get_result(conn)?;
    if same > 0 {
        return Err(Error::Conflict(format!("there is a staff member named {name} already")));
    }
    let row = StaffRow {
        id: tx.next_number(Numbered::Staff)?,
        name: name.to_owned(),
        role: role.name().to_owned(),
        password_hash: password.as_str().to_owned(),
        disabled: false,
        created_at: at,
    };
    diesel::insert_into(staff::table).values(&row).execute(tx.conn()?)?;
    audit::append(tx, by, "staff.add", &subject(name), &format!("role {}", role.name()), at)?;
    Ok(row.id)
}

/// Gives an account another role, from the next request on. Who may no longer approve loses the approvals that wait.
///
/// # Errors
///
/// `NotFound`, or `Conflict` when the account is disabled.
pub fn set_role(tx: &mut WriteTx<'_>, by: &str, name: &str, role: Role, at: Micros) -> Result<(), Error> {
    let row = enabled(tx.read()?, name)?;
    let as_read = staff::table.find(row.id).filter(staff::disabled.eq(false)).filter(staff::role.eq(&row.role));
    if diesel::update(as_read).set(staff::role.eq(role.name())).execute(tx.conn()?)? != 1 {
        return Err(Error::Conflict(format!("the account of {name} has changed meanwhile; look at it and try again")));
    }
    let mut detail = format!("role {} instead of {}", role.name(), row.role);
    if !permissions::may(role, Act::Approve) {
        let withdrawn = approvals::withdraw_of(tx, name)?;
        detail.push_str(&format!("; {withdrawn} waiting approvals withdrawn"));
    }
    audit::append(tx, by, "staff.role", &subject(name), &detail, at).map(|_| ())
}

/// Ends an account for good: its tokens are gone, its waiting approvals withdrawn, its name stays taken. Doing so twice is
/// harmless.
///
/// # Errors
///
/// `NotFound`.
pub fn disable(tx: &mut WriteTx<'_>, by: &str, name: &str, at: Micros) -> Result<(), Error> {
    let row = find(tx.read()?, name)?.ok_or(Error::NotFound("staff member"))?;
    let conn = tx.conn()?;
    diesel::update(staff::table.find(row.id)).set(staff::disabled.eq(true)).execute(conn)?;
    let tokens = diesel::delete(staff_tokens::table.filter(staff_tokens::staff_id.eq(row.id))).execute(conn)?;
    let withdrawn = approvals::withdraw_of(tx, name)?;
    let detail = format!("{tokens} tokens revoked; {withdrawn} waiting approvals withdrawn");
    audit::append(tx, by, "staff.disable", &subject(name), &detail, at).map(|_| ())
}

/// Makes a bearer token of 256 random bits. Only its digest is kept: it is seen this once.
///
/// # Errors
///
/// `NotFound`, or `Conflict` when the account is disabled.
pub fn issue_token(tx: &mut WriteTx<'_>, by: &str, name: &str, at: Micros) -> Result<Secret, Error> {
    let row = enabled(tx.read()?, name)?;
    // Locked, so that whoever disables the account finds the token.
    if locked(tx, row.id)?.is_none() {
        return Err(Error::Conflict(format!("the account of {name} is disabled")));
    }
    let token = format!("{TOKEN_PREFIX}{}", hex::encode(passwords::random::<32>()?));
    let values = (
        staff_tokens::digest.eq(digest(&token).to_vec()),
        staff_tokens::staff_id.eq(row.id),
        staff_tokens::created_at.eq(at),
    );
    diesel::insert_into(staff_tokens::table).values(values).execute(tx.conn()?)?;
    audit::append(tx, by, "staff.token", &subject(name), "token issued", at)?;
    Ok(Secret::new(token))
}

/// Whose token this is, with the role of now. `None` for an unknown token and for a disabled account.
///
/// Tokens are looked up by their digest, so the time a lookup takes tells nothing about a token.
///
/// # Errors
///
/// What the database says.
pub fn authenticate(conn: &mut DbConn, token: &Secret) -> Result<Option<Actor>, Error> {
    let wanted = digest(token.expose());
    let found: Option<(Vec<u8>, StaffRow)> = staff_tokens::table
        .inner_join(staff::table)
        .filter(staff_tokens::digest.eq(wanted.to_vec()))
        .select((staff_tokens::digest, StaffRow::as_select()))
        .first(conn)
        .optional()?;
    match found {
        Some((stored, row)) if bool::from(stored.as_slice().ct_eq(&wanted)) => row.actor(),
        Some(_) | None => Ok(None),
    }
}

/// Who has this name; `None` for an unknown name and for a disabled account.
///
/// # Errors
///
/// What the database says.
pub fn named(conn: &mut DbConn, name: &str) -> Result<Option<Actor>, Error> {
    find(conn, name)?.map_or(Ok(None), StaffRow::actor)
}

/// Who has this name and password. Takes as long for an unknown name as for a wrong password (threats ADM-4).
///
/// # Errors
///
/// What the database says, or `Internal` when the stored hash is damaged.
pub fn log_in(conn: &mut DbConn, name: &str, password: &Secret) -> Result<Option<Actor>, Error> {
    let row = find(conn, name)?;
    let fits = passwords::verify(password, row.as_ref().map(|row| row.password_hash.as_str()))?;
    match row {
        Some(row) if fits => row.actor(),
        Some(_) | None => Ok(None),
    }
}

/// The same person as they are now: for a check inside the transaction of an act, and for sessions. `None` when disabled.
///
/// # Errors
///
/// What the database says.
pub fn current(conn: &mut DbConn, id: i64) -> Result<Option<Actor>, Error> {
    let row: Option<StaffRow> = staff::table.find(id).select(StaffRow::as_select()).first(conn).optional()?;
    row.map_or(Ok(None), StaffRow::actor)
}

/// The same, locked until the commit: a change of the role or of the account comes before this or after it, never in between.
///
/// # Errors
///
/// What the database says.
pub fn locked(tx: &mut WriteTx<'_>, id: i64) -> Result<Option<Actor>, Error> {
    diesel::update(staff::table.find(id)).set(staff::id.eq(staff::id)).execute(tx.conn()?)?;
    current(tx.read()?, id)
}

/// Every account, in the order in which they were made.
///
/// # Errors
///
/// What the database says.
pub fn list(conn: &mut DbConn) -> Result<Vec<Account>, Error> {
    let owners: Vec<i64> = staff_tokens::table.select(staff_tokens::staff_id).load(conn)?;
    let rows: Vec<StaffRow> = staff::table.order(staff::id).select(StaffRow::as_select()).load(conn)?;
    let account = |row: StaffRow| {
        let (role, tokens) = (row.role()?, owners.iter().filter(|owner| **owner == row.id).count());
        Ok(Account { name: row.name, role, disabled: row.disabled, tokens, created_at: row.created_at })
    };
    rows.into_iter().map(account).collect()
}

fn find(conn: &mut DbConn, name: &str) -> QueryResult<Option<StaffRow>> {
    staff::table.filter(staff::name.eq(name)).select(StaffRow::as_select()).first(conn).optional()
}

fn enabled(conn: &mut DbConn, name: &str) -> Result<StaffRow, Error> {
    let row = find(conn, name)?.ok_or(Error::NotFound("staff member"))?;
    if row.disabled {
        return Err(Error::Conflict(format!("the account of {name} is disabled")));
    }
    Ok(row)
}

fn check_name(name: &str) -> Result<(), Error> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"._@-".contains(&b);
    let taken = [super::CLI, crate::orders::transitions::SYSTEM];
    let free = taken.iter().all(|taken| !name.eq_ignore_ascii_case(taken));
    if (1..=64).contains(&name.len()) && name.bytes().all(good) && free { Ok(()) } else { Err(Error::Invalid("name")) }
}

fn subject(name: &str) -> String {
    format!("staff:{name}")
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::immediately;
    use crate::staff::testing::Books;

    /// Hashing is slow in tests: one password is enough for all of them.
    fn hashed() -> Hashed {
        static ONCE: std::sync::OnceLock<Hashed> = std::sync::OnceLock::new();
        ONCE.get_or_init(|| Hashed::new(&Secret::new("correct horse")).unwrap()).clone()
    }

    fn write<T>(books: &mut Books, work: impl FnMut(&mut WriteTx<'_>) -> Result<T, Error>) -> Result<T, Error> {
        immediately(&mut books.conn, work)
    }

    fn books_with(name: &str, role: Role) -> Books {
        let mut books = Books::new();
        write(&mut books, |tx| add(tx, "cli", name, role, &hashed(), 1)).unwrap();
        books
    }

    fn token(books: &mut Books, name: &str) -> Secret {
        write(books, |tx| issue_token(tx, "cli", name, 2)).unwrap()
    }

    fn who(books: &mut Books, token: &Secret) -> Option<Actor> {
        authenticate(&mut books.conn, token).unwrap()
    }

    #[test]
    fn a_new_database_lets_nobody_in() {
        let mut books = Books::new();

        assert!(list(&mut books.conn).unwrap().is_empty());
        for text in ["", "crp_", "admin", &format!("crp_{}", "0".repeat(64))] {
            assert_eq!(who(&mut books, &Secret::new(text)), None);
        }
        for name in ["admin", "root", "cli", ""] {
            assert_eq!(log_in(&mut books.conn, name, &Secret::new(name)).unwrap(), None);
        }
    }

    #[test]
    fn names_that_could_be_mistaken_are_refused() {
        let mut books = books_with("Ann", Role::Viewer);
        let long = "x".repeat(65);
        for name in ["", " ", "a b", "a:b", "ann\n", "änn", "a/b", "a'b", "cli", "CLI", "croupier", &long] {
            let added = write(&mut books, |tx| add(tx, "cli", name, Role::Admin, &hashed(), 1));
            assert!(matches!(added, Err(Error::Invalid("name"))), "{name:?}");
        }
        for name in ["Ann", "ann", "ANN"] {
            let added = write(&mut books, |tx| add(tx, "cli", name, Role::Admin, &hashed(), 1));
            assert!(matches!(added, Err(Error::Conflict(_))), "{name:?}");
        }
        for name in ["a", "ann.b@example-casino_", &"x".repeat(64)] {
            let added = write(&mut books, |tx| add(tx, "cli", name, Role::Viewer, &hashed(), 1));
            assert!(added.is_ok(), "{name:?}");
        }
    }

    #[test]
    fn a_token_opens_one_account_and_is_not_stored() {
        let mut books = books_with("ann", Role::Approver);
        let (first, second) = (token(&mut books, "ann"), token(&mut books, "ann"));

        let ann = Actor { id: 1, name: "ann".into(), role: Role::Approver };
        assert_eq!((who(&mut books, &first), who(&mut books, &second)), (Some(ann.clone()), Some(ann)));
        let text = first.expose();
        assert!(text.starts_with("crp_") && text.len() == 68 && first != second);
        let wrong = [text[..67].to_owned(), text.to_uppercase(), format!("{text} "), text[4..].to_owned()];
        assert!(wrong.iter().all(|wrong| who(&mut books, &Secret::new(wrong.as_str())).is_none()));
        let stored: Vec<Vec<u8>> = staff_tokens::table.select(staff_tokens::digest).load(&mut books.conn).unwrap();
        assert!(stored.iter().all(|digest| digest.len() == 32 && digest.as_slice() != text.as_bytes()));
    }

    #[test]
    fn a_role_change_acts_at_once() {
        let mut books = books_with("ann", Role::Admin);
        let token = token(&mut books, "ann");
        write(&mut books, |tx| approvals::agree(tx, "payout:a", "approve", "ann", "", 2, 3)).unwrap();

        write(&mut books, |tx| set_role(tx, "cli", "ann", Role::Viewer, 4)).unwrap();

        let ann = who(&mut books, &token).unwrap();
        assert!(ann.role == Role::Viewer && ann.require(Act::Approve).is_err());
        assert!(approvals::pending(&mut books.conn, "payout:a").unwrap().is_empty());
    }

    #[test]
    fn a_disabled_account_opens_nothing() {
        let mut books = books_with("ann", Role::Admin);
        let token = token(&mut books, "ann");
        let password = Secret::new("correct horse");
        assert!(log_in(&mut books.conn, "ann", &password).unwrap().is_some());

        write(&mut books, |tx| disable(tx, "cli", "ann", 4)).unwrap();

        assert_eq!(who(&mut books, &token), None);
        assert_eq!(log_in(&mut books.conn, "ann", &password).unwrap(), None);
        assert_eq!(current(&mut books.conn, 1).unwrap(), None);
        assert!(matches!(write(&mut books, |tx| issue_token(tx, "cli", "ann", 5)), Err(Error::Conflict(_))));
        assert!(matches!(write(&mut books, |tx| set_role(tx, "cli", "ann", Role::Admin, 5)), Err(Error::Conflict(_))));
        assert_eq!(list(&mut books.conn).unwrap()[0].tokens, 0);
        assert!(write(&mut books, |tx| disable(tx, "cli", "ann", 6)).is_ok());
    }

    #[test]
    fn unknown_names_and_wrong_passwords_are_refused() {
        let mut books = books_with("ann", Role::Admin);
        for (name, password) in
            [("ann", "wrong horse!"), ("Ann", "correct horse"), ("bob", "correct horse"), ("ann", "")]
        {
            assert_eq!(log_in(&mut books.conn, name, &Secret::new(password)).unwrap(), None, "{name}");
        }
        let missing = "staff member";
        assert!(
            matches!(write(&mut books, |tx| disable(tx, "cli", "bob", 1)), Err(Error::NotFound(what)) if what == missing)
        );
        assert!(write(&mut books, |tx| set_role(tx, "cli", "bob", Role::Admin, 1)).is_err());
        assert!(write(&mut books, |tx| issue_token(tx, "cli", "bob", 1)).is_err());
    }

    #[test]
    fn every_change_is_in_the_audit_and_no_secret_is() {
        let mut books = books_with("ann", Role::Viewer);
        let token = token(&mut books, "ann");
        write(&mut books, |tx| set_role(tx, "cli", "ann", Role::Operator, 3)).unwrap();
        write(&mut books, |tx| disable(tx, "cli", "ann", 4)).unwrap();

        let rows = audit::list(&mut books.conn, 0, 10).unwrap();

        let acts: Vec<_> = rows.iter().map(|row| row.act.as_str()).collect();
        assert_eq!(acts, ["staff.add", "staff.token", "staff.role", "staff.disable"]);
        assert!(rows.iter().all(|row| row.actor == "cli" && row.subject == "staff:ann"));
        assert!(rows.iter().all(|row| !row.detail.contains(token.expose()) && !row.detail.contains("argon2")));
        assert!(audit::verify(&mut books.conn).unwrap().problems.is_empty());
    }
}
