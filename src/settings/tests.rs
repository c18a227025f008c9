//! Every key is read, documented and refused when it is wrong.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use super::*;
use crate::providers::Provider;
use crate::sections::{Notes, parse_toml};

const SALT: &str = "a-salt-that-is-long-enough-0123";
const SHIPPED: &str = include_str!("../../Settings.toml");

fn read(text: &str, env: &[(&str, &str)]) -> Result<(Settings, Vec<Problem>), Vec<Problem>> {
    let env = env.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    load::read_text(text, Path::new("Settings.toml"), env)
}

/// A site that is in order, with more lines for the site and for its provider.
fn site(lines: &str, provider: &str) -> String {
    let salts = if provider.contains("salts") { String::new() } else { format!("salts = [\"{SALT}\"]\n") };
    format!(
        "[wallet]\napi_keys = {{ game_server = \"0123456789abcdef01234567\" }}\n[sites.demo]\nsite_id = 332\n\
         currencies = [\"USD\", \"EUR\"]\n{lines}\n[sites.demo.carouseller]\n{salts}\
         payout_url = \"https://cashier.example/\"\n{provider}\n"
    )
}

/// The keys of the errors, each once.
fn errors(text: &str, env: &[(&str, &str)]) -> Vec<String> {
    let problems = match read(text, env) {
        Ok(_) => return Vec::new(),
        Err(problems) => problems,
    };
    let keys: BTreeSet<_> = problems.into_iter().filter(Problem::is_error).map(|problem| problem.key).collect();
    keys.into_iter().collect()
}

fn warnings(text: &str) -> Vec<String> {
    read(text, &[]).expect("only warnings").1.into_iter().map(|problem| problem.key).collect()
}

/// The shipped file with its commented keys switched on.
fn shipped_in_full() -> String {
    let is_key = |line: &str| {
        let word = line.split([' ', '=']).next().unwrap_or("");
        line.starts_with('[') && line.ends_with(']')
            || (line.contains(" = ") && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    let on = |line: &str| match line.strip_prefix("# ") {
        Some(rest) if is_key(rest) => rest.to_owned(),
        _ => line.to_owned(),
    };
    SHIPPED.lines().map(on).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_shipped_file_starts_as_it_is() {
    let (settings, problems) = read(SHIPPED, &[]).expect("no errors");

    assert!(settings.sites.is_empty() && settings.events.is_none());
    assert!(problems.iter().all(|problem| problem.severity == Severity::Warning));
}

#[test]
fn the_shipped_file_names_every_key_and_no_other() {
    let full = shipped_in_full();
    let (_, problems) = read(&full, &[]).expect("every commented line is a real key with a possible value");
    let told: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    for example in ["wallet.api_keys.game_server", "sites.demo.carouseller.salts", "events.secret"] {
        assert!(told.contains(&example), "everybody knows the example of {example}: {problems:?}");
    }
    let notes = Notes::default();
    load::settings(parse_toml(&full).unwrap(), &notes);

    let asked = notes.asked.borrow();
    assert!(asked.len() > 35, "{asked:?}");
    // Below api_keys the names are the operator's own.
    for key in asked.iter().filter(|key| !key.starts_with("wallet.api_keys.")) {
        let last = key.rsplit('.').next().unwrap();
        let section = format!("[{}", key.strip_suffix(last).unwrap().trim_end_matches('.'));
        let mentioned = full.lines().any(|line| line.starts_with(&format!("{last} = ")))
            || full.contains(&format!("[{key}]"))
            || full.contains(&format!("[{key}."));
        assert!(mentioned && full.contains(&section), "{key} is not in the shipped file");
    }
}

#[test]
fn the_defaults_in_the_shipped_file_are_the_real_ones() {
    let defaults = read("", &[]).expect("empty settings are possible").0.masked();
    let shipped = read(&shipped_in_full(), &[]).unwrap().0.masked();
    let plain = read(&site("", ""), &[]).unwrap().0.masked();

    let mut server = shipped["server"].clone();
    // An example: only the operator knows their address.
    server["public_url"].take();
    assert_eq!(defaults["server"], server);
    assert_eq!(defaults["database"], shipped["database"]);
    assert_eq!(plain["sites"]["demo"]["payouts"], shipped["sites"]["demo"]["payouts"]);
    for key in
        ["payout_encoding", "status_amounts", "allow_from", "accept_unsigned_webhooks", "deduplicates_external_id"]
    {
        let at = |all: &serde_json::Value| all["sites"]["demo"]["carouseller"][key].clone();
        assert_eq!(at(&plain), at(&shipped), "{key}");
    }
}

#[test]
fn everything_wrong_is_told_at_once_with_its_full_key() {
    let text = "color = 1\n[server]\npublic_bind = \"nowhere\"\nmax_body_bytes = 1.5\nport = 1\n[sites.demo]\n\
                site_id = \"332\"\ncurrencies = [\"USD\", \"XXQ\"]\nunknown_players = \"maybe\"\n\
                [sites.demo.carouseller]\nsalt = \"x\"\n[sites.demo.limits.GBP]\npayout_max = 5";

    let expected = [
        "color",
        "server.max_body_bytes",
        "server.port",
        "server.public_bind",
        "sites.demo.carouseller.salt",
        "sites.demo.carouseller.salts",
        "sites.demo.currencies[1]",
        "sites.demo.limits.GBP",
        "sites.demo.site_id",
        "sites.demo.unknown_players",
    ];
    assert_eq!(errors(text, &[]), expected);
}

#[test]
fn impossible_values_of_a_site_are_refused_by_key() {
    let lines = [
        ("unknown_players = true", "unknown_players"),
        ("limits.USD.deposit_min = 0", "limits.USD.deposit_min"),
        ("limits.USD.deposit_min = -5", "limits.USD.deposit_min"),
        ("limits.USD.deposit_max = 1000000000000001", "limits.USD.deposit_max"),
        ("limits.USD.payout_max = \"500\"", "limits.USD.payout_max"),
        ("limits.USD = { deposit_min = 5, deposit_max = 4 }", "limits.USD.deposit_min"),
        ("limits.USD = { payout_min = 5, payout_daily_max = 4 }", "limits.USD.payout_min"),
        ("limits.USD.typo = 4", "limits.USD.typo"),
        ("limits.DOLLAR.payout_max = 4", "limits.DOLLAR"),
        ("limits.JPY.payout_max = 4", "limits.JPY"),
        ("limits = { USD = {}, usd = {} }", "limits.usd"),
        ("payouts.approval = \"yes\"", "payouts.approval"),
        ("payouts.on_refusal = \"keep\"", "payouts.on_refusal"),
        ("payouts.auto_approve_up_to = { JPY = 1 }", "payouts.auto_approve_up_to.JPY"),
        ("payouts.four_eyes_from = { USD = 0 }", "payouts.four_eyes_from.USD"),
        ("payouts.four_eyes_from = 5", "payouts.four_eyes_from"),
        ("nobody = {}", "nobody"),
    ];
    for (line, key) in lines {
        assert_eq!(errors(&site(line, ""), &[]), [format!("sites.demo.{key}")], "{line}");
    }
}

#[test]
fn impossible_values_of_a_provider_are_refused_by_key() {
    let lines = [
        ("salts = []", "salts"),
        ("salts = [\"\"]", "salts"),
        ("salts = [\"   \"]", "salts"),
        ("salts = [\"0123456789;0123456789012345\"]", "salts"),
        ("salts = \"0123456789012345678901234567\"", "salts"),
        ("salts = [1]", "salts"),
        ("authlink_url = \"http://cashier.example/\"", "authlink_url"),
        ("authlink_url = \"https://u:p@cashier.example/\"", "authlink_url"),
        ("report_url = \"https://169.254.169.254/\"", "report_url"),
        ("report_url = \"https://10.0.0.1/\"", "report_url"),
        ("report_url = \"cashier\"", "report_url"),
        ("payout_encoding = \"xml\"", "payout_encoding"),
        ("allow_from = [\"10.0.0.1\", \"10.0.0\"]", "allow_from[1]"),
        ("allow_from = [\"10.0.0.1/8\"]", "allow_from[0]"),
        ("allow_from = [\"10.0.0.0/33\"]", "allow_from[0]"),
        ("accept_unsigned_webhooks = true", "accept_unsigned_webhooks"),
        ("accept_unsigned_webhooks = true\nallow_from = [\"0.0.0.0/0\"]", "accept_unsigned_webhooks"),
        ("accept_unsigned_webhooks = \"false\"", "accept_unsigned_webhooks"),
        ("private_networks = [\"0.0.0.0/0\"]", "private_networks"),
    ];
    for (line, key) in lines {
        let found = errors(&site("", line), &[]);
        assert!(
            found.len() == 1 && found[0].starts_with(&format!("sites.demo.carouseller.{key}")),
            "{line}: {found:?}"
        );
    }
}

#[test]
fn impossible_values_elsewhere_are_refused_by_key() {
    let texts = [
        ("[database]\nurl = \"\"", "database.url"),
        ("[database]\nurl = \"ledger\"", "database.url"),
        ("[database]\nurl = \"sqlite://\"", "database.url"),
        ("[database]\nurl = \"sqlite://:memory:\"", "database.url"),
        ("[database]\nurl = \"mysql://h/d\"", "database.url"),
        ("[database]\nurl = \"postgres://h\"", "database.url"),
        ("[database]\nurl = \"postgres://h/?sslmode=require\"", "database.url"),
        ("[server]\nprivate_bind = \"127.0.0.1:8080\"", "server.private_bind"),
        ("[server]\nprivate_bind = \"0.0.0.0:8080\"", "server.private_bind"),
        ("[server]\nmax_connections = 0", "server.max_connections"),
        ("[server]\nmax_body_bytes = 1", "server.max_body_bytes"),
        ("[server]\nstate_dir = \"\"", "server.state_dir"),
        ("[server]\nstate_dir = \"Cargo.toml\"", "server.state_dir"),
        ("[wallet]\napi_keys = { a = \"\" }", "wallet.api_keys.a"),
        ("[wallet]\napi_keys = { a = \"has a blank inside, and is long\" }", "wallet.api_keys.a"),
        ("[wallet]\napi_keys = [\"a\"]", "wallet.api_keys"),
        ("[events]\nurl = \"https://game.example/\"", "events.secret"),
        ("[events]\nsecret = \"whsec_0123456789012345678901234567\"", "events.url"),
        ("[events]\nurl = \"https://game.example/\"\nsecret = \"0123456789012345678901234567\"", "events.secret"),
        ("[events]\nurl = \"http://game.example/\"\nsecret = \"whsec_0123456789012345678901234567\"", "events.url"),
        ("sites = 5", "sites"),
        ("[sites]\ndemo = 5", "sites.demo"),
        ("[server]\npublic_bind = \"a", "Settings.toml"),
    ];
    for (text, key) in texts {
        assert_eq!(errors(text, &[]), [key], "{text}");
    }
}

#[test]
fn two_of_a_kind_are_refused_and_both_are_named() {
    let twin = |name: &str, id: u32, salt: &str| {
        let salts = format!("salts = [\"{salt}\"]");
        let text = site("", &salts).replace("sites.demo", &format!("sites.{name}"));
        text.replace("332", &id.to_string()).split_once("[sites").map(|(_, rest)| format!("[sites{rest}")).unwrap()
    };
    let told = |text: &str| {
        let problems = read(text, &[]).unwrap_err();
        problems.into_iter().filter(Problem::is_error).map(|p| p.to_string()).collect::<Vec<_>>().join("\n")
    };

    let salts = told(&(twin("a", 1, SALT) + &twin("b", 2, SALT)));
    let ids = told(&(twin("a", 1, SALT) + &twin("b", 1, "another-salt-that-is-long-enough")));
    let keys = told("[wallet]\napi_keys = { a = \"012345678901234567890123\", b = \"012345678901234567890123\" }");
    let name = told(&twin("Upper", 1, SALT));

    assert_eq!(salts, "sites.b.carouseller.salts: shares a salt with sites.a.carouseller.salts");
    assert_eq!(ids, "sites.b.site_id: is the same as sites.a.site_id");
    assert_eq!(keys, "wallet.api_keys.b: is the same key as wallet.api_keys.a");
    assert!(name.starts_with("sites.Upper: "), "{name}");
}

#[test]
fn unwise_settings_start_with_a_warning() {
    assert_eq!(warnings(&site("", "")), [""; 0]);
    assert_eq!(warnings(&site("", "salts = [\"secret\"]")), ["sites.demo.carouseller.salts"]);
    assert_eq!(warnings(&site("payouts.auto_approve_up_to.USD = 1", "")), ["sites.demo.payouts.auto_approve_up_to"]);
    assert_eq!(warnings("[sites.a]\nsite_id = 1\ncurrencies = [\"usd\"]"), ["wallet.api_keys", "sites.a"]);
    let unsigned = "accept_unsigned_webhooks = true\nallow_from = [\"10.0.0.1\"]";
    assert_eq!(warnings(&site("", unsigned)), ["sites.demo.carouseller.accept_unsigned_webhooks"]);
}

#[test]
fn the_environment_wins_over_the_file() {
    let env = [
        ("CROUPIER__SERVER__PUBLIC_BIND", "[::1]:0"),
        ("croupier__server__trusted_proxies", "10.0.0.0/8, 192.168.1.1"),
        (
            "CROUPIER__SITES__DEMO__CAROUSELLER__SALTS",
            "[\"first-salt-0123456789012345\", \"second,salt-0123456789012345\"]",
        ),
        ("CROUPIER__SITES__DEMO__CAROUSELLER__DEDUPLICATES_EXTERNAL_ID", "true"),
        ("CROUPIER__SITES__DEMO__LIMITS__USD__PAYOUT_MAX", "700"),
        ("CROUPIER__SITES__DEMO__PAYOUTS__FOUR_EYES_FROM", "{ USD = 9 }"),
        ("CROUPIER__SITES__DEMO__PAYOUTS__FOUR_EYES_FROM__EUR", "8"),
        ("CROUPIER__WALLET__API_KEYS__GAME_SERVER", "fedcba98765432100123456789"),
        ("CROUPIER_SERVER_PUBLIC_BIND", "one underscore is not ours"),
    ];
    let (settings, _) = read(&site("limits.USD.payout_max = 500", ""), &env).expect("no errors");

    let demo = &settings.sites[0];
    let carouseller = &settings.providers.carouseller;
    assert_eq!(settings.server.public_bind.to_string(), "[::1]:0");
    assert_eq!(settings.server.trusted_proxies[1].to_string(), "192.168.1.1/32");
    assert_eq!(carouseller.secrets()[1].1.expose(), "second,salt-0123456789012345");
    assert!(carouseller.manners(demo.site_id).deduplicates);
    assert_eq!(demo.limits[&Currency::parse("USD").unwrap()].payout_max, Some(700));
    assert_eq!(demo.payouts.four_eyes_from.len(), 2);
    assert_eq!(settings.wallet.api_keys["game_server"].keys[0].expose(), "fedcba98765432100123456789");
}

#[test]
fn what_the_environment_cannot_mean_is_refused_by_key() {
    let cases = [
        ("CROUPIER__SERVER__PORT", "1", "server.port"),
        ("CROUPIER__FOO", "1", "foo"),
        ("CROUPIER__", "1", ""),
        ("CROUPIER__SERVER____X", "1", "server..x"),
        ("CROUPIER__SERVER", "1", "server"),
        ("CROUPIER__SERVER__MAX_BODY_BYTES", "64k", "server.max_body_bytes"),
        ("CROUPIER__SERVER__TRUSTED_PROXIES", "[\"10.0.0.1\"", "server.trusted_proxies"),
        ("CROUPIER__SITES__DEMO__CAROUSELLER__SALTS", "", "sites.demo.carouseller.salts"),
        (
            "CROUPIER__SITES__DEMO__CAROUSELLER__ACCEPT_UNSIGNED_WEBHOOKS",
            "1",
            "sites.demo.carouseller.accept_unsigned_webhooks",
        ),
        ("CROUPIER__SITES__DEMO__CURRENCIES__X", "1", "sites.demo.currencies"),
    ];
    for (name, value, key) in cases {
        assert_eq!(errors(&site("", ""), &[(name, value)]), [key], "{name}");
    }
    let twice = [("CROUPIER__SERVER__STATE_DIR", "a"), ("croupier__server__state_dir", "b")];
    assert_eq!(errors("", &twice), ["server.state_dir"]);
}

#[test]
fn no_problem_and_no_printing_shows_a_secret() {
    let broken = [
        "[wallet]\napi_keys = { a = \"hunter2",
        "[wallet]\napi_keys = { a = 'hunter2' b }",
        "[wallet]\napi_keys = { a = hunter2 }",
        "[wallet]\napi_keys = \"hunter2\"\n[sites.a.carouseller]\nsalts = \"hunter2\"",
        "[sites.a]\n[sites.a.carouseller]\nsalts = [\"hunter2;\", \"hunter2;\"]\npayout_url = \"https://hunter2@h/\"",
        "[database]\nurl = \"postgres://u:hunter2@h/d\"",
        "[events]\nurl = \"hunter2\"\nsecret = \"hunter2\"",
        "[server]\ntrusted_proxies = [\"hunter2\"]\nmax_body_bytes = \"hunter2\"\npublic_bind = \"hunter2\"",
    ];
    for text in broken {
        let problems = read(text, &[("CROUPIER__SERVER__MAX_CONNECTIONS", "hunter2")]).unwrap_err();
        assert!(!format!("{problems:?}").contains("hunter2"), "{problems:?}");
    }
    let text = site("", "salts = [\"hunter2-hunter2-hunter2-hunter2\"]\nreport_url = \"https://c.example/?t=hunter2\"");
    let (settings, _) = read(&text.replace("0123456789abcdef", "hunter2-hunter2-hunter2"), &[]).unwrap();
    assert!(!settings.masked().to_string().contains("hunter2"));
    assert!(!settings.masked_toml().contains("hunter2"));
    let debug = format!("{settings:?}").replace("t=hunter2", "");
    assert!(!debug.contains("hunter2"), "{debug}");
}

#[test]
fn what_is_printed_can_be_read_again() {
    let (settings, _) = read(&shipped_in_full(), &[]).unwrap();

    let tree = parse_toml(&settings.masked_toml());

    assert!(tree.is_ok_and(|tree| tree.contains_key("sites") && tree.contains_key("events")));
}

#[cfg(unix)]
#[test]
fn a_settings_file_that_others_can_write_is_refused_and_one_they_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), site("", "")).unwrap();
    let load = |mode| {
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        load::load(file.path(), std::iter::empty()).map(|(_, warnings)| warnings.len()).map_err(|errors| errors.len())
    };

    assert_eq!([load(0o600), load(0o644), load(0o666)], [Ok(0), Ok(1), Err(1)]);
}
