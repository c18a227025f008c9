//! Money as Rebilly writes it: JSON numbers in major units, read and written digit by digit (manual, "Conventions", money).

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// How many decimals the currency has; `None`: there is none of this name in upper case.
pub fn exponent(code: &str) -> Option<usize> {
    let known = code.bytes().all(|b| b.is_ascii_uppercase()).then(|| iso_currency::Currency::from_code(code))??;
    Some(known.exponent().map_or(0, usize::from))
}

/// Minor units of a number's text. Numbers with a sign, an exponent, or digits that the currency does not have are refused: the
/// manual allows JSON its doubles, and says that at most the minor digits are to be sent.
pub fn read(text: &str, exponent: usize) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let kept = fraction.get(..exponent.min(fraction.len()))?;
    let beyond = &fraction[kept.len()..];
    if whole.is_empty() || !digits(whole) || !digits(fraction) || beyond.bytes().any(|b| b != b'0') {
        return None;
    }
    format!("{whole}{kept:0<exponent$}").parse().ok()
}

/// The text of minor units, with all decimals of the currency: `100.00`.
pub fn written(minor: i64, exponent: usize) -> String {
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = exponent + 1);
    let (whole, fraction) = digits.split_at(digits.len() - exponent);
    let sign = if minor < 0 { "-" } else { "" };
    if exponent == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A number as it goes out, with exactly these digits.
#[derive(Debug, Clone)]
pub struct Number(Box<RawValue>);

impl Number {
    /// Minor units of a currency, which is known by now.
    pub fn new(minor: i64, currency: &str) -> Self {
        let text = written(minor, exponent(currency).unwrap_or_default());
        Self(RawValue::from_string(text).expect("digits and a point are JSON"))
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_and_written_as_they_are() {
        for (text, exponent, minor) in [
            ("100.00", 2, 10_000),
            ("100", 2, 10_000),
            ("0.1", 2, 10),
            ("0.29", 2, 29),
            ("1.10", 2, 110),
            ("5.3000", 2, 530),
            ("100", 0, 100),
            ("100.0", 0, 100),
            ("1.005", 3, 1005),
            ("90071992547409.93", 2, 9_007_199_254_740_993),
        ] {
            assert_eq!(read(text, exponent), Some(minor), "{text}");
            assert_eq!(read(&written(minor, exponent), exponent), Some(minor), "{text}");
        }
        assert_eq!((written(29, 2), written(5, 0), written(-150, 2)), ("0.29".into(), "5".into(), "-1.50".into()));
        let sent = serde_json::to_string(&Number::new(9_007_199_254_740_993, "USD")).expect("a number");
        assert_eq!(sent, "90071992547409.93");
    }

    #[test]
    fn what_is_no_plain_amount_is_refused() {
        for text in ["", ".", "-1", "+1", "1e2", "1E2", "1.001", "1.2.3", "0x1", "1,5", " 1", "99999999999999999999"] {
            assert_eq!(read(text, 2), None, "{text:?}");
        }
        assert_eq!(read("1.5", 0), None);
        for code in ["", "usd", "US", "ZZZ", "USDT"] {
            assert_eq!(exponent(code), None, "{code:?}");
        }
        assert_eq!((exponent("USD"), exponent("JPY"), exponent("KWD")), (Some(2), Some(0), Some(3)));
    }
}
