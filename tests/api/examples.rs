//! The examples do what they say, against the real service.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::game::{Game, Setup};
use crate::support::TestApp;
use crate::support::app::{SITE, WALLET_KEY};

/// Runs the shell example to its end.
async fn shell(app: &TestApp, key: &str, login: &str) -> Output {
    let mut command = Command::new("sh");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/wallet.sh")).env("CROUPIER", &app.private);
    command.env("KEY", key).env("SITE", SITE.to_string()).env("LOGIN", login).env("no_proxy", "*");
    let run = tokio::task::spawn_blocking(move || command.output());
    run.await.expect("it ran").expect("a shell is there")
}

/// The answers of the shell example, each with its title.
fn answers(output: &Output) -> Vec<(String, Value)> {
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    let answer = |part: &str| {
        let (title, body) = part.split_once('\n').expect("a title and an answer");
        (title.to_owned(), serde_json::from_str(body).unwrap_or_else(|_| panic!("not JSON: {part}")))
    };
    text.split("== ").skip(1).map(answer).collect()
}

#[tokio::test]
async fn the_shell_example_shows_the_whole_wallet_and_can_be_run_twice() {
    let app = TestApp::spawn().await;

    let first = shell(&app, WALLET_KEY, "carol").await;
    let second = shell(&app, WALLET_KEY, "carol").await;

    for output in [&first, &second] {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "curl and sh are needed: {said} {}", String::from_utf8_lossy(&output.stdout));
    }
    let shown = answers(&first);
    // The first answer is the player as they were before.
    assert_eq!(answers(&second)[1..], shown[1..], "the second run gets the answers of the first");
    let after: Vec<_> = shown.iter().map(|(title, answer)| (title.as_str(), &answer["available"])).collect();
    assert_eq!(
        after[1..6],
        [
            ("bonus of 1000 in welcome", &json!(1000)),
            ("bet of 300 in round-1", &json!(700)),
            ("win of 450 in round-1", &json!(1150)),
            ("bet of 200 in round-2", &json!(950)),
            ("take back the bets of round-2", &json!(1150)),
        ]
    );
    assert_eq!(shown[6].1["items"].as_array().map(Vec::len), Some(5), "{:?}", shown[6]);
    assert_eq!(app.balance("carol").await, (1150, 0));
}

#[tokio::test]
async fn the_shell_example_ends_at_the_first_refusal_with_its_reason() {
    let app = TestApp::spawn().await;

    let refused = shell(&app, "wrong", "carol").await;

    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(answers(&refused).len(), 1);
    assert_eq!(answers(&refused)[0].1["code"], "unauthorized");
}

#[tokio::test]
async fn the_example_game_server_ends_with_the_same_books_and_the_same_game_for_the_same_seed() {
    let app = TestApp::spawn().await;
    let directory = tempfile::TempDir::new().expect("a directory");
    let setup = |seed: u64, journal: &str| Setup {
        wallet: app.private.clone(),
        key: WALLET_KEY.to_owned(),
        players: 3,
        rounds: 200,
        seed,
        journal: directory.path().join(journal),
    };
    let play =
        async |setup: Setup| tokio::task::spawn_blocking(move || Game::start(&setup).finish()).await.expect("it ran");
    let balances = async || {
        let wallet = app.wallet();
        futures_util::future::join_all((0..3).map(|number| {
            let wallet = wallet.clone();
            async move { wallet.balance(&format!("game-1-player-{number}"), "USD").await }
        }))
        .await
    };

    let first = play(setup(1, "one")).await;
    let after_first = balances().await;
    let again = play(setup(1, "one")).await;
    let without_journal = play(setup(1, "lost")).await;

    let expected = json!({"ok": true, "rounds": 200, "players": 3, "repeated": 0, "differences": []});
    assert_eq!((&first, &again), (&expected, &expected));
    assert_eq!(without_journal["rounds"], 200, "the same keys get the same answers: {without_journal}");
    assert_eq!(balances().await, after_first, "neither a second start nor a lost journal moves money");
}
