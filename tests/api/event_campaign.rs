//! SIGKILL under load, for the service and for those who read its events: nothing is missed, repeated or reordered (threats WLT-4, DUR-2).
//!
//! The long campaign is this test with more kills: `CROUPIER_EVENT_KILLS=500 cargo test --test api sigkill`.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use croupier::events::feed;
use croupier::pushes::desk;
use croupier::simulate::Brand;
use croupier::simulate::faults::Dice;
use croupier::simulate::server::CashierServer;

use crate::clients::{Client, SHARED, Target, behaviour, settled_payouts};
use crate::process::{KEY, SALT, SITE, Service, Setup};
use crate::raw::{self, Request};
use crate::support::database::about_the_file;
use crate::support::receiver::{Receiver, Reply, place};

const CLIENTS: u64 = 4;
const MONEY: i64 = 1_000_000_000;

/// Reads the feed, and loses everything but its cursor and what came before it whenever it is killed.
struct Reader {
    dice: Dice,
    cursor: String,
    got: Vec<String>,
    deaths: u64,
}

impl Reader {
    /// Reads until the service is gone, or only to the end of what there is.
    fn run(&mut self, address: SocketAddr, to_the_end: bool) {
        loop {
            let (limit, wait) = (self.dice.between(1, 40), self.dice.between(0, 1));
            let path = format!("/wallet/v1/events?after={}&limit={limit}&wait={wait}", self.cursor);
            let headers = vec![("authorization", format!("Bearer {KEY}"))];
            let Ok(answer) = raw::once(address, &Request { method: "GET", path, headers, body: String::new() }) else {
                return;
            };
            assert_eq!(answer.status, 200, "{}", answer.shown());
            let page = answer.json();
            if self.dice.percent(20) {
                // Killed before it could keep anything of the page: it begins again at its cursor.
                self.deaths += 1;
                continue;
            }
            let items = page["items"].as_array().cloned().unwrap_or_default();
            self.got.extend(items.iter().map(|event| event["id"].as_str().expect("an id").to_owned()));
            if let Some(next) = page["next"].as_str() {
                self.cursor = next.to_owned();
            } else if to_the_end {
                return;
            }
        }
    }
}

#[test]
fn sigkill_under_load_hides_no_event_from_its_readers() {
    let kills = std::env::var("CROUPIER_EVENT_KILLS").map_or(30, |text| text.parse().expect("a number"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime for the Cashier");
    let cashier = CashierServer::start(SocketAddr::from(([127, 0, 0, 1], 0)), Brand::new(SITE, SALT), behaviour);
    let cashier = runtime.block_on(cashier).expect("a free port");
    let receiver = Receiver::start();
    receiver.answer_with(flaky);
    let setup = Setup { payout_url: cashier.payout_url(), more: receiver.settings(), ..Setup::default() };
    let mut service = Service::started(setup);
    let mut clients: Vec<Client> = (0..CLIENTS).map(|number| Client::new(number, 11, MONEY)).collect();
    for client in &clients {
        service.player(&client.login, MONEY);
    }
    service.player(SHARED, 0);
    let mut dice = Dice::new(11).fork(77);
    let mut reader = Reader { dice: dice.fork(5), cursor: String::new(), got: Vec::new(), deaths: 0 };

    for _ in 0..kills {
        // A server answers later, so as much happens before the kill.
        let longest = if about_the_file() { 90_000 } else { 300_000 };
        let moment = Duration::from_micros(dice.between(0, longest).unsigned_abs());
        let target = Target { public: service.public(), private: service.private() };
        std::thread::scope(|scope| {
            for client in &mut clients {
                scope.spawn(|| client.run(target, &cashier));
            }
            scope.spawn(|| reader.run(target.private, false));
            // The moment of the kill is what is tested; nothing waits for it.
            std::thread::sleep(moment);
            assert!(service.kill(), "the process had ended by itself:\n{}", service.log());
        });
        service.start();
    }

    let target = Target { public: service.public(), private: service.private() };
    for client in &mut clients {
        client.finish(target);
    }
    settled_payouts(&service);
    let all = drained(&service, &receiver);
    reader.run(target.private, true);
    assert_eq!(reader.got, all, "every event once, in order, through {} deaths of the reader", reader.deaths);
    assert!(reader.deaths > 0 && !all.is_empty(), "{} deaths, {} events", reader.deaths, all.len());
    assert_pushed(&service, &receiver, &all);
    println!(
        "{kills} kills, {} events, the reader died {} times, {} pushes",
        all.len(),
        reader.deaths,
        receiver.seen().len()
    );
}

/// Takes most pushes; now and then it fails, refuses, or closes the connection.
fn flaky(push: &crate::support::receiver::Delivery) -> Reply {
    static COUNT: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(0);
    match (COUNT.fetch_add(1, Ordering::Relaxed) + push.place()) % 97 {
        0 => Reply::Status(503),
        1 => Reply::Close,
        _ => Reply::Status(204),
    }
}

/// The names of all events in order, when all of them have been pushed.
fn drained(service: &Service, receiver: &Receiver) -> Vec<String> {
    receiver.answer_with(|_| Reply::Status(204));
    let mut conn = service.database().connect_read_only();
    let until = Instant::now() + Duration::from_secs(180);
    loop {
        let status = desk::status(&mut conn).expect("a status");
        let position = status.endpoint.as_ref().map_or(0, |endpoint| endpoint.position);
        if status.newest == position && status.queued == 0 {
            break;
        }
        assert!(Instant::now() < until, "{status:?}\n{}", service.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = feed::entries(&mut conn, after, 1000, i64::MAX).expect("events");
        let Some(last) = page.last() else { return all };
        after = last.event.id;
        all.extend(page.iter().map(|entry| entry.event.name()));
    }
}

/// Every event was taken at least once, and each player's in their order.
fn assert_pushed(service: &Service, receiver: &Receiver, all: &[String]) {
    let seen = receiver.seen();
    let taken: HashSet<&str> = seen.iter().filter(|push| push.taken).map(|push| push.id.as_str()).collect();
    let missed: Vec<_> = all.iter().filter(|id| !taken.contains(id.as_str())).collect();
    assert!(missed.is_empty(), "never pushed: {missed:?}\n{}", service.log());
    assert!(taken.len() == all.len(), "nothing was pushed that is not in the books");
    let mut last: HashMap<String, i64> = HashMap::new();
    let mut known: HashSet<&str> = HashSet::new();
    for push in seen.iter().filter(|push| push.taken && known.insert(push.id.as_str())) {
        let Some(login) = push.login() else { continue };
        let before = last.insert(login.clone(), place(&push.id)).unwrap_or(0);
        assert!(before < place(&push.id), "{login}: {} came after {before}", push.id);
    }
}
