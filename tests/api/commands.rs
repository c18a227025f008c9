//! The command line as a shell sees it: exit codes, JSON and nothing else on stdout, no secret anywhere (contract part 2).

use croupier::simulate::platforms;
use serde_json::json;

use crate::process::{self, Service, Setup};
use crate::support::TestApp;
use crate::support::app::{SALT, SITE, VAULT, plain_settings, set, write_settings};
use crate::support::binary::run;

const SIGNED: &str = "4b05f74feddbd95f799a444faf0bc5dce49318cf";
const VECTOR: &str = r#"{"action":"check_deposit","site_id":332,"site_login":"user_test","amount":10000,"currency":"USD","payment_group_id":6,"payment_type_id":18,"customer_purse":"555555...4444","customer_ip":"127.0.0.1","source_type":4,"transaction_id":"1234567890"}"#;

fn directory() -> tempfile::TempDir {
    tempfile::TempDir::new().expect("a directory")
}

#[test]
fn wrong_use_ends_with_2_and_help_with_0() {
    let here = directory();
    let wrong: [&[&str]; 15] = [
        &[],
        &["nonsense"],
        &["serve", "--nonsense"],
        &["sign"],
        &["explain"],
        &["ledger"],
        &["ledger", "nonsense"],
        &["settings"],
        &["staff", "add", "carol", "--role", "king"],
        &["certify"],
        &["demo", "--provider", "nobody"],
        &["simulate", "--target", "http://127.0.0.1:9/"],
        &["simulate", "--target", "http://127.0.0.1:9/", "--provider", "nobody"],
        &["simulate", "--target", "http://127.0.0.1:9/", "--provider", "exotic", "--scenario", "repeat-same-answer"],
        &["simulate", "--provider", "exotic"],
    ];
    for arguments in wrong {
        let ran = run(here.path(), arguments, "");
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}: {ran:?}");
        assert!(!ran.err.is_empty(), "{arguments:?}");
    }
    for command in [
        "backup",
        "copy-database",
        "restore",
        "events",
        "serve",
        "sign",
        "explain",
        "ledger",
        "settings",
        "staff",
        "demo",
        "simulate",
        "certify",
        "migrate",
    ] {
        let ran = run(here.path(), &[command, "--help"], "");
        assert_eq!(ran.code, 0, "{command}: {ran:?}");
        assert!(ran.out.contains("Usage"), "{command}");
    }
}

#[test]
fn commands_that_need_settings_say_that_they_have_none() {
    let here = directory();
    for arguments in [
        &["serve"][..],
        &["events", "status"],
        &["ledger", "verify"],
        &["staff", "list"],
        &["migrate"],
        &["settings", "check"],
    ] {
        let ran = run(here.path(), arguments, "");
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert!(format!("{}{}", ran.out, ran.err).contains("Settings.toml"), "{arguments:?}: {ran:?}");
    }
    assert_eq!(std::fs::read_dir(here.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn sign_prints_the_canonical_text_and_the_signature_of_the_published_vector() {
    let here = directory();

    let ran = run(here.path(), &["sign", "--salt", "test_salt"], VECTOR);

    assert_eq!((ran.code, &ran.json()["signature"]), (0, &json!(SIGNED)), "{ran:?}");
    let canonical = ran.json()["canonical"].as_str().unwrap().to_owned();
    assert!(canonical.starts_with("action:check_deposit;amount:10000;currency:USD;"), "{canonical}");
    assert!(!ran.out.contains("test_salt") && !ran.err.contains("test_salt"), "the salt is never printed");
    let form = run(here.path(), &["sign", "--salt", "test_salt"], "site_id=332&amount=5\n");
    assert_eq!((form.code, &form.json()["canonical"]), (0, &json!("amount:5;site_id:332;***")));
    for (salt, input) in [("", VECTOR), (" ", VECTOR), ("a;b", VECTOR), ("test_salt", "{"), ("test_salt", "[1]")] {
        let refused = run(here.path(), &["sign", "--salt", salt], input);
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{salt:?} {input}");
    }
}

#[test]
fn explain_says_whether_a_signature_holds_and_what_its_sender_did() {
    let here = directory();
    let with = |signature: &str| VECTOR.replace("{\"action\"", &format!("{{\"signature\":\"{signature}\",\"action\""));
    let explain = |input: &str, more: &[&str]| {
        let arguments = [&["explain", "--salt", "test_salt", "--json"], more].concat();
        run(here.path(), &arguments, input)
    };

    let good = explain(&with(SIGNED), &[]);
    assert_eq!((good.code, &good.json()["holds"]), (0, &json!(true)), "{good:?}");
    let wrong = explain(&with(&"0".repeat(40)), &[]);
    assert_eq!((wrong.code, &wrong.json()["holds"]), (1, &json!(false)));
    let foreign = run(here.path(), &["sign", "--salt", "salz einer anderen Seite"], VECTOR).json()["signature"].clone();
    let foreign = explain(&with(foreign.as_str().unwrap()), &["--other-salt", "salz einer anderen Seite"]);
    assert_eq!((foreign.code, &foreign.json()["holds"]), (1, &json!(false)));
    assert!(foreign.json()["finding"].as_str().unwrap().contains("another site"), "{foreign:?}");
    assert!(!foreign.out.contains("salz einer anderen Seite"));
    let amount = explain(&with(SIGNED).replace("10000", "10001"), &[]);
    assert_eq!(amount.code, 1);
    assert_eq!(explain("{\"site_id\":", &[]).code, 2);
    assert_eq!(explain("", &[]).code, 2);
}

#[test]
fn settings_check_says_everything_that_is_wrong_with_key_and_reason() {
    let here = directory();
    let plain = plain_settings(here.path(), "http://127.0.0.1:9/", "http://127.0.0.1:9/");
    let check = |text: &str| {
        write_settings(here.path(), text);
        run(here.path(), &["settings", "check", "--json"], "")
    };
    let keys = |ran: &crate::support::binary::Ran| -> Vec<String> {
        let json = ran.json();
        let errors = json["problems"].as_array().unwrap().iter().filter(|problem| problem["severity"] == "error");
        errors.map(|problem| problem["key"].as_str().unwrap().to_owned()).collect()
    };

    let good = check(&plain);
    assert_eq!((good.code, &good.json()["ok"], keys(&good)), (0, &json!(true), vec![]), "{good:?}");
    let table = [
        (set(&plain, "server", "publik_bind", "1"), "server.publik_bind"),
        (set(&plain, "server", "max_body_bytes", "-1"), "server.max_body_bytes"),
        (set(&plain, "database", "url", r#""mysql://x""#), "database.url"),
        (set(&plain, "sites.demo", "currencies", r#"["USD", "ZZZ"]"#), "sites.demo.currencies"),
        (set(&plain, "sites.demo", "site_id", "0"), "sites.demo.site_id"),
        (set(&plain, "sites.demo", "unknown_players", r#""maybe""#), "sites.demo.unknown_players"),
        (
            set(&plain, "sites.demo.carouseller", "payout_url", r#""http://example.com/""#),
            "sites.demo.carouseller.payout_url",
        ),
        (
            set(&plain, "sites.demo.carouseller", "payout_url", r#""https://169.254.169.254/""#),
            "sites.demo.carouseller.payout_url",
        ),
        (set(&plain, "sites.demo.carouseller", "salts", r#"[""]"#), "sites.demo.carouseller.salts"),
        (
            set(&plain, "sites.demo.carouseller", "accept_unsigned_webhooks", "true"),
            "sites.demo.carouseller.accept_unsigned_webhooks",
        ),
        (
            set(&plain, "sites.demo.carouseller", "allow_from", r#"["10.0.0.0/99"]"#),
            "sites.demo.carouseller.allow_from",
        ),
        (set(&plain, "sites.demo.limits.USD", "payout_min", "1.5"), "sites.demo.limits.USD.payout_min"),
        (set(&plain, "sites.demo.payouts", "approval", r#""never""#), "sites.demo.payouts.approval"),
    ];
    for (text, key) in table {
        let ran = check(&text);
        assert_eq!((ran.code, &ran.json()["ok"]), (2, &json!(false)), "{key}: {ran:?}");
        assert!(keys(&ran).iter().any(|found| found.starts_with(key)), "{key}: {:?}", keys(&ran));
        assert!(!ran.out.contains(SALT) && !ran.err.contains(SALT), "{key}");
        let served = run(here.path(), &["serve"], "");
        assert_eq!(served.code, 2, "{key}");
        assert!(served.err.contains(key) && !served.err.contains(SALT), "{key}: {}", served.err);
    }
    assert!(!here.path().join("croupier.db").exists(), "wrong settings make no database");
}

#[test]
fn a_short_salt_is_a_loud_warning_and_secrets_are_masked_when_shown() {
    let here = directory();
    let plain = plain_settings(here.path(), "http://127.0.0.1:9/", "http://127.0.0.1:9/");
    write_settings(here.path(), &set(&plain, "sites.demo.carouseller", "salts", r#"["short"]"#));

    let checked = run(here.path(), &["settings", "check"], "");
    let shown = run(here.path(), &["settings", "print"], "");

    assert_eq!(checked.code, 0);
    assert!(checked.out.contains("warning") && checked.out.contains("24 characters"), "{}", checked.out);
    assert_eq!(shown.code, 0);
    assert!(!shown.out.contains("short") && !shown.out.contains(crate::support::app::WALLET_KEY), "{}", shown.out);
}

/// threats SEC-6
#[test]
fn settings_that_everybody_can_change_stop_the_start() {
    use std::os::unix::fs::PermissionsExt;
    let here = directory();
    let file = write_settings(here.path(), &plain_settings(here.path(), "http://127.0.0.1:9/", "http://127.0.0.1:9/"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();

    let refused = run(here.path(), &["serve"], "");

    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("chmod 600"), "{}", refused.err);
}

#[tokio::test]
async fn commands_run_beside_a_service() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let file = app.settings_file().display().to_string();
    let beside =
        |arguments: &[&str], input: &str| run(app.directory(), &[&["--settings", &file], arguments].concat(), input);

    let verified = beside(&["ledger", "verify", "--json"], "");
    assert_eq!((verified.code, verified.json()["entries"].as_i64()), (0, Some(1)), "{verified:?}");
    let added = beside(&["staff", "add", "carol", "--role", "approver"], "a long and good password\n");
    assert_eq!(added.code, 0, "{added:?}");
    assert_eq!(beside(&["staff", "add", "carol", "--role", "viewer"], "another long password\n").code, 1, "taken");
    let token = beside(&["staff", "token", "carol"], "");
    assert!(token.code == 0 && token.out.trim().len() >= 32, "{token:?}");
    assert_eq!(beside(&["staff", "role", "carol", "viewer"], "").code, 0);
    let listed = beside(&["staff", "list", "--json"], "");
    assert!(listed.code == 0 && listed.out.contains("carol") && !listed.out.contains("argon2"), "{listed:?}");
    assert_eq!(beside(&["staff", "disable", "carol"], "").code, 0);
    assert_eq!(beside(&["staff", "token", "carol"], "").code, 1);
    assert_eq!(beside(&["staff", "role", "nobody", "viewer"], "").code, 1);

    app.paid_deposit("alice", 500).await;
    assert_eq!(app.balance("alice").await, (1500, 0), "the service goes on");
    let audited = beside(&["ledger", "verify", "--json"], "").json()["audit_rows"].as_i64();
    assert!(audited.is_some_and(|rows| rows >= 4), "{audited:?}");
}

#[test]
fn certify_examines_a_merchant_and_says_whom() {
    let service = Service::started(Setup::default());
    service.player("certify", 0);
    let target = format!("http://{}", service.public());
    let examined = ["certify", "--target", &target, "--site-id", "332", "--salt", process::SALT];
    let report = service.directory().join("report.md").display().to_string();
    let chosen = ["--scenario", "repeat-same-answer", "--scenario", "repeat-with-other-amount", "--report", &report];

    let text = run(service.directory(), &[&examined[..], &chosen].concat(), "");
    let json = run(service.directory(), &[&examined[..], &chosen, &["--json"]].concat(), "");

    assert_eq!((text.code, json.code), (0, 0), "{text:?}");
    assert!(text.out.contains("2 of 2 scenarios passed"), "{}", text.out);
    let document = json.json();
    assert_eq!((&document["ok"], &document["passed"], &document["site_id"]), (&json!(true), &json!(2), &json!(332)));
    assert_eq!((&document["target"], &document["player"]), (&json!(format!("{target}/")), &json!("certify")));
    let page = std::fs::read_to_string(report).expect("the report was written");
    assert!(page.starts_with(&format!("# Conformance of {target}/")) && page.contains("player certify"), "{page}");
    assert!(!page.contains(process::SALT) && !json.out.contains(process::SALT), "the salt is never printed");
}

#[test]
fn the_demo_of_every_provider_ends_in_order() {
    let here = directory();
    std::thread::scope(|scope| {
        for name in platforms::NAMES {
            let here = here.path();
            scope.spawn(move || {
                let wanted = ["demo", "--players", "3", "--rounds", "2", "--faults", "--seed", "4", "--json"];
                let ran = run(here, &[&wanted[..], &["--provider", name]].concat(), "");

                assert_eq!(ran.code, 0, "{name}: {ran:?}");
                let report = ran.json();
                assert_eq!((&report["ok"], &report["provider"]), (&json!(true), &json!(name)));
                assert_eq!((&report["ledger"]["ok"], &report["differences_total"]), (&json!(true), &json!(0)));
                assert!(report["deposits"]["paid"].as_i64() > Some(0), "{name}: {report}");
                assert!(report["initiations"].as_i64() > Some(0), "{name}: {report}");
            });
        }
    });
}

#[tokio::test]
async fn a_platform_as_a_process_takes_orders_and_ends_them_by_itself() {
    let nobody = ([127, 0, 0, 1], 0).into();
    let platform = platforms::start("cabbagino", SITE, nobody).await.expect("a free port");
    let (settings, method) = (platform.settings("demo"), platform.method());
    // The process gets the port of this one, which the settings name.
    let (_, port) = settings.split_once("http://127.0.0.1:").expect("its address");
    let bind = format!("127.0.0.1:{}", port.split('"').next().expect("a port"));
    drop(platform);
    let app = TestApp::with(|plain| format!("{plain}\n{settings}{VAULT}")).await;
    app.player("alice").await;
    let target = app.public.clone();
    let here = app.directory().to_owned();
    let address = bind.clone();
    let process = tokio::task::spawn_blocking(move || {
        let wanted = ["simulate", "--provider", "cabbagino", "--site-id", "332", "--rate", "20", "--duration", "4"];
        let more = ["--target", &target, "--bind", &address, "--seed", "1", "--json"];
        run(&here, &[&wanted[..], &more].concat(), "")
    });
    while tokio::net::TcpStream::connect(&bind).await.is_err() {
        tokio::task::yield_now().await;
    }
    app.wallet().put("alice", json!({"country": "LV", "first_name": "Alice", "last_name": "Liddell"})).await;

    let body = json!({"amount": 25, "currency": "USD", "method": method});
    let deposit = app.front("alice").await.post("/cashier/deposit", &body).await.id();
    let ran = process.await.expect("it ran");

    assert_eq!(ran.code, 0, "{ran:?}");
    let told = ran.json();
    let ended = ["paid", "declined"].map(|how| told["orders"][how].as_i64().expect("a count"));
    assert_eq!((&told["ok"], ended[0] + ended[1]), (&json!(true), 1), "{told}");
    assert_eq!(app.balance("alice").await, (2_500 * ended[0], 0), "{deposit}");
    for line in settings.lines() {
        assert!(ran.err.contains(line), "the settings that lead there: {line}");
    }
}
