//! Checks across settings, and of values whose type alone says too little.

use super::{Approval, Events, Method, Settings, Site};
use crate::money::Currency;
use crate::secret::Secret;
use crate::sections::{Notes, is_everybody};
use crate::vault;

/// A shorter secret is guessed from one captured message within minutes (threats SIG-11).
const SHORT_SECRET: usize = 24;

pub(super) fn check(settings: &Settings, notes: &Notes) {
    check_server(settings, notes);
    check_database(settings.database.url.expose(), notes);
    check_api_keys(settings, notes);
    if settings.sites.is_empty() {
        notes.warning("sites", "no site: every question of a Cashier is refused");
    }
    for site in &settings.sites {
        check_site(site, notes);
    }
    check_site_ids(&settings.sites, notes);
    check_secrets(settings, notes);
    check_vault(settings, notes);
    if let Some(events) = &settings.events {
        check_events(events, notes);
    }
}

fn check_server(settings: &Settings, notes: &Notes) {
    let (public, private) = (settings.server.public_bind, settings.server.private_bind);
    let ips = [public.ip(), private.ip()];
    let overlap = ips[0] == ips[1] || ips.iter().any(|ip| ip.is_unspecified());
    if public.port() != 0 && public.port() == private.port() && overlap {
        notes.error("server.private_bind", "is the same as server.public_bind");
    }
    if private.ip().is_unspecified() {
        notes.warning("server.private_bind", "the wallet and the back office listen on every network of this machine");
    }
    if settings.server.state_dir.as_os_str().is_empty() {
        notes.error("server.state_dir", "must not be empty; \".\" is the current directory");
    } else if settings.server.state_dir.is_file() {
        notes.error("server.state_dir", "is a file, not a directory");
    }
    if settings.server.trusted_proxies.iter().any(is_everybody) {
        if settings.providers.carouseller.accepts_unsigned() {
            let reason = "trusts everybody's X-Forwarded-For while a site accepts unsigned notifications by address";
            notes.error("server.trusted_proxies", reason);
        } else {
            notes.warning("server.trusted_proxies", "trusts everybody: any caller can pretend to any address");
        }
    }
}

/// Nothing but `sqlite://path` and `postgres://…`: a mistyped scheme must not end as a new, empty database in the current directory.
fn check_database(url: &str, notes: &Notes) {
    let reason = match url.split_once("://") {
        Some(("sqlite", "")) => "names no file; write sqlite://path/to/croupier.db",
        Some(("sqlite", path)) if path.contains(":memory:") || path.starts_with("file:") => {
            "must be a plain path: books in memory do not survive a restart"
        }
        Some(("sqlite", path)) if path.contains('\0') => "must not contain a NUL character",
        Some(("sqlite", _)) => return,
        Some(("postgres" | "postgresql", rest)) if rest.contains('\0') => "must not contain a NUL character",
        Some(("postgres" | "postgresql", rest)) => {
            match rest.split(['?', '#']).next().and_then(|it| it.split_once('/')) {
                Some((_, database)) if !database.is_empty() => return,
                Some(_) | None => "names no database; write postgres://user:password@host/database",
            }
        }
        Some(_) | None => "must start with sqlite:// or postgres://",
    };
    notes.error("database.url", reason);
}

fn check_api_keys(settings: &Settings, notes: &Notes) {
    let keys = &settings.wallet.api_keys;
    if keys.is_empty() {
        notes.warning("wallet.api_keys", "empty: no game server can use the wallet");
    }
    let mut seen: Vec<(String, &Secret)> = Vec::new();
    for (name, user) in keys {
        let full = format!("wallet.api_keys.{name}");
        if name.trim().is_empty() {
            notes.error(&full, "needs a name: it appears in the log instead of the key");
        }
        for secret in &user.keys {
            check_api_key(&full, secret, notes);
            let twin = seen.iter().find(|(_, other)| *other == secret);
            if let Some((twin, _)) = twin
                && !secret.expose().trim().is_empty()
            {
                notes.error(&full, format!("is the same key as {twin}"));
            }
            seen.push((full.clone(), secret));
        }
        for site in user.sites.iter().filter(|id| settings.site(**id).is_none()) {
            notes.error(format!("{full}.sites"), format!("there is no site with number {site}"));
        }
    }
}

fn check_api_key(full: &str, secret: &Secret, notes: &Notes) {
    let text = secret.expose();
    if text.trim().is_empty() {
        notes.error(full, "must not be empty");
    } else if !text.bytes().all(|b| b.is_ascii_graphic()) {
        notes.error(full, "must be visible ASCII without blanks, or no header can carry it");
    } else if text.len() < SHORT_SECRET {
        notes.warning(full, "is shorter than 24 characters: easy to guess");
    } else if is_example(text) {
        notes.warning(full, KNOWN_TO_ALL);
    }
}

/// What stands in the shipped file in the place of the key of pushes. Every other secret there is `put-…-here`.
const EXAMPLE: &str = "whsec_cHV0IGEga2V5IG9mIHlvdXIgb3duIGhlcmU=";
const KNOWN_TO_ALL: &str = "is the example of the shipped file: everybody knows it";

fn is_example(text: &str) -> bool {
    text == EXAMPLE || text.starts_with("put-") && text.ends_with("-here")
}

fn check_site(site: &Site, notes: &Notes) {
    let path = format!("sites.{}", site.name);
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    if site.name.is_empty() || !site.name.bytes().all(plain) {
        notes.error(&path, "a site's name is made of a-z, 0-9, _ and -");
    }
    check_amounts(site, &path, notes);
    if site.providers.is_empty() {
        notes.warning(&path, "has no provider: no money can come in or go out");
    }
}

fn check_amounts(site: &Site, path: &str, notes: &Notes) {
    let foreign = "is not one of the site's currencies";
    // Without a single good currency the list itself is the problem, and it has been told.
    let is_foreign = |currency: &Currency| !site.currencies.is_empty() && !site.currencies.contains(currency);
    for (currency, l) in &site.limits {
        let path = format!("{path}.limits.{currency}");
        if is_foreign(currency) {
            notes.error(&path, foreign);
        }
        let pairs = [
            ("deposit_min", l.deposit_min, "deposit_max", l.deposit_max),
            ("payout_min", l.payout_min, "payout_max", l.payout_max),
            ("payout_min", l.payout_min, "payout_daily_max", l.payout_daily_max),
            ("payout_min", l.payout_min, "payout_weekly_max", l.payout_weekly_max),
            ("payout_min", l.payout_min, "payout_monthly_max", l.payout_monthly_max),
            ("deposit_min", l.deposit_min, "deposit_daily_max", l.deposit_daily_max),
            ("deposit_min", l.deposit_min, "deposit_weekly_max", l.deposit_weekly_max),
            ("deposit_min", l.deposit_min, "deposit_monthly_max", l.deposit_monthly_max),
        ];
        for (low, min, high, max) in pairs {
            if min.zip(max).is_some_and(|(min, max)| min > max) {
                notes.error(format!("{path}.{low}"), format!("is above {high}: nothing could pass"));
            }
        }
    }
    for (at, method) in site.methods.iter().enumerate() {
        let twin = |other: &&Method| other.payment_group_id == method.payment_group_id;
        if method.payment_group_id.is_some() && site.methods[..at].iter().any(|other| twin(&other)) {
            let key = format!("{path}.methods.{}.payment_group_id", method.name);
            notes.error(key, "is that of another method: nobody could tell their deposits apart");
        }
        let method_path = format!("{path}.methods.{}", method.name);
        if method.currencies.iter().any(is_foreign) {
            notes.error(format!("{method_path}.currencies"), "names a currency that is not one of the site's");
        }
        for currency in method.limits.keys().filter(|currency| is_foreign(currency)) {
            notes.error(format!("{method_path}.limits.{currency}"), foreign);
        }
    }
    let payouts = &site.payouts;
    for (key, amounts) in
        [("auto_approve_up_to", &payouts.auto_approve_up_to), ("four_eyes_from", &payouts.four_eyes_from)]
    {
        for currency in amounts.keys().filter(|currency| is_foreign(currency)) {
            notes.error(format!("{path}.payouts.{key}.{currency}"), foreign);
        }
    }
    if payouts.approval == Approval::Manual && !payouts.auto_approve_up_to.is_empty() {
        notes.warning(format!("{path}.payouts.auto_approve_up_to"), "has no effect while approval is \"manual\"");
    }
    for (currency, up_to) in &payouts.auto_approve_up_to {
        if payouts.four_eyes_from.get(currency).is_some_and(|from| from <= up_to) {
            let key = format!("{path}.payouts.auto_approve_up_to.{currency}");
            notes.warning(key, "reaches four_eyes_from: from there on two people must still agree");
        }
    }
}

fn check_site_ids(sites: &[Site], notes: &Notes) {
    for (at, site) in sites.iter().enumerate().filter(|(_, site)| site.site_id.0 != 0) {
        if let Some(twin) = sites[..at].iter().find(|other| other.site_id == site.site_id) {
            let reason = format!("is the same as sites.{}.site_id", twin.name);
            notes.error(format!("sites.{}.site_id", site.name), reason);
        }
    }
}

/// What is secret between a provider and us. The same number means success in one dialect and failure in another, so that a secret shared
/// by two of them, or by two sites, would let a message of one be replayed to the other.
fn check_secrets(settings: &Settings, notes: &Notes) {
    let secrets: Vec<(String, Secret)> = settings.providers.all().flat_map(|provider| provider.secrets()).collect();
    for (at, (key, secret)) in secrets.iter().enumerate() {
        let (text, is_salt) = (secret.expose(), key.ends_with(".salts"));
        let what = if is_salt { "salt" } else { "secret" };
        if text.trim().is_empty() {
            notes.error(key, format!("holds a {what} that is empty or blank"));
            continue;
        }
        if is_salt && text.contains(';') {
            notes.error(key, "holds a salt with a semicolon, which separates the signed parameters");
        }
        if text.chars().count() < SHORT_SECRET {
            let reason = format!("holds a {what} shorter than 24 characters: it can be guessed from one message");
            notes.warning(key, reason);
        }
        if is_example(text) {
            notes.warning(key, KNOWN_TO_ALL);
        }
        if text.trim() != text {
            notes.warning(key, format!("holds a {what} that starts or ends with a blank"));
        }
        match secrets[..at].iter().find(|(_, other)| other == secret) {
            Some((twin, _)) if twin == key => notes.warning(key, format!("holds the same {what} twice")),
            Some((twin, _)) => notes.error(key, format!("shares a {what} with {twin}")),
            None => {}
        }
    }
}

fn check_events(events: &Events, notes: &Notes) {
    match events.secret.expose().strip_prefix("whsec_") {
        None => notes.error("events.secret", "must start with whsec_"),
        Some("") => notes.error("events.secret", "must be whsec_ followed by the key in base64"),
        Some(_) if standardwebhooks::Webhook::new(events.secret.expose()).is_err() => {
            notes.error("events.secret", "must be whsec_ followed by the key in base64, padded with =");
        }
        Some(_) if is_example(events.secret.expose()) => notes.warning("events.secret", KNOWN_TO_ALL),
        Some(key) if key.len() < SHORT_SECRET => notes.warning("events.secret", "is shorter than 24 characters"),
        Some(_) => {}
    }
    if events.private_networks.iter().any(is_everybody) {
        notes.error("events.private_networks", "allows every private network; name yours");
    }
}

/// What players give for a payout, and what they pay a deposit to, is kept sealed until it ends, so there must be something to seal it with.
fn check_vault(settings: &Settings, notes: &Notes) {
    if settings.vault.iter().any(|key| !vault::is_key(key)) {
        notes.error("vault.keys", "holds a key that is not 32 bytes in base64; `openssl rand -base64 32` makes one");
    }
    if !settings.vault.is_empty() {
        return;
    }
    for site in &settings.sites {
        for method in site.methods.iter().filter(|method| method.provider_method.is_some()) {
            let path = format!("sites.{}.methods.{}", site.name, method.name);
            if method.payouts {
                notes.error(
                    format!("{path}.payouts"),
                    "needs [vault] keys: what players give for a payout is kept sealed",
                );
            }
            if method.deposits {
                notes.error(
                    format!("{path}.deposits"),
                    "needs [vault] keys: what a deposit is to be paid to is kept sealed",
                );
            }
        }
    }
}
