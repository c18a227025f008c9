//! The real books: the product's use cases on a database of its own, and what can be seen of it afterwards.

use std::sync::Arc;

use croupier::clock::{DAY_MICROS, Micros};
use croupier::db::migrate::{self, Policy};
use croupier::db::{self, DbConn, Place, WriteTx};
use croupier::error::Error;
use croupier::ids::{ExternalId, Login, Player, SiteId};
use croupier::instance::Me;
use croupier::ledger;
use croupier::money::{Currency, Money};
use croupier::orders::reviews;
use croupier::payouts::approve::{self, By, Retried};
use croupier::payouts::lifecycle::Attempt;
use croupier::payouts::orphans::{self, Seen};
use croupier::payouts::outbox::{self, Claim, Written};
use croupier::payouts::{self, Payout};
use croupier::players;
use croupier::providers::{Call, Direction, News, Notification, PayoutOrder, Question, Texts, Verb};
use croupier::questions::{self, Prepared};
use croupier::settings::{OnRefusal, Settings, Site};
use croupier::staff::approvals::Agreement;
use croupier::vault::Vault;
use croupier::wallet::transactions::{self, Kind, Movement};
use croupier::webhooks;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::event::Event;
use crate::options::Scope;
use crate::step::Answer;
use crate::world::{DEPOSIT, PAYOUTS, Person, START, Told};

/// Minor units of one of the model's units.
pub const UNIT: i64 = 100;

const PROVIDER: &str = "carouseller";
const SITE: SiteId = SiteId(332);

/// A database of its own, and the settings under which it is used.
pub struct Books {
    pub conn: DbConn,
    pub rules: Rules,
    _directory: TempDir,
}

/// The settings.
#[derive(Clone)]
pub struct Rules {
    settings: Arc<Settings>,
    site: Arc<Site>,
    player: Player,
}

/// What is not in the books: what processes know, and what time it is.
#[derive(Debug, Clone, Default)]
pub struct Hands {
    /// The orders by number; the deposit is the last.
    pub ids: [Option<ExternalId>; 3],
    /// What was claimed, and what became of it.
    pub claims: [Option<(Claim, Option<Attempt>)>; 2],
    /// How many reviews there are.
    pub reviews: usize,
    at: Micros,
}

impl Books {
    /// New books with one player who has [`START`].
    pub fn open(scope: &Scope) -> Result<Self, String> {
        let directory = TempDir::new().map_err(|error| error.to_string())?;
        let place = Place::Sqlite(directory.path().join("croupier.db"));
        migrate::prepare(&place, Policy::Migrate).map_err(|error| error.to_string())?;
        let mut conn = db::connect(&place).map_err(|error| error.to_string())?;
        let text = format!(
            "[sites.demo]\nsite_id = {SITE}\ncurrencies = [\"USD\"]\n\
             [sites.demo.carouseller]\nsalts = [\"a salt for the demo site of tests\"]\ndeduplicates_external_id = {}\n\
             [sites.demo.payouts]\napproval = \"auto\"\nauto_approve_up_to = {{ USD = {} }}\n\
             four_eyes_from = {{ USD = {} }}\n",
            scope.deduplicates,
            units(PAYOUTS[0]),
            units(PAYOUTS[1]),
        );
        let settings = Settings::from_text(&text).map_err(|problems| format!("{problems:?}"))?;
        let settings = Arc::new(settings);
        let site = Arc::new(settings.sites[0].clone());
        let player = Player { site: SITE, login: Login::parse("alice").map_err(|error| error.to_string())? };
        let rules = Rules { settings, site, player };
        let given = db::immediately(&mut conn, |tx| rules.begin(tx));
        given.map_err(|error: Error| error.to_string())?;
        Ok(Self { conn, rules, _directory: directory })
    }
}

impl Rules {
    fn begin(&self, tx: &mut WriteTx<'_>) -> Result<(), Error> {
        players::put(tx, &self.player, &players::Change::default(), 1)?;
        let (amount, currency) = (units(START), usd()?);
        let (player, reference) = (self.player.clone(), "start".to_owned());
        let movement = Movement { player, kind: Kind::Win, amount, currency, reference, reason: None };
        transactions::make(tx, "start", &movement, 1).map(|_| ())
    }

    /// Gives the player a unit past the model, for the `nth` time.
    pub fn spoil(&self, tx: &mut WriteTx<'_>, nth: u8) -> Result<(), Error> {
        let (currency, reference) = (usd()?, format!("past the model {nth}"));
        let (player, key) = (self.player.clone(), reference.clone());
        let movement = Movement { player, kind: Kind::Win, amount: UNIT, currency, reference, reason: None };
        transactions::make(tx, &key, &movement, 2).map(|_| ())
    }

    /// Lets an event happen to the real books.
    pub fn carry_out(&self, tx: &mut WriteTx<'_>, event: Event, hands: &mut Hands) -> Result<Answer, Error> {
        hands.at += 1_000_000;
        let at = hands.at;
        match event {
            Event::AskPayout(number) => self.ask(tx, usize::from(number), 0, hands),
            Event::AskPayoutOtherwise(number) => self.ask(tx, usize::from(number), 1, hands),
            Event::AskDeposit => self.ask(tx, 2, 0, hands),
            Event::AskDepositOtherwise => self.ask(tx, 2, 1, hands),
            Event::Approve(number, person) => {
                agreed(approve::approve(tx, &self.site, &hands.id(number), by(person), at)?)
            }
            Event::Decline(number) => {
                approve::decline(tx, &hands.id(number), by(Person::Ann), at).map(|()| Answer::Done)
            }
            Event::Retry(number) => {
                match approve::retry(tx, &self.settings.providers, &hands.id(number), by(Person::Ann), at)? {
                    Retried::Queued => Ok(Answer::Done),
                    Retried::Ask => Ok(Answer::Conflict),
                }
            }
            Event::Resolve(number, ending, person) => {
                agreed(approve::resolve(tx, &self.site, &hands.id(number), ending, by(person), at)?)
            }
            Event::Claim(number) => {
                let claim = outbox::claim(tx, hands.id(number).as_str(), written, ("me", &Vault::default()), at)?;
                hands.claims[usize::from(number)] = claim.map(|claim| (claim, None));
                Ok(Answer::Done)
            }
            Event::Send(number, fate) => send(tx, &mut hands.claims[usize::from(number)], fate),
            Event::Record(number) => record(tx, &mut hands.claims[usize::from(number)], at),
            Event::GiveUp(number) => self.give_up(tx, &hands.id(number), at),
            Event::Crash => {
                hands.claims = [None, None];
                Ok(Answer::Done)
            }
            Event::Wait(_) => {
                hands.at += DAY_MICROS;
                Ok(Answer::Done)
            }
            Event::Arrive(_) | Event::Decide(..) | Event::Contradict(_) | Event::Finish => Ok(Answer::Done),
            Event::TellPayout(number, told) => self.tell(tx, usize::from(number), told, told.of_payout(), hands),
            Event::TellDeposit(told) => self.tell(tx, 2, told, told.of_deposit(), hands),
        }
    }

    /// Asks for order `which`; `more` makes it another question under the same id.
    fn ask(&self, tx: &mut WriteTx<'_>, which: usize, more: i64, hands: &mut Hands) -> Result<Answer, Error> {
        let minor = amount(which) + more;
        let content = format!("{which} {minor}");
        let question = Question {
            direction: if which < PAYOUTS.len() { Direction::Payout } else { Direction::Deposit },
            site: SITE,
            login: self.player.login.clone(),
            amount: Money::new(minor, usd()?)?,
            transaction_id: Some(which.to_string()),
            fingerprint: Sha256::digest(content.as_bytes()).into(),
            purse: None,
            details: Vec::new(),
        };
        let prepared = Prepared::new(PROVIDER, self.site.clone(), question);
        let id = questions::decide(tx, &prepared, hands.at)?;
        if *hands.ids[which].get_or_insert_with(|| id.clone()) != id {
            return Err(Error::Internal("a repetition got another answer".into()));
        }
        Ok(Answer::Done)
    }

    fn tell(&self, tx: &mut WriteTx<'_>, which: usize, told: Told, news: News, hands: &Hands) -> Result<Answer, Error> {
        let id = hands.ids[which].as_ref().expect("it was asked for").to_string();
        let notification = Notification {
            provider: PROVIDER,
            site: SITE,
            signed: true,
            login: self.player.login.as_str().to_owned(),
            amount_minor: amount(which),
            currency: "USD".into(),
            real: None,
            transaction_id: "1".into(),
            news,
            codes: format!("{told:?}"),
            digest: Sha256::digest(format!("{id} {told:?}").as_bytes()).into(),
            external_id: id,
            content: Vec::new(),
        };
        webhooks::receive(tx, &notification, hands.at).map(|()| Answer::Done)
    }

    /// What a start does with an attempt that was left open, and later on whoever has seen it open for too long.
    fn give_up(&self, tx: &mut WriteTx<'_>, id: &ExternalId, at: Micros) -> Result<Answer, Error> {
        let me = Me::new("me", true);
        let left = outbox::open_attempts(tx.read()?)?;
        let own = left.into_iter().filter(|open| orphans::is_orphaned(&open.owner, &me, Seen::AtStart));
        let open = own.into_iter().find(|open| open.external_id == id.as_str());
        let open = open.ok_or_else(|| Error::Internal("no attempt is open".into()))?;
        let deduplicates = |provider: &str, site| payouts::deduplicates(&self.settings.providers, provider, site);
        outbox::settle(tx, &open, deduplicates, "start", at).map(|_| Answer::Done)
    }

    /// The player's money in minor units: available and held.
    pub fn balance(&self, conn: &mut DbConn) -> Result<(i64, i64), Error> {
        let row = players::read(conn, &self.player)?.ok_or(Error::UnknownPlayer)?;
        let all = ledger::balances(conn, ledger::PlayerId(row.id))?;
        Ok(all.first().map_or((0, 0), |(_, balance)| (balance.available, balance.held)))
    }
}

impl Hands {
    fn id(&self, number: u8) -> ExternalId {
        self.ids[usize::from(number)].clone().expect("it was asked for")
    }

    /// Counts the reviews of all orders. Says how many are new.
    pub fn count_reviews(&mut self, conn: &mut DbConn) -> Result<usize, Error> {
        let ids = self.ids.iter().flatten();
        let all = ids.map(|id| Ok(reviews::of_order(conn, id.as_str())?.len())).sum::<Result<usize, Error>>()?;
        let before = std::mem::replace(&mut self.reviews, all);
        Ok(all - before)
    }

    /// Long after everything that has happened.
    pub fn later(&self) -> Micros {
        self.at + 365 * DAY_MICROS
    }
}

/// The worker looks once more whether its claim stands, and sends if it does.
fn send(tx: &mut WriteTx<'_>, hand: &mut Option<(Claim, Option<Attempt>)>, fate: Attempt) -> Result<Answer, Error> {
    let (claim, outcome) = hand.as_mut().ok_or_else(|| Error::Internal("nothing was claimed".into()))?;
    let still = outbox::is_under_way(tx.read()?, claim.payout.external_id.as_str(), claim.attempt)?;
    *outcome = Some(if still { fate } else { Attempt::NotSent });
    Ok(Answer::Done)
}

fn record(tx: &mut WriteTx<'_>, hand: &mut Option<(Claim, Option<Attempt>)>, at: Micros) -> Result<Answer, Error> {
    let Some((claim, Some(outcome))) = hand.take() else {
        return Err(Error::Internal("no answer came".into()));
    };
    outbox::record(tx, &claim, outcome, ("said", &Texts::new()), OnRefusal::Release, at).map(|()| Answer::Done)
}

fn agreed(agreement: Agreement) -> Result<Answer, Error> {
    Ok(match agreement {
        Agreement::Agreed { .. } => Answer::Done,
        Agreement::Waiting { .. } => Answer::Waiting,
    })
}

fn by(person: Person) -> By<'static> {
    By { actor: person.name(), reason: "why" }
}

pub fn units(units: i8) -> i64 {
    i64::from(units) * UNIT
}

fn amount(which: usize) -> i64 {
    units(PAYOUTS.get(which).copied().unwrap_or(DEPOSIT))
}

fn usd() -> Result<Currency, Error> {
    Currency::parse("USD")
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
