//! The payment systems of API 2.0 and what `payment_data` holds for each (manual, "Host to host integration").
//!
//! Only `TEST_PS` is a name of the manual's, whose sample pays by card with it. The others are made up here: real ones come from the
//! manager.

use serde_json::Value;

use super::calls::Refusal;
use crate::simulate::Params;
use crate::simulate::platforms::Way;

/// How a detail is written. All are texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Anything that is not blank.
    Text,
    /// 12 to 19 digits.
    Card,
    /// `01` to `12`.
    Month,
    /// Four digits.
    Year,
    /// Three or four digits.
    Code,
}

type Field = (&'static str, Kind, &'static str);

/// What a player is shown after a deposit was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// A page to go to. The manual shows it for 3-D Secure; the wallets do the same here.
    Page,
    /// A card to pay to.
    Requisites,
}

/// A payment system.
#[derive(Debug)]
pub(super) struct Method {
    /// `payment_system`
    pub(super) wire: &'static str,
    /// Its section in the settings.
    pub(super) label: &'static str,
    pub(super) shown: Shown,
    /// What a deposit needs; `None`: it takes none.
    deposit: Option<&'static [Field]>,
    payout: &'static [Field],
    /// Whether the settings offer its deposits. Those by card need the card's code, which a casino should not see.
    pub(super) offers_deposits: bool,
}

const NUMBER: Field = ("card_number", Kind::Card, "4111111111111111");
const HOLDER: Field = ("card_holder", Kind::Text, "John Doe");
const YEAR: Field = ("exp_year", Kind::Year, "2028");
const MONTH: Field = ("exp_month", Kind::Month, "06");
const CVV: Field = ("cvv", Kind::Code, "123");
const BANK: Field = ("bank_name", Kind::Text, "First Bank");
const VEGA: [Field; 2] = [("wallet", Kind::Text, "U000060"), ("password", Kind::Text, "wallet password")];
const JETON: [Field; 1] = [("wallet", Kind::Text, "12345678")];

const METHODS: [Method; 5] = [
    Method {
        wire: "TEST_PS",
        label: "cabbagino_card",
        shown: Shown::Page,
        deposit: Some(&[NUMBER, HOLDER, YEAR, MONTH, CVV]),
        payout: &[NUMBER, HOLDER, YEAR, MONTH],
        offers_deposits: false,
    },
    Method {
        wire: "P2P_PS",
        label: "cabbagino_p2p",
        shown: Shown::Requisites,
        deposit: Some(&[]),
        payout: &[BANK, NUMBER, HOLDER],
        offers_deposits: true,
    },
    Method {
        wire: "JAPAN_BANK_PS",
        label: "cabbagino_japan",
        shown: Shown::Page,
        deposit: None,
        payout: &[
            ("account_number", Kind::Text, "6858629"),
            ("owner_name", Kind::Text, "SHIGEKI KOMURO"),
            ("owner_native_name", Kind::Text, "シゲキ コムロ"),
            BANK,
            ("bank_code", Kind::Text, "0125"),
            ("branch_name", Kind::Text, "BB-24"),
            ("branch_code", Kind::Text, "279"),
        ],
        offers_deposits: false,
    },
    Method {
        wire: "VEGA_PS",
        label: "cabbagino_vega",
        shown: Shown::Page,
        deposit: Some(&VEGA),
        payout: &VEGA,
        offers_deposits: true,
    },
    Method {
        wire: "JETON_PS",
        label: "cabbagino_jeton",
        shown: Shown::Page,
        deposit: Some(&JETON),
        payout: &JETON,
        offers_deposits: true,
    },
];

/// All of them.
pub(super) fn all() -> &'static [Method] {
    &METHODS
}

/// The one with this `payment_system`.
pub(super) fn on_wire(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.wire == name)
}

/// The one with this `payment_system`, or with this section in the settings.
pub(super) fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.wire == name || method.label == name)
}

impl Method {
    /// Names and good values of what `payment_data` holds; `None`: the method does not go this way.
    pub(super) fn sample(&self, way: Way) -> Option<Vec<(&'static str, &'static str)>> {
        Some(self.fields(way)?.iter().map(|(name, _, value)| (*name, *value)).collect())
    }

    fn fields(&self, way: Way) -> Option<&'static [Field]> {
        match way {
            Way::Deposit => self.deposit,
            Way::Payout => Some(self.payout),
        }
    }

    /// Checks `payment_data`. The manual calls every field required and a text. What it does not list is refused: a merchant that
    /// sends more than is asked for gives away what is not ours to see.
    pub(super) fn check(&self, way: Way, data: Option<&Value>) -> Result<(), Refusal> {
        let Some(fields) = self.fields(way) else { return Err(Refusal::invalid("payment_system")) };
        let none = Params::new();
        let data = match data {
            None if !fields.is_empty() => return Err(Refusal::missing("payment_data")),
            None => &none,
            Some(data) => data.as_object().ok_or_else(|| Refusal::invalid("payment_data"))?,
        };
        for (name, kind, _) in fields {
            let value = data.get(*name).ok_or_else(|| Refusal::missing(name))?;
            if !value.as_str().is_some_and(|text| kind.allows(text)) {
                return Err(Refusal::invalid(name));
            }
        }
        match data.keys().find(|name| fields.iter().all(|(known, ..)| known != name)) {
            Some(_) => Err(Refusal::invalid("payment_data")),
            None => Ok(()),
        }
    }
}

impl Kind {
    fn allows(self, text: &str) -> bool {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Kind::Text => !text.trim().is_empty(),
            Kind::Card => digits && (12..=19).contains(&text.len()),
            Kind::Month => digits && text.len() == 2 && ("01"..="12").contains(&text),
            Kind::Year => digits && text.len() == 4,
            Kind::Code => digits && (3..=4).contains(&text.len()),
        }
    }
}

/// What a player would see of the purse: a card as first six, three dots, last four; a wallet as it is; the manual's own sample when
/// the call named none.
pub(super) fn purse(params: &Params) -> String {
    let data = params.get("payment_data").and_then(Value::as_object);
    let text = |name: &str| data.and_then(|data| data.get(name)).and_then(Value::as_str);
    match (text("card_number"), text("wallet").or_else(|| text("account_number"))) {
        (Some(card), _) if card.is_ascii() && card.len() > 10 => {
            format!("{}...{}", &card[..6], &card[card.len() - 4..])
        }
        (_, Some(purse)) => purse.to_owned(),
        (_, None) => "428455...9651".to_owned(),
    }
}
