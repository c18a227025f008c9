//! The settings in force, for people, with every secret masked.

use serde_json::{Map, Value, json};

use super::{ApiKey, Approval, Limits, Method, OnRefusal, Settings, Site, UnknownPlayers, VerifyAtStart};
use crate::secret::Secret;
use crate::sections::{MASK, shown_url};

impl Settings {
    /// All settings in force as JSON; every secret is `***`.
    pub fn masked(&self) -> Value {
        let server = &self.server;
        let keys = self.wallet.api_keys.iter().map(|(name, user)| (name.clone(), masked_key(user)));
        let sites = self.sites.iter().map(|site| (site.name.clone(), masked_site(self, site)));
        let events = self.events.as_ref().map(
            |events| json!({ "url": shown_url(&events.url), "secret": MASK, "private_networks": events.private_networks }),
        );
        json!({
            "server": {
                "public_bind": server.public_bind,
                "private_bind": server.private_bind,
                "trusted_proxies": server.trusted_proxies,
                "max_body_bytes": server.max_body_bytes,
                "max_connections": server.max_connections,
                "state_dir": server.state_dir.to_string_lossy(),
                "verify_at_start": VerifyAtStart::WORDS.iter().find(|word| word.1 == server.verify_at_start).map(|word| word.0),
                "public_url": server.public_url.as_ref().map(shown_url),
            },
            "database": { "url": masked_database(&self.database.url), "lanes": self.database.lanes },
            "wallet": {
                "api_keys": Value::Object(keys.collect()),
                "session_seconds": self.wallet.session_seconds,
            },
            "vault": { "keys": vec![MASK; self.vault.len()] },
            "sites": Value::Object(sites.collect()),
            "events": events,
        })
    }

    /// All settings in force as TOML, one full key a line; every secret is `***`.
    pub fn masked_toml(&self) -> String {
        let mut lines = Vec::new();
        flatten("", &self.masked(), &mut lines);
        lines.join("\n")
    }
}

fn masked_key(user: &ApiKey) -> Value {
    json!({
        "keys": vec![MASK; user.keys.len()],
        "scopes": user.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>(),
        "sites": user.sites.iter().map(|site| site.0).collect::<Vec<_>>(),
    })
}

/// A path holds no secret; any other URL may hold a password.
fn masked_database(url: &Secret) -> &str {
    if url.expose().starts_with("sqlite://") { url.expose() } else { MASK }
}

fn masked_site(settings: &Settings, site: &Site) -> Value {
    let by_code = |(currency, minor): (&crate::money::Currency, &i64)| (currency.to_string(), json!(minor));
    let limits = site.limits.iter().map(|(currency, limits)| (currency.to_string(), shown_limits(limits)));
    let mut shown = json!({
        "site_id": site.site_id.0,
        "currencies": site.currencies.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "unknown_players": match site.unknown_players {
            UnknownPlayers::Reject => "reject",
            UnknownPlayers::Create => "create",
        },
        "limits": limits.collect::<Map<_, _>>(),
        "payouts": {
            "approval": match site.payouts.approval {
                Approval::Manual => "manual",
                Approval::Auto => "auto",
            },
            "auto_approve_up_to": site.payouts.auto_approve_up_to.iter().map(by_code).collect::<Map<_, _>>(),
            "four_eyes_from": site.payouts.four_eyes_from.iter().map(by_code).collect::<Map<_, _>>(),
            "on_refusal": match site.payouts.on_refusal {
                OnRefusal::Release => "release",
                OnRefusal::Review => "review",
            },
            "player_may_cancel": site.payouts.player_may_cancel,
        },
        "methods": site.methods.iter().map(shown_method).collect::<Map<_, _>>(),
        "raise_limits_after_hours": site.raise_limits_after_hours,
    });
    for name in &site.providers {
        shown[*name] = settings.providers.get(name).map(|provider| provider.shown(site.site_id)).unwrap_or_default();
    }
    shown
}

fn shown_limits(limits: &Limits) -> Value {
    json!({
        "deposit_min": limits.deposit_min,
        "deposit_max": limits.deposit_max,
        "payout_min": limits.payout_min,
        "payout_max": limits.payout_max,
        "deposit_daily_max": limits.deposit_daily_max,
        "deposit_weekly_max": limits.deposit_weekly_max,
        "deposit_monthly_max": limits.deposit_monthly_max,
        "payout_daily_max": limits.payout_daily_max,
        "payout_weekly_max": limits.payout_weekly_max,
        "payout_monthly_max": limits.payout_monthly_max,
    })
}

fn shown_method(method: &Method) -> (String, Value) {
    let limits = method.limits.iter().map(|(currency, limits)| {
        (currency.to_string(), json!({ "deposit_min": limits.deposit_min, "deposit_max": limits.deposit_max }))
    });
    let shown = json!({
        "provider": method.provider,
        "provider_method": method.provider_method,
        "deposits": method.deposits,
        "payouts": method.payouts,
        "display_name": method.display_name,
        "description": method.description,
        "payment_group_id": method.payment_group_id,
        "currencies": method.currencies.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "countries": method.countries,
        "enabled": method.enabled,
        "sandbox": method.sandbox,
        "sort_index": method.sort_index,
        "limits": limits.collect::<Map<_, _>>(),
    });
    (method.name.clone(), shown)
}

/// Writes `a.b.c = value` for everything that is set. A scalar or a list of them looks the same in JSON and in TOML.
fn flatten(path: &str, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Object(map) => {
            for (key, value) in map {
                let bare = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
                let key = if bare && !key.is_empty() { key.clone() } else { json!(key).to_string() };
                let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                flatten(&path, value, lines);
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            lines.push(format!("{path} = {value}"));
        }
    }
}
