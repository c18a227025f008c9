//! What the settings of an account may be.

use super::*;

/// The keys of the errors.
fn errors(lines: &str) -> Vec<String> {
    let (_, problems) = read_with(lines, Some("https://casino.example"));
    problems.into_iter().filter(Problem::is_error).map(|problem| problem.key).collect()
}

#[test]
fn a_key_of_one_world_does_not_meet_the_host_of_the_other() {
    let key = |key: &str, url: &str| {
        let url = if url.is_empty() { String::new() } else { format!("url = \"{url}\"") };
        errors(&format!("api_key = \"{key}-0123456789012345\"\n{url}"))
    };
    let (live, sandbox) = ("https://api.rebilly.com", "https://api-sandbox.rebilly.com");
    let refused = vec!["sites.demo.rebilly.api_key".to_owned()];

    assert!(key("sk_live_", live).is_empty());
    assert!(key("sk_sandbox_", sandbox).is_empty());
    assert!(key("sk_sandbox_", "http://127.0.0.1:9").is_empty());
    assert_eq!(key("sk_sandbox_", live), refused);
    assert_eq!(key("sk_live_", sandbox), refused);
    for wrong in ["pk_live_", "pk_sandbox_", "sk_", "sk_test_", "live_", "SK_LIVE_"] {
        assert_eq!(key(wrong, live), refused, "{wrong}");
    }
    let (_, problems) = read_with("api_key = \"sk_live_1\"\nurl = \"http://127.0.0.1:9\"", Some("https://c.example"));
    assert_eq!(problems.iter().map(|problem| problem.key.as_str()).collect::<Vec<_>>(), ["sites.demo.rebilly.url"]);
    let default = section("api_key = \"sk_sandbox_x\"").replace("url = \"https://api-sandbox.rebilly.com\"\n", "");
    let notes = Notes::default();
    let facts = SiteFacts { site: SITE, currencies: Vec::new(), public_url: None };
    Rebilly::default().add_site(Section::new("s", parse_toml(&default).unwrap(), &notes), &facts);
    assert!(notes.into_problems().iter().any(|problem| problem.key == "s.api_key"), "the default is the live host");
}

#[test]
fn what_cannot_be_is_refused_by_key() {
    let long = format!("organization_id = \"{}\"", "x".repeat(51));
    let cases = [
        ("organization_id = \"\"", "organization_id"),
        ("organization_id = \"org 1\"", "organization_id"),
        ("organization_id = \"../x\"", "organization_id"),
        ("organization_id = \"..\"", "organization_id"),
        (long.as_str(), "organization_id"),
        ("website_id = \"web/1\"", "website_id"),
        ("webhook_user = \"a:b\"", "webhook_user"),
        ("webhook_user = \" \"", "webhook_user"),
        ("webhook_password = \"a\\nb\"", "webhook_password"),
        ("webhook_auth = \"none\"", "webhook_auth"),
        ("notification_token = \"short\"", "notification_token"),
        ("notification_token = \"a/token/with/slashes-0123\"", "notification_token"),
        ("notification_token = \"a-token-with-{id}-in-it-0123\"", "notification_token"),
        ("deposit_by = \"form\"", "deposit_by"),
        ("allocate = \"manual\"", "allocate"),
        ("send_balances = \"yes\"", "send_balances"),
        ("url = \"ftp://api.rebilly.com\"", "url"),
        ("url = \"http://api.rebilly.com\"", "url"),
        ("url = \"https://api-sandbox.rebilly.com/?a=1\"", "url"),
        ("allow_from = [\"nowhere\"]", "allow_from[0]"),
        ("private_networks = [\"0.0.0.0/0\"]", "private_networks"),
        ("salts = [\"x\"]", "salts"),
    ];
    for (lines, key) in cases {
        assert_eq!(errors(lines), [format!("sites.demo.rebilly.{key}")], "{lines}");
    }
}

#[test]
fn what_is_needed_is_asked_for() {
    let notes = Notes::default();
    let facts = SiteFacts { site: SITE, currencies: Vec::new(), public_url: None };
    Rebilly::default().add_site(Section::new("s", parse_toml("").unwrap(), &notes), &facts);
    let keys: Vec<String> = notes.into_problems().into_iter().map(|problem| problem.key).collect();

    for key in ["organization_id", "website_id", "api_key", "webhook_user", "webhook_password", "notification_token"] {
        assert!(keys.contains(&format!("s.{key}")), "{key}: {keys:?}");
    }
    let (_, problems) = read_with("", None);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].is_error() && problems[0].reason.contains("public_url"), "{problems:?}");
}

#[test]
fn no_secret_is_shown() {
    let rebilly = rebilly("webhook_password = \"hunter2-hunter2\"");
    let shown = format!("{} {rebilly:?}", rebilly.shown(SITE));

    for secret in ["hunter2", "a-key-of-the-tests", TOKEN] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let keys: Vec<String> = rebilly.secrets().into_iter().map(|(key, _)| key).collect();
    let expected = ["api_key", "webhook_password", "notification_token"];
    assert_eq!(keys, expected.map(|name| format!("sites.demo.rebilly.{name}")));
}

#[test]
fn methods_and_details_are_what_rebilly_has() {
    let rebilly = rebilly("");
    let usd = Currency::parse("USD").unwrap();
    let check = |direction, details: &[(&str, &str)]| {
        let details = details.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        rebilly.check(SITE, direction, Some("payment-card"), &details).map_err(|error| error.to_string())
    };

    for direction in [Direction::Deposit, Direction::Payout] {
        assert!(rebilly.serves(SITE, direction, None, usd));
        assert!(rebilly.serves(SITE, direction, Some("payment-card"), usd));
        assert!(!rebilly.serves(SITE, direction, Some("payment card"), usd));
        assert!(!rebilly.serves(SiteId(1), direction, None, usd));
        assert_eq!(check(direction, &[]), Ok(()));
        assert!(check(direction, &[("card_number", "4111111111111111")]).is_err());
    }
    assert_eq!(check(Direction::Payout, &[("payment_instrument_id", "inst_1")]), Ok(()));
    for bad in ["", "inst/1", "../x", "a b", &"x".repeat(51)] {
        let refused = check(Direction::Payout, &[("payment_instrument_id", bad)]);
        assert_eq!(refused, Err("payment_instrument_id is not acceptable".to_owned()), "{bad:?}");
    }
    assert!(check(Direction::Deposit, &[("payment_instrument_id", "inst_1")]).is_err());
}

#[test]
fn a_player_is_called_as_rebilly_can_call_them() {
    let called = |login: &str, own: Option<&str>| {
        let profile: Vec<_> = own.map(|own| (CUSTOMER.to_owned(), own.to_owned())).into_iter().collect();
        let login = Login::parse(login).unwrap();
        super::super::customer(&login, &profile).map(str::to_owned).map_err(|error| error.to_string())
    };

    assert_eq!(called("alice", None), Ok("alice".to_owned()));
    assert_eq!(called("a@b.c~-_9", None), Ok("a@b.c~-_9".to_owned()));
    assert_eq!(called("Ann Lee", Some("cus_1")), Ok("cus_1".to_owned()));
    assert_eq!(called("alice", Some("cus_1")), Ok("cus_1".to_owned()));
    assert_eq!(called("alice", Some("")), Ok("alice".to_owned()));
    for login in ["Ann Lee", "ann/lee", "ännchen", "..", "a;b", &"x".repeat(51)] {
        assert_eq!(called(login, None), Err("site_login is not acceptable".to_owned()), "{login}");
    }
    assert_eq!(called("alice", Some("cus/1")), Err("rebilly_customer_id is not acceptable".to_owned()));
}
