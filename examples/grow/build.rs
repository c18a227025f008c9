//! The builder: repeats a day of the product, with other ids, other players and later times, until there are as many entries as wanted.

#![expect(clippy::too_many_arguments, reason = "an entry has eleven columns, and each is an argument in SQL")]

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use croupier::db::Place;
use croupier::db::migrate::{self, Policy};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Text};
use indicatif::ProgressBar;
use sha2::{Digest, Sha256};

use crate::Failure;
use crate::chain::Chain;
use crate::columns::{self, Numbers};
use crate::day;
use crate::renaming::{Plan, Renaming, STEP};

/// How a connection writes that need not survive a crash: who interrupts the building begins anew.
const UNSAFE_AND_FAST: &str = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; \
     PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2000000;";

/// Days in one transaction.
const DAYS_AT_ONCE: i64 = 500;

/// Players that a book of so many entries has: a hundred entries each, at least a thousand players and at most a hundred thousand.
pub fn players(entries: i64) -> i64 {
    (entries / 100).clamp(1_000, 100_000)
}

diesel::define_sql_function!(
    /// The text on day `k`.
    fn renamed(text: Text, k: BigInt) -> Text
);
diesel::define_sql_function!(
    /// The bytes on day `k`.
    fn renamed_bytes(bytes: Binary, k: BigInt) -> Binary
);
diesel::define_sql_function!(
    /// Another digest for day `k`.
    fn digest(bytes: Binary, k: BigInt) -> Binary
);
diesel::define_sql_function!(
    /// The fingerprint of what a player's game server asked for.
    fn asked(player: BigInt, kind: Text, amount: BigInt, currency: Text, reference: Text, reason: Text) -> Binary
);
diesel::define_sql_function!(
    /// Another token for day `k`.
    fn token(text: Text, k: BigInt) -> Text
);
diesel::define_sql_function!(
    /// Adds an entry to the chain, and gives its hash.
    fn chained(
        id: BigInt, kind: Text, cause: Text, player: BigInt, currency: Text, amount: BigInt, debit: BigInt,
        debit_held: Bool, credit: BigInt, credit_held: Bool, at: BigInt
    ) -> Binary
);
diesel::define_sql_function!(
    /// What the player had after an entry: available (0) or held (1).
    fn after(cause: Text, side: BigInt) -> BigInt
);
diesel::define_sql_function!(
    /// What an account has in the end: available (0), held (1), or whether it was used (2).
    fn balance(account: BigInt, side: BigInt) -> BigInt
);

/// Fills `file`, which must not exist, with at least `entries` entries. `day` is the file of the day.
pub fn build(day: &Path, file: &Path, entries: i64, seed: u64, bar: &ProgressBar) -> Result<i64, Failure> {
    migrate::prepare(&Place::Sqlite(file.to_owned()), Policy::Migrate).map_err(|error| error.to_string())?;
    let path = file.to_str().ok_or("the path is not UTF-8")?;
    let mut conn = SqliteConnection::establish(path).map_err(text)?;
    conn.batch_execute(UNSAFE_AND_FAST).map_err(text)?;
    conn.batch_execute(&format!("ATTACH '{}' AS day", day.display())).map_err(text)?;
    let built = fill(&mut conn, entries, seed, bar)?;
    conn.batch_execute("DETACH day; PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = WAL;").map_err(text)?;
    drop(conn);
    std::fs::File::open(file).and_then(|file| file.sync_all()).map_err(text)?;
    Ok(built)
}

fn fill(conn: &mut SqliteConnection, entries: i64, seed: u64, bar: &ProgressBar) -> Result<i64, Failure> {
    let numbers = Numbers::of(conn)?;
    let days = (entries + numbers.entries - 1) / numbers.entries;
    let plan = Plan {
        seed,
        start: numbers.began - days * STEP,
        players: players(entries),
        transactions: u64::try_from(numbers.transactions).map_err(text)?,
    };
    let chain = Arc::new(Mutex::new(Chain::new(numbers.house)));
    let renaming = Arc::new(Renaming::new(plan.clone(), columns::ordered_ids(conn)?));
    register(conn, &chain, &renaming).map_err(text)?;
    let script = columns::script(conn, &numbers, &plan)?;
    bar.set_length(u64::try_from(days * numbers.entries).unwrap_or(0));
    for k in 0..days {
        if k % DAYS_AT_ONCE == 0 {
            conn.batch_execute("BEGIN").map_err(text)?;
        }
        lock(&chain).begin_day();
        conn.batch_execute(&script.replace(columns::DAY, &k.to_string())).map_err(text)?;
        if (k + 1) % DAYS_AT_ONCE == 0 || k + 1 == days {
            conn.batch_execute("COMMIT").map_err(text)?;
            bar.set_position(u64::try_from(lock(&chain).entries()).unwrap_or(0));
        }
    }
    let ending = columns::ending(conn, &numbers, &plan)?;
    conn.batch_execute(&ending).map_err(text)?;
    let built = lock(&chain).entries();
    Ok(built)
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn register(conn: &mut SqliteConnection, chain: &Arc<Mutex<Chain>>, renaming: &Arc<Renaming>) -> QueryResult<()> {
    let names = renaming.clone();
    renamed_utils::register_nondeterministic_impl(conn, move |text: String, k: i64| {
        String::from_utf8_lossy(&names.renamed(text.as_bytes(), k)).into_owned()
    })?;
    let names = renaming.clone();
    renamed_bytes_utils::register_nondeterministic_impl(conn, move |bytes: Vec<u8>, k: i64| names.renamed(&bytes, k))?;
    let names = renaming.clone();
    digest_utils::register_nondeterministic_impl(conn, move |bytes: Vec<u8>, k: i64| names.digest(&bytes, k))?;
    let names = renaming.clone();
    token_utils::register_nondeterministic_impl(conn, move |text: String, k: i64| {
        let digest = names.digest(text.as_bytes(), k);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        hex[..text.len().min(hex.len())].to_owned()
    })?;
    asked_utils::register_nondeterministic_impl(
        conn,
        |player: i64, kind: String, amount: i64, currency: String, reference: String, reason: String| {
            fingerprint(&[&day::login(player), &kind, &amount.to_string(), &currency, &reference, &reason])
        },
    )?;
    let books = chain.clone();
    chained_utils::register_nondeterministic_impl(
        conn,
        move |id: i64,
              kind: String,
              cause: String,
              player: i64,
              currency: String,
              amount: i64,
              debit: i64,
              debit_held: bool,
              credit: i64,
              credit_held: bool,
              at: i64| {
            let entry = (id, kind, cause, player, currency, amount, debit, debit_held, credit, credit_held, at);
            lock(&books).append(entry)
        },
    )?;
    let books = chain.clone();
    after_utils::register_nondeterministic_impl(conn, move |cause: String, side: i64| {
        let (available, held) = lock(&books).after(&cause);
        if side == 0 { available } else { held }
    })?;
    let books = chain.clone();
    balance_utils::register_nondeterministic_impl(conn, move |account: i64, side: i64| {
        let books = lock(&books);
        let (available, held) = books.balance(account);
        match side {
            0 => available,
            1 => held,
            _ => i64::from(books.is_open(account)),
        }
    })
}

/// SHA-256 over texts, each with its length before it.
fn fingerprint(texts: &[&str]) -> Vec<u8> {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().to_vec()
}

fn text(error: impl std::fmt::Display) -> Failure {
    error.to_string()
}
