//! What is known of a page of orders besides their rows: entries, changes, notifications, questions, players.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use crate::db::schema::{journal_entries, players, question_keys, transitions, webhooks};
use crate::db::{DbConn, at_home};
use crate::error::Error;
use crate::orders::transitions::Transition;
use crate::orders::{Status, keys};
use crate::payouts::Stage;
use crate::webhooks::{Verdict, Webhook};

/// What an entry of an order must agree with: kind, player, amount, currency.
pub(super) type Terms = (String, i64, i64, String);

/// What is known of a page of orders besides their rows.
pub(super) struct Facts {
    /// By cause: the number in the table, and the terms.
    entries: HashMap<String, (i64, Terms)>,
    changes: HashMap<String, Vec<Transition>>,
    notified: HashMap<i64, Webhook>,
    keys: HashSet<(i64, String, String)>,
    sites: HashMap<i64, i64>,
}

impl Facts {
    /// `suffixes`: what stands behind the order's id in the causes of its entries.
    pub(super) fn load(conn: &mut DbConn, ids: &[&str], suffixes: [&str; 2]) -> Result<Self, Error> {
        let causes: Vec<String> =
            ids.iter().flat_map(|id| suffixes.iter().map(move |suffix| format!("{id}:{suffix}"))).collect();
        let rows = journal_entries::table.filter(journal_entries::cause.eq_any(&causes)).select((
            journal_entries::id,
            journal_entries::cause,
            journal_entries::kind,
            journal_entries::player_id,
            journal_entries::amount,
            journal_entries::currency,
        ));
        let rows: Vec<(i64, String, String, i64, i64, String)> = at_home!(conn, |conn| rows.load(conn))?;
        let entries = rows
            .into_iter()
            .map(|(id, cause, kind, player, amount, currency)| (cause, (id, (kind, player, amount, currency))));
        let mut changes: HashMap<String, Vec<Transition>> = HashMap::new();
        let found = transitions::table
            .filter(transitions::external_id.eq_any(ids))
            .order((transitions::external_id, transitions::number));
        let found: Vec<Transition> = at_home!(conn, |conn| found.select(Transition::as_select()).load(conn))?;
        for change in found {
            changes.entry(change.external_id.clone()).or_default().push(change);
        }
        let notified = webhooks::table.filter(webhooks::external_id.eq_any(ids));
        let notified: Vec<Webhook> = at_home!(conn, |conn| notified.select(Webhook::as_select()).load(conn))?;
        let notified = notified.into_iter().map(|webhook| (webhook.id, webhook)).collect();
        let (keys, sites) = (HashSet::new(), HashMap::new());
        Ok(Self { entries: entries.collect(), changes, notified, keys, sites })
    }

    /// Adds what makes the questions behind these orders recognisable, and where their players are at home.
    pub(super) fn with_origins(mut self, conn: &mut DbConn, origins: &[Origin<'_>]) -> Result<Self, Error> {
        let asked: Vec<String> = origins.iter().filter_map(|origin| origin.key()).collect();
        let sites: HashSet<i64> = origins.iter().map(|origin| origin.site).collect();
        let providers: HashSet<&str> = origins.iter().map(|origin| origin.provider).collect();
        self.keys = question_keys::table
            .filter(question_keys::provider.eq_any(providers))
            .filter(question_keys::site_id.eq_any(sites))
            .filter(question_keys::key.eq_any(asked))
            .select((question_keys::site_id, question_keys::key, question_keys::external_id))
            .load(conn)?
            .into_iter()
            .collect();
        let players: HashSet<i64> = origins.iter().map(|origin| origin.player).collect();
        self.sites = players::table
            .filter(players::id.eq_any(players))
            .select((players::id, players::site_id))
            .load(conn)?
            .into_iter()
            .collect();
        Ok(self)
    }

    /// The order's player is one of its site, and the question that made it will be recognised when it comes again.
    pub(super) fn check_origin(&self, origin: &Origin<'_>, wrong: &mut impl FnMut(&str)) {
        if self.sites.get(&origin.player) != Some(&origin.site) {
            wrong("its player is not one of its site");
        }
        let known = |key: String| self.keys.contains(&(origin.site, key, origin.external_id.to_owned()));
        if origin.key().is_some_and(|key| !known(key)) {
            wrong("its question would not be recognised when it comes again");
        }
    }

    pub(super) fn entry(&self, id: &str, suffix: &str) -> Option<&Terms> {
        self.entries.get(&format!("{id}:{suffix}")).map(|(_, terms)| terms)
    }

    /// 1 when there is this entry and it is one of those that are counted.
    pub(super) fn count(&self, id: &str, suffix: &str, counted_to: i64) -> i64 {
        i64::from(self.entries.get(&format!("{id}:{suffix}")).is_some_and(|(number, _)| *number <= counted_to))
    }

    fn of(&self, id: &str) -> &[Transition] {
        self.changes.get(id).map_or(&[], Vec::as_slice)
    }

    /// Whether a person has turned a finished payout round.
    pub(super) fn corrected(&self, id: &str) -> bool {
        let done = Some(Stage::Done.name());
        self.of(id).iter().any(|change| change.from_stage.as_deref() == done)
    }

    /// How often a person has turned it round.
    pub(super) fn corrections(&self, id: &str) -> usize {
        let done = Some(Stage::Done.name());
        self.of(id).iter().filter(|change| change.from_stage.as_deref() == done).count()
    }

    /// How often it was put back to be sent again, which is written only where the provider pays a repeated id once.
    pub(super) fn repeats(&self, id: &str) -> i64 {
        let queued = Some(Stage::Queued.name());
        let again = |change: &&Transition| {
            matches!(change.cause.as_str(), "retry" | "start") && change.to_stage.as_deref() == queued
        };
        self.of(id).iter().filter(again).count().try_into().unwrap_or(i64::MAX)
    }

    /// The changes lead from a start to the status of the row, without a gap, and nothing leaves a final state by itself.
    pub(super) fn check_changes(&self, id: &str, starts: &[Status], now: Status, wrong: &mut impl FnMut(&str)) {
        let changes = self.of(id);
        let first = changes.first().map_or(now.code(), |change| change.from_status);
        let last = changes.last().map_or(now.code(), |change| change.to_status);
        let numbered = changes.iter().zip(1..).all(|(change, number)| change.number == number);
        let joined = changes.windows(2).all(|pair| pair[0].to_status == pair[1].from_status);
        let started = starts.iter().any(|start| start.code() == first);
        if !started || last != now.code() || !numbered || !joined {
            wrong("its recorded changes do not lead to its status");
        }
        if !changes.iter().all(legal) {
            wrong("it was moved in a way that is not allowed");
        }
    }

    /// Whether an applied notification that says so of this order, in one of these words, or a person, brought the order to `status`.
    pub(super) fn vouched(&self, id: &str, status: Status, news: &[&str], terms: &Terms) -> bool {
        self.of(id).iter().filter(|change| change.to_status == status.code()).any(|change| {
            let number = change.cause.strip_prefix("webhook ").and_then(|number| number.parse::<i64>().ok());
            match number.map(|number| self.notified.get(&number)) {
                Some(Some(webhook)) => agrees(webhook, id, news, terms),
                Some(None) => false,
                None => change.cause == "resolve",
            }
        })
    }

    /// The recorded stages lead to the one of the row. That an attempt began, or never left us, is not recorded as a change.
    pub(super) fn check_stages(&self, id: &str, now: &str, wrong: &mut impl FnMut(&str)) {
        let settled =
            |stage: &str| if stage == Stage::Sending.name() { Stage::Queued.name() } else { stage }.to_owned();
        let of = |stage: &Option<String>| stage.as_deref().map(settled);
        let changes = self.of(id);
        let first = changes.first().map_or(Some(settled(now)), |change| of(&change.from_stage));
        let last = changes.last().map_or(Some(settled(now)), |change| of(&change.to_stage));
        let joined = changes.windows(2).all(|pair| of(&pair[0].to_stage) == of(&pair[1].from_stage));
        let starts = [Stage::AwaitingApproval.name(), Stage::Queued.name()];
        if !first.is_some_and(|first| starts.contains(&first.as_str())) || last != Some(settled(now)) || !joined {
            wrong("its recorded changes do not lead to its stage");
        }
    }
}

/// Where an order comes from.
pub(super) struct Origin<'a> {
    pub external_id: &'a str,
    pub provider: &'a str,
    pub site: i64,
    pub player: i64,
    pub transaction_id: Option<&'a str>,
}

impl Origin<'_> {
    fn key(&self) -> Option<String> {
        self.transaction_id.map(keys::transaction_key)
    }
}

/// Whether an applied, signed notification says one of these of this order, with its amount and currency.
fn agrees(webhook: &Webhook, id: &str, news: &[&str], terms: &Terms) -> bool {
    let applied = webhook.verdict == Verdict::Applied.name();
    let of_order = webhook.external_id == id && news.contains(&webhook.news.as_str()) && webhook.signed && applied;
    of_order
        && webhook.terms().is_ok_and(|(amount, currency)| (amount, currency.as_str()) == (terms.2, terms.3.as_str()))
}

/// A final state is left only by refund, void or chargeback, by a payment that came after all, or by a person.
fn legal(change: &Transition) -> bool {
    let (Ok(from), Ok(to)) = (Status::from_code(change.from_status), Status::from_code(change.to_status)) else {
        return false;
    };
    match from {
        Status::Created | Status::PendingPayment | Status::ProviderConfirmed | Status::ManualReview => true,
        Status::Credited => matches!(to, Status::Refunded | Status::Chargeback) || change.cause == "resolve",
        Status::CreditFailed => matches!(to, Status::Credited | Status::CreditFailed),
        Status::Failed | Status::Cancelled => matches!(to, Status::Credited | Status::CreditFailed),
        Status::Refunded | Status::Chargeback => false,
    }
}
