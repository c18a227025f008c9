//! Whose orders they are is looked up in an index of shelves of 2²⁸ ms: nobody's order may be missed at the edge of one, or after a gap.

use croupier::clock::DAY_MICROS;
use croupier::db::DbConn;
use croupier::db::migrate::{self, Policy};
use croupier::db::schema::{deposits, payouts, players};
use croupier::ids::{SiteId, lowest_at};
use croupier::ledger::PlayerId;
use croupier::money::Currency;
use croupier::orders::filter::Filter;
use croupier::orders::of_player;
use croupier::{deposits as deposit_orders, payouts as payout_orders};
use diesel::prelude::*;

use crate::support::database::TestDatabase;

const SHELF: i64 = 1 << 28;

/// Moments in milliseconds: at the edges of shelves, side by side, in 1970, after years of nothing.
fn moments() -> Vec<i64> {
    let edges = [0, 1, 2, 3, 117, 1_000, 6_553, 6_554, 6_660].map(|shelf| shelf * SHELF);
    let mut all: Vec<i64> = edges.iter().flat_map(|edge| [edge - 1, *edge, edge + 1, edge + SHELF / 2]).collect();
    all.retain(|moment| *moment >= 0);
    all
}

/// Two players of one site and one with the same login on another, each with a deposit and a payout of 1 USD at every moment.
fn books() -> (tempfile::TempDir, TestDatabase, Vec<String>) {
    let directory = tempfile::tempdir().expect("a directory");
    let database = TestDatabase::create(directory.path());
    migrate::prepare(&database.place(), Policy::Migrate).expect("the schema");
    let mut conn = database.connect();
    for (id, site, login) in [(1, 332, "alice"), (2, 332, "bob"), (3, 7, "alice")] {
        let row = (
            (players::id.eq(id), players::site_id.eq(site), players::login.eq(login), players::status.eq("active")),
            (players::deposit_allowed.eq(true), players::withdrawal_allowed.eq(true), players::limited.eq(false)),
            (players::profile.eq("{}"), players::created_at.eq(1), players::updated_at.eq(1)),
        );
        diesel::insert_into(players::table).values(row).execute(&mut conn).expect("a player");
    }
    for player in 1..=3_i64 {
        for moment in moments() {
            order(&mut conn, player, moment);
        }
    }
    (directory, database, moments().iter().map(|moment| id(1, *moment)).collect())
}

fn id(player: i64, moment: i64) -> String {
    format!("{moment:012x}{player:020x}")
}

fn order(conn: &mut DbConn, player: i64, moment: i64) {
    let site = if player == 3 { 7 } else { 332 };
    let (id, at) = (id(player, moment), moment * 1_000);
    let deposit = (
        (deposits::external_id.eq(&id), deposits::provider.eq("carouseller"), deposits::site_id.eq(site)),
        (deposits::player_id.eq(player), deposits::amount.eq(1), deposits::currency.eq("USD"), deposits::status.eq(3)),
        (deposits::details.eq("{}"), deposits::created_at.eq(at), deposits::updated_at.eq(at)),
    );
    diesel::insert_into(deposits::table).values(deposit).execute(conn).expect("a deposit");
    let payout = (
        (payouts::external_id.eq(&id), payouts::provider.eq("carouseller"), payouts::site_id.eq(site)),
        (payouts::player_id.eq(player), payouts::amount.eq(1), payouts::currency.eq("USD"), payouts::status.eq(3)),
        (payouts::stage.eq("done"), payouts::details.eq("{}"), payouts::created_at.eq(at), payouts::updated_at.eq(at)),
    );
    diesel::insert_into(payouts::table).values(payout).execute(conn).expect("a payout");
}

#[test]
fn every_order_of_a_player_is_found_from_every_moment_on() {
    let (_directory, database, all) = books();
    let mut conn = database.connect_read_only();
    let mut starts: Vec<String> =
        moments().iter().flat_map(|at| [*at, at + 2]).map(|at| lowest_at(at * 1_000)).collect();
    starts.extend(all.iter().cloned());
    starts.extend(["", "0", "zz", "ä€ä", "01", "ffffffffffffffffffffffffffffffff"].map(str::to_owned));

    for from in starts {
        let own: Vec<String> = all.iter().filter(|id| **id >= from).cloned().collect();
        assert_eq!(of_player::deposits(&mut conn, PlayerId(1), &from).expect("deposits"), own, "from {from:?}");
        assert_eq!(of_player::payouts(&mut conn, PlayerId(1), &from).expect("payouts"), own, "from {from:?}");
        assert_eq!(of_player::payouts(&mut conn, PlayerId(4), &from).expect("nothing"), Vec::<String>::new());
    }
}

#[test]
fn a_limit_counts_the_orders_of_all_shelves_of_its_period() {
    let (_directory, database, _) = books();
    let mut conn = database.connect_read_only();
    let now = (6_660 * SHELF + SHELF) * 1_000;
    let usd = Currency::parse("USD").expect("a currency");

    for from in moments() {
        let counted = i64::try_from(moments().iter().filter(|at| **at >= from).count()).expect("few");
        let asked = deposit_orders::asked_since(&mut conn, PlayerId(1), usd, from * 1_000, now).expect("a sum");
        assert_eq!(asked, counted, "since {from}");
        for count in [deposit_orders::count_since, payout_orders::count_since] {
            assert_eq!(count(&mut conn, PlayerId(2), from * 1_000).expect("a number"), asked as usize, "since {from}");
        }
    }
    let yen = Currency::parse("JPY").expect("a currency");
    assert_eq!(deposit_orders::asked_since(&mut conn, PlayerId(1), yen, now - 30 * DAY_MICROS, now).expect("a sum"), 0);
}

#[test]
fn staff_see_all_orders_of_a_login_page_by_page_and_nobody_elses() {
    let (_directory, database, all) = books();
    let mut conn = database.connect_read_only();
    let page = |conn: &mut DbConn, site: Option<i64>, after: Option<&str>, limit: i64| -> [Vec<String>; 2] {
        let filter = Filter {
            site: site.map(SiteId),
            login: Some("alice".to_owned()),
            after: after.map(str::to_owned),
            limit,
            ..Filter::default()
        };
        let deposits = deposit_orders::list::list(conn, &filter).expect("deposits");
        let payouts = payout_orders::list::list(conn, &filter, None).expect("payouts");
        assert!(
            deposits.iter().all(|listed| listed.login == "alice")
                && payouts.iter().all(|listed| listed.login == "alice")
        );
        [
            deposits.into_iter().map(|listed| listed.order.external_id).collect(),
            payouts.into_iter().map(|listed| listed.order.external_id).collect(),
        ]
    };

    assert_eq!(page(&mut conn, Some(332), None, 500), [all.clone(), all.clone()]);
    assert_eq!(page(&mut conn, Some(8), None, 500), [Vec::<String>::new(), Vec::new()]);
    let both = page(&mut conn, None, None, 500);
    assert!(both.iter().all(|ids| ids.len() == 2 * all.len() && ids.is_sorted()), "of both sites, oldest first");
    let (mut collected, mut after) = (Vec::new(), None);
    loop {
        let [deposits, payouts] = page(&mut conn, Some(332), after.as_deref(), 7);
        assert_eq!(deposits, payouts);
        let Some(last) = deposits.last() else { break };
        after = Some(last.clone());
        collected.extend(deposits);
    }
    assert_eq!(collected, all);
}
