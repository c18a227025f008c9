//! File and environment into typed settings. The defaults are here, once, and described in the shipped file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use url::Url;

use super::validate;
use super::{
    Approval, Database, Events, Limits, OnRefusal, Payouts, Server, Settings, Site, UnknownPlayers, VerifyAtStart,
    Wallet,
};
use super::{keys, methods};
use crate::ids::SiteId;
use crate::money::{Currency, MAX_MINOR};
use crate::outgoing::AddressRules;
use crate::providers::SiteFacts;
use crate::providers::registry::Accounts;
use crate::secret::Secret;
use crate::sections::{Notes, Problem, Section, Table, overlay, parse_toml};

/// Fifteen minutes: longer, and a stolen token is worth more; shorter, and front ends ask all the time.
const SESSION_SECONDS: i64 = 900;

/// A day: the least that regulators ask for.
const RAISE_AFTER_HOURS: i64 = 24;

/// The settings with their warnings, or everything that is wrong with them.
pub(super) type Loaded = Result<(Settings, Vec<Problem>), Vec<Problem>>;

/// More than any settings file; stops at once when somebody names a device.
const MAX_FILE_BYTES: u64 = 1 << 20;

pub(super) fn load(file: &Path, env: impl Iterator<Item = (OsString, OsString)>) -> Loaded {
    let text = read(file).map_err(|reason| vec![Problem::error(file.display().to_string(), reason)])?;
    let loaded = read_text(&text, file, env);
    let holds_secrets = loaded.as_ref().is_ok_and(|(settings, _)| settings.holds_secrets());
    match (loaded, permissions(file, holds_secrets)) {
        (loaded, None) => loaded,
        (Ok((_, warnings)), Some(problem)) if problem.is_error() => Err([vec![problem], warnings].concat()),
        (Ok((settings, warnings)), Some(problem)) => Ok((settings, [vec![problem], warnings].concat())),
        (Err(problems), Some(problem)) => Err([vec![problem], problems].concat()),
    }
}

/// As [`load`], from text; `file` is only its name.
pub(super) fn read_text(text: &str, file: &Path, env: impl Iterator<Item = (OsString, OsString)>) -> Loaded {
    let mut problems = Vec::new();
    let mut tree = parse_toml(text).unwrap_or_else(|reason| {
        problems.push(Problem::error(file.display().to_string(), reason));
        Table::new()
    });
    if !problems.is_empty() {
        return Err(problems);
    }
    overlay(&mut tree, env, &mut problems);
    let notes = Notes::default();
    notes.add(problems);
    let settings = settings(tree, &notes);
    validate::check(&settings, &notes);
    let problems = notes.into_problems();
    if problems.iter().any(Problem::is_error) { Err(problems) } else { Ok((settings, problems)) }
}

fn read(file: &Path) -> Result<String, String> {
    let cannot = |error: std::io::Error| format!("the settings file cannot be read: {error}");
    let mut bytes = Vec::new();
    std::fs::File::open(file).map_err(cannot)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err("the settings file is larger than 1 MiB".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "the settings file is not UTF-8".to_owned())
}

/// Who else may read or change the file (threats SEC-6).
///
/// A file that others can write is refused: whoever changes it owns the money. One that others can read, which is what
/// an ordinary umask makes, is a loud warning and not a refusal, so that a first start by the book succeeds.
#[cfg(unix)]
fn permissions(file: &Path, holds_secrets: bool) -> Option<Problem> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(file).ok()?.permissions().mode();
    let key = file.display().to_string();
    if mode & 0o002 != 0 {
        return Some(Problem::error(key, "everybody on this machine can change the settings file; chmod 600 it"));
    }
    let exposed = mode & 0o044 != 0 && holds_secrets;
    exposed.then(|| Problem::warning(key, "others on this machine can read the secrets in it; chmod 600 it"))
}

#[cfg(not(unix))]
fn permissions(_file: &Path, _holds_secrets: bool) -> Option<Problem> {
    None
}

pub(super) fn settings(tree: Table, notes: &Notes) -> Settings {
    let mut root = Section::new("", tree, notes);
    let server = server(root.section("server"), notes);
    let mut accounts = Accounts::default();
    let sites = root.section("sites").map(|section| sites(section, &mut accounts, server.public_url.as_ref()));
    let (providers, mut sites) = (accounts.done(), sites.unwrap_or_default());
    sites.iter_mut().for_each(|site| methods::make_ready(site, &providers, notes));
    let settings = Settings {
        database: database(root.section("database"), notes),
        wallet: wallet(root.section("wallet")),
        sites,
        events: root.section("events").and_then(events),
        vault: root.section("vault").map(vault).unwrap_or_default(),
        providers,
        server,
    };
    root.finish();
    settings
}

/// An absent section is an empty one.
fn or_empty<'a>(section: Option<Section<'a>>, path: &str, notes: &'a Notes) -> Section<'a> {
    section.unwrap_or_else(|| Section::new(path, Table::new(), notes))
}

fn server(section: Option<Section<'_>>, notes: &Notes) -> Server {
    let mut s = or_empty(section, "server", notes);
    let server = Server {
        public_bind: s.socket("public_bind").unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080))),
        private_bind: s.socket("private_bind").unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8081))),
        trusted_proxies: s.networks("trusted_proxies"),
        max_body_bytes: s.integer("max_body_bytes", 512, 16 << 20).unwrap_or(65_536) as usize,
        max_connections: s.integer("max_connections", 1, 1_000_000).unwrap_or(8000) as usize,
        state_dir: s.text("state_dir").map_or_else(|| PathBuf::from("."), PathBuf::from),
        verify_at_start: s.word("verify_at_start", &VerifyAtStart::WORDS).unwrap_or(VerifyAtStart::Auto),
        public_url: s.url("public_url", &AddressRules::default()).filter(|url| {
            let plain = url.query().is_none();
            if !plain {
                notes.error("server.public_url", "must not hold a query: paths are put behind it");
            }
            plain
        }),
    };
    s.finish();
    server
}

fn database(section: Option<Section<'_>>, notes: &Notes) -> Database {
    let mut s = or_empty(section, "database", notes);
    let url = s.text("url").unwrap_or_else(|| "sqlite://croupier.db".to_owned());
    let lanes = s.integer("lanes", 1, 32).unwrap_or(2);
    s.finish();
    Database { url: Secret::new(url), lanes: usize::try_from(lanes).unwrap_or(2) }
}

fn wallet(section: Option<Section<'_>>) -> Wallet {
    let Some(mut s) = section else {
        return Wallet { api_keys: BTreeMap::new(), session_seconds: SESSION_SECONDS };
    };
    let api_keys = keys::api_keys(s.section("api_keys"));
    let session_seconds = s.integer("session_seconds", 60, 86_400).unwrap_or(SESSION_SECONDS);
    s.finish();
    Wallet { api_keys, session_seconds }
}

fn events(mut s: Section<'_>) -> Option<Events> {
    let private_networks = s.networks("private_networks");
    let given = ["url", "secret"].map(|key| s.has(key));
    let url = s.url("url", &AddressRules::new(private_networks.clone()));
    let secret = s.text("secret").map(Secret::new);
    for (key, given) in ["url", "secret"].into_iter().zip(given) {
        if !given {
            s.notes().error(s.key(key), "is missing: [events] needs both url and secret");
        }
    }
    s.finish();
    Some(Events { url: url?, secret: secret?, private_networks })
}

fn vault(mut s: Section<'_>) -> Vec<Secret> {
    if !s.has("keys") {
        s.notes().error(s.key("keys"), "is missing: [vault] is there for its keys");
    }
    let keys = s.secrets("keys");
    s.finish();
    keys
}

fn sites(section: Section<'_>, accounts: &mut Accounts, public_url: Option<&Url>) -> Vec<Site> {
    section.named_sections().into_iter().map(|(name, s)| site(name, s, accounts, public_url)).collect()
}

fn site(name: String, mut s: Section<'_>, accounts: &mut Accounts, public_url: Option<&Url>) -> Site {
    let notes = s.notes();
    for key in ["site_id", "currencies"] {
        if !s.has(key) {
            notes.error(s.key(key), "is missing: every site needs it");
        }
    }
    let site_id = SiteId(s.integer("site_id", 1, i64::MAX).unwrap_or(0));
    let currencies = s.currencies("currencies");
    let facts = SiteFacts { site: site_id, currencies: currencies.clone(), public_url: public_url.cloned() };
    let providers = accounts.add_site(&mut s, &facts);
    let site = Site {
        site_id,
        currencies,
        unknown_players: s
            .word("unknown_players", &[("reject", UnknownPlayers::Reject), ("create", UnknownPlayers::Create)])
            .unwrap_or(UnknownPlayers::Reject),
        limits: s.section("limits").map(Section::by_currency).unwrap_or_default().into_iter().map(limits).collect(),
        payouts: payouts(s.section("payouts"), &s.key("payouts"), notes),
        methods: methods::methods(s.section("methods"), &providers, notes),
        raise_limits_after_hours: s.integer("raise_limits_after_hours", 1, 8760).unwrap_or(RAISE_AFTER_HOURS),
        providers,
        name,
    };
    s.finish();
    site
}

fn limits((currency, mut s): (Currency, Section<'_>)) -> (Currency, Limits) {
    let limits = Limits {
        deposit_min: s.integer("deposit_min", 1, MAX_MINOR),
        deposit_max: s.integer("deposit_max", 1, MAX_MINOR),
        payout_min: s.integer("payout_min", 1, MAX_MINOR),
        payout_max: s.integer("payout_max", 1, MAX_MINOR),
        deposit_daily_max: s.integer("deposit_daily_max", 1, MAX_MINOR),
        deposit_weekly_max: s.integer("deposit_weekly_max", 1, MAX_MINOR),
        deposit_monthly_max: s.integer("deposit_monthly_max", 1, MAX_MINOR),
        payout_daily_max: s.integer("payout_daily_max", 1, MAX_MINOR),
        payout_weekly_max: s.integer("payout_weekly_max", 1, MAX_MINOR),
        payout_monthly_max: s.integer("payout_monthly_max", 1, MAX_MINOR),
    };
    s.finish();
    (currency, limits)
}

fn payouts(section: Option<Section<'_>>, path: &str, notes: &Notes) -> Payouts {
    let mut s = or_empty(section, path, notes);
    let payouts = Payouts {
        approval: s
            .word("approval", &[("manual", Approval::Manual), ("auto", Approval::Auto)])
            .unwrap_or(Approval::Manual),
        auto_approve_up_to: s.amounts("auto_approve_up_to"),
        four_eyes_from: s.amounts("four_eyes_from"),
        on_refusal: s
            .word("on_refusal", &[("release", OnRefusal::Release), ("review", OnRefusal::Review)])
            .unwrap_or(OnRefusal::Release),
        player_may_cancel: s.boolean("player_may_cancel").unwrap_or(true),
    };
    s.finish();
    payouts
}
