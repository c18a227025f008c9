//! Amounts and currencies. Integers in minor units; no floating point anywhere.

use std::fmt;

use crate::error::Error;

/// The largest amount of one movement, in minor units (contract, "Money rules" 1).
pub const MAX_MINOR: i64 = 1_000_000_000_000_000;

/// The largest balance an account may reach either way, in minor units; sums beyond it are refused, never wrapped.
pub const MAX_BALANCE: i64 = 1_000_000_000_000_000_000;

/// The longest decimal text that is read as an amount: room for every amount with some zeros behind it.
const LONGEST_MAJOR: usize = 32;

/// An ISO 4217 currency. Two texts that differ only in ASCII case are the same currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Reads an alphabetic code of ISO 4217, upper-casing ASCII letters first.
    ///
    /// # Errors
    ///
    /// `UnsupportedCurrency`: not a currency of the standard.
    pub fn parse(code: &str) -> Result<Self, Error> {
        let upper = code.to_ascii_uppercase();
        let bytes: [u8; 3] = upper.as_bytes().try_into().map_err(|_| Error::UnsupportedCurrency)?;
        iso_currency::Currency::from_code(&upper).ok_or(Error::UnsupportedCurrency)?;
        Ok(Self(bytes))
    }

    /// The upper-case code, `EUR`.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII letters get in")
    }

    /// How many decimals people see: 2 for EUR, 0 for JPY, 3 for KWD. Never used to change an amount.
    pub fn exponent(&self) -> usize {
        let known = iso_currency::Currency::from_code(self.code()).expect("parse let only known codes in");
        known.exponent().map_or(0, usize::from)
    }

    /// The numeric code of ISO 4217: 840 for USD.
    pub fn numeric(&self) -> u16 {
        let known = iso_currency::Currency::from_code(self.code()).expect("parse let only known codes in");
        known.numeric()
    }

    /// The currency with this numeric code.
    pub fn from_numeric(code: u16) -> Option<Self> {
        iso_currency::Currency::from_numeric(code).and_then(|known| Self::parse(known.code()).ok())
    }

    /// Minor units as people read them, `100.00`, without the code. Also for sums and negative balances.
    pub fn in_major(&self, minor: i64) -> String {
        let exponent = self.exponent();
        let digits = format!("{:0>width$}", minor.unsigned_abs(), width = exponent + 1);
        let (whole, fraction) = digits.split_at(digits.len() - exponent);
        let sign = if minor < 0 { "-" } else { "" };
        let point = if exponent == 0 { "" } else { "." };
        format!("{sign}{whole}{point}{fraction}")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of 1 to 10^15 minor units: `minor` 10000 in EUR is 100.00, in JPY it is 10000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// An amount of `minor` units.
    ///
    /// # Errors
    ///
    /// `InvalidAmount`: outside 1 to 10^15.
    pub fn new(minor: i64, currency: Currency) -> Result<Self, Error> {
        if (1..=MAX_MINOR).contains(&minor) { Ok(Self { minor, currency }) } else { Err(Error::InvalidAmount) }
    }

    /// Reads decimals as people write them, from their text and never through a float: `1.10` in EUR is 110 minor units.
    /// Digits that the currency does not have are refused, not rounded, unless they are zeros.
    ///
    /// # Errors
    ///
    /// `InvalidAmount`: signs, blanks, exponents, leading zeros, other digits than ASCII, nothing on one side of the point, zero, or
    /// too large.
    pub fn parse_major(text: &str, currency: Currency) -> Result<Self, Error> {
        let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if text.len() > LONGEST_MAJOR || leading_zero || !digits(whole) || !fraction.is_none_or(digits) {
            return Err(Error::InvalidAmount);
        }
        let (exponent, fraction) = (currency.exponent(), fraction.unwrap_or_default());
        let (kept, beyond) = fraction.split_at(fraction.len().min(exponent));
        if beyond.bytes().any(|b| b != b'0') {
            return Err(Error::InvalidAmount);
        }
        let minor = format!("{whole}{kept:0<exponent$}").parse().map_err(|_| Error::InvalidAmount)?;
        Self::new(minor, currency)
    }

    /// Minor units, 1 to 10^15.
    pub fn minor(&self) -> i64 {
        self.minor
    }

    /// The currency of the amount.
    pub fn currency(&self) -> Currency {
        self.currency
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency.in_major(self.minor), self.currency)
    }
}

/// Reads minor units as the Cashier writes them: digits without a leading zero, 1 to 10^15 (threats PAR-1).
///
/// # Errors
///
/// `InvalidAmount`: signs, blanks, exponents, fractions, other digits than ASCII, zero, or too large.
pub fn parse_minor(text: &str) -> Result<i64, Error> {
    let plain = !text.starts_with('0') && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit());
    let minor = if plain { text.parse().map_err(|_| Error::InvalidAmount)? } else { return Err(Error::InvalidAmount) };
    if (1..=MAX_MINOR).contains(&minor) { Ok(minor) } else { Err(Error::InvalidAmount) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_digit_strings_are_amounts() {
        let refused = [
            "",
            " ",
            "0",
            "00",
            "01",
            "-5",
            "+5",
            " 5",
            "5 ",
            "5.0",
            "1e3",
            "0x10",
            "1_000",
            "٣",
            "1,000",
            "NaN",
            "1000000000000001",
            "99999999999999999999999",
        ];
        for text in refused {
            assert!(parse_minor(text).is_err(), "{text:?}");
        }
        assert_eq!(parse_minor("10000").unwrap(), 10_000);
        assert_eq!(parse_minor("1000000000000000").unwrap(), MAX_MINOR);
    }

    #[test]
    fn decimals_of_a_currency_are_read_exactly_or_not_at_all() {
        let read = |text: &str, code: &str| Money::parse_major(text, Currency::parse(code).unwrap()).map(|m| m.minor());
        let taken = [
            ("250", "USD", 25_000),
            ("250.0", "USD", 25_000),
            ("250.00", "USD", 25_000),
            ("250.01000", "USD", 25_001),
            ("0.5", "USD", 50),
            ("0.01", "EUR", 1),
            ("250", "JPY", 250),
            ("250.00", "JPY", 250),
            ("1.001", "KWD", 1001),
            ("10000000000000.00", "USD", MAX_MINOR),
        ];
        for (text, code, minor) in taken {
            assert_eq!(read(text, code).unwrap(), minor, "{text} {code}");
        }
        let refused = [
            "",
            " ",
            "0",
            "0.00",
            "00.5",
            "01",
            "-5",
            "+5",
            " 5",
            "5 ",
            ".5",
            "5.",
            ".",
            "1.2.3",
            "1e3",
            "1E3",
            "0x10",
            "1_000",
            "1,00",
            "٣",
            "5.٣",
            "NaN",
            "Infinity",
            "0.001",
            "1.005",
            "10000000000000.01",
            "99999999999999999999",
            "1.00000000000000000000000000000000000",
        ];
        for text in refused {
            assert!(read(text, "USD").is_err(), "{text:?}");
        }
        assert!(read("250.5", "JPY").is_err());
        assert!(read("1.0001", "KWD").is_err());
    }

    proptest::proptest! {
        #[test]
        fn what_is_printed_is_read_as_it_was(minor in 1..=MAX_MINOR, at in 0..4_usize, zeros in 0..5_usize) {
            let currency = Currency::parse(["USD", "JPY", "KWD", "CLF"][at]).unwrap();
            let amount = Money::new(minor, currency).unwrap();
            let shown = currency.in_major(minor);
            proptest::prop_assert_eq!(Money::parse_major(&shown, currency).unwrap(), amount);
            let longer = format!("{shown}{}{}", if shown.contains('.') { "" } else { "." }, "0".repeat(zeros + 1));
            proptest::prop_assert_eq!(Money::parse_major(&longer, currency).unwrap(), amount);
        }

        #[test]
        fn nothing_that_is_read_as_an_amount_is_read_otherwise_by_a_person(text in "[0-9.eE+ -]{0,12}") {
            let currency = Currency::parse("USD").unwrap();
            if let Ok(amount) = Money::parse_major(&text, currency) {
                let trimmed = |text: &str| match text.split_once('.') {
                    Some((whole, fraction)) => (whole.to_owned(), fraction.trim_end_matches('0').to_owned()),
                    None => (text.to_owned(), String::new()),
                };
                proptest::prop_assert_eq!(trimmed(&currency.in_major(amount.minor())), trimmed(&text));
            }
        }
    }

    proptest::proptest! {
        /// threats PAR-1
        #[test]
        fn minor_units_are_read_exactly_when_they_are_the_digits_of_an_amount(
            text in proptest::prop_oneof!["\\PC{0,6}", "[0-9]{1,20}", "[0-9+ ._e-]{0,18}", "1000000000000000[0-9]?", "99999999999999[0-9]{1,3}"]
        ) {
            let number = text.parse::<u128>().ok().filter(|number| number.to_string() == text);
            let amount = number.filter(|number| (1..=1_000_000_000_000_000).contains(number));
            proptest::prop_assert_eq!(parse_minor(&text).ok().map(i128::from), amount.map(|number| number as i128));
        }

        #[test]
        fn decimals_are_read_exactly_when_they_are_an_amount_of_the_currency(
            text in proptest::prop_oneof!["(0|[1-9][0-9]{0,14})(\\.[0-9]{1,3}0{0,5})?", "[0-9]{1,16}(\\.[0-9]{1,8})?", "[0-9.]{0,6}", "\\PC{0,4}"],
            at in 0..4_usize,
        ) {
            let (code, smaller) = [("JPY", 100_000_000), ("USD", 1_000_000), ("KWD", 100_000), ("CLF", 10_000)][at];
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
            let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
            let written = plain(whole) && plain(fraction) && (whole == "0" || !whole.starts_with('0'));
            // In units of which every currency here has a whole number in one of its own.
            let amount = written.then(|| format!("{whole}{fraction:0<8}").parse::<u128>().unwrap());
            let amount = amount.filter(|units| units % smaller == 0).map(|units| units / smaller);
            let amount = amount.filter(|minor| (1..=1_000_000_000_000_000).contains(minor));
            let read = Money::parse_major(&text, Currency::parse(code).unwrap()).ok();
            proptest::prop_assert_eq!(read.map(|money| i128::from(money.minor())), amount.map(|minor| minor as i128));
        }
    }

    #[test]
    fn a_decimal_text_may_be_as_long_as_that_and_no_longer() {
        let usd = Currency::parse("USD").unwrap();
        let (longest, longer) = (format!("1.{}", "0".repeat(30)), format!("1.{}", "0".repeat(31)));

        assert_eq!(Money::parse_major(&longest, usd).unwrap().minor(), 100);
        assert!(Money::parse_major(&longer, usd).is_err());
    }

    #[test]
    fn every_currency_of_the_standard_is_printed_and_read_back() {
        let all: Vec<Currency> = (0..1000).filter_map(Currency::from_numeric).collect();
        assert!(all.len() > 150, "{}", all.len());
        for currency in all {
            for minor in [1, 9, 10, 99, 100, 999, 1000, 10_001, 123_456_789, MAX_MINOR - 1, MAX_MINOR] {
                let shown = currency.in_major(minor);
                assert_eq!(Money::parse_major(&shown, currency).unwrap().minor(), minor, "{shown} {currency}");
                assert_eq!(currency.in_major(-minor), format!("-{shown}"));
            }
        }
    }

    #[test]
    fn numeric_codes_lead_to_their_currency() {
        for (code, numeric) in [("USD", 840), ("EUR", 978), ("JPY", 392), ("ALL", 8)] {
            let currency = Currency::parse(code).unwrap();
            assert_eq!((currency.numeric(), Currency::from_numeric(numeric)), (numeric, Some(currency)));
        }
        assert_eq!(Currency::from_numeric(1), None);
    }

    #[test]
    fn decimals_matter_only_on_screen() {
        let shown = |minor, code| Money::new(minor, Currency::parse(code).unwrap()).unwrap().to_string();

        assert_eq!(shown(10_000, "USD"), "100.00 USD");
        assert_eq!(shown(10_000, "jpy"), "10000 JPY");
        assert_eq!(shown(10_000, "KWD"), "10.000 KWD");
        assert_eq!(shown(5, "EUR"), "0.05 EUR");
        assert_eq!(Currency::parse("USD").unwrap().in_major(-150), "-1.50");
    }

    #[test]
    fn currencies_outside_the_standard_are_refused() {
        for code in ["", "US", "USDT", "ZZZ", "U D", "€", "ÜSD"] {
            assert!(Currency::parse(code).is_err(), "{code:?}");
        }
    }
}
