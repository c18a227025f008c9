//! The project reads itself: what the documents promise of the sources is kept true here.
//!
//! A law that stands in the way of a good change is changed here, in the same commit, with the reason beside it.

#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/source.rs"]
pub mod source;

use source::{Source, functions, named_modules, rust};

/// Which modules under the crate's root each of them may name, from the ground up. `lib` and `main` only list modules.
///
/// Below `orders` nothing knows what a deposit or a payout is; above `webhooks` nothing moves money.
const LAYERS: [(&str, &[&str]); 41] = [
    ("error", &[]),
    ("secret", &[]),
    ("metrics", &[]),
    ("handles", &[]),
    ("outgoing", &[]),
    ("clock", &[]),
    ("money", &["error"]),
    ("ids", &["error"]),
    ("db", &["error", "ids", "secret"]),
    ("instance", &[]),
    ("status", &["error"]),
    ("ledger", &["clock", "db", "error", "ids", "money"]),
    ("vault", &["error", "secret"]),
    ("sections", &["money", "outgoing", "secret"]),
    ("providers", &["error", "ids", "money", "outgoing", "secret", "sections"]),
    ("talk", &["error", "outgoing", "providers"]),
    ("settings", &["ids", "money", "outgoing", "providers", "secret", "sections", "vault"]),
    ("limits", &["clock", "error", "settings"]),
    ("events", &["clock", "db", "error", "ids", "ledger", "money", "status"]),
    ("orders", &["clock", "db", "error", "events", "ids", "ledger", "providers", "status", "vault"]),
    (
        "pushes",
        &["clock", "db", "error", "events", "ids", "instance", "ledger", "metrics", "orders", "outgoing", "settings"],
    ),
    ("players", &["clock", "db", "error", "ids", "ledger"]),
    ("staff", &["clock", "db", "error", "ids", "orders", "secret"]),
    (
        "deposits",
        &[
            "clock",
            "db",
            "error",
            "events",
            "ids",
            "ledger",
            "limits",
            "money",
            "orders",
            "players",
            "providers",
            "settings",
        ],
    ),
    (
        "payouts",
        &[
            "clock",
            "db",
            "error",
            "events",
            "ids",
            "instance",
            "ledger",
            "limits",
            "metrics",
            "money",
            "orders",
            "outgoing",
            "players",
            "providers",
            "settings",
            "staff",
            "talk",
            "vault",
        ],
    ),
    ("wallet", &["clock", "db", "error", "ids", "ledger", "money", "orders", "players", "settings", "staff"]),
    ("protection", &["clock", "db", "deposits", "error", "ids", "ledger", "limits", "money", "players", "settings"]),
    (
        "cashier",
        &[
            "clock",
            "db",
            "deposits",
            "error",
            "ids",
            "ledger",
            "limits",
            "money",
            "orders",
            "outgoing",
            "payouts",
            "players",
            "protection",
            "providers",
            "settings",
            "talk",
            "vault",
        ],
    ),
    (
        "questions",
        &[
            "cashier",
            "clock",
            "db",
            "deposits",
            "error",
            "ids",
            "ledger",
            "orders",
            "payouts",
            "players",
            "protection",
            "providers",
            "settings",
        ],
    ),
    (
        "webhooks",
        &["clock", "db", "deposits", "error", "ids", "ledger", "money", "orders", "payouts", "players", "providers"],
    ),
    (
        "inquiries",
        &[
            "clock",
            "db",
            "deposits",
            "error",
            "ids",
            "ledger",
            "metrics",
            "money",
            "orders",
            "outgoing",
            "payouts",
            "players",
            "providers",
            "settings",
            "talk",
            "webhooks",
        ],
    ),
    ("marks", &["db", "error", "events", "ledger", "staff"]),
    (
        "verify",
        &[
            "db",
            "deposits",
            "error",
            "events",
            "ledger",
            "marks",
            "orders",
            "payouts",
            "protection",
            "staff",
            "wallet",
            "webhooks",
        ],
    ),
    ("desk", &["clock", "db", "error", "ids", "inquiries", "outgoing", "providers", "settings", "staff", "talk"]),
    ("state", &["cashier", "db", "error", "ids", "inquiries", "metrics", "outgoing", "settings", "vault"]),
    (
        "api",
        &[
            "cashier",
            "clock",
            "db",
            "deposits",
            "error",
            "events",
            "ids",
            "inquiries",
            "ledger",
            "limits",
            "money",
            "orders",
            "payouts",
            "players",
            "protection",
            "providers",
            "questions",
            "secret",
            "settings",
            "staff",
            "state",
            "wallet",
            "webhooks",
            "talk",
            "desk",
        ],
    ),
    ("shared", &["cashier", "db", "error", "events", "ids", "ledger", "orders", "players", "wallet"]),
    (
        "app",
        &[
            "api",
            "cashier",
            "clock",
            "db",
            "error",
            "inquiries",
            "instance",
            "marks",
            "metrics",
            "outgoing",
            "payouts",
            "providers",
            "pushes",
            "settings",
            "shared",
            "state",
            "verify",
            "webhooks",
            "vault",
        ],
    ),
    ("simulate", &["clock", "secret"]),
    (
        "cli",
        &[
            "api",
            "app",
            "clock",
            "db",
            "deposits",
            "error",
            "events",
            "handles",
            "inquiries",
            "marks",
            "money",
            "orders",
            "payouts",
            "providers",
            "pushes",
            "secret",
            "settings",
            "shared",
            "simulate",
            "staff",
            "verify",
        ],
    ),
    ("main", &[]),
];

/// Libraries that only some modules name, so that the others do not depend on how it is done.
const LIBRARIES: [(&str, &[&str], &str); 6] = [
    ("actix", &["api", "cli"], "HTTP is at the edge; commands own its runtime"),
    (
        "diesel",
        &[
            "api",
            "cashier",
            "db",
            "deposits",
            "error",
            "events",
            "ledger",
            "orders",
            "payouts",
            "players",
            "protection",
            "pushes",
            "staff",
            "verify",
            "wallet",
            "webhooks",
        ],
        "SQL is in the modules that own tables; api may only open a read transaction",
    ),
    ("reqwest", &["outgoing", "simulate"], "one guarded way out; the simulator is another program in the same binary"),
    ("clap", &["cli"], "the command line is at the edge"),
    ("prometheus", &["metrics"], "one place for counters"),
    ("config", &["sections"], "one place for settings"),
];

/// Lines of a file, and of a function. Files of tests may be longer: they are read one test at a time; and a test may be a table of
/// refusals.
const LONGEST_FILE: usize = 500;
/// Printed by a tool, one table after the other: nobody reads it from top to bottom.
const PRINTED: &str = "src/db/schema.rs";
const LONGEST_TEST_FILE: usize = 650;
const LONGEST_FUNCTION: usize = 70;
const LONGEST_TEST_FUNCTION: usize = 90;

/// Fails with everything that was found.
#[track_caller]
fn none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

/// Every folder with sources of ours.
const OURS: [&str; 6] = ["src", "tests", "benches", "examples", "fuzz/bodies", "fuzz/fuzz_targets"];

fn shipped() -> Vec<Source> {
    rust(&["src"]).into_iter().filter(|source| !source.is_test).collect()
}

/// Every place in the shipped code of these files where one of the words stands.
fn places<'s>(sources: impl IntoIterator<Item = &'s Source>, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for word in words {
            found.extend(source.shipped().match_indices(word).map(|(at, _)| format!("{}: {word}", source.place(at))));
        }
    }
    found
}

#[test]
fn imports_point_one_way() {
    let mut wrong = Vec::new();
    for source in shipped().iter().filter(|source| source.path != "src/lib.rs") {
        let own = source.module();
        let Some((_, allowed)) = LAYERS.iter().find(|(module, _)| *module == own) else {
            wrong.push(format!("{}: `{own}` has no line in LAYERS", source.path));
            continue;
        };
        for (name, at) in named_modules(source) {
            if name != own && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{}: {own} may not name {name}", source.place(at)));
            }
        }
    }
    none("imports against the direction in docs/ARCHITECTURE.md", wrong);
}

#[test]
fn the_table_of_imports_has_no_circle_and_nothing_unused() {
    let sources = shipped();
    let mut wrong = Vec::new();
    for (at, (module, allowed)) in LAYERS.iter().enumerate() {
        let below: Vec<_> = LAYERS[..at].iter().map(|(module, _)| *module).collect();
        for name in *allowed {
            if !below.contains(name) {
                wrong.push(format!("{module} names {name}, which does not stand before it"));
            }
            let used = sources.iter().filter(|source| source.module() == *module);
            if !used.into_iter().any(|source| named_modules(source).iter().any(|(found, _)| found == name)) {
                wrong.push(format!("{module} may name {name} and does not: take it out"));
            }
        }
    }
    none("LAYERS", wrong);
}

/// Whether the path of a library, or of one of its family (`actix_web` for `actix`), starts here.
fn is_library(code: &str, at: usize, library: &str) -> bool {
    let inside_a_word = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let after = &code[at + library.len()..];
    let rest = after.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
    !inside_a_word && (after.starts_with("::") || after.starts_with('_')) && rest.starts_with("::")
}

#[test]
fn libraries_stay_where_they_belong() {
    let sources = shipped();
    for (library, modules, reason) in LIBRARIES {
        let mut wrong = Vec::new();
        for source in sources.iter().filter(|source| !modules.contains(&source.module())) {
            let code = source.shipped();
            let named = code.match_indices(library).filter(|(at, _)| is_library(code, *at, library));
            wrong.extend(named.map(|(at, _)| source.place(at)));
        }
        none(&format!("{library} is named outside {modules:?}: {reason}"), wrong);
    }
    let api: Vec<_> = sources.iter().filter(|source| source.module() == "api").collect();
    none("api names tables or queries", places(api, &["db::schema", "diesel::prelude", "DbConn::establish"]));
}

#[test]
fn only_the_ledger_writes_its_tables_and_few_read_them() {
    // Balances are written by `record` in one statement, which is SQL of `db`; `seal` writes what follows a commit on a server.
    let writers = ["src/ledger/record.rs", "src/ledger/seal.rs", "src/db/bulk.rs"];
    let readers = [
        "src/db/bulk.rs",
        "src/db/schema.rs",
        "src/db/copy/tables.rs",
        "src/wallet/statement.rs",
        "src/verify/facts.rs",
        "src/verify/wallet.rs",
    ];
    let mut wrong = Vec::new();
    for source in shipped() {
        let names = source.shipped().contains("journal_entries") || source.shipped().contains("accounts::table");
        if !names {
            continue;
        }
        if source.module() != "ledger" && !readers.contains(&source.path.as_str()) {
            wrong.push(format!("{}: names a table of the ledger", source.path));
        }
        if !writers.contains(&source.path.as_str()) {
            wrong.extend(places([&source], &["insert_into(", "diesel::update(", "diesel::delete(", ".execute("]));
        }
    }
    none(&format!("tables of the ledger are written by {writers:?} alone"), wrong);
    let deletes = ["diesel::delete(accounts", "diesel::delete(journal_entries", "diesel::delete(seals"];
    none("entries and accounts are never deleted", places(&shipped(), &deletes));
    let called: Vec<_> = shipped().into_iter().filter(|s| !["ledger", "db"].contains(&s.module())).collect();
    none("balances are written by the ledger", places(&called, &["set_balances("]));
}

#[test]
fn a_transaction_and_raw_sql_are_made_in_db_only() {
    let sources = shipped();
    let others = sources.iter().filter(|source| source.module() != "db");
    let words =
        ["sql_query(", "batch_execute(", "dsl::sql", "begin_transaction", "immediate_transaction", "WriteTx::new("];
    none("outside src/db", places(others, &words));
}

#[test]
fn nothing_below_a_use_case_reads_a_clock() {
    let edges = ["api", "app", "cli", "simulate", "clock"];
    // A lane on a server has patience with it, which is no time of the books.
    let tasks = [
        "src/questions.rs",
        "src/inquiries/mod.rs",
        "src/payouts/worker.rs",
        "src/pushes/pusher.rs",
        "src/db/lane/server.rs",
        "src/db/postgres.rs",
    ];
    let sources = shipped();
    let below = sources.iter().filter(|s| !edges.contains(&s.module()) && !tasks.contains(&s.path.as_str()));
    none("time comes in as `at`", places(below, &["clock::now(", "Instant::now", "SystemTime::now", "Utc::now"]));
}

#[test]
fn there_is_no_floating_point_near_money() {
    let money = [
        "cashier",
        "deposits",
        "ids",
        "ledger",
        "limits",
        "money",
        "orders",
        "payouts",
        "players",
        "providers",
        "questions",
        "verify",
        "wallet",
        "webhooks",
    ];
    let sources = shipped();
    let near = sources.iter().filter(|source| money.contains(&source.module()));
    none("floating point near money", places(near, &["f32", "f64"]));
}

#[test]
fn a_failed_query_is_never_taken_for_nothing_found() {
    let near = [
        "cashier", "db", "deposits", "ledger", "marks", "orders", "payouts", "players", "pushes", "wallet", "webhooks",
    ];
    let sources = shipped();
    let near = sources.iter().filter(|source| near.contains(&source.module()));
    none("near the database", places(near, &[".ok()"]));
}

#[test]
fn nothing_is_left_unfinished() {
    let panics = [concat!("to", "do!("), concat!("un", "implemented!("), "dbg!(", ".unwrap()", "#[allow("];
    let sources = rust(&OURS);
    none("in what is shipped", places(&sources, &panics));
    let marks = [concat!("FIX", "ME"), concat!("XX", "X")];
    let marked = sources.iter().filter(|source| marks.iter().any(|mark| source.text.contains(mark)));
    none("marks of unfinished work", marked.map(|source| source.path.clone()).collect());
}

#[test]
fn files_begin_with_what_they_are_and_end_in_time() {
    let mut wrong = Vec::new();
    for source in rust(&OURS) {
        let lines = source.text.lines().count();
        let most = if source.is_test { LONGEST_TEST_FILE } else { LONGEST_FILE };
        if lines > most && source.path != PRINTED {
            wrong.push(format!("{}: {lines} lines, at most {most}", source.path));
        }
        if !source.text.starts_with("//! ") && source.path != "src/main.rs" {
            wrong.push(format!("{}: does not begin with //!", source.path));
        }
    }
    none("files", wrong);
}

#[test]
fn a_function_fits_on_a_screen() {
    let mut wrong = Vec::new();
    for source in rust(&OURS) {
        for (name, at, lines) in functions(&source.code) {
            let most = if source.is_test { LONGEST_TEST_FUNCTION } else { LONGEST_FUNCTION };
            if lines > most {
                wrong.push(format!("{}: fn {name} has {lines} lines, at most {most}", source.place(at)));
            }
        }
    }
    none("functions that do not fit on a screen", wrong);
}
