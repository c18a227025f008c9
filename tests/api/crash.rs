//! SIGKILL at any moment under load loses no acknowledged effect and doubles none (threats DUR-1, DUR-2, OUT-1 to OUT-3).
//!
//! The long campaign is this test with more kills: `CROUPIER_KILLS=5000 CROUPIER_SEED=7 cargo test --test api sigkill`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use croupier::db::schema::payouts;
use croupier::payouts::Stage;
use croupier::simulate::Brand;
use croupier::simulate::faults::Dice;
use croupier::simulate::server::CashierServer;
use diesel::prelude::*;

use crate::crash_client::{Book, Client, SHARED, Target, behaviour, is_refused};
use crate::process::{SALT, SITE, Service, Setup};

const CLIENTS: u64 = 8;
const MONEY: i64 = 1_000_000_000;

/// Every start checks the whole books; with more kills the long campaign would mostly do that.
const ON_ONE_DATABASE: u64 = 250;

/// Kills between two comparisons of the books.
const BETWEEN_CHECKS: u64 = 40;

#[test]
fn sigkill_at_any_moment_loses_no_acknowledged_effect_and_doubles_none() {
    let (kills, seed) = (from_environment("CROUPIER_KILLS", 200), from_environment("CROUPIER_SEED", 20_260_725));
    let mut left = kills;
    for seed in seed.. {
        left = left.saturating_sub(campaign(left.min(ON_ONE_DATABASE), seed));
        if left == 0 {
            return;
        }
    }
}

/// Kills at least so often on a new database; how often it was.
fn campaign(kills: u64, seed: u64) -> u64 {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime for the Cashier");
    let here = SocketAddr::from(([127, 0, 0, 1], 0));
    let cashier = CashierServer::start(here, Brand::new(SITE, SALT), behaviour);
    let cashier = runtime.block_on(cashier).expect("a free port");
    let setup = Setup { payout_url: cashier.payout_url(), ..Setup::default() };
    let mut campaign = Campaign::start(setup, cashier, seed);

    campaign.run(kills);

    campaign.tell(seed);
    campaign.kills
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

struct Campaign {
    service: Service,
    cashier: CashierServer,
    clients: Vec<Client>,
    dice: Dice,
    kills: u64,
    checks: u64,
    starts: Vec<Duration>,
    begun: Instant,
}

impl Campaign {
    fn start(setup: Setup, cashier: CashierServer, seed: u64) -> Self {
        let begun = Instant::now();
        let service = Service::started(setup);
        let clients: Vec<Client> = (0..CLIENTS).map(|number| Client::new(number, seed, MONEY)).collect();
        for client in &clients {
            service.player(&client.login, MONEY);
        }
        service.player(SHARED, 0);
        let dice = Dice::new(seed).fork(1_000);
        Self { service, cashier, clients, dice, kills: 0, checks: 0, starts: Vec::new(), begun }
    }

    fn run(&mut self, kills: u64) {
        let mut next_check = BETWEEN_CHECKS;
        while self.kills < kills {
            self.kill_under_load();
            while self.dice.percent(20) {
                self.kill_while_starting();
            }
            let started = Instant::now();
            self.service.start();
            self.starts.push(started.elapsed());
            if self.kills >= next_check {
                self.check();
                next_check = self.kills + BETWEEN_CHECKS;
            }
        }
        self.check();
        assert_eq!(self.service.stop().0, Some(0), "an orderly stop:\n{}", self.service.log());
        let report = self.service.verify();
        assert_eq!(report["ok"], true, "{report}");
    }

    fn target(&self) -> Target {
        Target { public: self.service.public(), private: self.service.private() }
    }

    fn pause(&mut self, most_ms: i64) -> Duration {
        Duration::from_micros(self.dice.between(0, most_ms * 1_000).unsigned_abs())
    }

    /// The clients work until the process is gone.
    fn kill_under_load(&mut self) {
        let longest = if self.dice.percent(25) { 250 } else { 60 };
        let (target, moment) = (self.target(), self.pause(longest));
        let (service, cashier, clients) = (&mut self.service, &self.cashier, &mut self.clients);
        let hit = std::thread::scope(|scope| {
            for client in clients {
                scope.spawn(move || client.run(target, cashier));
            }
            // The moment of the kill is what is tested; nothing waits for it.
            std::thread::sleep(moment);
            service.kill()
        });
        assert!(hit, "the process had ended by itself:\n{}", self.service.log());
        self.kills += 1;
    }

    /// Recovery is interrupted too.
    fn kill_while_starting(&mut self) {
        let moment = self.pause(90);
        self.service.spawn();
        std::thread::sleep(moment);
        assert!(self.service.kill(), "the process had ended by itself:\n{}", self.service.log());
        self.kills += 1;
    }

    /// With nothing in flight, the service must agree with the books of the clients.
    fn check(&mut self) {
        let target = self.target();
        for client in &mut self.clients {
            client.finish(target);
        }
        let stages = settled_payouts(&self.service);
        compare(&self.service, &self.cashier, &self.clients, &stages);
        for client in &mut self.clients {
            client.check_answers(target, 30);
        }
        compare(&self.service, &self.cashier, &self.clients, &stages);
        assert_eq!(self.cashier.doubles(), [], "payouts initiated more than once");
        let report = self.service.verify();
        assert_eq!(report["ok"], true, "{report}\n{}", self.service.log());
        self.checks += 1;
    }

    fn tell(&mut self, seed: u64) {
        let sum = |figure: fn(&Client) -> u64| self.clients.iter().map(figure).sum::<u64>();
        self.starts.sort_unstable();
        println!(
            "seed {seed}: {} kills, {} acknowledged effects ({} of them known from before a kill), {} repetitions answered \
             alike, {} payouts initiated, {} comparisons, restart {:?} median, {:?} longest, {:?} in all",
            self.kills,
            sum(|client| client.figures.acknowledged),
            sum(|client| client.figures.survived),
            sum(|client| client.figures.repeated),
            self.cashier.all().len(),
            self.checks,
            self.starts[self.starts.len() / 2],
            self.starts[self.starts.len() - 1],
            self.begun.elapsed(),
        );
    }
}

/// The stages of all payouts, as soon as nothing is on its way.
pub fn settled_payouts(service: &Service) -> HashMap<String, Stage> {
    let mut conn = service.database().connect_read_only();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let rows: Vec<(String, String)> =
            payouts::table.select((payouts::external_id, payouts::stage)).load(&mut conn).expect("payouts");
        let stage = |name: &str| Stage::from_name(name).expect("a stage");
        let stages: HashMap<String, Stage> = rows.into_iter().map(|(id, name)| (id, stage(&name))).collect();
        if !stages.values().any(|stage| matches!(stage, Stage::Queued | Stage::Sending)) {
            return stages;
        }
        assert!(Instant::now() < deadline, "payouts stay on their way:\n{}", service.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// With nothing in flight, the service must agree with the books of the clients.
pub fn compare(service: &Service, cashier: &CashierServer, clients: &[Client], stages: &HashMap<String, Stage>) {
    for client in clients {
        let mut expected = client.book;
        for payout in &client.open {
            let stage = stages[&payout.external_id];
            let initiated = cashier.initiations(&payout.external_id).len();
            match stage {
                Stage::Done => {
                    assert!(is_refused(payout.amount), "payout {} ended by itself", payout.external_id);
                    expected.held -= payout.amount;
                    expected.available += payout.amount;
                }
                Stage::Sent => assert_eq!(initiated, 1, "payout {} is said to be sent", payout.external_id),
                Stage::Unknown => assert!(initiated <= 1),
                Stage::AwaitingApproval | Stage::Queued | Stage::Sending => panic!("not settled: {stage:?}"),
            }
        }
        let (available, held) = service.balance(&client.login);
        assert_eq!(Book { available, held }, expected, "the books of {}", client.login);
    }
    let shared: i64 = clients.iter().map(|client| client.shared).sum();
    assert_eq!(service.balance(SHARED), (shared, 0), "the player all clients win for");
}
