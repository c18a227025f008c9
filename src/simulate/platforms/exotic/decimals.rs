//! Decimal strings from integers: fiat in hundredths with two decimals, USDT and rates in ten-thousandths with four (protocol,
//! "Conventions").

/// The largest fiat amount that is taken, in hundredths.
const MOST: i64 = 1_000_000_000_000_000;

/// What the platform keeps of a payment or takes besides a payout, in ten-thousandths of its USDT. One percent makes the numbers of
/// the protocol's answer to a payout.
const FEE: i128 = 100;

/// Reads hundredths from the one form that is documented: digits, a point, two digits. `None` for every other, for zero, and for more
/// than 10^13 whole units.
pub fn read_fiat(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.')?;
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if leading_zero || fraction.len() != 2 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let hundredths = format!("{whole}{fraction}").parse().ok()?;
    (1..=MOST).contains(&hundredths).then_some(hundredths)
}

/// Hundredths as the wire has them: 150000 is `1500.00`.
pub fn fiat(hundredths: i64) -> String {
    pointed(i128::from(hundredths), 2)
}

/// Ten-thousandths as the wire has them: 1002472 is `100.2472`.
pub fn four(ten_thousandths: i128) -> String {
    pointed(ten_thousandths, 4)
}

/// A fiat amount in ten-thousandths of a USDT at this rate (ten-thousandths of fiat for one USDT), rounded to the nearest.
pub fn usdt(hundredths: i64, rate: i64) -> i128 {
    let rate = i128::from(rate.max(1));
    (i128::from(hundredths) * 1_000_000 + rate / 2) / rate
}

/// What a payout of this much USDT costs the merchant.
pub fn with_fee(usdt: i128) -> i128 {
    rounded(usdt * (10_000 + FEE))
}

/// What a payment of this much USDT brings the merchant.
pub fn without_fee(usdt: i128) -> i128 {
    rounded(usdt * (10_000 - FEE))
}

fn rounded(of_ten_thousand: i128) -> i128 {
    (of_ten_thousand + 5_000) / 10_000
}

fn pointed(value: i128, decimals: usize) -> String {
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_with_two_decimals_are_an_amount() {
        let refused = [
            "",
            ".",
            "1500",
            "1500.",
            "1500.0",
            "1500.000",
            ".50",
            "0.00",
            "01.00",
            "-1.00",
            "+1.00",
            " 1.00",
            "1.00 ",
            "1,00",
            "1e2.00",
            "1_0.00",
            "١.٠٠",
            "1.0.0",
            "10000000000000.01",
            "99999999999999999999.00",
        ];
        for text in refused {
            assert_eq!(read_fiat(text), None, "{text}");
        }
        for (text, hundredths) in [("0.01", 1), ("1500.00", 150_000), ("750.50", 75_050), ("10000000000000.00", MOST)] {
            assert_eq!(read_fiat(text), Some(hundredths), "{text}");
            assert_eq!(fiat(hundredths), text);
        }
    }

    #[test]
    fn the_numbers_of_the_published_answer_come_out() {
        let in_usdt = usdt(150_000, 1_002_472);

        assert_eq!((four(in_usdt), four(with_fee(in_usdt))), ("14.9630".to_owned(), "15.1126".to_owned()));
        assert_eq!(four(without_fee(in_usdt)), "14.8134");
        assert_eq!(four(usdt(500_000, 1_002_472)), "49.8767");
        assert_eq!((four(1), four(0), four(-20_001)), ("0.0001".into(), "0.0000".into(), "-2.0001".into()));
        assert_eq!(four(usdt(MOST, 1)), "100000000000000000.0000");
    }
}
