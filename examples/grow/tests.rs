//! The short form: a small book is filled, holds, and is not taken for sound when it is not.

mod build;
mod chain;
mod columns;
mod day;
mod random;
mod renaming;

use std::path::{Path, PathBuf};

use croupier::db::{self, Place};
use croupier::verify;
use diesel::connection::SimpleConnection;
use indicatif::ProgressBar;

/// Why the building could not go on.
pub type Failure = String;

const ENTRIES: i64 = 3_000;

fn grown(directory: &Path, seed: u64) -> PathBuf {
    let played = day::play(directory, seed).expect("the service plays a day");
    let file = directory.join("grown.db");
    let built = build::build(&played, &file, ENTRIES, seed, &ProgressBar::hidden()).expect("it is filled");
    assert!((ENTRIES..ENTRIES + 500).contains(&built), "{built} entries");
    file
}

fn problems(file: &Path) -> Vec<String> {
    let mut conn = db::connect_read_only(&Place::Sqlite(file.to_owned())).expect("it opens");
    verify::verify(&mut conn, |_| ()).expect("it can be read").problems
}

#[test]
fn a_grown_book_holds_and_the_smallest_change_of_it_is_found() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = grown(directory.path(), 1);
    assert_eq!(problems(&file), Vec::<String>::new());
    let mut conn = db::connect(&Place::Sqlite(file.clone())).expect("it opens");
    assert_eq!(croupier::db::migrate::damage(&mut conn).expect("its pages can be read"), None);

    let db::DbConn::Sqlite(file_of_it) = &mut conn else { panic!("a file") };
    let change = "UPDATE accounts SET available = available + 1 WHERE id = (SELECT max(id) FROM accounts)";
    file_of_it.batch_execute(change).expect("a change");

    assert!(!problems(&file).is_empty());
}

#[test]
fn every_player_of_a_book_has_a_part_in_it() {
    for players in [50, 51, 64, 999, 1_000, 100_000] {
        let plan = renaming::Plan { seed: 1, start: 0, players, transactions: 1 };
        let days = players / day::PLAYERS + 1;
        let met: std::collections::HashSet<i64> = (0..days)
            .flat_map(|k| (1..=day::PLAYERS).map(move |number| (k, number)))
            .map(|(k, number)| plan.player(k, number))
            .collect();
        assert_eq!(met.len(), usize::try_from(players).expect("a small number"), "of {players}");
        assert!(met.iter().all(|player| (1..=players).contains(player)));
    }
}

#[test]
fn names_of_one_day_are_other_names_of_the_same_length_on_another() {
    let plan = renaming::Plan { seed: 1, start: 1_700_000_000_000_000, players: 100, transactions: 40 };
    let order = "019aa0b17c0070008000000000000001";
    let renaming = renaming::Renaming::new(plan, vec![order.to_owned()]);
    let text = format!("{order}:hold of customer-0000003 by transaction:20000000007, 2000 at 1700000000000000");

    let (first, second) = (renaming.renamed(text.as_bytes(), 0), renaming.renamed(text.as_bytes(), 1));

    let shown = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let (first, second) = (shown(&first), shown(&second));
    assert_eq!((first.len(), second.len()), (text.len(), text.len()));
    assert!(first < second, "ids follow the days");
    assert!(first.ends_with("20000000047, 2000 at 1700000000000000"), "{first}");
    assert!(second.ends_with("20000000087, 2000 at 1700000000000000"), "{second}");
    assert!(!first.contains(order) && !first.contains("customer-0000003 "));
}
