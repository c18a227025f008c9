//! The three signatures, all SHA-256 of values joined with colons: of a payment, of a payout, and the standard one of notices and
//! cancellations, whose formula is not published (protocol, "Request signature" and "Standard signature").

use sha2::{Digest, Sha256};

/// `sign` of `create_pay_in`. The values are those of the body, to the letter.
pub fn pay_in(order_id: &str, fiat_amount: &str, fiat_currency: &str, payment_method: &str, sign_key: &str) -> String {
    digest(&[order_id, fiat_amount, fiat_currency, payment_method, sign_key].join(":"))
}

/// `sign` of `create_pay_out`: `details` is the number of the card, phone or account, or the IBAN.
pub fn pay_out(order_id: &str, fiat_amount: &str, details: &str, fiat_currency: &str, sign_key: &str) -> String {
    digest(&[order_id, fiat_amount, details, fiat_currency, sign_key].join(":"))
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// What a standard signature can be made of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signed<'a> {
    /// `{order_id}`
    pub order_id: &'a str,
    /// `{fiat_amount}`
    pub fiat_amount: &'a str,
    /// `{fiat_currency}`
    pub fiat_currency: &'a str,
    /// `{type}`
    pub kind: &'a str,
    /// `{status}`
    pub status: &'a str,
}

/// The formula of the standard signature: text with placeholders in braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formula(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Value),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    OrderId,
    FiatAmount,
    FiatCurrency,
    Kind,
    Status,
    SignKey,
}

const VALUES: [(&str, Value); 6] = [
    ("order_id", Value::OrderId),
    ("fiat_amount", Value::FiatAmount),
    ("fiat_currency", Value::FiatCurrency),
    ("type", Value::Kind),
    ("status", Value::Status),
    ("sign_key", Value::SignKey),
];

impl Formula {
    /// Reads `{order_id}:{sign_key}` and the like. `None`: a placeholder that does not exist, a brace alone, or no `{sign_key}`, without
    /// which anybody could sign.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}')?;
            let (_, value) = VALUES.iter().find(|(known, _)| *known == name)?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Value(*value));
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        let stray = parts.iter().any(|part| matches!(part, Part::Text(text) if text.contains(['{', '}'])));
        (!stray && parts.contains(&Part::Value(Value::SignKey))).then_some(Self(parts))
    }

    /// The signature of these values. Each placeholder is replaced once: braces inside a value mean nothing.
    pub fn sign(&self, signed: Signed<'_>, sign_key: &str) -> String {
        let text: String = self.0.iter().map(|part| part.text(signed, sign_key)).collect();
        digest(&text)
    }
}

impl Part {
    fn text<'a>(&'a self, signed: Signed<'a>, sign_key: &'a str) -> &'a str {
        match self {
            Part::Text(text) => text,
            Part::Value(Value::OrderId) => signed.order_id,
            Part::Value(Value::FiatAmount) => signed.fiat_amount,
            Part::Value(Value::FiatCurrency) => signed.fiat_currency,
            Part::Value(Value::Kind) => signed.kind,
            Part::Value(Value::Status) => signed.status,
            Part::Value(Value::SignKey) => sign_key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "k3y_live_01";

    #[test]
    fn the_published_vectors_hold() {
        assert_eq!(
            pay_out("order123", "1500.00", "79161234567", "rub", "test_sign_key"),
            "53f49a84b929a1c6bf16fdf36ed151738def4b30a8088237ce480ffef538aa2f"
        );
        assert_eq!(
            pay_in("123456789", "1500.00", "rub", "sbp", "test"),
            "76c5beb80bb2ea3fd0f67ad8325b0c68ae70d75cf926b77c0f1ac18c05eecfbb"
        );
    }

    #[test]
    fn the_vectors_of_every_rail_hold() {
        let payouts = [
            (
                "PO-2001",
                "5000.00",
                "4276345439581234",
                "rub",
                "b692f81b80d60cc3364b87135fd2aefd8c7a6d491ac3050107a3a4a332f8b818",
            ),
            (
                "PO-2002",
                "750.50",
                "40817810099910004312",
                "rub",
                "a09273d27fd72fab048dad3e10db41896ce8c250692c2249efd48a3e0f4fd9e0",
            ),
            (
                "PO-2003",
                "1500.00",
                "79161234567",
                "rub",
                "eaa06f516a583817643ea0e3e0e4996806be22603ef703574e6c64e4f15bb5dd",
            ),
            (
                "PO-2004",
                "120.00",
                "DE89370400440532013000",
                "eur",
                "86c85fa0f1b2a89aea824d9c0a82d5bf5b293626e65920a32a0a49f373981a65",
            ),
        ];
        for (order_id, amount, details, currency, expected) in payouts {
            assert_eq!(pay_out(order_id, amount, details, currency, KEY), expected, "{order_id}");
        }
        let payments = [
            ("PI-1001", "300.00", "rub", "card", "0244ea9c5e545e754a54c165bce784399a049861d0b4f6c20309306a7fac4a8c"),
            ("PI-1002", "1500.00", "kzt", "sbp", "3c63e59051cf69e24663eb4137f2b9bcea62beb674b58e55fa45bf25db32c0fc"),
            ("заказ-7", "10.00", "rub", "card", "319cf477eef3d7542f7a16adfb32ac2101b6e1415afa5cfa98550218aba9f3b7"),
        ];
        for (order_id, amount, currency, method, expected) in payments {
            assert_eq!(pay_in(order_id, amount, currency, method, KEY), expected, "{order_id}");
        }
    }

    #[test]
    fn the_known_mistakes_give_what_they_give_and_not_the_signature() {
        let right = pay_out("order123", "1500.00", "79161234567", "rub", "test_sign_key");
        let mistakes = [
            (
                digest("order123 : 1500.00 : 79161234567 : rub : test_sign_key"),
                "5ec051c2f10cf83f803bd5bbe9f7661dd77a02d729213321c38f29ca1f005adf",
            ),
            (
                pay_out("order123", "1500", "79161234567", "rub", "test_sign_key"),
                "8bf8a516fa83ade6b78975267f96de95c1c4d41ce99a3df39b7b1ee07931f3be",
            ),
            (
                pay_out("order123", "1500.00", "79161234567", "RUB", "test_sign_key"),
                "b3008b1f36cb65d5d49d941663f7b6cb5b59f7520c6718a475d71c1464322dc5",
            ),
            (
                pay_out("order123", "1500.00", "+79161234567", "rub", "test_sign_key"),
                "a80eb2b785058ea59f0bed176821ac5f17fa8c8d88545a9326ae1c05509ad1bc",
            ),
        ];
        for (mistaken, expected) in mistakes {
            assert_eq!(mistaken, expected);
            assert_ne!(mistaken, right);
        }
        // HMAC-SHA256 keyed with the sign_key: another construction altogether.
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"test_sign_key");
        let keyed = hex::encode(ring::hmac::sign(&key, b"order123:1500.00:79161234567:rub"));
        assert_eq!(keyed, "fcbaa32bbe766099e6e3c70674f9654c4a9eb34e0ac7978a1a9d6c7264891a10");
        assert_ne!(keyed, right);
    }

    #[test]
    fn every_candidate_of_the_standard_signature_can_be_configured() {
        let signed = Signed {
            order_id: "123456789",
            fiat_amount: "5000.00",
            fiat_currency: "rub",
            kind: "pay_out",
            status: "successful",
        };
        let candidates = [
            ("{order_id}:{sign_key}", "30bcfcfff18b4932a4dc5cb75606f4b372f0bf734a6c8b13f47639be807bc2e7"),
            ("{sign_key}:{order_id}", "4d330c68a0a09bbfe6b226dcef9dc4aa74a5783ec3ff7e9dd5e18a6180c633d9"),
            ("{order_id}:{fiat_amount}:{sign_key}", "c4dad29491959a733d69f9f5c563d9bed7b029850b057358898042165b141ad7"),
            (
                "{order_id}:{fiat_amount}:{fiat_currency}:{sign_key}",
                "7e70640c55669b4ee4cd245b4801bfbec3025875f86b21345c7de3cdfdcb73ff",
            ),
            ("{order_id}:{status}:{sign_key}", "bf73fe5b1cf1978f1b649e02416e452b328d6f78a2ad71a2116ebcd814e25f55"),
            (
                "{order_id}:{type}:{status}:{sign_key}",
                "0e226d4bba3c4d2ef3d8390e2818520e03de312d481dd4c0e05dc77b034d303b",
            ),
        ];
        for (formula, expected) in candidates {
            let read = Formula::parse(formula).expect("a formula");
            assert_eq!(read.sign(signed, "test"), expected, "{formula}");
        }
    }

    #[test]
    fn a_formula_without_the_key_or_with_a_stranger_is_refused() {
        for text in
            ["", "{order_id}", "{order_id}:{amount}:{sign_key}", "{order_id:{sign_key}", "{sign_key}}", "{{sign_key}"]
        {
            assert_eq!(Formula::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_value_that_looks_like_a_placeholder_stays_as_it_is() {
        let formula = Formula::parse("{order_id}:{sign_key}").expect("a formula");
        let signed = Signed { order_id: "{sign_key}", ..Signed::default() };

        assert_eq!(formula.sign(signed, "test"), digest("{sign_key}:test"));
    }
}
