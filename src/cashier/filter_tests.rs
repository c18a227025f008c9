//! Selections of rows against what a person would pick by hand.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::money::{Currency, Money};
use crate::orders::Status;
use crate::providers::Direction;

fn row(id: u32, status: i64, login: i64, provider: &str, created: i64) -> Transaction {
    Transaction {
        id: format!("{id:032x}"),
        customer_id: 5,
        login,
        direction: if id.is_multiple_of(2) { Direction::Deposit } else { Direction::Payout },
        source: i64::from(id.is_multiple_of(3)),
        provider: provider.to_owned(),
        method: if id.is_multiple_of(2) { "card".to_owned() } else { String::new() },
        provider_payment_id: format!("pi_{id}"),
        amount: Money::new(
            i64::from(id) + 1,
            Currency::parse(if id.is_multiple_of(2) { "USD" } else { "EUR" }).unwrap(),
        )
        .unwrap(),
        status: Status::from_code(status).unwrap(),
        failure_reason: String::new(),
        idempotency_key: String::new(),
        comment: String::new(),
        metadata_json: "{}".to_owned(),
        approved_time: 0,
        processed_time: created / 2,
        created_time: created,
        updated_time: created,
    }
}

/// Rows as the loader gives them: newest first, each with an id of its own.
fn rows() -> impl Strategy<Value = Vec<Transaction>> {
    let one = (0..10_i64, 1..4_i64, 0..3_usize, 0..50_i64);
    vec(one, 0..40).prop_map(|parts| {
        let mut all: Vec<Transaction> = parts
            .into_iter()
            .zip(0..)
            .map(|((status, login, provider, created), id)| {
                row(id, status, login, ["carouseller", "manual", ""][provider], created)
            })
            .collect();
        all.sort_by(|a, b| (b.created_time, &b.id).cmp(&(a.created_time, &a.id)));
        all
    })
}

fn number_field() -> impl Strategy<Value = Field> {
    prop::sample::select(Field::all().filter(|field| !field.is_text()).collect::<Vec<_>>())
}

fn any_field() -> impl Strategy<Value = Field> {
    prop::sample::select(Field::all().collect::<Vec<_>>())
}

fn ids(rows: &[Transaction]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

fn all_where(rows: &[Transaction], conditions: Vec<Condition>) -> Vec<Transaction> {
    select(rows.to_vec(), &Selection { conditions, limit: usize::MAX, ..Selection::default() }).0
}

fn condition(field: Field, test: Test, negated: bool) -> Condition {
    Condition { field, test, negated }
}

proptest! {
    #[test]
    fn a_condition_and_its_opposite_divide_the_rows(rows in rows(), field in number_field(), value in 0..12_i64, operator in 0..6_usize) {
        let operator = ["=", "!=", "<", "<=", ">", ">="].map(|name| Operator::from_name(name).unwrap())[operator];
        let test = Test::Compare(operator, Value::Number(value));
        let with = all_where(&rows, vec![condition(field, test.clone(), false)]);
        let without = all_where(&rows, vec![condition(field, test, true)]);
        prop_assert_eq!(with.len() + without.len(), rows.len());
        prop_assert!(with.iter().all(|row| !without.contains(row)));
    }

    #[test]
    fn operators_that_say_the_same_pick_the_same(rows in rows(), field in number_field(), low in 0..12_i64, high in 0..12_i64) {
        let compare = |name: &str, value| condition(field, Test::Compare(Operator::from_name(name).unwrap(), Value::Number(value)), false);
        let between = condition(field, Test::Between(Value::Number(low), Value::Number(high)), false);
        prop_assert_eq!(all_where(&rows, vec![between]), all_where(&rows, vec![compare(">=", low), compare("<=", high)]));
        let one = condition(field, Test::In(vec![Value::Number(low)]), false);
        prop_assert_eq!(all_where(&rows, vec![one]), all_where(&rows, vec![compare("=", low)]));
        let two = condition(field, Test::In(vec![Value::Number(low), Value::Number(high)]), true);
        prop_assert_eq!(all_where(&rows, vec![two]), all_where(&rows, vec![compare("!=", low), compare("!=", high)]));
        prop_assert_eq!(all_where(&rows, vec![condition(field, Test::In(vec![]), false)]), vec![]);
    }

    #[test]
    fn pages_put_together_are_the_whole_and_the_count_is_that_of_the_whole(rows in rows(), page in 1..7_usize, falling: bool, field in any_field()) {
        let selection = |offset, limit| Selection { order: vec![(field, falling)], offset, limit, ..Selection::default() };
        let (whole, count) = select(rows.clone(), &selection(0, usize::MAX));
        prop_assert_eq!(count, rows.len());
        let mut together = Vec::new();
        for offset in (0..rows.len()).step_by(page) {
            let (part, count) = select(rows.clone(), &selection(offset, page));
            prop_assert_eq!(count, rows.len());
            together.extend(part);
        }
        prop_assert_eq!(together, whole);
        prop_assert_eq!(select(rows.clone(), &selection(rows.len(), page)).0, vec![]);
    }

    #[test]
    fn sorting_keeps_what_is_equal_newest_first(rows in rows(), field in any_field(), falling: bool) {
        let sorted = select(rows.clone(), &Selection { order: vec![(field, falling)], limit: usize::MAX, ..Selection::default() }).0;
        for pair in sorted.windows(2) {
            let (a, b) = (field.of(&pair[0]), field.of(&pair[1]));
            let in_order = if falling { a >= b } else { a <= b };
            prop_assert!(in_order);
            if a == b {
                prop_assert!((pair[0].created_time, &pair[0].id) > (pair[1].created_time, &pair[1].id));
            }
        }
        prop_assert_eq!(all_where(&rows, vec![]), rows);
    }

    #[test]
    fn a_pattern_is_what_it_says(text in "[aB%]{0,8}", pattern in "[ab%]{0,6}") {
        fn slow(text: &[u8], pattern: &[u8]) -> bool {
            match pattern.split_first() {
                None => text.is_empty(),
                Some((b'%', rest)) => (0..=text.len()).any(|at| slow(&text[at..], rest)),
                Some((letter, rest)) => text.split_first().is_some_and(|(first, text)| first.eq_ignore_ascii_case(letter) && slow(text, rest)),
            }
        }
        prop_assert_eq!(like(&text, &pattern), slow(text.as_bytes(), pattern.as_bytes()), "{} like {}", text, pattern);
    }
}

#[test]
fn conditions_are_joined_by_and() {
    let rows = vec![row(3, 1, 1, "manual", 30), row(2, 1, 1, "carouseller", 20), row(1, 5, 1, "manual", 10)];
    let manual = || condition(Field::Provider, Test::Compare(Operator::Like, Value::Text("MAN%".into())), false);
    let pending = condition(Field::Status, Test::Compare(Operator::Equal, Value::Number(1)), false);

    assert_eq!(ids(&all_where(&rows, vec![manual()])), [&rows[0].id, &rows[2].id]);
    assert_eq!(ids(&all_where(&rows, vec![manual(), pending])), [&rows[0].id]);
}

#[test]
fn every_documented_field_has_its_name_and_its_kind() {
    let names = [
        "id",
        "customer_id",
        "login",
        "type",
        "status",
        "source",
        "provider",
        "method",
        "currency",
        "provider_payment_id",
        "approved_time",
        "processed_time",
        "created_time",
    ];
    for name in names {
        let field = Field::from_name(name).expect(name);
        let of_row = field.of(&row(1, 1, 1, "p", 1));
        assert_eq!(matches!(of_row, Value::Text(_)), field.is_text(), "{name}");
    }
    assert_eq!(Field::all().count(), names.len());
    for name in ["", "Status", "amount", "status ", "status;", "comment", "1=1"] {
        assert_eq!(Field::from_name(name), None, "{name}");
    }
    for name in ["", "==", "<>", "LIKE", "in", "like ", "is"] {
        assert_eq!(Operator::from_name(name), None, "{name}");
    }
}

#[test]
fn a_number_is_compared_with_integers_only() {
    for text in ["", " ", "1.0", "+1", "1 ", "abc", "0x1", "1e3", "99999999999999999999", "-", "--1"] {
        assert_eq!(Value::read(Field::Status, text), None, "{text:?}");
    }
    assert_eq!(Value::read(Field::Status, "-1"), Some(Value::Number(-1)));
    assert_eq!(Value::read(Field::Provider, "1"), Some(Value::Text("1".into())));
}
