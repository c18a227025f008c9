//! Books written straight into an SQLite file: a large one in little time, and one with rows in every table.

use croupier::db::migrate::{self, Policy};
use croupier::db::{DbConn, Place, connect};
use diesel::connection::SimpleConnection;
use sha2::{Digest, Sha256};
use std::path::Path;

/// Rows in one statement: more are slower to parse, fewer are more statements.
const AT_ONCE: u64 = 500;

/// Makes a database with `entries` bets and wins of one player for each hundred, sealed as the ledger seals them.
pub fn large(path: &Path, entries: u64) {
    let mut conn = prepared(path);
    let players = (entries / 100).max(1);
    begin(&mut conn);
    for player in 1..=players {
        let (wins, bets) = (0..)
            .map(|nth| (nth, nth * players + player))
            .take_while(|(_, id)| *id <= entries)
            .fold((0, 0), |(wins, bets), (nth, _)| if nth % 2 == 0 { (wins + 1, bets) } else { (wins, bets + 1) });
        run(
            &mut conn,
            &format!(
                "INSERT INTO players VALUES ({player}, 332, 'player{player}', 'active', 1, 1, NULL, '{{}}', 0, 0, NULL, 0); \
                 INSERT INTO accounts VALUES ({player}, 'player:{player}:USD', 'player', {player}, 'USD', {}, 0, 0);",
                wins * 100 - bets * 40
            ),
        );
    }
    let house = players + 1;
    run(&mut conn, &format!("INSERT INTO accounts VALUES ({house}, 'games:332:USD', 'games', NULL, 'USD', 0, 0, 1)"));
    run(&mut conn, "COMMIT");
    let mut before: [u8; 32] = Sha256::digest(b"croupier journal").into();
    let mut id = 0;
    while id < entries {
        let (mut rows, mut transactions) = (Vec::new(), Vec::new());
        while id < entries && rows.len() < AT_ONCE as usize {
            id += 1;
            let (player, nth) = ((id - 1) % players + 1, (id - 1) / players);
            let (kind, amount) = if nth % 2 == 0 { ("win", 100) } else { ("bet", 40) };
            let (debit, credit) = if kind == "win" { (house, player) } else { (player, house) };
            let cause = format!("{id:032x}");
            before = seal(&before, (kind, &cause), [id, player, amount, debit, 0, credit, 0, id]);
            let hash = hex::encode(before);
            rows.push(format!("({id},'{kind}','{cause}',{player},'USD',{amount},{debit},0,{credit},0,{id},x'{hash}')"));
            let change = if kind == "win" { 100 } else { -40 };
            transactions.push(format!(
                "('{cause}',332,'k{id}',{player},'{kind}',{change},'USD','round-{nth}',NULL,x'{hash}',{},0,0,{id})",
                if nth % 2 == 0 { nth / 2 * 60 + 100 } else { (nth / 2 + 1) * 60 }
            ));
        }
        let (rows, transactions) = (rows.join(","), transactions.join(","));
        begin(&mut conn);
        run(
            &mut conn,
            &format!(
                "INSERT INTO journal_entries VALUES {rows}; INSERT INTO wallet_transactions VALUES {transactions}; COMMIT"
            ),
        );
    }
    let sum = format!(
        "UPDATE accounts SET available = -(SELECT sum(available) FROM accounts WHERE id < {house}) WHERE id = {house}"
    );
    run(&mut conn, &sum);
}

/// As [`large`], with rows in every other table besides. Their orders are not the work of the service.
pub fn with_every_table(path: &Path) {
    large(path, 250);
    let mut conn = prepared(path);
    let digest = |n: u8| format!("x'{}'", hex::encode([n; 32]));
    let (one, two, three) = (digest(1), digest(2), digest(255));
    run(
        &mut conn,
        &format!(
            "INSERT INTO meta VALUES ('a word', 'kept');
             INSERT INTO question_keys VALUES ('carouseller', 332, '77', {one}, 'o1', 5);
             INSERT INTO deposits VALUES ('o1', 'carouseller', 332, 1, 500, 'USD', 1, NULL, '{{\"purse\":\"a\\u0000b\"}}', 5, 6);
             INSERT INTO payouts VALUES ('o2', 'carouseller', 332, 1, 1000000000000000, 'USD', 9, 'queued', 'ü''\"\\', 't', '', 5, 6);
             INSERT INTO payouts VALUES ('O3', 'carouseller', 332, 2, 5, 'USD', 9, 'queued', NULL, NULL, '', 5, 6);
             INSERT INTO outbox VALUES ('o2', 7, 0, 0), ('O3', 7, 0, 1);
             INSERT INTO payout_attempts VALUES ('o2', 1, x'00ff10', 5, NULL, NULL, '', 'me'), ('o2', 2, x'', 5, 6, 'unknown', 'n', '');
             INSERT INTO transitions VALUES ('o2', 1, 0, 9, NULL, 'queued', 'c', 'a', 'r', 5), ('o2', 2, 9, 9, 'queued', 'sent', 'c', 'a', 'r', 6);
             INSERT INTO webhooks VALUES (3, 'carouseller', 332, {one}, 'o1', 1, 'n', '{{}}', 'unknown_order', '{{}}', 5);
             INSERT INTO reviews VALUES (4, 'k', 332, 'o1', 3, 'a line' || char(10) || char(0) || 'and ' || char(128512), 5, NULL, NULL, NULL);
             INSERT INTO rollbacks VALUES (1, 'r', 1, '{{}}', 5);
             INSERT INTO staff VALUES (1, 'ann', 'admin', 'h', 0, 5);
             INSERT INTO staff_tokens VALUES ({one}, 1, 5), ({two}, 1, 5), ({three}, 1, 5);
             INSERT INTO approvals VALUES (1, 's', 'a', 'ann', 'r', 1, 5);
             INSERT INTO audit VALUES (1, 5, 'ann', 'a', 's', 'd', {two});
             INSERT INTO events VALUES (1, 'abc', 'payout.held', 332, 1, 'o2', 9, 'queued', 5, 'USD', '', 5);
             INSERT INTO event_endpoint VALUES (1, 1, 0, NULL, 0, NULL);
             INSERT INTO event_queue VALUES (1, 1, 0, 5, 0);
             INSERT INTO event_turns VALUES (1, 5);
             INSERT INTO event_attempts VALUES (9, 1, 5, 5, 'unknown', NULL, '');
             INSERT INTO player_limits VALUES (1, 'USD', 'day', 5, NULL, NULL, 5);
             INSERT INTO protection_log VALUES (6, 1, 'limit', 'd', 5);
             INSERT INTO method_overrides VALUES (1, 'm', '', 1, NULL, 5, 'r', NULL, 5);
             INSERT INTO cashier_requests VALUES ('o1', 1, 'deposit', 'k', {one}, 'm', 'c', '{{}}', NULL, '', 5);
             INSERT INTO deposit_intents VALUES (1, 'o1', 'carouseller', 5, 'USD', 5);
             INSERT INTO order_facts VALUES ('o1', '{{}}');
             INSERT INTO order_secrets VALUES ('o2', 'details', {one});
             INSERT INTO inquiries VALUES ('o2', 'carouseller', 332, 5, 5, 0, NULL, '', NULL, 0);
             INSERT INTO leases VALUES ('pushes', 'me', 5);"
        ),
    );
}

fn prepared(path: &Path) -> DbConn {
    let place = Place::Sqlite(path.to_owned());
    migrate::prepare(&place, Policy::Migrate).expect("the schema");
    connect(&place).expect("the database")
}

/// Runs statements.
pub fn run(conn: &mut DbConn, sql: &str) {
    conn.batch_execute(sql).unwrap_or_else(|error| panic!("{}: {error}", &sql[..sql.len().min(200)]));
}

fn begin(conn: &mut DbConn) {
    run(conn, "PRAGMA synchronous = OFF; BEGIN IMMEDIATE");
}

/// The hash of an entry, written a second time: the ledger's own is checked with it.
fn seal(before: &[u8; 32], (kind, cause): (&str, &str), numbers: [u64; 8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(before);
    for text in [kind, cause, "USD"] {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    for number in numbers {
        hasher.update(number.to_be_bytes());
    }
    hasher.finalize().into()
}
