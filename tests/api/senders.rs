//! Who may say something, and about whom: sites, salts, addresses, routes (threats SIG-10 to SIG-16).

use croupier::settings::Settings;
use croupier::simulate::caller::Route;
use croupier::simulate::messages::{PAYOUT, PURCHASE, SUCCESS, with, without};
use serde_json::json;

use crate::support::TestApp;
use crate::support::app::{SALT, set};
use crate::support::wire::{DRESSES, Dress, check_deposit, notification, order, request_payout, signed, signed_with};

const OLD: &str = "the salt before the rotation of it";

/// threats SIG-11
#[test]
fn salts_that_protect_nothing_stop_the_start() {
    let plain =
        crate::support::app::plain_settings(std::path::Path::new("."), "http://127.0.0.1:9", "http://127.0.0.1:9");
    let second = "\n[sites.second]\nsite_id = 7\ncurrencies = [\"USD\"]\n[sites.second.carouseller]\nsalts = ";
    let refused = [
        set(&plain, "sites.demo.carouseller", "salts", "[]"),
        set(&plain, "sites.demo.carouseller", "salts", r#"[""]"#),
        set(&plain, "sites.demo.carouseller", "salts", r#"["   "]"#),
        set(&plain, "sites.demo.carouseller", "salts", &format!(r#"["{SALT}", " "]"#)),
        set(&plain, "sites.demo.carouseller", "salts", r#"["a salt with a ; in the middle"]"#),
        format!("{plain}{second}[\"{SALT}\"]\n"),
        format!("{plain}{second}[\"another salt of a second site\", \"{SALT}\"]\n"),
    ];
    for settings in refused {
        let problems = Settings::from_text(&settings).expect_err(&settings);
        assert!(problems.iter().any(|problem| problem.is_error() && problem.key.contains("salts")), "{problems:?}");
        assert!(!format!("{problems:?}").contains(SALT), "a salt is never printed");
    }
    assert!(Settings::from_text(&format!("{plain}{second}[\"another salt of a second site\"]\n")).is_ok());
}

/// threats SIG-12
#[tokio::test]
async fn every_salt_verifies_the_first_signs_and_a_removed_one_is_gone_with_the_next_start() {
    let both = format!(r#"["{SALT}", "{OLD}"]"#);
    let app = TestApp::with(|text| set(&text, "sites.demo.carouseller", "salts", &both)).await;
    app.player_with("alice", 1000).await;
    let ask = |salt: &'static str| signed_with(&check_deposit(&order("alice", 5, "USD")), salt);

    for salt in [SALT, OLD] {
        assert_eq!(app.ask_as_is(&ask(salt), Dress::Json).await.code(), Some(0), "{salt}");
    }
    let payout = signed_with(&request_payout(&order("alice", 7, "USD")), OLD);
    let answer = app.ask_as_is(&payout, Dress::Form).await;
    let asked = crate::support::story::Asked {
        id: answer.external_id().expect("an order").to_owned(),
        order: order("alice", 7, "USD"),
    };
    assert!(app.initiation(&asked).await.signature_holds, "signed with the first salt");
    assert_eq!(app.ask_as_is(&ask("a salt that never was one"), Dress::Json).await.code(), Some(500));

    let app = app.restart_with(|text| set(&text, "sites.demo.carouseller", "salts", &format!(r#"["{SALT}"]"#))).await;

    assert_eq!(app.ask_as_is(&ask(SALT), Dress::Json).await.code(), Some(0));
    assert_eq!(app.ask_as_is(&ask(OLD), Dress::Json).await.description(), "Invalid signature");
}

/// threats SIG-14
#[tokio::test]
async fn no_header_and_no_host_makes_an_unsigned_notification_good() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let deposit = app.deposit("alice", 500).await;
    let notice = notification(&deposit.id, &deposit.order, PURCHASE, SUCCESS);
    let before = app.rows().await;
    let headers: [(&str, &str); 7] = [
        ("host", "localhost"),
        ("x-debug", "1"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("x-skip-signature", "true"),
        ("authorization", "Bearer a-key-of-the-game-server-in-tests"),
    ];

    for header in headers {
        for dress in DRESSES {
            let answer = app.send(Route::Webhook, &notice, dress, &[header]).await;
            assert_eq!((answer.status, answer.code()), (403, Some(500)), "{header:?} {dress:?}: {}", answer.summary());
        }
    }

    assert_eq!(app.rows().await, before);
}

/// threats SIG-14
#[tokio::test]
async fn where_unsigned_notifications_are_accepted_they_are_only_hints() {
    let app = TestApp::with(|text| {
        let text = set(&text, "sites.demo.carouseller", "allow_from", r#"["127.0.0.1"]"#);
        set(&text, "sites.demo.carouseller", "accept_unsigned_webhooks", "true")
    })
    .await;
    app.player("alice").await;
    let deposit = app.deposit("alice", 500).await;
    let notice = notification(&deposit.id, &deposit.order, PURCHASE, SUCCESS);

    let hint = app.notify_as_is(&notice, Dress::Json).await;
    assert!(hint.acknowledges(), "{}", hint.summary());
    assert_eq!((app.balance("alice").await, app.reviews().await), ((0, 0), vec!["unsigned".to_owned()]));
    let forged = app.notify_as_is(&with(notice.clone(), "signature", "0".repeat(40)), Dress::Json).await;
    assert_eq!(forged.status, 403, "a wrong signature is worse than none");
    app.notify(&notice).await;

    assert_eq!(app.balance("alice").await, (500, 0), "the signed one counts although the hint said the same");
}

/// threats SIG-14, R6
#[tokio::test]
async fn an_unsigned_hint_that_a_payout_was_paid_does_not_keep_its_decline_from_counting() {
    let app = TestApp::with(|text| {
        let text = set(&text, "sites.demo.carouseller", "allow_from", r#"["127.0.0.1"]"#);
        set(&text, "sites.demo.carouseller", "accept_unsigned_webhooks", "true")
    })
    .await;
    app.player_with("alice", 1000).await;
    let payout = app.sent_payout("alice", 300).await;

    let hint = app.notify_as_is(&notification(&payout.id, &payout.order, PAYOUT, SUCCESS), Dress::Json).await;
    assert!(hint.acknowledges(), "{}", hint.summary());
    assert_eq!((app.balance("alice").await, app.reviews().await), ((700, 300), vec!["unsigned".to_owned()]));
    app.say_not_paid_out(&payout).await;

    assert_eq!((app.balance("alice").await, app.reviews().await), ((1000, 0), vec!["unsigned".to_owned()]));
}

/// threats SIG-14; contract: `Address is not allowed`
#[tokio::test]
async fn an_address_is_judged_by_the_connection_and_by_trusted_proxies_only() {
    let cashier = |text: String| set(&text, "sites.demo.carouseller", "allow_from", r#"["10.1.0.0/16"]"#);
    let direct = TestApp::with(cashier).await;
    let proxied = TestApp::with(|text| set(&cashier(text), "server", "trusted_proxies", r#"["127.0.0.1"]"#)).await;
    let table = [
        (None, false),
        (Some("10.1.2.3"), true),
        (Some("8.8.8.8, 10.1.2.3"), true),
        (Some("10.1.2.3, 8.8.8.8"), false),
        (Some("10.1.2.3, nonsense"), false),
        (Some("10.2.2.3"), false),
        (Some("::ffff:10.1.2.3"), true),
        (Some(""), false),
    ];
    for app in [&direct, &proxied] {
        app.player("alice").await;
    }

    for (forwarded, allowed) in table {
        let header = forwarded.map(|text| ("x-forwarded-for", text));
        let headers: Vec<_> = header.into_iter().collect();
        for (app, allowed) in [(&direct, false), (&proxied, allowed)] {
            let question = signed(&check_deposit(&order("alice", 5, "USD")));
            let answer = app.send(Route::Callback, &question, Dress::Json, &headers).await;
            let words = if allowed { "" } else { "Address is not allowed" };
            assert_eq!((answer.status, answer.description()), (200, words), "{forwarded:?}");
            let notice = signed(&notification("nobody", &order("alice", 5, "USD"), PAYOUT, SUCCESS));
            let answer = app.send(Route::Webhook, &notice, Dress::Json, &headers).await;
            assert_eq!(answer.status, if allowed { 200 } else { 403 }, "{forwarded:?}: {}", answer.summary());
        }
    }
}

/// threats SIG-15
#[tokio::test]
async fn a_message_of_one_route_is_none_on_another() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let deposit = app.deposit("alice", 500).await;
    let notice = notification(&deposit.id, &deposit.order, PURCHASE, SUCCESS);
    let before = app.rows().await;

    let strays = [
        check_deposit(&order("alice", 5, "USD")),
        request_payout(&order("alice", 5, "USD")),
        with(notice.clone(), "action", "request_payout"),
        with(notice.clone(), "action", "payout"),
        with(notice.clone(), "name", "check_deposit"),
    ];
    for stray in strays {
        let answer = app.notify(&stray).await;
        assert_eq!((answer.status, answer.description()), (403, "Invalid signature"), "{stray:?}");
    }
    app.refuses(&notice, "Missing parameter action").await;
    for action in ["payout", "Check_deposit", "check_deposit ", "request_payout;x", "0"] {
        app.refuses(&with(check_deposit(&order("alice", 5, "USD")), "action", action), "Unknown action").await;
    }

    assert_eq!(app.rows().await, before);
    let named = with(without(check_deposit(&order("alice", 5, "USD")), "action"), "name", "check_deposit");
    assert_eq!(app.ask(&named).await.code(), Some(0), "`name` stands in for an absent `action`");
}

/// threats SIG-10
#[tokio::test]
async fn an_unknown_site_is_refused_and_told_nothing() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let question = check_deposit(&order("alice", 5, "USD"));

    for site in
        [json!(999), json!("0332"), json!(-332), json!("332 "), json!("332a"), json!(""), json!([332]), json!(0)]
    {
        app.refuses(&with(question.clone(), "site_id", site), "Unknown site").await;
    }
    app.refuses(&without(question.clone(), "site_id"), "Unknown site").await;
    let foreign = app.ask_as_is(&with(with(question, "site_id", 999), "signature", "x"), Dress::Json).await;

    assert_eq!(foreign.description(), "Unknown site");
}

/// threats SIG-16
#[tokio::test]
async fn unicode_is_never_normalised() {
    let app = TestApp::spawn().await;
    let (composed, decomposed) = ("jos\u{e9}", "jose\u{301}");
    app.player(composed).await;

    app.refuses(&check_deposit(&order(decomposed, 5, "USD")), "User not found").await;
    app.refuses(&check_deposit(&order("JOS\u{c9}", 5, "USD")), "User not found").await;
    app.paid_deposit(composed, 70).await;
    app.player(decomposed).await;

    assert_eq!((app.balance(composed).await, app.balance(decomposed).await), ((70, 0), (0, 0)));
}
