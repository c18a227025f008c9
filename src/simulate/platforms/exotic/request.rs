//! The body of a call that makes an order, checked: what is signed, then the signature, then every documented member (protocol,
//! "create_pay_out" and "create_pay_in").
//!
//! The manual does not say in which order things are checked, nor what a malformed member gets. Here: HTTP 400 that names the member,
//! and 403 `invalid sign`. A colon in a signed value is refused, because the signed text could then be read in two ways. Members that
//! the manual does not know are ignored; `null` is the same as absent.

use super::super::{Params, Way};
use super::account::{Account, Rail};
use super::{decimals, sign};

/// Why a call is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// HTTP.
    pub status: u16,
    /// For people.
    pub text: String,
}

impl Failure {
    /// This status and text.
    pub fn new(status: u16, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    /// A member that is not as documented.
    fn member(name: &str, why: &str) -> Self {
        Self::new(400, format!("{name}: {why}"))
    }
}

/// An order as it was asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    pub order_id: String,
    pub way: Way,
    pub rail: Rail,
    /// Hundredths.
    pub fiat: i64,
    /// Lower case.
    pub currency: String,
    /// Who is paid, on a payout.
    pub details: Option<String>,
    pub full_name: Option<String>,
    /// Of the recipient on a payout; the bank the payer prefers on a payment.
    pub bank: Option<String>,
    pub success_url: String,
    pub error_url: Option<String>,
    pub minutes: i64,
    /// The player, as the merchant names them; empty when it does not.
    pub customer: String,
}

/// The life of an order that names no `timeout`.
const MINUTES: i64 = 30;

/// Reads a body whose signature was made with the account's key.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn read(account: &Account, way: Way, params: &Params) -> Result<Asked, Failure> {
    let body = Body(params);
    let order_id = body.signed("order_id", 255)?;
    let method = body.signed("payment_method", 16)?;
    let amount = body.signed("fiat_amount", 32)?;
    let currency = body.signed("fiat_currency", 16)?;
    let rail = Rail::parse(method).ok_or_else(|| Failure::member("payment_method", "unknown"))?;
    let claimed = body.required("sign", 64)?;
    let key = account.sign_key.expose();
    let (details, expected) = match way {
        Way::Deposit => (None, sign::pay_in(order_id, amount, currency, method, key)),
        Way::Payout => {
            let details = body.signed(rail.member(), 34)?;
            (Some(details), sign::pay_out(order_id, amount, details, currency, key))
        }
    };
    if claimed != expected {
        return Err(Failure::new(403, "invalid sign"));
    }
    let fiat = decimals::read_fiat(amount).ok_or_else(|| Failure::member("fiat_amount", "two decimals are needed"))?;
    account.rate(currency).ok_or_else(|| Failure::member("fiat_currency", "unknown"))?;
    if let Some(details) = details.filter(|details| !fits(rail, details)) {
        return Err(Failure::member(rail.member(), &format!("not acceptable with {} characters", details.len())));
    }
    let bank = match way {
        Way::Deposit => body.optional("bank", 72)?,
        Way::Payout if rail == Rail::Sbp => Some(body.required("bank_name", 72)?),
        Way::Payout => body.optional("bank_name", 72)?,
    };
    body.rest(way)?;
    Ok(Asked {
        order_id: order_id.to_owned(),
        way,
        rail,
        fiat,
        currency: currency.to_owned(),
        details: details.map(str::to_owned),
        full_name: body.optional("full_name", 128)?.map(str::to_owned),
        bank: bank.map(str::to_owned),
        success_url: body.address("success_callback_url")?.ok_or_else(|| missing("success_callback_url"))?,
        error_url: match (way, body.address("error_callback_url")?) {
            (Way::Payout, None) => return Err(missing("error_callback_url")),
            (Way::Payout | Way::Deposit, address) => address,
        },
        minutes: body.minutes()?,
        customer: body.optional("customer", 128)?.unwrap_or_default().to_owned(),
    })
}

/// Whether these are details of this rail. The phone may begin with a plus: the manual allows 11 to 13 characters for 11 digits.
fn fits(rail: Rail, details: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match rail {
        Rail::Card => details.len() == 16 && digits(details),
        Rail::Sbp => (11..=13).contains(&details.len()) && digits(details.strip_prefix('+').unwrap_or(details)),
        Rail::Score => details.len() == 20 && digits(details),
        Rail::Iban => {
            details.len() <= 34 && details.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        }
    }
}

fn missing(name: &str) -> Failure {
    Failure::member(name, "this field is required")
}

/// The members of a body by name.
pub struct Body<'a>(pub &'a Params);

impl<'a> Body<'a> {
    /// A text of 1 to `longest` characters, or nothing.
    fn optional(&self, name: &str, longest: usize) -> Result<Option<&'a str>, Failure> {
        match self.0.get(name).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => {
                let text = value.as_str().ok_or_else(|| Failure::member(name, "must be a string"))?;
                let fits = (1..=longest).contains(&text.chars().count());
                if fits { Ok(Some(text)) } else { Err(Failure::member(name, &format!("1 to {longest} characters"))) }
            }
        }
    }

    /// A text of 1 to `longest` characters.
    ///
    /// # Errors
    ///
    /// There is none, or it is something else.
    pub fn required(&self, name: &str, longest: usize) -> Result<&'a str, Failure> {
        self.optional(name, longest)?.ok_or_else(|| missing(name))
    }

    /// A text that is part of a signature.
    ///
    /// # Errors
    ///
    /// There is none, it is something else, or there is a colon in it.
    pub fn signed(&self, name: &str, longest: usize) -> Result<&'a str, Failure> {
        let text = self.required(name, longest)?;
        if text.contains(':') { Err(Failure::member(name, "a colon is not allowed")) } else { Ok(text) }
    }

    fn address(&self, name: &str) -> Result<Option<String>, Failure> {
        let Some(text) = self.optional(name, 512)? else { return Ok(None) };
        let url = url::Url::parse(text).map_err(|_| Failure::member(name, "not an address"))?;
        let web = matches!(url.scheme(), "http" | "https");
        if web { Ok(Some(text.to_owned())) } else { Err(Failure::member(name, "not an address")) }
    }

    fn minutes(&self) -> Result<i64, Failure> {
        let Some(value) = self.0.get("timeout").filter(|value| !value.is_null()) else { return Ok(MINUTES) };
        let minutes = value.as_i64().filter(|minutes| (1..=525_600).contains(minutes));
        minutes.ok_or_else(|| Failure::member("timeout", "must be minutes"))
    }

    /// The members that change nothing here, but are documented.
    fn rest(&self, way: Way) -> Result<(), Failure> {
        self.optional("order_description", 8000)?;
        match way {
            Way::Payout => {
                self.optional("bik", 16)?;
            }
            Way::Deposit => {
                let traffic = self.optional("type_traffic", 16)?;
                if traffic.is_some_and(|traffic| !["etd", "trusted"].contains(&traffic)) {
                    return Err(Failure::member("type_traffic", "unknown"));
                }
            }
        }
        Ok(())
    }
}
