//! One fault from its first question to what must hold at the end.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use croupier::simulate::Brand;
use croupier::simulate::book::{Account, Book};
use croupier::simulate::faults::Dice;
use croupier::simulate::messages::Order;
use croupier::simulate::server::{Behaviour, CashierServer, Initiation};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::caller::{Asked, Caller};
use crate::compare::{Facts, compare};
use crate::fault::Fault;
use crate::options::{Failure, Options, Sabotage};
use crate::report::Row;
use crate::service::{Service, Site, Standing};
use crate::way_in::WayIn;
use crate::way_out::WayOut;
use crate::wire;

/// Players of a row, and what each has at the beginning.
const PLAYERS: usize = 8;
const MONEY: i64 = 1_000_000_000;

/// One fault with its own Cashier and the way to it.
pub struct Stage {
    pub fault: Fault,
    pub site: Site,
    pub way_out: WayOut,
    cashier: CashierServer,
    dice: Dice,
}

/// How the Cashier treats a payout of this amount.
fn behaviour(initiation: &Initiation) -> Behaviour {
    if initiation.amount.unwrap_or(0) % 10 < 2 { Behaviour::Refuse(1001) } else { Behaviour::Accept }
}

impl Stage {
    pub async fn start(fault: Fault, options: &Options) -> Result<Self, Failure> {
        let site = Site::of(fault);
        let dice = Dice::new(options.seed).fork(site.id.unsigned_abs());
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let cashier = CashierServer::start(here, Brand::new(site.id, &site.salt), behaviour)
            .await
            .map_err(|error| error.to_string())?;
        let patience = Duration::from_millis(options.patience_ms);
        let way_out = WayOut::start(fault, cashier.address(), patience, dice.fork(1)).await?;
        Ok(Self { fault, site, way_out, cashier, dice })
    }

    /// Runs the row. Its figures, and what does not hold.
    pub async fn run(
        self,
        service: &Service,
        options: &Options,
        sabotage: Option<Sabotage>,
    ) -> Result<(Row, Vec<String>), Failure> {
        let began = Instant::now();
        let way_in = WayIn::start(self.fault, service.public, self.dice.fork(2)).await?;
        let (way, straight, site) = (way_in.address, service.public, self.site.clone());
        let caller = Arc::new(Caller { way, straight, site, requests: 0.into() });
        for number in 0..PLAYERS {
            service.player(&self.site, &login(number), MONEY).await?;
        }
        let patience = self.fault.needs_patience().then(|| Duration::from_millis(options.patience_ms));
        let sending = service.send(patience)?;
        let asked = self.ask(&caller, options).await?;
        let tried = |standing: &Standing| standing.attempts.iter().any(|outcome| outcome != "open");
        if self.fault == Fault::Refuse {
            service.wait_for(&self.site, tried).await?;
            self.way_out.open();
        }
        let at_rest = |standing: &Standing| !matches!(standing.stage.as_str(), "queued" | "sending");
        let mut rest = service.wait_for(&self.site, at_rest).await?;
        way_in.delivered().await;
        self.sabotage_the_way(sabotage, &asked).await;
        let (mut told, mut decided) = (BTreeMap::new(), BTreeMap::new());
        if sabotage == Some(Sabotage::WronglyReleased) {
            self.mistake(service, &rest, &mut decided).await?;
        }
        self.tell(&caller, &asked, &rest, (sabotage, &decided), &mut told).await?;
        self.resolve(service, &asked, &rest, &told, &mut decided).await?;
        way_in.delivered().await;
        let mut problems = self.ask_again(&caller, &asked).await;
        problems.extend(way_in.problems());
        sending.end().await?;

        let mut end = service.payouts(&self.site).await?;
        if end.len() != asked.len() {
            problems.push(format!("{} payouts were accepted, and the books have {}", asked.len(), end.len()));
        }
        let mut facts = BTreeMap::new();
        for one in asked.values() {
            let id = &one.external_id;
            let (rest, end) = (rest.remove(id).unwrap_or_default(), end.remove(id).unwrap_or_default());
            facts.insert(id.clone(), self.facts(id, (told.get(id), decided.get(id)), rest, end));
        }
        let found = compare(self.fault.leaves(), &facts);
        problems.extend(found.problems);
        problems.extend(self.balances(service, &asked, &facts, sabotage).await?);
        let mut row = self.row(&facts);
        (row.doubled, row.wrongly_released) = (found.doubled, found.wrongly_released);
        (row.asked, row.hit) = (caller.requests.load(Ordering::Relaxed), way_in.hit());
        problems.extend(self.counts(&row, &facts));
        row.took = began.elapsed();
        let name = self.fault.name();
        Ok((row, problems.into_iter().map(|problem| format!("{name}: {problem}")).collect()))
    }

    /// Asks for all payouts, so many at once.
    async fn ask(&self, caller: &Arc<Caller>, options: &Options) -> Result<BTreeMap<u64, Asked>, Failure> {
        let (mut asking, places) = (JoinSet::new(), Arc::new(Semaphore::new(options.callers.max(1))));
        let mut dice = self.dice.fork(3);
        for number in 0..options.payouts {
            let (login, amount) = (login(number % PLAYERS), dice.between(100, 99_999));
            let transaction_id = u64::try_from(number).unwrap_or(0) + 1;
            let order = Order { login, amount, currency: "USD".to_owned(), transaction_id };
            let (caller, places) = (caller.clone(), places.clone());
            asking.spawn(async move {
                let _place = places.acquire_owned().await;
                caller.ask(order).await.map(|asked| (transaction_id, asked))
            });
        }
        let mut all = BTreeMap::new();
        while let Some(asked) = asking.join_next().await {
            let (number, asked) = asked.map_err(|error| error.to_string())??;
            all.insert(number, asked);
        }
        Ok(all)
    }

    /// Whether the Cashier has taken an order, and whether it has refused it.
    fn in_its_book(&self, id: &str) -> (bool, bool) {
        let initiations = self.cashier.initiations(id);
        let taken = initiations.iter().any(|one| one.answered == Some(Behaviour::Accept));
        (taken, !taken && !initiations.is_empty())
    }

    /// The Cashier says how most of what it has taken ended; of every tenth it says nothing.
    async fn tell(
        &self,
        caller: &Arc<Caller>,
        asked: &BTreeMap<u64, Asked>,
        rest: &BTreeMap<String, Standing>,
        (sabotage, decided): (Option<Sabotage>, &BTreeMap<String, bool>),
        told: &mut BTreeMap<String, bool>,
    ) -> Result<(), Failure> {
        let mut telling = JoinSet::new();
        let mut after_refusal = sabotage == Some(Sabotage::PaidAfterRefusal);
        for (number, one) in asked {
            let (mut dice, id) = (self.dice.fork(1_000 + number), &one.external_id);
            let (taken, refused) = self.in_its_book(id);
            let (silent, paid) = (dice.percent(10), dice.percent(70));
            let lie = after_refusal && refused && rest.get(id).is_some_and(|standing| standing.stage == "done");
            after_refusal &= !lie;
            if lie || taken && !silent && !decided.contains_key(id) {
                told.insert(id.clone(), paid || lie);
                let (caller, one) = (caller.clone(), one.clone());
                telling.spawn(async move { caller.tell(&one, paid || lie).await });
            }
        }
        while let Some(done) = telling.join_next().await {
            done.map_err(|error| error.to_string())??;
        }
        Ok(())
    }

    /// A person finds out about every other payout that is still unknown, in the Cashier's own list.
    async fn resolve(
        &self,
        service: &Service,
        asked: &BTreeMap<u64, Asked>,
        rest: &BTreeMap<String, Standing>,
        told: &BTreeMap<String, bool>,
        decided: &mut BTreeMap<String, bool>,
    ) -> Result<(), Failure> {
        for (number, one) in asked {
            let id = &one.external_id;
            let unknown = rest.get(id).is_some_and(|standing| standing.stage == "unknown");
            let open = unknown && !told.contains_key(id) && !decided.contains_key(id);
            if open && self.dice.fork(5_000 + number).percent(50) {
                let paid = self.in_its_book(id).0;
                service.resolve(&self.site, id, paid).await?;
                decided.insert(id.clone(), paid);
            }
        }
        Ok(())
    }

    /// A person is wrong about one that the Cashier has.
    async fn mistake(
        &self,
        service: &Service,
        rest: &BTreeMap<String, Standing>,
        decided: &mut BTreeMap<String, bool>,
    ) -> Result<(), Failure> {
        let wanted = |id: &String, standing: &Standing| standing.stage == "unknown" && self.in_its_book(id).0;
        if let Some((id, _)) = rest.iter().find(|(id, standing)| wanted(id, standing)) {
            service.resolve(&self.site, id, false).await?;
            decided.insert(id.clone(), false);
        }
        Ok(())
    }

    /// One request that left us goes to the Cashier again, by the way that counts.
    async fn sabotage_the_way(&self, sabotage: Option<Sabotage>, asked: &BTreeMap<u64, Asked>) {
        if sabotage == Some(Sabotage::SecondPost)
            && let Some(one) = asked.values().next()
        {
            let copy = self.way_out.seen().posts.get(&one.external_id).and_then(|copies| copies.first().cloned());
            let _whatever_is_answered = wire::exchange(self.way_out.address, &copy.unwrap_or_default()).await;
        }
    }

    /// Every answer is the same when it is asked for again.
    async fn ask_again(&self, caller: &Caller, asked: &BTreeMap<u64, Asked>) -> Vec<String> {
        let mut problems = Vec::new();
        for one in asked.values() {
            problems.extend(caller.ask_again(one).await);
        }
        problems
    }

    fn facts(&self, id: &str, (told, decided): (Option<&bool>, Option<&bool>), rest: Standing, end: Standing) -> Facts {
        let posts = self.way_out.seen().posts.get(id).map_or(0, Vec::len);
        let (taken, refused) = self.in_its_book(id);
        Facts { posts, taken, refused, told: told.copied(), decided: decided.copied(), rest, end }
    }

    /// The balances that the game server is told are those of a book that knows nothing of the ledger.
    async fn balances(
        &self,
        service: &Service,
        asked: &BTreeMap<u64, Asked>,
        facts: &BTreeMap<String, Facts>,
        sabotage: Option<Sabotage>,
    ) -> Result<Vec<String>, Failure> {
        let mut book = Book::default();
        let accounts: Vec<Account> = (0..PLAYERS).map(|number| (login(number), "USD".to_owned())).collect();
        for account in &accounts {
            book.played(account, MONEY + i64::from(sabotage == Some(Sabotage::DoctoredBook)));
        }
        for one in asked.values() {
            let (id, known) = (&one.external_id, &facts[&one.external_id]);
            book.payout_held(id, &(one.order.login.clone(), one.order.currency.clone()), one.order.amount);
            let clear_no = known.refused && known.rest.stage == "done";
            match known.told.or(known.decided) {
                Some(true) => book.payout_paid(id),
                Some(false) => book.payout_declined(id),
                None if clear_no => book.payout_declined(id),
                None => {}
            }
        }
        let mut problems = book.problems().to_vec();
        for account in &accounts {
            let (expected, told) = (book.expected(account), service.balance(&self.site, account).await?);
            if (expected.available, expected.held) != told {
                problems.push(format!("{}: must have {expected:?}, and has {told:?}", account.0));
            }
        }
        Ok(problems)
    }

    /// Connections and attempts agree, and nobody followed a redirection.
    fn counts(&self, row: &Row, facts: &BTreeMap<String, Facts>) -> Vec<String> {
        let seen = self.way_out.seen();
        let mut problems = Vec::new();
        let attempts = || facts.values().flat_map(|one| &one.rest.attempts);
        let reached = attempts().filter(|outcome| *outcome != "not_sent").count() as u64;
        // Where a reset may come while we connect, the other side can have seen a connection that we never had.
        let most = if self.fault == Fault::ResetFirst { attempts().count() as u64 } else { reached };
        if !(reached..=most).contains(&seen.connections) {
            problems
                .push(format!("{} connections for {reached} attempts that may have been received", seen.connections));
        }
        if seen.followed > 0 {
            problems.push(format!("{} redirections were followed", seen.followed));
        }
        if self.fault.is_of_callers() && row.hit == 0 {
            problems.push("the fault befell nobody".to_owned());
        }
        problems
    }

    fn row(&self, facts: &BTreeMap<String, Facts>) -> Row {
        let seen = self.way_out.seen();
        let posts: usize = seen.posts.values().map(Vec::len).sum();
        let last = |outcome: &str| {
            facts.values().filter(|one| one.rest.attempts.last().is_some_and(|last| last == outcome)).count()
        };
        Row {
            fault: self.fault.name(),
            payouts: facts.len(),
            accepted: last("accepted"),
            refused: last("refused"),
            unknown: last("unknown"),
            retried: facts.values().filter(|one| one.rest.attempts.len() > 1).count(),
            posts,
            cut_short: seen.connections.saturating_sub(posts as u64),
            left: facts.values().filter(|one| one.end.stage == "unknown").count(),
            ..Row::default()
        }
    }
}

fn login(number: usize) -> String {
    format!("player-{number}")
}
