//! Pushes that are not taken: refused events, endpoints that fail, and what a person does about them (threats WLT-4).

use croupier::clock::{DAY_MICROS, Micros};
use croupier::db::{DbConn, Scope};
use croupier::pushes::Worked;
use croupier::pushes::desk;
use diesel::RunQueryDsl;

use crate::event_push::{Line, assert_order};
use crate::support::receiver::Reply;

const SECOND: Micros = 1_000_000;
const MINUTE: Micros = 60 * SECOND;

/// Refuses the event at this place with this status, takes all others.
fn refuse(line: &Line, place: i64, status: u16) {
    line.receiver.answer_with(move |push| Reply::Status(if push.place() == place { status } else { 200 }));
}

fn take_all(line: &Line) {
    line.receiver.answer_with(|_| Reply::Status(200));
}

#[tokio::test]
async fn a_refused_event_holds_up_its_own_player_only() {
    let line = Line::new().await;
    refuse(&line, 2, 422);
    line.tell_players(&[0, 1, 1, 2, 1, 0]).await;

    line.drain(0).await;
    line.tell_players(&[1, 2]).await;
    line.drain(SECOND).await;

    let mut taken = line.receiver.taken();
    taken.sort_unstable();
    assert_eq!(taken, [1, 4, 6, 8], "those of player 1 wait");
    assert_eq!(line.attempts(2).await.len(), 1, "its time has not come");
    assert_eq!((line.attempts(2).await[0].http_status, line.status().await.queued), (Some(422), 4));
    take_all(&line);
    line.drain(5 * SECOND + SECOND).await;
    let taken = line.receiver.taken();
    assert_eq!(taken[4..], [2, 3, 5, 7], "then all of them in order");
    assert_eq!(line.status().await.queued, 0);
    assert_order(&line.receiver.seen());
}

#[tokio::test]
async fn a_long_queue_behind_a_refused_event_does_not_hide_others_that_are_due() {
    let line = Line::new().await;
    line.receiver.answer_with(|push| Reply::Status(if [1, 401].contains(&push.place()) { 422 } else { 200 }));
    line.tell_players(&[0; 400]).await;
    line.drain(0).await;
    line.tell_players(&[1]).await;
    line.drain(SECOND).await;
    line.drain(5 * SECOND + SECOND / 2).await;
    assert_eq!([line.attempts(1).await.len(), line.attempts(401).await.len()], [2, 1]);

    take_all(&line);
    line.drain(8 * SECOND).await;

    assert_eq!(line.receiver.taken(), [401], "it does not wait for those that have to");
    line.drain(DAY_MICROS).await;
    assert_eq!(line.receiver.taken()[1..], (1..=400).collect::<Vec<_>>());
}

/// A number from the database.
async fn number(line: &Line, sql: impl Fn(&DbConn) -> String + Send + 'static) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        rows: i64,
    }
    let count = line.bench.state().db.write(Scope::Nobody, move |tx| {
        let conn = tx.read()?;
        let count: Count = diesel::sql_query(format!("SELECT {} AS \"rows\"", sql(conn))).get_result(conn)?;
        Ok(count.rows)
    });
    count.await.expect("a number")
}

/// A moment from which written rows are counted: what the connection that moves money has written so far, or a transaction.
async fn now(line: &Line) -> i64 {
    let moment = |conn: &DbConn| match conn {
        DbConn::Sqlite(_) => "total_changes()".to_owned(),
        DbConn::Postgres(_) => "pg_current_xact_id()::text::bigint".to_owned(),
    };
    number(line, moment).await
}

/// Rows that were written since then; on a server those about pushes.
async fn written_since(line: &Line, moment: i64) -> i64 {
    let rows = move |conn: &DbConn| match conn {
        DbConn::Sqlite(_) => format!("total_changes() - {moment}"),
        DbConn::Postgres(_) => {
            let tables = ["event_queue", "event_turns", "event_attempts", "event_endpoint"];
            tables
                .map(|table| format!("(SELECT count(*) FROM {table} WHERE xmin::text::bigint > {moment})"))
                .join(" + ")
        }
    };
    number(line, rows).await
}

/// threats WLT-4: what moves money does not wait for a long queue to be written again.
#[tokio::test]
async fn a_refusal_costs_the_same_however_many_events_wait_behind_it() {
    let line = Line::new().await;
    refuse(&line, 1, 422);
    line.tell_players(&[0]).await;
    line.drain(0).await;
    line.tell_players(&[0; 1999]).await;
    line.drain(0).await;
    assert_eq!(line.status().await.queued, 2000);
    let before = now(&line).await;

    line.drain(6 * SECOND).await;

    assert_eq!(line.attempts(1).await.len(), 2);
    let rows = written_since(&line, before).await;
    assert!(rows < 20, "{rows} rows were written");
}

/// Queues all these once more, at this time after the start.
async fn push_again(line: &Line, places: std::ops::RangeInclusive<i64>, after: Micros) {
    let (places, at) = (places.collect::<Vec<_>>(), line.start + after);
    let again = line.bench.state().db.write(Scope::Nobody, move |tx| desk::push_again(tx, &places, at));
    assert!(again.await.expect("queued") > 0);
}

/// threats WLT-4
#[tokio::test]
async fn a_long_due_backlog_of_one_player_does_not_hide_the_others() {
    let line = Line::new().await;
    let others: Vec<Option<usize>> = (0..150).map(|_| None).chain([Some(1), Some(2)]).collect();
    line.tell_players(&[0; 600]).await;
    line.tell(&others).await;
    line.drain(0).await;
    line.receiver.forget();
    push_again(&line, 1..=600, SECOND).await;
    push_again(&line, 601..=752, 2 * SECOND).await;

    line.step(3 * SECOND).await;
    let first: Vec<bool> = line.receiver.taken().iter().map(|place| *place <= 600).collect();
    assert!(first.contains(&true) && first.contains(&false), "both in the first round");
    line.step(3 * SECOND).await;
    line.step(3 * SECOND).await;

    let taken = line.receiver.taken();
    assert!((601..=752).all(|place| taken.contains(&place)), "everybody had a turn: {taken:?}");
    line.drain(3 * SECOND).await;
    let mut taken = line.receiver.taken();
    assert_order(&line.receiver.seen());
    taken.sort_unstable();
    assert_eq!(taken, (1..=752).collect::<Vec<_>>(), "each once");
}

#[tokio::test]
async fn an_event_of_no_player_holds_up_nobody() {
    let line = Line::new().await;
    refuse(&line, 1, 400);
    line.tell(&[None, None, Some(0), None]).await;

    line.drain(0).await;

    let mut taken = line.receiver.taken();
    taken.sort_unstable();
    assert_eq!(taken, [2, 3, 4]);
}

#[tokio::test]
async fn an_event_refused_for_days_is_given_up_with_an_alarm_and_comes_back_to_life() {
    let line = Line::new().await;
    refuse(&line, 1, 409);
    line.tell_players(&[0, 0, 1]).await;

    let mut at = 0;
    while line.status().await.dead == 0 {
        line.drain(at).await;
        at += (at / 50).max(MINUTE);
        assert!(at < 5 * DAY_MICROS, "it is given up in the end");
    }
    line.drain(at).await;

    assert!((3 * DAY_MICROS..4 * DAY_MICROS).contains(&at), "after about three days");
    assert_eq!(line.attempts(1).await.len(), 10);
    assert_eq!(line.reviews().await, ["event_undeliverable"]);
    assert_eq!(line.receiver.taken(), [3, 2, 4], "the player's later event goes on, and so does the review's");
    let queued = line.read(|conn| desk::queued(conn, 1)).await;
    assert!(queued.is_some_and(|row| row.dead));

    take_all(&line);
    let again = line.bench.state().db.write(Scope::Nobody, move |tx| desk::push_again(tx, &[1], 0));
    assert_eq!(again.await.expect("queued"), 1);
    line.drain(at).await;
    assert_eq!((line.receiver.taken(), line.status().await.dead), (vec![3, 2, 4, 1], 0));
}

/// The review of an event that nobody takes is an event that nobody takes: that ends.
#[tokio::test]
async fn a_receiver_that_refuses_everything_gets_one_alarm_for_each_event_and_no_more() {
    let line = Line::new().await;
    line.receiver.answer_with(|_| Reply::Status(422));
    line.tell_players(&[0]).await;

    for hour in 0..24 * 10 {
        line.drain(hour * 60 * MINUTE).await;
    }

    assert_eq!(line.reviews().await, ["event_undeliverable"]);
    assert_eq!((line.status().await.dead, line.status().await.queued), (2, 0));
}

#[tokio::test]
async fn an_endpoint_that_fails_rests_longer_each_time_and_gets_everything_later() {
    for status in [500, 503, 429, 404, 401] {
        let line = Line::new().await;
        line.receiver.answer_with(move |_| Reply::Status(status));
        line.tell_players(&[0, 1, 0, 2, 1, 0, 3, 4]).await;
        line.step(0).await;
        let first = line.receiver.seen().len();
        assert!(first <= 5, "one of each player at most: {first}");

        let mut at = 0;
        for _ in 0..12 {
            let before = line.receiver.seen().len();
            let since = at;
            while line.step(at).await == Worked::Resting {
                at += ((at - since) / 8).max(SECOND / 4);
            }
            let tried = line.receiver.seen().len() - before;
            assert!((1..=5).contains(&tried), "one of each player at most: {tried}");
            assert_eq!(line.step(at).await, Worked::Resting);
        }

        assert!((15 * MINUTE..40 * MINUTE).contains(&at), "{status}: doubled up to five minutes: {at}");
        assert_eq!(line.status().await.dead, 0, "no event is blamed");
        take_all(&line);
        line.drain(at + 7 * MINUTE).await;
        let mut taken = line.receiver.taken();
        taken.sort_unstable();
        assert_eq!(taken, (1..=8).collect::<Vec<_>>(), "{status}");
        assert_order(&line.receiver.seen());
    }
}

#[tokio::test]
async fn an_endpoint_that_fails_for_a_day_is_paused_with_an_alarm_and_one_success_resumes_it() {
    let line = Line::new().await;
    line.receiver.answer_with(|_| Reply::Status(502));
    line.tell_players(&[0, 1]).await;
    let mut at = 0;
    while line.status().await.endpoint.is_none_or(|endpoint| endpoint.paused_at.is_none()) {
        line.step(at).await;
        at += MINUTE;
    }
    assert!((DAY_MICROS..DAY_MICROS + 10 * MINUTE).contains(&at));
    assert_eq!(line.reviews().await, ["events_paused"]);
    assert!(line.bench.state().metrics.text().contains("croupier_events_paused 1"));

    let mut probes = 0;
    for minute in 0..60 {
        probes += usize::from(line.step(at + minute * MINUTE).await == Worked::Sent);
    }

    assert!((3..=5).contains(&probes), "every 15 minutes: {probes}");
    assert_eq!(line.reviews().await.len(), 1, "one alarm");
    take_all(&line);
    line.drain(at + 90 * MINUTE).await;
    let mut taken = line.receiver.taken();
    taken.sort_unstable();
    assert_eq!(taken, [1, 2, 3], "the review of the pause too");
    assert!(line.bench.state().metrics.text().contains("croupier_events_paused 0"));
    let endpoint = line.status().await.endpoint.expect("an endpoint");
    assert_eq!((endpoint.failures, endpoint.paused_at, endpoint.failing_since), (0, None, None));
}

#[tokio::test]
async fn a_person_resumes_at_once() {
    let line = Line::new().await;
    line.receiver.answer_with(|push| Reply::Status(if push.login().as_deref() == Some("ann") { 422 } else { 503 }));
    line.tell_players(&[1]).await;
    line.step(0).await;
    take_all(&line);
    assert_eq!(line.step(0).await, Worked::Resting);

    let at = line.start;
    let resumed = line.bench.state().db.write(Scope::Nobody, move |tx| desk::resume(tx, at));

    assert!(resumed.await.expect("resumed"));
    line.drain(0).await;
    assert_eq!(line.receiver.taken(), [1]);
}

/// One event that the receiver stumbles over, with a 500 each time, looks like an endpoint that is down.
#[tokio::test]
async fn an_event_that_the_receiver_stumbles_over_does_not_stop_the_others() {
    let line = Line::new().await;
    refuse(&line, 1, 500);
    line.tell_players(&[0]).await;
    line.step(0).await;
    assert_eq!(line.step(0).await, Worked::Resting, "nothing else tells that the endpoint is up");

    line.tell_players(&[1, 0, 2, 3, 1]).await;
    for second in 0..30 {
        line.drain(second * SECOND).await;
    }

    let mut taken = line.receiver.taken();
    taken.sort_unstable();
    assert_eq!(taken, [2, 4, 5, 6], "all but those of its player");
    assert!(line.attempts(1).await.len() >= 3, "it is tried again meanwhile");
    take_all(&line);
    line.drain(DAY_MICROS).await;
    assert_eq!(line.receiver.taken()[4..], [1, 3]);
}

/// threats OUT-8, as for payouts: the receiver crashes on most players, and the others must not wait for them.
#[tokio::test]
async fn players_that_the_receiver_stumbles_over_do_not_stop_the_others_however_many_they_are() {
    let line = Line::new().await;
    line.receiver.answer_with(|push| Reply::Status(if push.login().as_deref() == Some("eve") { 200 } else { 503 }));
    for _ in 0..5 {
        line.tell_players(&[0, 1, 2, 3]).await;
    }
    line.drain(0).await;
    line.tell_players(&[0, 1, 4, 2, 3, 4]).await;

    for second in 0..10 {
        line.drain(second * SECOND).await;
    }

    assert_eq!(line.receiver.taken(), [23, 26], "all of the one it can stomach, within seconds");
    assert_order(&line.receiver.seen());
}

#[tokio::test]
async fn a_span_of_time_is_pushed_once_more_in_order() {
    let mut line = Line::new().await;
    let first = line.start;
    for minute in 0..4 {
        line.start = first + minute * MINUTE;
        line.tell_players(&[0, 1, 0]).await;
    }
    line.drain(0).await;
    line.tell_players(&[2]).await;
    line.receiver.forget();

    let span = (first + MINUTE, Some(first + 3 * MINUTE));
    let places = line.read(move |conn: &mut DbConn| desk::between(conn, 0, span.0, span.1, 1000)).await;
    assert_eq!(places, (4..=9).collect::<Vec<_>>());
    let again =
        line.bench.state().db.write(Scope::Nobody, move |tx| desk::push_again(tx, &[4, 5, 6, 7, 8, 9, 13, 99], 0));

    assert_eq!(again.await.expect("queued"), 6, "the newest one comes anyway, the last there is not");
    line.drain(0).await;
    let mut taken = line.receiver.taken();
    assert_order(&line.receiver.seen());
    taken.sort_unstable();
    assert_eq!(taken, [4, 5, 6, 7, 8, 9, 13], "each once");
}

/// threats OPS-1
#[tokio::test]
async fn waits_written_under_a_clock_that_was_wrong_hold_nothing_up() {
    let line = Line::new().await;
    let far = 400 * DAY_MICROS;
    refuse(&line, 1, 422);
    line.tell_players(&[0, 1]).await;
    line.drain(far).await;
    line.receiver.answer_with(|_| Reply::Status(503));
    line.tell_players(&[1]).await;
    line.step(far + SECOND).await;

    take_all(&line);
    line.drain(0).await;

    assert_eq!(line.receiver.taken().len(), 3);
}
