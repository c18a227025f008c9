//! What all targets stand on: one site with an account at every provider, and another one beside it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::OnceLock;

use croupier::ids::SiteId;
use croupier::providers::{Providers, RawRequest};
use croupier::settings::Settings;

/// The site that messages are for.
pub const SITE: SiteId = SiteId(332);
/// Its salts at the Cashier: the first one signs, both verify.
pub const SALTS: [&str; 2] = ["first-5ecret-of-the-cashier-x", "second-5ecret-of-the-cashier"];
/// The salts of its other accounts in the same dialect, and of the other site. None of them is good at the Cashier.
pub const CABBAGINO_SALT: &str = "the-5ecret-salt-of-cabbagino";
/// As [`CABBAGINO_SALT`].
pub const CACTUS_SALT: &str = "the-5ecret-salt-of-cactus-zz";
/// As [`CABBAGINO_SALT`].
pub const OTHER_SALT: &str = "the-5ecret-salt-of-elsewhere";
/// What is in the addresses that the platforms were told.
pub const EXOTIC_TOKEN: &str = "callback-5ecret-token-of-exotic";
/// As [`EXOTIC_TOKEN`].
pub const REBILLY_TOKEN: &str = "notification-5ecret-of-rebilly";
/// What signs at Exotic.
pub const EXOTIC_KEY: &str = "the-5ecret-sign-key-of-exotic";
/// `rebilly:` and the password, in base64.
pub const REBILLY_BASIC: &str = "Basic cmViaWxseTp0aGUtNWVjcmV0LXBhc3N3b3JkLW9mLXJlYmlsbHk=";

/// Where every message comes from.
pub const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

const TEXT: &str = r#"
[server]
public_url = "https://casino.example"
[vault]
keys = ["MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]
[sites.demo]
site_id = 332
currencies = ["USD", "EUR", "JPY"]
[sites.demo.carouseller]
salts = ["first-5ecret-of-the-cashier-x", "second-5ecret-of-the-cashier"]
payout_url = "https://cashier.example/api/payout/"
session_url = "https://cashier.example/v1/get_session_key/"
deposit_url = "https://cashier.example/v1/payments/deposit/"
direct_payout_url = "https://cashier.example/v1/payments/payout/"
status_url = "https://cashier.example/v1/payments/status/"
authlink_url = "https://cashier.example/api/authlink/obtain/"
[sites.demo.cabbagino]
merchant_key = "the-5ecret-merchant-key-of-cab"
salts = ["the-5ecret-salt-of-cabbagino"]
url = "https://cabbagino.example"
site_id = 332
[sites.demo.exotic]
merchant = "m1"
sign_keys = ["the-5ecret-sign-key-of-exotic"]
api_key = "the-5ecret-api-key-of-exotic"
url = "https://exotic.example"
callback_formula = "{order_id}:{sign_key}"
callback_token = "callback-5ecret-token-of-exotic"
[sites.demo.rebilly]
organization_id = "org_0"
website_id = "web_0"
api_key = "sk_live_the-5ecret-key-of-rebilly"
url = "https://api.rebilly.com"
webhook_user = "rebilly"
webhook_password = "the-5ecret-password-of-rebilly"
notification_token = "notification-5ecret-of-rebilly"
[sites.demo.cactus]
merchant_id = "m1"
salts = ["the-5ecret-salt-of-cactus-zz"]
url = "https://cactus.example"
status_url = "https://cactus.example/api/status/"
[sites.demo.methods.cashier]
provider = "carouseller"
[sites.other]
site_id = 333
currencies = ["USD"]
[sites.other.carouseller]
salts = ["the-5ecret-salt-of-elsewhere"]
"#;

/// Whether a text tells one of the secrets of the accounts.
pub fn tells_a_secret(text: &str) -> bool {
    let quoted = TEXT.split('"').filter(|part| part.contains("5ecret"));
    quoted.into_iter().any(|secret| text.contains(secret))
}

/// The accounts.
pub fn providers() -> &'static Providers {
    static PROVIDERS: OnceLock<Providers> = OnceLock::new();
    PROVIDERS.get_or_init(|| Settings::from_text(TEXT).expect("settings that are in order").providers)
}

/// A message at the plain address.
pub fn message<'a>(content_type: Option<&'a str>, query: &'a str, body: &'a [u8]) -> RawRequest<'a> {
    RawRequest::plain(content_type, query, body, PEER)
}
