//! Amounts and currencies. Integers in minor units; no floating point anywhere.

use std::fmt;

use crate::error::Error;

/// The largest amount of one movement, in minor units (contract, "Money rules" 1).
pub const MAX_MINOR: i64 = 1_000_000_000_000_000;

/// The largest balance an account may reach either way, in minor units; sums beyond it are refused, never wrapped.
pub const MAX_BALANCE: i64 = 1_000_000_000_000_000_000;

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
