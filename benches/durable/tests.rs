//! The self-tests of the benchmark and its short form: every load is accepted by the service as it is now and leaves books that hold.
//! It runs with every `cargo test`; how fast anything is has no say here.

mod cluster;
mod curve;
mod load;
mod machine;
mod measure;
mod options;
mod part_tests;
mod process;
mod promises;
#[expect(dead_code, reason = "a reference is the program of the benchmark itself, which a test is not")]
mod reference;
mod report;
mod stats;
mod target;
mod whole;
mod wire;
mod workload;

use clap::Parser;

#[test]
fn every_load_is_accepted_and_leaves_books_that_hold() {
    let parent = process::directory(env!("CARGO_TARGET_TMPDIR").as_ref()).expect("a directory");
    let svg = parent.path().join("curve.svg");
    let plan = "bench --targets sqlite --connections 4 --rounds 1 --seconds 1 --rates 500";
    let own = ["--dir".as_ref(), parent.path().as_os_str(), "--svg".as_ref(), svg.as_os_str()];
    let arguments = plan.split(' ').map(std::ffi::OsStr::new).chain(own);
    let options = options::Options::try_parse_from(arguments).expect("arguments");

    let wrong = whole::run(&options).expect("what is asked of everybody is kept, and the books hold");

    assert_eq!(wrong, 0);
    assert!(std::fs::read_to_string(&svg).expect("a curve").contains("croupier, SQLite"));
}
