//! Amounts that are none: only a digit string without a leading zero, 1 to 10^15, is one.

use serde_json::{Value, json};

use super::Scenario;
use super::Severity::Critical;
use super::bench::{Bench, refused};

const WORDS: &[&str] = &["Invalid amount", "Missing parameter"];

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        amount("amount-zero", "0 is no amount", || json!(0)),
        amount("amount-negative", "a negative amount is refused", || json!(-500)),
        amount("amount-with-plus", "+500 is no amount", || json!("+500")),
        amount("amount-with-leading-zero", "0500 is no amount", || json!("0500")),
        amount("amount-with-blank", "a blank before the digits is refused", || json!(" 500")),
        amount("amount-with-trailing-blank", "a blank after the digits is refused", || json!("500 ")),
        amount("amount-blank", "an empty amount is refused", || json!("")),
        amount("amount-exponent", "1e3 is no amount", || json!("1e3")),
        amount("amount-fraction", "500.0 is no amount", || json!("500.0")),
        amount("amount-json-fraction", "500.0 as a JSON number is no amount", || number("500.0")),
        amount("amount-json-exponent", "1e3 as a JSON number is no amount", || number("1e3")),
        amount("amount-hex", "0x1F4 is no amount", || json!("0x1F4")),
        amount("amount-underscore", "1_000 is no amount", || json!("1_000")),
        amount("amount-comma", "1,000 is no amount", || json!("1,000")),
        amount("amount-other-digits", "digits of other scripts are refused", || json!("\u{665}\u{660}\u{660}")),
        amount("amount-above-range", "more than 10^15 is refused", || json!("1000000000000001")),
        amount("amount-overflow", "more than any integer is refused", || json!("99999999999999999999999999")),
        amount("amount-word", "a word is no amount", || json!("NaN")),
    ]
}

fn amount(name: &'static str, promise: &'static str, value: fn() -> Value) -> Scenario {
    Scenario::new(Critical, name, promise, move |bench| Box::pin(refuses(bench, value)))
}

async fn refuses(bench: &Bench, value: fn() -> Value) -> Result<(), super::Stop> {
    let words: Vec<&str> = WORDS.iter().copied().chain(["Amount is above the maximum"]).collect();
    for mut question in [bench.deposit(), bench.payout(bench.unit())] {
        question.insert("amount".to_owned(), value());
        refused(&bench.ask(&question).await?, &words)?;
    }
    Ok(())
}

/// A JSON number as it would be written by a careless sender.
fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}
