//! The fuzz targets without a fuzzer: every committed input, and inputs made of them by a seed, through the same functions.

#[path = "../../fuzz/bodies/mod.rs"]
mod bodies;
mod mutate;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bodies::provider_answers::{Outcome, outcomes};
use bodies::{TARGETS, Target};
use mutate::Mutator;

/// Inputs that are made for each target. More take longer and find more: that is what the fuzzer is for.
const MADE: usize = 3000;
/// The most that all corpora together may weigh in the repository.
const MOST_BYTES: u64 = 300_000;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

/// The inputs of a target, in the order of their names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(corpora().join(name)).unwrap_or_else(|error| panic!("corpus of {name}: {error}"));
    let files: BTreeMap<_, _> = entries
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.clone(), std::fs::read(path).expect("an input")))
        .collect();
    files.into_values().collect()
}

/// Runs one input, and says which one it was when it does not hold.
fn try_one(name: &str, target: Target, input: &[u8]) {
    if let Err(panic) = std::panic::catch_unwind(|| target(input)) {
        eprintln!("{name}: {}", input.escape_ascii());
        std::panic::resume_unwind(panic);
    }
}

fn replay(wanted: &str) {
    let (name, target) = TARGETS.into_iter().find(|(name, _)| *name == wanted).expect("a target");
    let inputs = corpus(name);
    inputs.iter().for_each(|input| try_one(name, target, input));
    let mut mutator = Mutator::new(0x5eed, &inputs);
    for _ in 0..MADE {
        try_one(name, target, &mutator.next());
    }
}

#[test]
fn no_request_becomes_a_question_without_its_signature() {
    replay("raw_request");
}

#[test]
fn a_form_is_read_as_it_was_written_or_not_at_all() {
    replay("form");
}

#[test]
fn json_is_read_as_it_was_written_or_not_at_all() {
    replay("json");
}

#[test]
fn two_implementations_of_the_signature_agree_on_every_message() {
    replay("signature");
}

#[test]
fn no_answer_of_a_provider_is_taken_for_more_than_it_says() {
    replay("provider_answers");
}

/// Without this, a corpus could rot: inputs that no driver understands any more hold whatever is asked of them.
#[test]
fn the_corpus_makes_every_driver_say_everything_that_it_can_say() {
    let told: BTreeSet<Outcome> = corpus("provider_answers").iter().flat_map(|input| outcomes(input)).collect();
    let every = ["accepted", "refused", "unknown", "open", "not open", "says that money moved", "later", "not heard"];
    let proofs = [
        ("carouseller", "news"),
        ("cabbagino", "news"),
        ("cactus", "news"),
        ("exotic", "a hint"),
        ("rebilly", "a hint"),
    ];
    let not_now = [("exotic", "not now"), ("rebilly", "not now"), ("rebilly", "news")];
    let names = proofs.map(|(name, _)| name);
    let wanted = names.into_iter().flat_map(|name| every.map(|word| (name, word))).chain(proofs).chain(not_now);
    // A key that its Cashier does not give out is an error of the call, and no deposit was begun.
    let wanted = wanted.filter(|outcome| *outcome != ("carouseller", "not open"));
    let missing: Vec<Outcome> = wanted.filter(|outcome| !told.contains(outcome)).collect();

    assert_eq!(missing, [], "never said, of {told:?}");
}

#[test]
fn settings_are_read_or_refused_by_key_and_tell_no_secret() {
    replay("settings");
}

#[test]
fn every_target_has_a_corpus_and_all_of_them_stay_small() {
    let mut bytes = 0;
    for (name, _) in TARGETS {
        let inputs = corpus(name);
        assert!(inputs.len() >= 10, "{name} has {} inputs", inputs.len());
        bytes += inputs.iter().map(|input| input.len() as u64).sum::<u64>();
    }
    assert!(bytes < MOST_BYTES, "the corpora have {bytes} bytes");
    let folders = std::fs::read_dir(corpora()).expect("the corpora").count();
    assert_eq!(folders, TARGETS.len(), "a corpus without a target");
}
