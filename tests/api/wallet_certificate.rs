//! The wallet's self-test passes where the wallet is right, and says exactly what is wrong where it is not (contract parts 2 and 4.3).

use std::collections::BTreeSet;

use croupier::secret::Secret;
use croupier::simulate::certify::wallet::{self, Bench, Subject};
use croupier::simulate::certify::{self, Certificate, Stop};

use crate::support::TestApp;
use crate::support::app::WALLET_KEY;
use crate::support::binary::{Ran, run};
use crate::support::other_wallet::{Fault, KEY, OtherWallet, SITE};

/// Examines whatever listens there.
async fn examine(address: &str, key: &str, seed: u64) -> Certificate {
    let subject = Subject {
        wallet: address.to_owned(),
        site_id: SITE,
        key: Secret::new(key),
        prefix: "certify".to_owned(),
        currency: "USD".to_owned(),
        amount: 1000,
    };
    let about = subject.about();
    certify::run(about, &Bench::new(subject, seed), &wallet::all(), |_| ()).await
}

/// The names of what did not pass, with the reasons.
fn not_passed(certificate: &Certificate) -> Vec<(&'static str, &Stop)> {
    let findings = certificate.findings.iter();
    findings.filter_map(|finding| finding.end.as_ref().err().map(|stop| (finding.name, stop))).collect()
}

#[tokio::test]
async fn our_own_wallet_passes_the_whole_self_test() {
    let app = TestApp::spawn().await;

    let certificate = examine(&app.private, WALLET_KEY, 1).await;

    assert_eq!(not_passed(&certificate), []);
    assert!(certificate.holds() && certificate.findings.len() >= 60, "{}", certificate.findings.len());
    let ran = certify(texts(&["--wallet", &app.private, "--key", WALLET_KEY, "--json"])).await;
    assert_eq!((ran.code, &ran.json()["failed"], &ran.json()["skipped"]), (0, &0.into(), &0.into()), "{ran:?}");
}

#[tokio::test]
async fn the_self_test_can_be_run_again_on_the_same_wallet() {
    let wallet = OtherWallet::start(None).await;

    for seed in [1, 2] {
        assert_eq!(not_passed(&examine(&wallet.address, KEY, seed).await), []);
    }
}

/// Each fault with everything it breaks. Where that is more than one promise, the wallet cannot have the fault without breaking them all.
#[rustfmt::skip]
const FAULTS: &[(Fault, &[&str])] = &[
    (Fault::ForgetsKeys, &[
        "copies-of-a-bet-take-once", "copies-of-a-win-pay-once", "key-with-another-body",
        "misused-key-keeps-its-answer", "repeat-gets-the-first-answer", "repeat-pays-once", "repeat-says-so",
        "repeat-shows-the-balance-of-then", "repeat-takes-once", "statement-lists-repeats-once", "win-after-rollback",
        "win-of-zero",
    ]),
    (Fault::RepeatsWithoutHeader, &["repeat-says-so"]),
    (Fault::RepeatsWithBalanceOfNow, &["repeat-shows-the-balance-of-then"]),
    (Fault::RepeatsAs201, &["repeat-gets-the-first-answer"]),
    (Fault::TakesReusedKeys, &["key-with-another-body"]),
    (Fault::OverwritesReusedKeys, &["key-with-another-body", "misused-key-keeps-its-answer"]),
    (Fault::FoldsKeys, &["keys-differ-by-case", "odd-logins-stay-apart"]),
    (Fault::CutsKeys, &["long-keys-are-not-cut", "too-long-idempotency-key"]),
    (Fault::NeedsNoKey, &["empty-idempotency-key", "without-idempotency-key"]),
    (Fault::RemembersRefusals, &["refusal-is-not-remembered", "unblocked-player-bets-again"]),
    (Fault::Races, &[
        "copies-of-a-bet-take-once", "copies-of-a-rollback-pay-once", "copies-of-a-win-pay-once",
        "parallel-bets-never-overspend", "rollback-races-its-bet",
    ]),
    (Fault::Overdraws, &[
        "bet-beyond-the-balance", "currencies-are-apart", "insufficient-funds-has-its-code",
        "parallel-bets-never-overspend", "refusal-is-not-remembered", "rollback-of-a-refused-bet",
        "statement-lists-repeats-once",
    ]),
    (Fault::OverdrawsByAdjustment, &["adjustment-cannot-overdraw"]),
    (Fault::RollsBackAgain, &["copies-of-a-rollback-pay-once", "rollback-twice-pays-back-once"]),
    (Fault::ForgetsEarlyRollbacks, &[
        "late-bet-has-no-effect", "late-bet-repeated", "late-bet-says-so", "rollback-races-its-bet",
    ]),
    (Fault::LateBetSaysNothing, &["late-bet-says-so"]),
    (Fault::EarlyRollbackCountsOnce, &["late-bet-repeated"]),
    (Fault::EarlyRollbackOfEverybody, &["early-rollback-of-one-player"]),
    (Fault::RollsBackOneBet, &["rollback-undoes-every-bet"]),
    (Fault::RollbackTakesWins, &["rollback-leaves-wins"]),
    (Fault::AlwaysApplied, &["rollback-before-its-bet", "rollback-of-a-refused-bet", "rollback-repeats-its-answer"]),
    (Fault::DropsWinsAfterRollback, &["win-after-rollback"]),
    (Fault::RefusesZeroWins, &["win-of-zero"]),
    (Fault::TakesFractions, &["amount-with-a-fraction", "amount-with-an-exponent"]),
    (Fault::TakesTexts, &["amount-as-text"]),
    (Fault::TakesAnySize, &["amount-too-large"]),
    (Fault::TakesNegativeBets, &["bet-of-a-negative-amount"]),
    (Fault::TakesZeroBets, &["bet-of-zero"]),
    (Fault::PassesOverUnknownFields, &["unknown-field"]),
    (Fault::NeedsNoReason, &["adjustment-needs-a-reason"]),
    (Fault::LetsTheBlockedBet, &["blocked-player-cannot-bet"]),
    (Fault::DoesNotPayTheBlocked, &["blocked-player-is-paid"]),
    (Fault::MixesCurrencies, &["currencies-are-apart"]),
    (Fault::CreatesEachTime, &["player-is-made-once"]),
    (Fault::EmptiesOnChange, &[
        "blocked-player-cannot-bet", "blocked-player-gets-bets-back", "blocked-player-is-paid",
        "change-keeps-the-money", "unblocked-player-bets-again",
    ]),
    (Fault::FoldsLogins, &["login-is-shown-as-given", "odd-logins-stay-apart"]),
    (Fault::DecodesTwice, &["login-is-shown-as-given", "odd-logins-stay-apart", "odd-references-stay-apart"]),
    (Fault::SkipsALine, &["statement-pages-join"]),
    (Fault::RepeatsALine, &["statement-pages-join"]),
    (Fault::NewestFirst, &["statement-is-oldest-first"]),
    (Fault::HidesRollbacks, &["statement-adds-up"]),
    (Fault::TakesAnyBearer, &["with-a-wrong-bearer-key"]),
    (Fault::SaysNoCode, &["errors-are-problem-documents", "insufficient-funds-has-its-code"]),
    (Fault::SaysPlainJson, &["errors-are-problem-documents"]),
    (Fault::ReadsAnyType, &["other-content-type"]),
    (Fault::HidesHeld, &["new-player-has-nothing", "player-shows-balances", "rollback-shows-balances"]),
    (Fault::AnswersWithoutHeld, &["answers-carry-the-balance"]),
    (Fault::AlwaysAnswers200, &["first-answer-is-201"]),
    (Fault::SharesIds, &["transaction-ids-differ"]),
    (Fault::RefusesNegativeAdjustments, &["adjustment-cannot-overdraw", "adjustment-goes-both-ways"]),
    (Fault::TakesNegativeCredits, &["credits-of-negative-amounts", "win-of-a-negative-amount"]),
    (Fault::TakesNullForZero, &["amount-of-another-type"]),
    (Fault::FailsAtBrokenBodies, &["amount-written-oddly", "body-that-is-not-json"]),
    (Fault::TakesTheReferenceForTheKey, &[
        "another-key-another-movement", "key-with-another-body", "keys-differ-by-case", "long-keys-are-not-cut",
        "rollback-undoes-every-bet",
    ]),
    (Fault::KeepsOneBack, &["adjustment-goes-both-ways", "bet-of-everything"]),
    (Fault::ShowsEverybodysLines, &[
        "new-player-has-nothing", "statement-adds-up", "statement-is-of-one-player", "statement-is-oldest-first",
        "statement-lists-repeats-once", "statement-pages-join",
    ]),
    (Fault::SharesMoney, &["odd-logins-stay-apart", "players-are-apart"]),
    (Fault::RollbackPaysNothing, &[
        "blocked-player-gets-bets-back", "copies-of-a-rollback-pay-once", "odd-references-stay-apart",
        "rollback-gives-the-bet-back", "rollback-leaves-other-rounds", "rollback-leaves-wins",
        "rollback-races-its-bet", "rollback-shows-balances", "rollback-twice-pays-back-once",
        "rollback-undoes-every-bet", "rolled-back-bet-repeated", "statement-adds-up", "win-after-rollback",
    ]),
    (Fault::RollsBackByBeginning, &[
        "early-rollback-of-one-round", "odd-references-stay-apart", "rollback-leaves-other-rounds",
    ]),
    (Fault::TakesRolledBackBetsAgain, &["rolled-back-bet-repeated"]),
    (Fault::NeedsNoBearer, &["without-bearer-key"]),
    (Fault::MakesPlayersUp, &["unknown-player"]),
    (Fault::TakesAnySite, &["unknown-site"]),
    (Fault::GuessesTheCurrency, &["missing-fields-are-named"]),
    (Fault::TakesAnyKind, &["unknown-kind"]),
    (Fault::TakesAnyCurrency, &["unknown-currency"]),
    (Fault::NeedsNoReference, &["empty-reference"]),
    (Fault::KnowsNoMethods, &["wrong-method"]),
];

/// Faults that spoil almost everything, with what must be among it.
#[rustfmt::skip]
const COARSE: &[(Fault, &[&str])] = &[
    (Fault::Misbooks("bet"), &["bet-takes"]),
    (Fault::Misbooks("win"), &["win-adds"]),
    (Fault::Misbooks("refund"), &["refund-adds"]),
    (Fault::Misbooks("bonus"), &["bonus-adds"]),
];

#[test]
fn every_scenario_of_the_self_test_is_failed_by_some_fault() {
    let rows = FAULTS.iter().chain(COARSE);
    let failed: BTreeSet<&str> = rows.flat_map(|(_, names)| names.iter().copied()).collect();
    let all: BTreeSet<&str> = wallet::all().iter().map(|scenario| scenario.name).collect();

    assert_eq!(failed, all);
}

#[tokio::test]
async fn each_fault_of_a_wallet_fails_exactly_the_scenarios_that_are_about_it() {
    let mut wrong = Vec::new();
    for (fault, expected) in FAULTS.iter().chain(COARSE) {
        let wallet = OtherWallet::start(Some(*fault)).await;
        let certificate = examine(&wallet.address, KEY, 7).await;
        let failed: BTreeSet<&str> = not_passed(&certificate).into_iter().map(|(name, _)| name).collect();
        let expected: BTreeSet<&str> = expected.iter().copied().collect();
        let as_expected =
            if matches!(fault, Fault::Misbooks(_)) { failed.is_superset(&expected) } else { failed == expected };
        if !as_expected {
            wrong.push(format!("{fault:?}: {failed:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs the command with these arguments beside the runtime of the test.
async fn certify(arguments: Vec<String>) -> Ran {
    let ran = tokio::task::spawn_blocking(move || {
        let here = tempfile::TempDir::new().expect("a directory");
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        run(here.path(), &[&["certify"], arguments.as_slice()].concat(), "")
    });
    ran.await.expect("the command ran")
}

fn texts(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn certify_examines_a_wallet_and_reports_in_every_form() {
    let wallet = OtherWallet::start(Some(Fault::SaysPlainJson)).await;
    let directory = tempfile::TempDir::new().expect("a directory");
    let report = directory.path().join("report.md").display().to_string();
    let plain = texts(&["--wallet", &wallet.address, "--key", KEY, "--player", "probe", "--amount", "250"]);
    let with = |more: &[&str]| [plain.clone(), texts(more)].concat();

    let text = certify(with(&["--report", &report])).await;
    let json = certify(with(&["--json"])).await;
    let good = certify(with(&["--scenario", "bet-takes", "--scenario", "win-adds", "--json"])).await;

    assert_eq!((text.code, json.code, good.code), (1, 1, 0), "{text:?}");
    assert!(text.out.contains("errors-are-problem-documents") && text.out.contains("1 failed"), "{}", text.out);
    let document = json.json();
    assert_eq!((&document["ok"], &document["failed"], &document["skipped"]), (&false.into(), &1.into(), &0.into()));
    assert_eq!(
        (&document["player"], &document["amount"], &document["site_id"]),
        (&"probe".into(), &250.into(), &332.into())
    );
    assert_eq!((&good.json()["ok"], &good.json()["passed"]), (&true.into(), &2.into()));
    let page = std::fs::read_to_string(report).expect("the report was written");
    assert!(page.contains("| errors-are-problem-documents | M | fail |"), "{page}");
    for said in [&text.out, &text.err, &json.out, &page] {
        assert!(!said.contains(KEY), "the key is never printed: {said}");
    }
}

#[tokio::test]
async fn certify_wants_either_a_merchant_with_its_salt_or_a_wallet_with_its_key() {
    let wallet = OtherWallet::start(None).await;
    let address = wallet.address.as_str();
    let table: [(&[&str], &str); 11] = [
        (&[], "--target <URL>|--wallet <URL>"),
        (&["--site-id", "332"], "--target <URL>|--wallet <URL>"),
        (&["--target", address], "--salt"),
        (&["--target", address, "--salt", "s"], "--site-id"),
        (&["--wallet", address], "--key"),
        (&["--wallet", address, "--key", KEY, "--target", address], "cannot be used with"),
        (&["--wallet", address, "--key", KEY, "--salt", "s"], "cannot be used with"),
        (&["--wallet", address, "--key", KEY, "--bind", "127.0.0.1:0"], "cannot be used with"),
        (&["--wallet", address, "--key", KEY, "--scenario", "nonsense"], "no scenario nonsense; there are bet-takes"),
        (&["--wallet", address, "--key", "wrong"], "--key is not accepted"),
        (&["--wallet", "ftp://127.0.0.1/", "--key", KEY], "--wallet must be an http or https address"),
    ];

    for (arguments, said) in table {
        let ran = certify(texts(arguments)).await;
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
}
