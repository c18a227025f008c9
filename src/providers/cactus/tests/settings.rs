//! The section of a site.

use super::*;

fn problems(lines: &str) -> Vec<(bool, String)> {
    let notes = Notes::default();
    noted(lines, &notes);
    notes.into_problems().into_iter().map(|problem| (problem.is_error(), problem.key)).collect()
}

#[test]
fn what_is_missing_or_impossible_is_told_with_its_key() {
    let long = format!("merchant_id = \"{}\"", "x".repeat(129));
    let table = [
        ("merchant_id = \"\"", "merchant_id"),
        ("merchant_id = \"a;b\"", "merchant_id"),
        (&long, "merchant_id"),
        ("salts = []", "salts"),
        ("url = \"http://cactus.example\"", "url"),
        ("url = \"https://cactus.example/?a=b\"", "url"),
        ("url = \"https://a:b@cactus.example/\"", "url"),
        ("open_url = \"https://cactus.example/?key=\"", "open_url"),
        ("open_url = \"open\"", "open_url"),
        ("status_url = \"ftp://cactus.example/\"", "status_url"),
        ("status_url = \"https://10.0.0.1/\"", "status_url"),
        ("deposit_by = \"page\"", "deposit_by"),
        ("project_id = \" \"", "project_id"),
        ("project_id = \"a;b\"", "project_id"),
        ("additional_deposits = \"ignore\"", "additional_deposits"),
        ("deduplicates_request_id = \"yes\"", "deduplicates_request_id"),
        ("allow_from = [\"nowhere\"]", "allow_from[0]"),
        ("private_networks = [\"0.0.0.0/0\"]", "private_networks"),
        ("payout_url = \"https://cactus.example/\"", "payout_url"),
    ];
    for (lines, key) in table {
        assert_eq!(problems(lines), [(true, format!("sites.demo.cactus.{key}"))], "{lines}");
    }
    for (lines, key) in [
        ("deduplicates_request_id = true", "deduplicates_request_id"),
        ("additional_deposits = \"credit\"", "additional_deposits"),
    ] {
        assert_eq!(problems(lines), [(false, format!("sites.demo.cactus.{key}"))], "{lines}");
    }
    assert_eq!(problems(""), []);
}

#[test]
fn no_secret_is_shown() {
    let cactus =
        cactus_with("salts = [\"first-secret\", \"second-secret\"]\nstatus_url = \"https://x.example/?token=abc\"");
    let shown = format!("{} {cactus:?}", cactus.shown(SITE));
    assert!(shown.contains("***") && !cactus.shown(SITE).to_string().contains("token=abc"), "{shown}");
    assert!(!shown.contains("first-secret") && !shown.contains("second-secret"), "{shown}");
    let keys: Vec<String> = cactus.secrets().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["sites.demo.cactus.salts"; 2]);
    assert_eq!(cactus.shown(SiteId(22)), Json::Null);
}

#[test]
fn a_base_address_may_have_a_path() {
    let cactus = cactus_with("url = \"https://gate.example/cactus/\"");
    let call = called(cactus.pay(&payout("binance", &[]), &[]));
    assert_eq!(call.url.as_str(), "https://gate.example/cactus/api/payout/");
    let page = done(cactus.open(&deposit(None, &[]), &[reply(signed(json!({"success": true, "key": "k"})))]));
    assert!(matches!(page, Opening::Open(opened) if opened.redirect_url.as_deref()
        == Some("https://gate.example/cactus/api/jsapi/open/k/")));
}
