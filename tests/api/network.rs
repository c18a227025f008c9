//! The front of the real service on both listeners, as raw bytes meet it; the orderly stop; and what its output and files never
//! hold (threats NET-1 to NET-8, SEC-1, SEC-2).

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use croupier::simulate::server::Behaviour;
use serde_json::{Value, json};

use crate::clients::{Client, SHARED, Target, compare, settled_payouts};
use crate::durability::{Cashier, eventually};
use crate::process::{KEY, SALT, SITE, Service, Setup, get, notice, play, question, signed, wallet};
use crate::raw::{self, Answer, Connection, Request};

const CALLBACK: &str = "/cashier/callback/carouseller";

/// The two listeners with a route of each that takes a body.
fn sides(service: &Service) -> [(SocketAddr, String); 2] {
    let wallet = format!("/wallet/v1/sites/{SITE}/players/anna/transactions");
    [(service.public(), CALLBACK.to_owned()), (service.private(), wallet)]
}

/// Every refusal has the body of its side.
fn assert_error(answer: &Answer, is_public: bool, status: u16, case: &str) {
    let json = answer.json();
    assert_eq!(answer.status, status, "{case}: {}", answer.shown());
    if is_public {
        assert_eq!(json["code"], 500, "{case}: {}", answer.shown());
        assert!(json["error_description"].is_string(), "{case}: {}", answer.shown());
    } else {
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{case}");
        assert_eq!(json["status"], status, "{case}: {}", answer.shown());
        assert!(json["code"].is_string(), "{case}: {}", answer.shown());
    }
}

#[test]
fn every_refusal_of_the_front_has_a_body_and_ends_what_cannot_go_on() {
    let service = Service::started(Setup::default());
    for (address, path) in sides(&service) {
        let is_public = address == service.public();
        let head =
            format!("host: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\nidempotency-key: 1");
        let post = |more: &str| format!("POST {path} HTTP/1.1\r\n{head}\r\n{more}");
        let chunk = format!("11170\r\n{}\r\n0\r\n\r\n", "x".repeat(0x11170));
        let headers: String = (0..900).map(|number| format!("x-{number}: {}\r\n", "y".repeat(40))).collect();
        let cases = [
            ("a long body", post("content-length: 70000\r\n\r\n"), 413, true),
            ("a long chunked body", post(&format!("transfer-encoding: chunked\r\n\r\n{chunk}")), 413, true),
            ("a long address", format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(9_000)), 414, true),
            ("many headers", post(&format!("{headers}content-length: 2\r\n\r\n{{}}")), 431, true),
            ("two lengths", post("content-length: 2\r\ncontent-length: 3\r\n\r\n{}x"), 400, true),
            (
                "a length and chunks",
                post("content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
                400,
                true,
            ),
            ("an unknown coding", post("transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 400, true),
            ("a folded header", post("x: a\r\n b\r\ncontent-length: 2\r\n\r\n{}"), 400, true),
            ("no request", "hello\r\n\r\n".to_owned(), 400, true),
            ("a compressed body", post("content-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}"), 415, false),
            ("another type", post("content-length: 2\r\n\r\n{}").replace("application/json", "text/xml"), 415, false),
            ("nowhere", "GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), 404, false),
            ("a path with dots", "GET /../../etc/passwd HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), 404, false),
        ];
        for (case, bytes, status, ends) in cases {
            let mut connection = Connection::open(address).expect("a connection");
            connection.write(bytes.as_bytes()).expect("sent");
            let answer = connection.receive().unwrap_or_else(|error| panic!("{case} on {address}: {error}"));
            assert_error(&answer, is_public, status, case);
            assert!(!ends || connection.is_closed(), "{case}: the connection is closed");
        }
        for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let path = if is_public { path.clone() } else { format!("{path}/reference/rollback") };
            let headers = vec![("authorization", format!("Bearer {KEY}"))];
            let answer =
                raw::once(address, &Request { method, path, headers, body: String::new() }).expect("an answer");
            assert_error(&answer, is_public, 405, method);
        }
        assert_eq!(raw::once(address, &get("/healthz")).expect("an answer").status, 200, "the next request works");
    }
    assert_eq!(raw::once(service.public(), &get("/wallet/v1/events")).expect("an answer").status, 404);
    assert_eq!(raw::once(service.public(), &get("/metrics")).expect("an answer").status, 404);
    assert_eq!(raw::once(service.private(), &get(CALLBACK)).expect("an answer").status, 404);
}

#[test]
fn slow_requests_are_cut_off_in_time_on_both_listeners() {
    let service = Service::started(Setup::default());
    service.player("anna", 1_000);
    std::thread::scope(|scope| {
        for (address, path) in sides(&service) {
            let is_public = address == service.public();
            let head =
                format!("POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\nidempotency-key: 1\r\n");
            let body = format!("{head}content-type: application/json\r\ncontent-length: 500\r\n\r\n{{");
            for (case, start, drip, seconds) in [("head", head, "x", 10), ("body", body, " ", 15)] {
                scope.spawn(move || {
                    let started = Instant::now();
                    let mut connection = Connection::open(address).expect("a connection");
                    connection.write(start.as_bytes()).expect("sent");
                    let mut drops = connection.clone_stream();
                    let done = AtomicBool::new(false);
                    let answer = std::thread::scope(|scope| {
                        // A byte now and then: the peer is slow, not silent.
                        scope.spawn(|| {
                            while !done.load(Ordering::Relaxed) && drops.write_all(drip.as_bytes()).is_ok() {
                                std::thread::sleep(Duration::from_millis(500));
                            }
                        });
                        let answer = connection.receive();
                        done.store(true, Ordering::Relaxed);
                        answer
                    });
                    let took = started.elapsed().as_secs_f64();
                    assert_error(&answer.expect("an answer"), is_public, 408, case);
                    assert!((took - f64::from(seconds)).abs() < 1.5, "{case} took {took} s instead of {seconds}");
                });
            }
        }
        // Others are served meanwhile.
        assert_eq!(service.balance("anna"), (1_000, 0));
    });
}

#[test]
fn an_orderly_stop_under_load_ends_in_time_and_loses_nothing() {
    let cashier = Cashier::start(Behaviour::Slow(Duration::from_millis(50)));
    let mut service = Service::started(cashier.setup());
    let mut clients: Vec<Client> = (0..16).map(|number| Client::new(number, 7, 1_000_000_000)).collect();
    for client in &clients {
        service.player(&client.login, 1_000_000_000);
    }
    service.player(SHARED, 0);
    for _ in 0..3 {
        let target = Target { public: service.public(), private: service.private() };
        let (code, took) = std::thread::scope(|scope| {
            for client in &mut clients {
                scope.spawn(|| client.run(target, &cashier.server));
            }
            let before = cashier.server.all().len();
            eventually("payouts go out under load", || cashier.server.all().len() > before + 10);
            service.stop()
        });
        assert_eq!(code, Some(0), "{}", service.log());
        assert!(took < Duration::from_secs(30), "the stop took {took:?}");
        service.start();
    }

    let target = Target { public: service.public(), private: service.private() };
    for client in &mut clients {
        client.finish(target);
    }
    let stages = settled_payouts(&service);
    compare(&service, &cashier.server, &clients, &stages);
    assert!(!stages.values().any(|stage| *stage == croupier::payouts::Stage::Unknown), "no answer was lost");
    assert_eq!(cashier.server.doubles(), []);
    assert_eq!(service.verify()["ok"], true);
}

#[test]
fn a_stop_does_not_wait_for_a_cashier_that_never_answers() {
    let cashier = Cashier::start(Behaviour::Endless);
    let mut service = Service::started(cashier.setup());
    service.player("anna", 10_000);
    let id = service.payout("anna", 1_000, 1);
    cashier.wait_for(&id);

    let (code, took) = service.stop();

    assert_eq!(code, Some(0), "{}", service.log());
    assert!(took < Duration::from_secs(30), "the stop took {took:?}");
    service.start();
    eventually("it is unknown", || settled_payouts(&service)[&id] == croupier::payouts::Stage::Unknown);
    assert_eq!(service.balance("anna"), (9_000, 1_000));
    assert_eq!(cashier.server.initiations(&id).len(), 1);
}

#[test]
fn no_salt_key_token_or_password_is_in_the_output_at_any_level() {
    let cashier = Cashier::start(Behaviour::Accept);
    let mut service = Service::new(Setup { log: "trace", ..cashier.setup() });
    let old_salt = "an older salt of the site, still accepted";
    service.change(|setup| setup.salts = format!("\"{SALT}\", \"{old_salt}\""));
    service.start();
    service.player("anna", 100_000);
    assert!(service.cli(&["staff", "add", "olga", "--role", "admin"]).status.success());
    let token = String::from_utf8(service.cli(&["staff", "token", "olga"]).stdout).expect("text");
    let token = token.trim().lines().last().expect("a token").to_owned();

    let id = service.payout("anna", 1_000, 1);
    cashier.wait_for(&id);
    let bearer = |key: &str| vec![("authorization", format!("Bearer {key}"))];
    let list = |headers| Request { method: "GET", path: "/admin/api/v1/payouts".into(), headers, body: String::new() };
    for headers in [bearer(&token), bearer("no-token-of-anybody"), bearer(KEY)] {
        raw::once(service.private(), &list(headers)).expect("an answer");
    }
    let mut forged = question("request_payout", "anna", 1_000, 2);
    forged.body = forged.body.replace("1000", "9000");
    let mut broken = forged.clone();
    broken.body.truncate(50);
    for request in [forged, broken, question("check_deposit", "nobody", 1_000, 3), get("/nowhere")] {
        service.ask(&request);
    }
    let mut stranger = play("anna", "bet", 10, "bet-1");
    stranger.headers[0].1 = format!("Bearer {KEY}x");
    assert_eq!(raw::once(service.private(), &stranger).expect("an answer").status, 401);
    let printed = service.cli(&["settings", "print"]);
    let metrics = raw::once(service.private(), &get("/metrics")).expect("an answer");
    assert_eq!(service.stop().0, Some(0));

    let log = service.log();
    assert!(log.contains("TRACE") && log.contains(&id), "the log is as loud as it can be");
    let shown = [log.as_bytes(), &printed.stdout, &printed.stderr, &metrics.body];
    for secret in [SALT, old_salt, KEY, &token, &format!("{KEY}x")] {
        for (at, text) in shown.iter().enumerate() {
            let text = String::from_utf8_lossy(text);
            let line = text.lines().find(|line| line.contains(secret)).unwrap_or_default();
            assert!(line.is_empty(), "a secret is in output {at}: {line}");
        }
    }
}

#[test]
fn a_full_card_number_is_in_no_file_and_no_log_line() {
    let cashier = Cashier::start(Behaviour::Accept);
    let mut service = Service::new(Setup { log: "trace", ..cashier.setup() });
    service.start();
    service.player("anna", 100_000);
    let (card, grouped, dashed) = ("4111111111111111", "5555 5555 5555 4444", "3782-822463-10005");
    let purse = |mut request: Value, purse: &str| {
        request["customer_purse"] = json!(purse);
        signed(CALLBACK, &request)
    };
    let mut ids = Vec::new();
    for (transaction, number) in (1..).zip([card, grouped, dashed]) {
        let plain = question("request_payout", "anna", 1_000, transaction);
        let params: Value = serde_json::from_str(&plain.body).expect("json");
        let mut params = params.as_object().cloned().expect("an object");
        params.remove("signature");
        let answer = service.ask(&purse(Value::Object(params), number));
        assert_eq!(answer.code(), Some(50), "{}", answer.shown());
        ids.push(answer.json()["external_id"].as_str().expect("an id").to_owned());
    }
    for (id, number) in ids.iter().zip([card, grouped, dashed]) {
        cashier.wait_for(id);
        let mut said = notice(id, "anna", 1_000, (11, 4), 9);
        said["customer_purse"] = json!(number);
        said["processor_message"] = json!(format!("paid to card {number}, thank you"));
        said["an_unknown_field"] = json!(format!("card:{number}"));
        let answer = service.ask(&signed("/cashier/webhook/carouseller", &said));
        assert_eq!(answer.code(), Some(0), "{}", answer.shown());
        let mut lost = said.clone();
        lost["external_id"] = json!(format!("nobody-{id}"));
        assert_eq!(service.ask(&signed("/cashier/webhook/carouseller", &lost)).code(), Some(0));
    }
    let profile = json!({"comment": format!("card {card}")});
    raw::once(service.private(), &wallet("PUT", "anna", "", &profile)).expect("an answer");

    assert!(service.kill(), "with the write-ahead log as it is");
    let mut places = vec![("the log".to_owned(), service.log().into_bytes())];
    for entry in fs::read_dir(service.directory()).expect("the directory") {
        let path = entry.expect("an entry").path();
        places.push((path.display().to_string(), fs::read(&path).expect("a file")));
    }
    places.extend(service.database().rows().into_iter().map(|(table, rows)| (table, rows.into_bytes())));
    assert!(places.len() >= 4, "database, log of writes, settings, log");
    for number in [card, grouped, dashed, "5555555555554444", "378282246310005"] {
        for (place, bytes) in &places {
            let found = bytes.windows(number.len()).any(|window| window == number.as_bytes());
            assert!(!found, "{number} is in {place}");
        }
    }
}
