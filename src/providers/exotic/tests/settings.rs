//! Settings that are wrong are told; those that are right are shown without secrets.

use super::*;

fn errors(section: &str, facts: &SiteFacts) -> Vec<String> {
    let (_, problems) = read(section, facts);
    let mut keys: Vec<String> = problems.into_iter().filter(Problem::is_error).map(|problem| problem.key).collect();
    keys.sort();
    keys.dedup();
    keys
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    let expected = ["api_key", "callback_token", "merchant", "sign_keys", "url"];

    assert_eq!(errors("", &facts()), expected.map(|key| format!("sites.demo.exotic.{key}")));
}

#[test]
fn impossible_values_are_refused_by_key() {
    let lines = [
        ("merchant = \"a/b\"", "merchant"),
        ("merchant = \" \"", "merchant"),
        ("merchant = \"..\"", "merchant"),
        ("sign_keys = []", "sign_keys"),
        ("sign_keys = \"one\"", "sign_keys"),
        ("api_key = \"two words\"", "api_key"),
        ("api_key = \"\"", "api_key"),
        ("url = \"http://exotic.example\"", "url"),
        ("url = \"https://exotic.example/?a=b\"", "url"),
        ("url = \"https://u:p@exotic.example/\"", "url"),
        ("url = \"https://169.254.169.254/\"", "url"),
        ("callback_formula = \"{order_id}\"", "callback_formula"),
        ("callback_formula = \"{order}:{sign_key}\"", "callback_formula"),
        ("callback_formula = 5", "callback_formula"),
        ("callback_token = \"short\"", "callback_token"),
        ("callback_token = \"with/a/slash/and/long/enough\"", "callback_token"),
        ("callback_token = \"with a blank and long enough\"", "callback_token"),
        ("payout_minutes = 0", "payout_minutes"),
        ("payout_minutes = 10081", "payout_minutes"),
        ("deposit_minutes = -1", "deposit_minutes"),
        ("status_by = \"id\"", "status_by"),
        ("status_pause = -1", "status_pause"),
        ("status_pause = 60001", "status_pause"),
        ("deduplicates_order_id = \"no\"", "deduplicates_order_id"),
        ("private_networks = [\"0.0.0.0/0\"]", "private_networks"),
        ("other = 1", "other"),
    ];
    for (line, key) in lines {
        assert_eq!(errors(&with(line), &facts()), [format!("sites.demo.exotic.{key}")], "{line}");
    }
}

#[test]
fn without_our_own_address_nothing_could_be_told_to_us() {
    let nowhere = SiteFacts { public_url: None, ..facts() };
    assert_eq!(errors(GOOD, &nowhere), ["server.public_url"]);

    let long = format!("https://casino.example/{}", "x".repeat(400));
    let far = SiteFacts { public_url: Some(long.parse().unwrap()), ..facts() };
    assert_eq!(errors(GOOD, &far), ["server.public_url"]);
}

#[test]
fn a_site_without_a_currency_of_two_decimals_is_refused() {
    let yen = SiteFacts { currencies: vec![currency("JPY"), currency("KWD")], ..facts() };

    assert_eq!(errors(GOOD, &yen), ["sites.demo.exotic"]);
}

#[test]
fn what_is_unwise_is_a_warning() {
    let (_, problems) = read(&with("deduplicates_order_id = true"), &facts());

    assert_eq!(problems.len(), 1);
    assert!(!problems[0].is_error() && problems[0].key.ends_with("deduplicates_order_id"), "{problems:?}");
}

#[test]
fn nobody_sees_a_secret() {
    let exotic = exotic();

    let shown = format!("{} {exotic:?}", exotic.shown(SITE));
    for secret in [KEY, TOKEN, "an-api-key-of-these-tests"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let named: Vec<String> = exotic.secrets().into_iter().map(|(key, _)| key).collect();
    let expected = ["sign_keys", "api_key", "callback_token"].map(|key| format!("sites.demo.exotic.{key}"));
    assert_eq!(named, expected);
}

#[test]
fn the_defaults_are_those_of_the_documents() {
    let shown = exotic().shown(SITE);

    let expected = serde_json::json!({"callback_formula": "{order_id}:{sign_key}", "payout_minutes": 30,
        "deposit_minutes": 30, "status_by": "order_id", "status_pause": 1000, "deduplicates_order_id": false});
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[key], value, "{key}");
    }
}

#[test]
fn it_is_asked_late_and_seldom() {
    let manners = exotic_with("payout_minutes = 45\ndeposit_minutes = 20").manners(SITE);

    assert_eq!((manners.patience, manners.between, manners.pace), (55 * 60, 300, 1000));
    assert!(manners.tells_status && manners.lost_opening_counts && !manners.deduplicates);
    assert_eq!(manners.ladder.last_after(), 86_400);
}

#[test]
fn it_serves_its_four_rails_in_currencies_of_two_decimals() {
    let exotic = exotic();
    for direction in [Direction::Deposit, Direction::Payout] {
        for rail in ["card", "sbp", "score", "iban"] {
            assert!(exotic.serves(SITE, direction, Some(rail), currency("RUB")), "{rail}");
            for odd in ["JPY", "KWD", "CLF"] {
                assert!(!exotic.serves(SITE, direction, Some(rail), currency(odd)), "{rail} {odd}");
            }
        }
        for rail in [None, Some(""), Some("CARD"), Some("crypto")] {
            assert!(!exotic.serves(SITE, direction, rail, currency("RUB")), "{rail:?}");
        }
        assert!(!exotic.serves(SiteId(1), direction, Some("card"), currency("RUB")), "another site");
    }
}
