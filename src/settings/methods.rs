//! What players can choose from in the players' API: `[sites.NAME.methods.METHOD]`.

use std::collections::BTreeMap;

use super::Site;
use crate::money::{Currency, MAX_MINOR};
use crate::providers::{Direction, Providers};
use crate::sections::{Notes, Section};

/// What the method of a site is called that names none.
const ONLY_METHOD: &str = "cashier";

/// The provider whose own page lets players choose.
const CASHIER: &str = "carouseller";

/// A way to deposit or to be paid, as players see it, and the rule that says through whom it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// The operator's name for it: `method` on the players' API.
    pub name: String,
    /// Through whom.
    pub provider: String,
    /// Its name on the provider's wire; `None`: the provider's own page asks.
    pub provider_method: Option<String>,
    /// Whether players deposit by it.
    pub deposits: bool,
    /// Whether players are paid by it.
    pub payouts: bool,
    /// The site's currencies in which the provider takes deposits by it.
    pub deposit_ready: Vec<Currency>,
    /// The site's currencies in which the provider pays by it.
    pub payout_ready: Vec<Currency>,
    /// What players read.
    pub display_name: String,
    /// What players read below it.
    pub description: String,
    /// Its group at the Cashier, which tells its deposits from others.
    pub payment_group_id: Option<i64>,
    /// For these currencies only; empty: all of the site.
    pub currencies: Vec<Currency>,
    /// For players of these countries only, ISO 3166-1 alpha-2; empty: all.
    pub countries: Vec<String>,
    /// Whether it is offered.
    pub enabled: bool,
    /// Whether it is a trial without real money.
    pub sandbox: bool,
    /// Where it stands in the list.
    pub sort_index: i64,
    /// Its limits by currency.
    pub limits: BTreeMap<Currency, MethodLimits>,
}

/// `[sites.NAME.methods.METHOD.limits.CUR]`, minor units; `None`: only the site's limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MethodLimits {
    /// The smallest deposit.
    pub deposit_min: Option<i64>,
    /// The largest deposit.
    pub deposit_max: Option<i64>,
}

impl Method {
    fn only(provider: &str) -> Self {
        Self {
            name: ONLY_METHOD.to_owned(),
            provider: provider.to_owned(),
            provider_method: None,
            deposits: true,
            payouts: false,
            deposit_ready: Vec::new(),
            payout_ready: Vec::new(),
            display_name: "Cashier".to_owned(),
            description: String::new(),
            payment_group_id: None,
            currencies: Vec::new(),
            countries: Vec::new(),
            enabled: true,
            sandbox: false,
            sort_index: 100,
            limits: BTreeMap::new(),
        }
    }
}

/// Reads the methods of a site. A site that names none has one for its Cashier.
pub(super) fn methods(section: Option<Section<'_>>, providers: &[&'static str], notes: &Notes) -> Vec<Method> {
    let Some(section) = section else {
        return providers.iter().filter(|name| **name == CASHIER).map(|name| Method::only(name)).collect();
    };
    let mut methods: Vec<Method> =
        section.named_sections().into_iter().map(|(name, s)| method(name, s, providers, notes)).collect();
    methods.sort_by(|a, b| (a.sort_index, &a.name).cmp(&(b.sort_index, &b.name)));
    methods
}

fn method(name: String, mut s: Section<'_>, providers: &[&'static str], notes: &Notes) -> Method {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
        notes.error(s.key(""), "a method's name is made of 1 to 64 of a-z, 0-9, _ and -");
    }
    let only = match providers {
        [only] => Some(*only),
        [] | [..] => None,
    };
    let named = s.text("provider");
    match (named.as_deref(), only) {
        (Some(named), _) if !providers.contains(&named) => {
            notes.error(s.key("provider"), "the site has no such provider");
        }
        (None, None) if providers.is_empty() => notes.error(s.key("provider"), "the site has no such provider"),
        (None, None) => notes.error(s.key("provider"), "is missing: the site has several"),
        (Some(_), _) | (None, Some(_)) => {}
    }
    let method = Method {
        provider: named.or(only.map(str::to_owned)).unwrap_or_default(),
        provider_method: s.text("provider_method").filter(|text| !text.trim().is_empty()),
        deposits: s.boolean("deposits").unwrap_or(true),
        payouts: s.boolean("payouts").unwrap_or(false),
        deposit_ready: Vec::new(),
        payout_ready: Vec::new(),
        display_name: s.text("display_name").unwrap_or_else(|| name.clone()),
        description: s.text("description").unwrap_or_default(),
        payment_group_id: s.integer("payment_group_id", 0, i64::MAX),
        currencies: s.currencies("currencies"),
        countries: s.countries("countries"),
        enabled: s.boolean("enabled").unwrap_or(true),
        sandbox: s.boolean("sandbox").unwrap_or(false),
        sort_index: s.integer("sort_index", 0, 1_000_000).unwrap_or(100),
        limits: s.section("limits").map(Section::by_currency).unwrap_or_default().into_iter().map(limits).collect(),
        name,
    };
    s.finish();
    method
}

/// Asks the providers what they can do by the methods of a site; one that can do nothing of what is wanted is told.
pub(super) fn make_ready(site: &mut Site, providers: &Providers, notes: &Notes) {
    for method in &mut site.methods {
        let Some(provider) = providers.of_site(&method.provider, site.site_id) else { continue };
        let rail = method.provider_method.as_deref();
        let ready = |direction| {
            let served = |currency: &&Currency| provider.serves(site.site_id, direction, rail, **currency);
            site.currencies.iter().filter(served).copied().collect::<Vec<_>>()
        };
        (method.deposit_ready, method.payout_ready) = (ready(Direction::Deposit), ready(Direction::Payout));
        let wanted =
            [("deposits", method.deposits, &method.deposit_ready), ("payouts", method.payouts, &method.payout_ready)];
        for (key, _, _) in wanted.into_iter().filter(|(_, wanted, ready)| *wanted && ready.is_empty() && rail.is_some())
        {
            let full = format!("sites.{}.methods.{}.{key}", site.name, method.name);
            notes.error(full, format!("{} has none by this provider_method in the site's currencies", method.provider));
        }
    }
}

fn limits((currency, mut s): (Currency, Section<'_>)) -> (Currency, MethodLimits) {
    let limits = MethodLimits {
        deposit_min: s.integer("deposit_min", 1, MAX_MINOR),
        deposit_max: s.integer("deposit_max", 1, MAX_MINOR),
    };
    if limits.deposit_min.zip(limits.deposit_max).is_some_and(|(min, max)| min > max) {
        s.notes().error(s.key("deposit_min"), "is above deposit_max: nothing could pass");
    }
    s.finish();
    (currency, limits)
}
