//! Books that were tampered with are found, named, and not served (contract part 2, threats R8, DUR-6, DUR-7, DUR-12, ADM-7).

use croupier::ids::{Login, Player, SiteId};
use croupier::protection::exclusion;
use croupier::simulate::messages::{CHARGEBACK, PAYOUT, PURCHASE, SUCCESS};
use croupier::{clock, db};
use diesel::Connection;
use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::support::TestApp;
use crate::support::app::{Home, SITE, WALLET_KEY, set};
use crate::support::binary::{Serving, run};
use crate::support::database::about_the_file;
use crate::support::story::Asked;
use crate::support::wire::{Wallet, check_deposit, notification, order, request_payout, signed};

/// A stopped service's directory with one of everything in its books, and its orders.
struct Told {
    home: std::sync::Arc<Home>,
    settings: String,
    paid: Asked,
    sent: Asked,
    waiting: Asked,
    credited: Asked,
}

async fn told() -> Told {
    let app = TestApp::with(|text| set(&text, "sites.demo.payouts", "auto_approve_up_to", "{ USD = 500 }")).await;
    app.player_with("alice", 10_000).await;
    app.player_with("bob", 10_000).await;
    let credited = app.paid_deposit("alice", 1_000).await;
    let back = app.paid_deposit("bob", 300).await;
    app.say(&back, CHARGEBACK, SUCCESS).await;
    app.wallet().play("alice", "bet", 250, "round").await;
    app.wallet().rollback("alice", "round").await;
    let paid = app.payout("alice", 100).await;
    let sent = app.payout("alice", 200).await;
    for payout in [&paid, &sent] {
        app.comes_to(payout, croupier::payouts::Stage::Sent).await;
    }
    app.say(&paid, PAYOUT, SUCCESS).await;
    let waiting = app.payout("bob", 700).await;
    for reason in ["first", "second"] {
        let append = move |tx: &mut croupier::db::WriteTx<'_>| {
            croupier::staff::audit::append(tx, "carol", "test", "nothing", reason, clock::now())
        };
        app.state.db.write(db::Scope::Nobody, append).await.expect("an audit row");
    }
    let bob = Player { site: SiteId(SITE), login: Login::parse("bob").expect("a login") };
    let scope = db::Scope::from(&bob);
    let exclude = move |tx: &mut croupier::db::WriteTx<'_>| {
        exclusion::exclude(tx, &bob, exclusion::Kind::CoolOff, clock::now() + clock::DAY_MICROS, clock::now())
    };
    app.state.db.write(scope, exclude).await.expect("an exclusion");
    let (home, settings, _) = app.stop().await;
    Told { home, settings, paid, sent, waiting, credited }
}

impl Told {
    /// A copy to do harm to.
    fn copy(&self) -> Home {
        self.home.copy(&self.settings)
    }
}

/// Tampering with what says whose money it is, where an order came from, and who vouches for it.
fn what_binds_rows_to_each_other(told: &Told) -> Vec<(String, String)> {
    let (paid, sent, credited) = (&told.paid.id, &told.sent.id, &told.credited.id);
    let events = "DROP TRIGGER events_are_never_deleted;";
    vec![
        (
            "UPDATE accounts SET code = 'x' WHERE code = 'player:1:USD'; \
             UPDATE accounts SET code = 'player:1:USD' WHERE code = 'player:2:USD'; \
             UPDATE accounts SET code = 'player:2:USD' WHERE code = 'x'"
                .into(),
            "account player:1:USD: its code".into(),
        ),
        ("DELETE FROM meta".into(), "".into()),
        (format!("{events} DELETE FROM events WHERE id = 2"), "events:".into()),
        (
            format!("{events} DELETE FROM events WHERE id = (SELECT max(id) FROM events)"),
            "the log of events does not hold".into(),
        ),
        (
            "DELETE FROM event_endpoint; INSERT INTO event_endpoint VALUES (1, 9999, 0, NULL, 0, NULL)".into(),
            "events: pushes stand at 9999".into(),
        ),
        ("UPDATE players SET excluded_until = NULL".into(), "player 2: an exclusion".into()),
        ("INSERT INTO player_limits VALUES (1, 'USD', 'day', 5, NULL, NULL, 0)".into(), "player 1:".into()),
        (
            "INSERT INTO cashier_requests VALUES ('ghost', 1, 'withdrawal', NULL, zeroblob(32), '', '', '{}', NULL, '', 0)".into(),
            "request ghost".into(),
        ),
        ("INSERT INTO deposit_intents VALUES (1, 'ghost', 'carouseller', 5, 'USD', 0)".into(), "deposit ghost".into()),
        ("DELETE FROM question_keys".into(), format!("payout {paid}: its question")),
        (format!("UPDATE deposits SET site_id = 9 WHERE external_id = '{credited}'"), format!("deposit {credited}")),
        (format!("UPDATE payouts SET stage = 'unknown' WHERE external_id = '{sent}'"), format!("payout {sent}")),
        (format!("DELETE FROM payout_attempts WHERE external_id = '{sent}'"), format!("payout {sent}")),
        (
            format!("UPDATE webhooks SET verdict = 'recorded' WHERE external_id = '{paid}'"),
            format!("payout {paid}: nobody vouches"),
        ),
        (
            format!("UPDATE webhooks SET content = '{{}}' WHERE external_id = '{credited}'"),
            format!("deposit {credited}: nobody vouches"),
        ),
    ]
}

/// Tampering with the log of events, and with what is kept for repetitions and later questions.
fn what_is_told_and_kept(told: &Told) -> Vec<(String, String)> {
    let (paid, sent, waiting, credited) = (&told.paid.id, &told.sent.id, &told.waiting.id, &told.credited.id);
    let events = "DROP TRIGGER events_are_never_changed;";
    let cases = [
        (format!("{events} UPDATE events SET amount = amount + 1 WHERE id = 1"), "event 1:".to_owned()),
        (format!("{events} UPDATE events SET external_id = '{paid}' WHERE id = 1"), "event 1:".to_owned()),
        (format!("{events} UPDATE events SET kind = 'payout.sent' WHERE id = 1"), "event 1:".to_owned()),
        (
            format!("UPDATE webhooks SET provider = 'other' WHERE external_id = '{credited}'"),
            "notification 1:".to_owned(),
        ),
        (
            "UPDATE wallet_transactions SET reference = 'other' WHERE kind = 'bet'".to_owned(),
            "wallet transaction".to_owned(),
        ),
        ("DELETE FROM rollbacks".to_owned(), "1 bets were given back, and 0 were rolled back".to_owned()),
        ("UPDATE rollbacks SET reference = 'other'".to_owned(), "rollback of other".to_owned()),
        (
            format!("UPDATE question_keys SET provider = 'other' WHERE external_id = '{waiting}'"),
            format!("order {waiting}"),
        ),
        (
            format!("UPDATE payout_attempts SET number = 2 WHERE external_id = '{sent}'"),
            format!("payout {sent}: its 1 attempts"),
        ),
        (
            format!("UPDATE payout_attempts SET finished_at = NULL WHERE external_id = '{sent}'"),
            format!("payout {sent}: an attempt"),
        ),
        (format!("DELETE FROM inquiries WHERE external_id = '{sent}'"), format!("order {sent}: whether its end")),
        (
            "INSERT INTO approvals VALUES (1, 'ghost', 'approve', 'carol', 'why not', FALSE, 0)".to_owned(),
            "approval 1:".to_owned(),
        ),
    ];
    cases.into()
}

/// Tampering with what is kept or checked in another way on a server: the hashes of the chain stand beside the entries there.
fn what_a_home_keeps_its_own_way(told: &Told) -> Vec<(String, String)> {
    let entries = "DROP TRIGGER journal_entries_are_never_changed; DROP TRIGGER journal_entries_are_never_deleted;";
    let seals = "DROP TRIGGER seals_are_never_changed; DROP TRIGGER seals_are_never_deleted;";
    let last_entry = "DELETE FROM journal_entries WHERE id = (SELECT max(id) FROM journal_entries)";
    let last_seal = "DELETE FROM seals WHERE number = (SELECT max(number) FROM seals)";
    let cases: Vec<(String, &str)> = if told.home.database.is_postgres() {
        vec![
            (format!("{seals} UPDATE seals SET hash = zeroblob(32) WHERE number = 4"), "entry 4:"),
            (format!("{seals} UPDATE seals SET entry_id = 99 WHERE number = 4"), "entries 4 to 4 are missing"),
            (format!("{seals} DELETE FROM seals WHERE number = 2"), "entries 2 to 2 are missing"),
            (format!("{entries} {seals} {last_entry}; {last_seal}"), "the ledger does not hold row"),
            (format!("{seals} {last_seal}"), "the ledger does not hold row"),
            ("DELETE FROM players".into(), "its player is not one of its site"),
        ]
    } else {
        vec![
            (format!("{entries} UPDATE journal_entries SET hash = zeroblob(32) WHERE id = 4"), "entry 4:"),
            (format!("{entries} {last_entry}"), "the ledger does not hold row"),
            ("DELETE FROM players".into(), "rows that are gone"),
        ]
    };
    cases.into_iter().map(|(sql, names)| (sql, names.to_owned())).collect()
}

#[tokio::test]
async fn the_check_finds_every_kind_of_tampering_and_names_the_row() {
    let told = told().await;
    let (paid, sent, waiting, credited) = (&told.paid.id, &told.sent.id, &told.waiting.id, &told.credited.id);
    let entries = "DROP TRIGGER journal_entries_are_never_changed; DROP TRIGGER journal_entries_are_never_deleted;";
    let audit = "DROP TRIGGER audit_rows_are_never_changed; DROP TRIGGER audit_rows_are_never_deleted;";
    let cases: Vec<(String, String)> = vec![
        (format!("{entries} UPDATE journal_entries SET amount = amount + 1 WHERE id = 2"), "entry 2:".into()),
        (format!("{entries} UPDATE journal_entries SET cause = 'other' WHERE id = 3"), "entry 3:".into()),
        (format!("{entries} UPDATE journal_entries SET at = at + 1 WHERE id = 1"), "entry 1:".into()),
        (format!("{entries} UPDATE journal_entries SET kind = 'gift' WHERE id = 1"), "entry 1:".into()),
        (format!("{entries} DELETE FROM journal_entries WHERE id = 2"), "entries 2 to 2 are missing".into()),
        (
            "UPDATE accounts SET available = available + 1 WHERE code = 'player:1:USD'".into(),
            "account player:1:USD".into(),
        ),
        ("UPDATE accounts SET held = held + 1 WHERE code = 'player:2:USD'".into(), "account player:2:USD".into()),
        (
            "UPDATE accounts SET available = available + 5 WHERE code = 'player:1:USD'; \
             UPDATE accounts SET available = available - 5 WHERE kind = 'games'"
                .into(),
            "account player:1:USD".into(),
        ),
        (
            "UPDATE accounts SET may_go_negative = TRUE WHERE code = 'player:1:USD'".into(),
            "account player:1:USD".into(),
        ),
        (format!("UPDATE payouts SET amount = amount + 1 WHERE external_id = '{paid}'"), format!("payout {paid}")),
        (format!("UPDATE payouts SET amount = 1 WHERE external_id = '{waiting}'"), format!("payout {waiting}")),
        (format!("UPDATE payouts SET player_id = 2 WHERE external_id = '{sent}'"), format!("payout {sent}")),
        (format!("UPDATE payouts SET currency = 'EUR' WHERE external_id = '{sent}'"), format!("payout {sent}")),
        (
            format!("UPDATE payouts SET status = 5, stage = 'done' WHERE external_id = '{sent}'"),
            format!("payout {sent}"),
        ),
        (format!("UPDATE payouts SET stage = 'queued' WHERE external_id = '{waiting}'"), format!("payout {waiting}")),
        (format!("UPDATE deposits SET amount = 999 WHERE external_id = '{credited}'"), format!("deposit {credited}")),
        (format!("UPDATE deposits SET status = 0 WHERE external_id = '{credited}'"), format!("deposit {credited}")),
        (format!("DELETE FROM deposits WHERE external_id = '{credited}'"), "credited deposits".into()),
        (format!("DELETE FROM transitions WHERE external_id = '{paid}'"), format!("payout {paid}")),
        (
            format!("UPDATE transitions SET cause = 'hope' WHERE external_id = '{credited}'"),
            format!("deposit {credited}"),
        ),
        (format!("DELETE FROM webhooks WHERE external_id = '{paid}'"), format!("payout {paid}: nobody vouches")),
        (
            format!("UPDATE webhooks SET signed = FALSE WHERE external_id = '{credited}'"),
            format!("deposit {credited}: nobody vouches"),
        ),
        (format!("INSERT INTO outbox VALUES ('{sent}', 0, 1, FALSE)"), format!("payout {sent}: the outbox")),
        (
            format!("INSERT INTO payout_attempts VALUES ('{sent}', 2, x'00', 0, 0, 'unknown', '', '')"),
            format!("payout {sent}: 2 attempts"),
        ),
        ("UPDATE wallet_transactions SET amount = 249 WHERE kind = 'bet'".into(), "wallet transaction".into()),
        ("UPDATE wallet_transactions SET voided = TRUE WHERE kind = 'bet'".into(), "wallet transaction".into()),
        (format!("{audit} UPDATE audit SET detail = 'nothing' WHERE id = 1"), "audit".into()),
        (format!("{audit} DELETE FROM audit WHERE id = 1"), "audit".into()),
        (format!("{audit} DELETE FROM audit WHERE id = 2"), "the audit does not hold row 2".into()),
    ];
    let cases = cases
        .into_iter()
        .chain(what_binds_rows_to_each_other(&told))
        .chain(what_is_told_and_kept(&told))
        .chain(what_a_home_keeps_its_own_way(&told));
    let sound = told.copy();
    let report = run(sound.path(), &["ledger", "verify", "--json"], "");
    assert_eq!((report.code, &report.json()["ok"], &report.json()["problems"]), (0, &json!(true), &json!([])));
    assert_eq!(report.json()["postings"].as_i64(), report.json()["entries"].as_i64().map(|entries| 2 * entries));

    let checks = cases.map(|(sql, names)| {
        let copy = told.copy();
        tokio::task::spawn_blocking(move || {
            copy.database.tamper(&sql);
            let report = run(copy.path(), &["ledger", "verify", "--json"], "");
            assert_eq!((report.code, &report.json()["ok"]), (1, &json!(false)), "{sql}");
            let problems = report.json()["problems"].to_string();
            assert!(problems.contains(&names), "{sql}: {problems} does not name {names}");
        })
    });
    for check in checks.collect::<Vec<_>>() {
        check.await.expect("found and named");
    }
}

/// threats R8, DUR-7
#[tokio::test]
async fn books_that_do_not_hold_are_not_served() {
    let told = told().await;
    let copy = told.copy();
    copy.database.tamper("UPDATE accounts SET available = available + 1 WHERE code = 'player:1:USD'");

    let serving = Serving::start(copy.path());
    let wallet = Wallet::new(&serving.private, SITE, WALLET_KEY);
    let meter = std::sync::Arc::default();
    let caller = croupier::simulate::caller::Caller::new(&serving.public, brand(), meter);
    let json = croupier::simulate::Encoding::Json;

    let questions = [check_deposit(&order("alice", 100, "USD")), request_payout(&order("alice", 100, "USD"))];
    for question in questions.into_iter().chain([request_payout(&told.paid.order)]) {
        let answer = caller.ask_as_is(&signed(&question), json).await.unwrap();
        assert_eq!((answer.status, answer.code(), answer.description()), (503, Some(500), "Temporarily unavailable"));
    }
    let notice = signed(&notification(&told.sent.id, &told.sent.order, PAYOUT, SUCCESS));
    let answer = caller.notify_as_is(&notice, json).await.unwrap();
    assert_eq!((answer.status, answer.acknowledges()), (503, false));
    let replies = [
        wallet.put("alice", json!({})).await,
        wallet.play("alice", "bet", 1, "r").await,
        wallet.rollback("alice", "round").await,
    ];
    for reply in replies {
        assert_eq!(reply.problem(), (503, "temporarily_unavailable"));
    }
    let nothing = wallet.with_key("");
    let (healthy, ready) =
        (nothing.call("GET", "/healthz", &[], None).await, nothing.call("GET", "/readyz", &[], None).await);
    assert_eq!((healthy.status, ready.status, &ready.json["status"]), (200, 503, &json!("closed")));
    assert!(!ready.json.to_string().contains("player:1"), "the reason is for the operator only");
    let forged =
        caller.notify_as_is(&notification("x", &order("alice", 1, "USD"), PURCHASE, SUCCESS), json).await.unwrap();
    assert_eq!(forged.status, 403, "what is forged is refused all the same");

    assert!(serving.said.contains("player:1:USD"), "the log names what does not hold: {}", serving.said);
    assert_eq!(serving.stop(), 0);
    assert_eq!(run(copy.path(), &["ledger", "verify"], "").code, 1);
}

fn brand() -> croupier::simulate::Brand {
    croupier::simulate::Brand::new(SITE, crate::support::app::SALT)
}

/// threats DUR-6
#[tokio::test]
async fn a_second_service_on_the_same_file_is_refused_whatever_the_path_and_nothing_stays_locked() {
    if !about_the_file() {
        return;
    }
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let elsewhere = tempfile::TempDir::new().unwrap();
    let links =
        [elsewhere.path().join("link.db"), elsewhere.path().join("hard.db"), elsewhere.path().join("dir/croupier.db")];
    std::os::unix::fs::symlink(app.database().path(), &links[0]).unwrap();
    std::fs::hard_link(app.database().path(), &links[1]).unwrap();
    std::os::unix::fs::symlink(app.directory(), elsewhere.path().join("dir")).unwrap();

    for path in [app.database().path()].into_iter().chain(links.iter().map(AsRef::as_ref)) {
        let url = format!("\"sqlite://{}\"", path.display());
        let text = set(app.settings_text(), "database", "url", &url);
        crate::support::app::write_settings(elsewhere.path(), &text);
        let refused = run(elsewhere.path(), &["serve"], "");
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.err.contains("another croupier service is using this database"), "{refused:?}");
    }
    let file = app.settings_file();
    let beside = run(app.directory(), &["--settings", &file.display().to_string(), "ledger", "verify", "--json"], "");
    assert_eq!((beside.code, &beside.json()["ok"]), (0, &json!(true)), "a check runs beside it");
    app.payout("alice", 100).await;

    let (home, _, _cashier) = app.stop().await;
    let serving = Serving::start(home.path());
    drop(serving);
    let after_a_kill = Serving::start(home.path());
    assert_eq!(after_a_kill.stop(), 0);
}

/// threats DUR-7, DUR-12
#[tokio::test]
async fn a_file_that_cannot_be_trusted_is_refused_and_left_as_it_is() {
    if !about_the_file() {
        return;
    }
    let told = told().await;
    let foreign = "CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine');";
    let newer = "INSERT INTO __diesel_schema_migrations VALUES ('29991231235959', '2999-12-31')";
    type Damage = Box<dyn Fn(&std::path::Path)>;
    let sql = |sql: &'static str| -> Damage {
        Box::new(move |file| db::connect(&file.into()).unwrap().batch_execute(sql).unwrap())
    };
    let cut = |keep: fn(u64) -> u64| -> Damage {
        Box::new(move |file| {
            let open = std::fs::OpenOptions::new().write(true).open(file).unwrap();
            open.set_len(keep(open.metadata().unwrap().len())).unwrap();
        })
    };
    let cases: Vec<(&str, Damage, &str)> = vec![
        ("newer schema", sql(newer), "newer than this binary"),
        ("half of the file", cut(|length| length / 2), "croupier.db"),
        ("one page less", cut(|length| length - 4096), "croupier.db"),
        // More than a part of the last page: that one is of an empty table, and ends in zeros anyway.
        ("not whole pages", cut(|length| length - 4196), "croupier.db"),
        ("a text", Box::new(|file| std::fs::write(file, "my notes\n".repeat(1000)).unwrap()), "not a database"),
        (
            "another program's",
            Box::new(move |file| {
                std::fs::remove_file(file).unwrap();
                let mut conn = diesel::sqlite::SqliteConnection::establish(&file.display().to_string()).unwrap();
                conn.batch_execute(foreign).unwrap();
            }),
            "another program",
        ),
        (
            "a page of noise",
            Box::new(|file| {
                use std::os::unix::fs::FileExt;
                let open = std::fs::OpenOptions::new().write(true).open(file).unwrap();
                let pages = open.metadata().unwrap().len() / 4096;
                for page in 1..pages.min(12) {
                    open.write_all_at(&[0xa5; 512], page * 4096).unwrap();
                }
            }),
            "",
        ),
    ];
    for (name, damage, words) in cases {
        let copy = told.copy();
        let database = copy.database.path();
        damage(database);
        let before = std::fs::read(database).unwrap();

        let refused = run(copy.path(), &["serve"], "");

        assert_eq!(refused.code, 2, "{name}: {refused:?}");
        assert!(refused.err.to_lowercase().contains(words), "{name}: {:?}", refused.err);
        assert!(std::fs::read(database).unwrap() == before, "{name}: the file was changed");
        let checked = run(copy.path(), &["ledger", "verify", "--json"], "");
        assert!(name == "newer schema" || checked.json()["ok"] == false, "{name}: {checked:?}");
    }
}

/// threats R8, DUR-7: books that were there and are gone are not begun anew, unless somebody says so.
#[tokio::test]
async fn a_file_that_is_gone_is_missed() {
    if !about_the_file() {
        return;
    }
    let told = told().await;
    let copy = told.copy();
    let database = copy.database.path();
    let stop = Serving::start(copy.path()).stop();
    assert_eq!(stop, 0, "the mark knows this file now");
    std::fs::File::create(database).unwrap();
    let emptied = run(copy.path(), &["serve"], "");
    assert_eq!((emptied.code, emptied.err.contains("missing or empty")), (2, true), "{emptied:?}");
    std::fs::remove_file(database).unwrap();

    for command in [&["serve"][..], &["migrate"], &["staff", "add", "carol", "--role", "admin"]] {
        let refused = run(copy.path(), command, "a long and good password");
        assert_eq!(refused.code, 2, "{command:?}: {refused:?}");
        assert!(refused.err.contains("missing or empty") && refused.err.contains(".mark"), "{command:?}: {refused:?}");
        assert!(!database.exists(), "{command:?}: nothing was made in its place");
    }
    for entry in std::fs::read_dir(copy.path()).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|extension| extension == "mark") {
            std::fs::remove_file(entry).unwrap();
        }
    }

    assert_eq!(Serving::start(copy.path()).stop(), 0, "without the mark it is a new database");
}
