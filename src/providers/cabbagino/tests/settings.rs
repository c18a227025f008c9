//! Settings that are wrong are told; those that are right are shown without secrets.

use super::*;

fn errors(section: &str) -> Vec<String> {
    let (_, problems) = read(section);
    problems.into_iter().filter(Problem::is_error).map(|problem| problem.key).collect()
}

#[test]
fn what_is_missing_or_impossible_is_told_by_key() {
    let lines = [
        ("merchant_key = \"\"", "merchant_key"),
        ("merchant_key = \"two words\"", "merchant_key"),
        ("salts = []", "salts"),
        ("salts = \"one\"", "salts"),
        ("url = \"http://api.example\"", "url"),
        ("url = \"https://api.example/?a=b\"", "url"),
        ("url = \"api\"", "url"),
        ("site_id = 0", "site_id"),
        ("site_id = \"1\"", "site_id"),
        ("payment_data = \"card\"", "payment_data"),
        ("payment_data = { TEST_PS = \"cards\" }", "payment_data.TEST_PS"),
        ("payment_data = { TEST_PS = 1 }", "payment_data.TEST_PS"),
        ("deduplicates_external_id = 1", "deduplicates_external_id"),
        ("private_networks = [\"0.0.0.0/0\"]", "private_networks"),
        ("status_url = \"https://api.example/\"", "status_url"),
    ];
    for (line, key) in lines {
        assert_eq!(errors(&with(line)), [format!("sites.demo.cabbagino.{key}")], "{line}");
    }
    let missing = ["salts", "merchant_key"].map(|key| format!("sites.demo.cabbagino.{key}"));
    assert_eq!(errors(""), missing);
}

#[test]
fn nobody_sees_a_secret() {
    let cabbagino = cabbagino_with("payment_data = { P2P_PS = \"p2p\" }\nsite_id = 7");

    let shown = cabbagino.shown(SITE);
    let text = format!("{shown} {cabbagino:?}");
    assert!(!text.contains(SALT) && !text.contains("a-merchant-key"), "{text}");
    let expected = serde_json::json!({"url": "https://api.mvpgateways.com/", "site_id": 7,
        "payment_data": {"P2P_PS": "p2p"}, "deduplicates_external_id": false});
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[key], value, "{key}");
    }
    let named: Vec<String> = cabbagino.secrets().into_iter().map(|(key, _)| key).collect();
    assert_eq!(named, ["salts", "merchant_key"].map(|key| format!("sites.demo.cabbagino.{key}")));
}

#[test]
fn repeating_payouts_is_a_warning() {
    let (cabbagino, problems) = read(&with("deduplicates_external_id = true"));

    assert!(problems.len() == 1 && !problems[0].is_error(), "{problems:?}");
    assert!(cabbagino.manners(SITE).deduplicates);
}

#[test]
fn it_serves_what_both_sides_count_alike() {
    let cabbagino = cabbagino_with("payment_data = { JP = \"japan_bank\" }");
    let serves = |direction, rail, code| cabbagino.serves(SITE, direction, rail, currency(code));

    for code in ["USD", "EUR", "KWD", "JPY", "CLP", "VND", "KRW", "ISK", "PYG"] {
        assert!(serves(Direction::Payout, Some("TEST_PS"), code), "{code}");
    }
    // Without minor units, and not on the manual's list: 2000 could be paid as 20 or as 2000.
    for code in ["UGX", "XAF", "RWF", "DJF"] {
        assert!(!serves(Direction::Payout, Some("TEST_PS"), code), "{code}");
    }
    assert!(serves(Direction::Payout, Some("JP"), "USD") && !serves(Direction::Deposit, Some("JP"), "USD"));
    assert!(serves(Direction::Deposit, Some("ANY_PS"), "USD"));
    for rail in [None, Some(""), Some(" "), Some("A;signature:x")] {
        assert!(!serves(Direction::Deposit, rail, "USD"), "{rail:?}");
    }
    assert!(!cabbagino.serves(SiteId(1), Direction::Deposit, Some("TEST_PS"), currency("USD")));
}

#[test]
fn the_ladder_is_the_familys() {
    assert_eq!(cabbagino().manners(SITE).ladder.last_after(), 45 + 120 + 300 + 600 + 1800 + 24 * 3600);
}
