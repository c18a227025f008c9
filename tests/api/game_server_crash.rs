//! SIGKILL on both sides of the wallet API: the example game server and croupier end with the same books to the last minor unit
//! (threats DUR-1, WLT-2).
//!
//! The long campaign is this test with more rounds: `CROUPIER_ROUNDS=10000 CROUPIER_SEED=7 cargo test --test api game_server`.

use std::collections::{HashMap, HashSet};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use croupier::simulate::faults::Dice;
use serde_json::Value;

use crate::game::{Game, Setup};
use crate::process::{KEY, Service};
use crate::support::database::cluster;

const PLAYERS: u64 = 8;
/// Far longer than a campaign and each of its rounds take, so that a slow machine is no failure. A wallet that never decides a request
/// is one: the game server would repeat it for ever.
const PATIENCE: Duration = Duration::from_secs(300);
const PATIENCE_WITH_A_ROUND: Duration = Duration::from_millis(30);

#[test]
fn a_game_server_and_croupier_that_are_both_killed_end_with_the_same_books() {
    let usual = if cluster().is_some() { 500 } else { 2_000 };
    let (rounds, seed) = (from_environment("CROUPIER_ROUNDS", usual), from_environment("CROUPIER_SEED", 20_260_726));
    let mut campaign = Campaign::start(rounds, seed);

    let summary = campaign.play();

    let differences: Vec<String> = Vec::new();
    assert_eq!((&summary["ok"], &summary["differences"]), (&true.into(), &differences.into()), "{summary}");
    assert_eq!((&summary["rounds"], &summary["players"]), (&rounds.into(), &PLAYERS.into()));
    campaign.compare_books();
    let report = campaign.service.verify();
    assert_eq!(report["ok"], true, "{report}\n{}", campaign.service.log());
    campaign.tell(seed, &report);
    assert!(campaign.kills_of_croupier > 0 && campaign.kills_of_game > 0, "nobody was killed");
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

struct Campaign {
    service: Service,
    game: Option<Game>,
    setup: Setup,
    dice: Dice,
    kills_of_croupier: u64,
    kills_of_game: u64,
    begun: Instant,
}

impl Campaign {
    fn start(rounds: u64, seed: u64) -> Self {
        let begun = Instant::now();
        let mut dice = Dice::new(seed).fork(2_000);
        let mut service = Service::new(crate::process::Setup::default());
        let port = free_port(&mut dice);
        // The game server must find croupier again after a restart.
        let settings = std::fs::read_to_string(service.settings()).expect("the settings");
        let bound =
            settings.replacen("private_bind = \"127.0.0.1:0\"", &format!("private_bind = \"127.0.0.1:{port}\""), 1);
        std::fs::write(service.settings(), bound).expect("the settings can be changed");
        service.start();
        let wallet = format!("http://{}", service.private());
        let journal = service.directory().join("game.journal");
        let setup = Setup { wallet, key: KEY.to_owned(), players: PLAYERS, rounds, seed, journal };
        let game = Some(Game::start(&setup));
        Self { service, game, setup, dice, kills_of_croupier: 0, kills_of_game: 0, begun }
    }

    /// Kills one or both whenever the journal has grown by a random piece, until all rounds are played.
    fn play(&mut self) -> Value {
        // Some fifty kills whatever the number of rounds: in a long campaign most time goes into reading the books at each start.
        let longest = (self.setup.rounds * 16).max(4_000);
        loop {
            let piece = self.dice.between(0, longest.cast_signed()).unsigned_abs();
            if self.wait_for_journal(piece) {
                return self.game.take().expect("it runs").finish();
            }
            match self.dice.between(0, 9) {
                0..=3 => self.kill_croupier(),
                4..=7 => self.kill_game(),
                _ => {
                    self.kill_game();
                    self.kill_croupier();
                }
            }
            if self.game.is_none() {
                self.game = Some(Game::start(&self.setup));
            }
        }
    }

    fn kill_game(&mut self) {
        let game = self.game.take().expect("it runs");
        if game.kill() {
            self.kills_of_game += 1;
        }
    }

    /// Kills croupier, now and then again while it starts, and starts it. The game goes on asking meanwhile, unless it was killed.
    fn kill_croupier(&mut self) {
        assert!(self.service.kill(), "it had ended by itself:\n{}", self.service.log());
        self.kills_of_croupier += 1;
        while self.dice.percent(25) {
            self.service.spawn();
            self.service.kill();
            self.kills_of_croupier += 1;
        }
        self.service.start();
    }

    fn journal_length(&self) -> u64 {
        // Before its first line there is none.
        std::fs::metadata(&self.setup.journal).map_or(0, |about| about.len())
    }

    /// Waits until the journal is longer by so many bytes. `true` when the game has ended instead.
    fn wait_for_journal(&mut self, bytes: u64) -> bool {
        let wanted = self.journal_length() + bytes;
        let rounds = u32::try_from(self.setup.rounds).expect("fewer rounds than that");
        let deadline = self.begun + PATIENCE + PATIENCE_WITH_A_ROUND * rounds;
        while self.journal_length() < wanted {
            if self.game.as_mut().expect("it runs").has_ended() {
                return true;
            }
            assert!(Instant::now() < deadline, "the game does not end:\n{}", last_lines(&self.service.log()));
            std::thread::sleep(Duration::from_millis(1));
        }
        self.game.as_mut().expect("it runs").has_ended()
    }

    /// A third book, made from the journal alone, must be the same as that of croupier.
    fn compare_books(&self) {
        let lines = self.journal();
        let answers: HashMap<&str, &Value> =
            lines.iter().filter_map(|line| Some((line["answer"].as_str()?, &line["body"]))).collect();
        let asked: Vec<Asked<'_>> = lines.iter().filter_map(Asked::read).collect();
        let undone: HashSet<(&str, &str)> =
            asked.iter().filter(|asked| asked.kind == "rollback").map(|asked| (asked.login, asked.round)).collect();
        let mut books: HashMap<&str, i64> = HashMap::new();
        let mut keys = HashSet::new();
        for asked in &asked {
            assert!(keys.insert(asked.key), "{} was begun twice", asked.key);
            let answer = answers.get(asked.key);
            let refused = answer.is_some_and(|answer| answer["code"] == "insufficient_funds");
            assert!(answer.is_some() || asked.kind == "hasty bet", "{} was never answered", asked.key);
            let change = match asked.kind {
                "bet" | "hasty bet" if refused || undone.contains(&(asked.login, asked.round)) => 0,
                "bet" | "hasty bet" => -asked.amount,
                "win" | "bonus" => asked.amount,
                "rollback" => 0,
                other => panic!("nobody asks for {other}"),
            };
            *books.entry(asked.login).or_default() += change;
        }
        assert_eq!(books.len() as u64, PLAYERS);
        for (login, available) in books {
            assert_eq!(self.service.balance(login), (available, 0), "the books of {login}");
        }
    }

    fn journal(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.setup.journal).expect("the journal");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    fn tell(&self, seed: u64, report: &Value) {
        let lines = self.journal();
        let count = |what: &str| lines.iter().filter(|line| line.get(what).is_some()).count();
        println!(
            "seed {seed}: {} rounds of {PLAYERS} players, {} requests begun, {} answered, {} repeated, croupier killed {} times, the \
             game server {} times, {} journal entries, {:?} in all",
            self.setup.rounds,
            count("ask"),
            count("answer"),
            count("again"),
            self.kills_of_croupier,
            self.kills_of_game,
            report["entries"],
            self.begun.elapsed(),
        );
    }
}

/// A line of the journal that begins a request.
struct Asked<'j> {
    key: &'j str,
    login: &'j str,
    round: &'j str,
    kind: &'j str,
    amount: i64,
}

impl<'j> Asked<'j> {
    fn read(line: &'j Value) -> Option<Self> {
        let (key, round, kind) = (line["ask"].as_str()?, line["round"].as_str()?, line["kind"].as_str()?);
        // A key is the login, the round, and the place in the round.
        let (login, _) = key.split_once(&format!("-{round}"))?;
        Some(Self { key, login, round, kind, amount: line["amount"].as_i64()? })
    }
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

/// A port that no outgoing connection of anybody takes while croupier is down: below those the system gives away.
fn free_port(dice: &mut Dice) -> u16 {
    let mut ports = std::iter::repeat_with(|| dice.between(20_000, 30_000));
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let free = ports.by_ref().take(100).filter_map(|port| u16::try_from(port).ok()).find(free);
    free.expect("one of a hundred ports is free")
}
