//! Random sequences of everything that can happen, through the writer lane in batches, against a model that shares nothing with the
//! books: answers, balances and every invariant agree.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use croupier::clock;
use croupier::db::migrate::{self, Policy};
use croupier::db::{Db, DbConn, FileLock, Scope};
use croupier::error::Error;
use croupier::ids::{ExternalId, Login, Player, SiteId};
use croupier::ledger;
use croupier::money::{Currency, Money};
use croupier::payouts::Payout;
use croupier::payouts::lifecycle::Attempt;
use croupier::payouts::outbox::{self, Written};
use croupier::players::{self, Change};
use croupier::providers::{Call, Direction, News, Notification, PayoutOrder, Question, Texts, Verb};
use croupier::questions::{self, Prepared};
use croupier::settings::{OnRefusal, Settings, Site};
use croupier::vault::Vault;
use croupier::verify;
use croupier::wallet::adjust::{self, Adjustment};
use croupier::wallet::rollback;
use croupier::wallet::transactions::{self, Kind, Movement};
use croupier::webhooks;
use futures_util::future::{LocalBoxFuture, join_all};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::support::database::TestDatabase;

const SITE: SiteId = SiteId(332);
const LOGINS: [&str; 2] = ["alice", "bob"];

/// Something that happens. Players, orders, keys and references are small numbers, so that they meet often.
#[derive(Debug, Clone, Copy)]
enum Event {
    Ask {
        payout: bool,
        player: usize,
        amount: i64,
        order: u8,
    },
    Notify {
        order: u8,
        news: News,
        off: bool,
        variant: u8,
    },
    Send {
        order: u8,
        outcome: Attempt,
    },
    Play {
        player: usize,
        kind: Kind,
        amount: i64,
        key: u8,
    },
    Rollback {
        player: usize,
        reference: u8,
    },
    /// Staff put a balance right.
    Adjust {
        player: usize,
        amount: i64,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let amount = prop_oneof![Just(100_i64), Just(200), Just(300)];
    let news = prop::sample::select(vec![
        News::DepositPaid,
        News::DepositPaid,
        News::DepositDeclined,
        News::Refunded,
        News::ChargedBack,
        News::PayoutPaid,
        News::PayoutPaid,
        News::PayoutDeclined,
        News::PayoutPending,
        News::NotKnown,
    ]);
    let outcome = prop::sample::select(vec![
        Attempt::Accepted,
        Attempt::Accepted,
        Attempt::Unknown,
        Attempt::Refused,
        Attempt::NotSent,
    ]);
    prop_oneof![
        4 => (any::<bool>(), 0..2_usize, amount.clone(), 0..6_u8)
            .prop_map(|(payout, player, amount, order)| Event::Ask { payout, player, amount, order }),
        6 => (0..6_u8, news, prop::bool::weighted(0.1), 0..3_u8)
            .prop_map(|(order, news, off, variant)| Event::Notify { order, news, off, variant }),
        2 => (0..6_u8, outcome).prop_map(|(order, outcome)| Event::Send { order, outcome }),
        4 => (0..2_usize, play(), 0..8_u8)
            .prop_map(|(player, (kind, amount), key)| Event::Play { player, kind, amount, key }),
        1 => (0..2_usize, 0..4_u8).prop_map(|(player, reference)| Event::Rollback { player, reference }),
        1 => (0..2_usize, prop::sample::select(vec![-300_i64, -100, 100, 200]))
            .prop_map(|(player, amount)| Event::Adjust { player, amount }),
    ]
}

/// What the game server does, and with how much: a win may be nothing, an adjustment may take.
fn play() -> impl Strategy<Value = (Kind, i64)> {
    let amount = || prop::sample::select(vec![100_i64, 200, 300]);
    prop_oneof![
        4 => amount().prop_map(|amount| (Kind::Bet, amount)),
        2 => prop_oneof![amount(), Just(0)].prop_map(|amount| (Kind::Win, amount)),
        1 => amount().prop_map(|amount| (Kind::Refund, amount)),
        1 => amount().prop_map(|amount| (Kind::Bonus, amount)),
        2 => (amount(), any::<bool>()).prop_map(|(amount, takes)| (Kind::Adjustment, if takes { -amount } else { amount })),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Open,
    Failed,
    Credited,
    Reversed,
    Queued,
    Sent,
    Unknown,
    /// Said to be paid though nothing of it was sent: only a person ends it.
    NeverSent,
    Paid,
    Released,
}

#[derive(Debug, Clone)]
struct Order {
    payout: bool,
    player: usize,
    amount: i64,
    at: At,
    reversal_waits: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Play {
    player: usize,
    kind: Kind,
    amount: i64,
}

/// What must be true, in the fewest words.
#[derive(Debug, Default)]
struct Model {
    money: [(i64, i64); 2],
    orders: BTreeMap<u8, Order>,
    plays: BTreeMap<u8, Play>,
    bets: Vec<(usize, u8, i64)>,
    rolled_back: HashSet<(usize, u8)>,
    said: HashSet<(u8, News, bool, u8)>,
}

impl Model {
    /// What follows, and the error's text when it is refused. `known` says whether the order's id was known when it was sent.
    fn apply(&mut self, event: Event, known: bool) -> Result<(), &'static str> {
        match event {
            Event::Ask { payout, player, amount, order } => self.ask(payout, player, amount, order),
            Event::Notify { .. } | Event::Send { .. } if !known => Ok(()),
            Event::Notify { order, news, off, variant } => {
                if self.said.insert((order, news, off, variant)) && !off {
                    self.told(order, news);
                }
                Ok(())
            }
            Event::Send { order, outcome } => {
                self.sent(order, outcome);
                Ok(())
            }
            Event::Play { player, kind, amount, key } => self.play(Play { player, kind, amount }, key),
            Event::Adjust { player, amount } => {
                self.move_money(player, amount, 0);
                Ok(())
            }
            Event::Rollback { player, reference } => {
                if self.rolled_back.insert((player, reference)) {
                    let back = self.bets.iter().filter(|bet| (bet.0, bet.1) == (player, reference));
                    self.money[player].0 += back.map(|bet| bet.2).sum::<i64>();
                }
                Ok(())
            }
        }
    }

    fn ask(&mut self, payout: bool, player: usize, amount: i64, order: u8) -> Result<(), &'static str> {
        if let Some(first) = self.orders.get(&order) {
            let same = (first.payout, first.player, first.amount) == (payout, player, amount);
            return if same { Ok(()) } else { Err("the reference was already used for another request") };
        }
        if payout && self.money[player].0 < amount {
            return Err("insufficient funds");
        }
        let at = if payout { At::Queued } else { At::Open };
        if payout {
            self.move_money(player, -amount, amount);
        }
        self.orders.insert(order, Order { payout, player, amount, at, reversal_waits: false });
        Ok(())
    }

    fn told(&mut self, number: u8, news: News) {
        let mut order = self.orders[&number].clone();
        let (player, amount) = (order.player, order.amount);
        order.at = match (order.payout, order.at, news) {
            (false, At::Open | At::Failed, News::DepositPaid) => {
                let stays = if order.reversal_waits { 0 } else { amount };
                self.move_money(player, stays, 0);
                if order.reversal_waits { At::Reversed } else { At::Credited }
            }
            (false, At::Open, News::DepositDeclined) => At::Failed,
            (false, At::Credited, News::Refunded | News::ChargedBack) => {
                self.move_money(player, -amount, 0);
                At::Reversed
            }
            (false, at @ (At::Open | At::Failed), News::Refunded | News::ChargedBack) => {
                order.reversal_waits = true;
                at
            }
            (true, At::Queued, News::PayoutPaid) => At::NeverSent,
            (true, At::Sent | At::Unknown, News::PayoutPaid) => {
                self.move_money(player, 0, -amount);
                At::Paid
            }
            // What was said to be paid, in its own terms, is for a person.
            (true, at, News::PayoutDeclined) if self.said_paid(number) => at,
            (true, At::Queued | At::Sent | At::Unknown | At::NeverSent, News::PayoutDeclined) => {
                self.move_money(player, amount, -amount);
                At::Released
            }
            (_, at, _) => at,
        };
        self.orders.insert(number, order);
    }

    fn said_paid(&self, number: u8) -> bool {
        self.said.iter().any(|(order, news, off, _)| (*order, *news, *off) == (number, News::PayoutPaid, false))
    }

    fn sent(&mut self, number: u8, outcome: Attempt) {
        let Some(order) = self.orders.get_mut(&number).filter(|order| order.at == At::Queued) else { return };
        let (player, amount) = (order.player, order.amount);
        order.at = match outcome {
            Attempt::Accepted => At::Sent,
            Attempt::Unknown => At::Unknown,
            Attempt::NotSent => At::Queued,
            Attempt::Refused => At::Released,
        };
        if order.at == At::Released {
            self.move_money(player, amount, -amount);
        }
    }

    fn play(&mut self, play: Play, key: u8) -> Result<(), &'static str> {
        let Play { player, kind, amount } = play;
        if let Some(first) = self.plays.get(&key) {
            return if *first == play { Ok(()) } else { Err("the reference was already used for another request") };
        }
        let reference = key % 4;
        let bet = kind == Kind::Bet;
        let undone = bet && self.rolled_back.contains(&(player, reference));
        let change = if undone { 0 } else { amount * if bet { -1 } else { 1 } };
        if change < 0 && self.money[player].0 + change < 0 {
            return Err("insufficient funds");
        }
        if bet && !undone {
            self.bets.push((player, reference, amount));
        }
        self.move_money(player, change, 0);
        self.plays.insert(key, play);
        Ok(())
    }

    fn move_money(&mut self, player: usize, available: i64, held: i64) {
        self.money[player].0 += available;
        self.money[player].1 += held;
    }
}

/// The books under test.
struct Books {
    db: Db,
    site: Arc<Site>,
    ids: BTreeMap<u8, ExternalId>,
    terms: BTreeMap<u8, (usize, i64)>,
    database: TestDatabase,
    _directory: tempfile::TempDir,
}

fn player(number: usize) -> Player {
    Player { site: SITE, login: Login::parse(LOGINS[number]).expect("a login") }
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::parse("USD").expect("a currency")).expect("an amount")
}

impl Books {
    async fn open() -> Self {
        let directory = tempfile::TempDir::new().expect("a directory");
        let database = TestDatabase::create(directory.path());
        let place = database.place();
        let lock = FileLock::of(&place).expect("the lock");
        migrate::prepare(&place, Policy::Migrate).expect("the schema");
        // One lane: what is asked at the same time is done in the order in which it is asked, as the model does it.
        let db = Db::open(&place, lock, 1, croupier::shared::HOOKS).expect("the database");
        let text = "[sites.demo]\nsite_id = 332\ncurrencies = [\"USD\"]\n[sites.demo.payouts]\napproval = \"auto\"\n";
        let settings = Settings::from_text(text).expect("the settings");
        let site = Arc::new(settings.sites[0].clone());
        let added = db.write(Scope::Nobody, |tx| {
            for number in 0..LOGINS.len() {
                players::put(tx, &player(number), &Change::default(), clock::now())?;
            }
            Ok(())
        });
        added.await.expect("two players");
        Self { db, site, ids: BTreeMap::new(), terms: BTreeMap::new(), database, _directory: directory }
    }

    /// Does what an event says. Every event of a batch is submitted before the first is answered.
    fn carry_out(&self, event: Event) -> LocalBoxFuture<'_, Result<Option<(u8, ExternalId)>, Error>> {
        let db = &self.db;
        match event {
            Event::Ask { payout, player, amount, order } => {
                let question = question(payout, player, amount, order);
                let prepared = Prepared::new("carouseller", self.site.clone(), question);
                Box::pin(async move { Ok(Some((order, questions::answer(db, prepared).await?))) })
            }
            Event::Notify { order, news, off, variant } => {
                let notification = self.notification(order, news, off, variant);
                Box::pin(async move {
                    let scope = Scope::Order(notification.external_id.clone());
                    db.write(scope, move |tx| webhooks::receive(tx, &notification, clock::now())).await.map(|()| None)
                })
            }
            Event::Send { order, outcome } => {
                let id = self.ids.get(&order).cloned();
                Box::pin(async move {
                    let Some(id) = id else { return Ok(None) };
                    let scope = Scope::from(&id);
                    let send = move |tx: &mut croupier::db::WriteTx<'_>| {
                        let claimed = outbox::claim(tx, id.as_str(), written, ("me", &Vault::default()), clock::now())?;
                        let Some(claim) = claimed else { return Ok(None) };
                        let said = ("test", &Texts::new());
                        outbox::record(tx, &claim, outcome, said, OnRefusal::Release, clock::now()).map(|()| None)
                    };
                    db.write(scope, send).await
                })
            }
            Event::Play { player: number, kind, amount, key } => {
                let reference = (key % 4).to_string();
                let reason = (kind == Kind::Adjustment).then(|| "a reason".to_owned());
                let currency = usd(1).currency();
                let movement = Movement { player: player(number), kind, amount, currency, reference, reason };
                let make = move |tx: &mut croupier::db::WriteTx<'_>| {
                    transactions::make(tx, &key.to_string(), &movement, clock::now()).map(|_| None)
                };
                Box::pin(db.write(Scope::from(&player(number)), make))
            }
            Event::Adjust { player: number, amount } => {
                let (site, player, reason) = (self.site.clone(), player(number), "a reason".to_owned());
                let wanted = Adjustment { player, amount, currency: usd(1).currency(), reason };
                Box::pin(db.write(Scope::from(&wanted.player), move |tx| {
                    adjust::adjust(tx, &site, &wanted, "somebody", clock::now()).map(|_| None)
                }))
            }
            Event::Rollback { player: number, reference } => {
                Box::pin(db.write(Scope::from(&player(number)), move |tx| {
                    rollback::make(tx, &player(number), &reference.to_string(), clock::now()).map(|_| None)
                }))
            }
        }
    }

    fn notification(&self, order: u8, news: News, off: bool, variant: u8) -> Notification {
        let id = self.ids.get(&order).map_or_else(|| format!("nobody-{order}"), |id| id.as_str().to_owned());
        let (player, amount) = self.terms.get(&order).copied().unwrap_or((0, 100));
        let content = format!("{id} {news:?} {off} {variant}");
        Notification {
            provider: "carouseller",
            site: SITE,
            signed: true,
            external_id: id,
            login: LOGINS[player].into(),
            amount_minor: amount + i64::from(off),
            currency: "USD".into(),
            real: None,
            transaction_id: order.to_string(),
            news,
            codes: format!("{news:?}"),
            digest: Sha256::digest(content.as_bytes()).into(),
            content: Vec::new(),
        }
    }

    async fn agrees_with(&self, model: &Model) {
        let found = self.db.read(|conn| {
            let both: Result<Vec<_>, Error> = (0..LOGINS.len())
                .map(|number| {
                    let row = players::read(conn, &player(number))?.ok_or(Error::UnknownPlayer)?;
                    let all = ledger::balances(conn, ledger::PlayerId(row.id))?;
                    Ok(all.first().map_or((0, 0), |(_, balance)| (balance.available, balance.held)))
                })
                .collect();
            both
        });
        assert_eq!(found.await.expect("the balances"), model.money);
    }
}

fn question(payout: bool, player: usize, amount: i64, order: u8) -> Question {
    let content = format!("{payout} {player} {amount} {order}");
    Question {
        direction: if payout { Direction::Payout } else { Direction::Deposit },
        site: SITE,
        login: Login::parse(LOGINS[player]).expect("a login"),
        amount: usd(amount),
        transaction_id: Some(order.to_string()),
        fingerprint: Sha256::digest(content.as_bytes()).into(),
        purse: None,
        details: Vec::new(),
    }
}

async fn plays_out(batches: Vec<Vec<Event>>) {
    let mut books = Books::open().await;
    let mut model = Model::default();
    for batch in batches {
        let known: Vec<u8> = books.ids.keys().copied().collect();
        let done = join_all(batch.iter().map(|event| books.carry_out(*event))).await;
        for (event, done) in batch.iter().zip(done) {
            let about = match event {
                Event::Notify { order, .. } | Event::Send { order, .. } => known.contains(order),
                Event::Ask { .. } | Event::Play { .. } | Event::Rollback { .. } | Event::Adjust { .. } => true,
            };
            let expected = model.apply(*event, about).map_err(str::to_owned);
            assert_eq!(done.as_ref().map(|_| ()).map_err(ToString::to_string), expected, "{event:?}");
            if let Ok(Some((order, id))) = done {
                let first = books.ids.entry(order).or_insert_with(|| id.clone());
                assert_eq!(*first, id, "a repetition gets the first answer");
                books.terms.insert(order, (model.orders[&order].player, model.orders[&order].amount));
            }
        }
        books.agrees_with(&model).await;
    }
    let mut conn = books.database.connect_read_only();
    let report = verify::verify(&mut conn, |_| ()).expect("a readable database");
    assert_eq!(report.problems, Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_in_whatever_order_the_books_agree_with_the_model(
        batches in prop::collection::vec(prop::collection::vec(event(), 1..7), 1..12)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(plays_out(batches));
    }
}

/// What the writer remembers of balances and keys goes with the write that failed.
#[tokio::test]
async fn money_of_a_write_that_failed_was_never_there() {
    let books = Books::open().await;
    let win = Event::Play { player: 0, kind: Kind::Win, amount: 300, key: 1 };
    let bet = Event::Play { player: 0, kind: Kind::Bet, amount: 100, key: 2 };
    let currency = usd(1).currency();
    let movement =
        Movement { player: player(0), kind: Kind::Win, amount: 300, currency, reference: "1".to_owned(), reason: None };

    let failed = books.db.write(Scope::from(&player(0)), move |tx| {
        let moved = transactions::make(tx, "1", &movement, clock::now())?;
        assert_eq!((moved.balance.available, moved.repeated), (300, false));
        Err::<(), _>(Error::Conflict("not now".into()))
    });
    assert!(matches!(failed.await, Err(Error::Conflict(_))));

    assert!(matches!(books.carry_out(bet).await, Err(Error::InsufficientFunds)));
    books.agrees_with(&Model::default()).await;
    books.carry_out(win).await.expect("the same key is free");
    books.carry_out(bet).await.expect("there is money now");
    books.agrees_with(&Model { money: [(200, 0), (0, 0)], ..Model::default() }).await;
}

/// A payout written for its provider, as far as the books care.
fn written(_: &mut DbConn, payout: &Payout) -> Result<Written, Error> {
    let order = PayoutOrder {
        external_id: ExternalId::parse(&payout.external_id)?,
        site: SiteId(payout.site_id),
        login: Login::parse("somebody")?,
        amount: payout.money()?,
        purse: None,
        rail: None,
        details: Texts::new(),
        optional: Vec::new(),
    };
    let nowhere = "https://cashier.example/".parse().expect("an address");
    Ok(Written::new(order, Call::json(Verb::Post, nowhere, b"body".to_vec())))
}
