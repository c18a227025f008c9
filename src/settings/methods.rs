//! What players can choose from in the players' API: `[sites.NAME.methods.METHOD]`.

use std::collections::BTreeMap;

use super::reader::{Notes, Section};
use crate::money::{Currency, MAX_MINOR};

/// What the method of a site is called that names none.
const ONLY_METHOD: &str = "cashier";

/// A way to deposit, as players see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// The operator's name for it: `method` on the players' API.
    pub name: String,
    /// Through whom.
    pub provider: String,
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

/// Reads the methods of a site. A site that names none has one for its provider.
pub(super) fn methods(section: Option<Section<'_>>, provider: Option<&str>, notes: &Notes) -> Vec<Method> {
    let Some(section) = section else { return provider.map(Method::only).into_iter().collect() };
    let mut methods: Vec<Method> =
        section.named_sections().into_iter().map(|(name, s)| method(name, s, provider, notes)).collect();
    methods.sort_by(|a, b| (a.sort_index, &a.name).cmp(&(b.sort_index, &b.name)));
    methods
}

fn method(name: String, mut s: Section<'_>, provider: Option<&str>, notes: &Notes) -> Method {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
        notes.error(s.key(""), "a method's name is made of 1 to 64 of a-z, 0-9, _ and -");
    }
    let named = s.text("provider");
    if named.as_deref().or(provider) != provider || provider.is_none() {
        notes.error(s.key("provider"), "the site has no such provider");
    }
    let method = Method {
        provider: named.or(provider.map(str::to_owned)).unwrap_or_default(),
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
