//! Amounts of API 1.0: decimals of major units, read digit by digit (manual, "Deposit").

/// Currencies whose amounts are whole, as API 1.0 lists them. The list of API 2.0 is longer.
const WHOLE: [&str; 3] = ["JPY", "KRW", "VND"];

/// Decimals of every other currency: the manual knows no third kind.
const DECIMALS: usize = 2;

/// The most digits of an amount.
const LONGEST: usize = 16;

/// Minor units of a decimal text: `20.5` of USD is 2050, `2000` of JPY is 2000. `None`: zero, signs, blanks, exponents, leading zeros,
/// too many digits, or decimals that the currency does not have, unless they are zeros.
pub(super) fn minor(text: &str, currency: &str) -> Option<i64> {
    let decimals = if WHOLE.contains(&currency) { 0 } else { DECIMALS };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if text.len() > LONGEST || leading_zero || !plain(whole) || !plain(fraction) {
        return None;
    }
    let (kept, beyond) = fraction.split_at(fraction.len().min(decimals));
    if beyond.bytes().any(|byte| byte != b'0') {
        return None;
    }
    format!("{whole}{kept:0<decimals$}").parse().ok().filter(|minor| *minor > 0)
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn decimals_are_read_exactly_or_not_at_all() {
        let taken = [
            ("20.5", "USD", 2050),
            ("20.55", "USD", 2055),
            ("20", "USD", 2000),
            ("20.0", "EUR", 2000),
            ("20.500", "EUR", 2050),
            ("0.01", "EUR", 1),
            ("2000", "JPY", 2000),
            ("2000.0", "KRW", 2000),
            ("2000", "CLP", 200_000),
        ];
        for (text, currency, expected) in taken {
            assert_eq!(minor(text, currency), Some(expected), "{text} {currency}");
        }
        let refused = [
            ("", "USD"),
            ("0", "USD"),
            ("0.00", "USD"),
            (".5", "USD"),
            ("5.", "USD"),
            ("05", "USD"),
            ("-5", "USD"),
            ("+5", "USD"),
            (" 5", "USD"),
            ("5e1", "USD"),
            ("5,5", "USD"),
            ("5.5.5", "USD"),
            ("20.555", "USD"),
            ("20.5", "JPY"),
            ("٣", "USD"),
            ("null", "USD"),
            ("99999999999999999999", "USD"),
        ];
        for (text, currency) in refused {
            assert_eq!(minor(text, currency), None, "{text} {currency}");
        }
    }
}
