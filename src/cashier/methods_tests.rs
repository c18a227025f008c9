//! Every combination of what can stand between a player and a method, against the rules as the documents tell them.

use super::*;
use crate::money::Currency;
use crate::settings::Settings;

const AT: Micros = 1_000;

fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

/// A site with one method that is for USD and Germany.
fn site(enabled: bool, ready: bool, of_site: &str, of_method: &str) -> Site {
    let authlink = if ready { "authlink_url = \"https://cashier.example/api/authlink/obtain/\"" } else { "" };
    let text = format!(
        r#"[sites.demo]
site_id = 1
currencies = ["USD", "EUR"]
[sites.demo.carouseller]
salts = ["a salt that is long enough for it"]
{authlink}
[sites.demo.limits.USD]
{of_site}
[sites.demo.methods.card]
enabled = {enabled}
currencies = ["USD"]
countries = ["DE"]
[sites.demo.methods.card.limits.USD]
{of_method}
"#
    );
    let settings = Settings::from_text(&text).unwrap_or_else(|problems| panic!("{problems:?}"));
    settings.sites.into_iter().next().unwrap()
}

fn player(country: Option<&str>) -> PlayerRow {
    PlayerRow {
        id: 7,
        site_id: 1,
        login: "alice".into(),
        status: "active".into(),
        deposit_allowed: true,
        withdrawal_allowed: true,
        country: country.map(str::to_owned),
        profile: "{}".into(),
        created_at: 0,
        updated_at: 0,
        excluded_until: None,
        limited: false,
    }
}

fn exception(allow: bool, currency: Option<&str>, expires_at: Option<Micros>) -> Override {
    Override {
        method: "card".into(),
        currency: currency.map(|code| Currency::parse(code).unwrap()),
        allow,
        min_amount: None,
        max_amount: None,
        reason: "r".into(),
        expires_at,
        updated_at: 0,
    }
}

/// The rules of the document, told once more in another way.
fn expected(
    gate: bool,
    enabled: bool,
    ready: bool,
    currency: &str,
    country: Option<&str>,
    (denied, allowed): (bool, bool),
) -> Option<Why> {
    let rules = [
        (gate, Why::Gate),
        (enabled, Why::Disabled),
        (ready, Why::Provider),
        (!denied, Why::Denied),
        (currency != "JPY", Why::Currency),
        (allowed || currency == "USD", Why::Currency),
        (allowed || country == Some("DE"), Why::Country),
    ];
    rules.into_iter().find(|(holds, _)| !holds).map(|(_, why)| why)
}

#[test]
fn every_combination_is_decided_as_the_rules_say() {
    let exceptions: [(&[Override], (bool, bool)); 8] = [
        (&[], (false, false)),
        (&[exception(true, None, None)], (false, true)),
        (&[exception(false, None, None)], (true, false)),
        (&[exception(true, None, None), exception(false, None, None)], (true, true)),
        (&[exception(true, None, Some(AT))], (false, false)),
        (&[exception(false, None, Some(AT))], (false, false)),
        (&[exception(true, None, Some(AT + 1))], (false, true)),
        (&[exception(false, None, Some(AT + 1)), exception(true, None, None)], (true, true)),
    ];
    let mut decided = 0;
    for (enabled, ready) in [(true, true), (true, false), (false, true), (false, false)] {
        let site = site(enabled, ready, "", "");
        for currency in ["USD", "EUR", "JPY"] {
            for country in [Some("DE"), Some("FR"), None] {
                for (exceptions, effect) in exceptions {
                    for gate in 0..6 {
                        let mut player = player(country);
                        match gate {
                            1 => player.deposit_allowed = false,
                            2 => player.excluded_until = Some(AT + 1),
                            3 => player.excluded_until = Some(AT),
                            4 => player.status = "blocked".into(),
                            5 => player.status = "closed".into(),
                            _ => {}
                        }
                        let asked = Currency::parse(currency).unwrap();
                        let found = eligible(&site, &site.methods[0], asked, &player, exceptions, AT).err();
                        let open = matches!(gate, 0 | 3);
                        let rules = expected(open, enabled, ready, currency, country, effect);
                        assert_eq!(found, rules, "{enabled} {ready} {currency} {country:?} {exceptions:?} gate {gate}");
                        decided += 1;
                    }
                }
            }
        }
    }
    assert_eq!(decided, 4 * 3 * 3 * 8 * 6);
}

#[test]
fn an_exception_counts_for_its_own_method_and_currency() {
    let site = site(true, true, "", "");
    let at_home = player(Some("DE"));
    let denies_other =
        [Override { method: "bank".into(), ..exception(false, None, None) }, exception(false, Some("EUR"), None)];
    let abroad = player(Some("FR"));
    let allows_eur = [exception(true, Some("EUR"), None)];
    let eur = Currency::parse("EUR").unwrap();

    assert!(eligible(&site, &site.methods[0], usd(), &at_home, &denies_other, AT).is_ok());
    assert!(eligible(&site, &site.methods[0], eur, &abroad, &allows_eur, AT).is_ok());
    assert_eq!(eligible(&site, &site.methods[0], usd(), &abroad, &allows_eur, AT), Err(Why::Country));
}

#[test]
fn limits_are_the_exceptions_else_the_methods_and_never_wider_than_the_sites() {
    let limits = |of_site: &str, of_method: &str, min: Option<i64>, max: Option<i64>| {
        let site = site(true, true, of_site, of_method);
        let by = [Override { min_amount: min, max_amount: max, ..exception(true, Some("USD"), None) }];
        let offer = eligible(&site, &site.methods[0], usd(), &player(Some("DE")), &by, AT);
        offer.map(|offer| (offer.min, offer.max))
    };
    let (site, method) = ("deposit_min = 100\ndeposit_max = 1000", "deposit_min = 200\ndeposit_max = 500");

    assert_eq!(limits("", "", None, None), Ok((None, None)));
    assert_eq!(limits(site, "", None, None), Ok((Some(100), Some(1000))));
    assert_eq!(limits("", method, None, None), Ok((Some(200), Some(500))));
    assert_eq!(limits(site, method, None, None), Ok((Some(200), Some(500))));
    assert_eq!(limits(site, method, Some(150), Some(900)), Ok((Some(150), Some(900))));
    assert_eq!(limits(site, method, Some(1), Some(99_999)), Ok((Some(100), Some(1000))), "never wider than the site's");
    assert_eq!(limits(site, method, Some(150), None), Ok((Some(150), Some(500))));
    assert_eq!(limits(site, method, Some(600), None), Err(Why::Limits), "nothing could pass");
}

#[test]
fn the_exception_for_the_currency_says_more_than_the_one_for_any() {
    let site = site(true, true, "", "");
    let any = exception(true, None, None);
    let exact = Override { max_amount: Some(5), ..exception(true, Some("USD"), None) };

    for by in [[any.clone(), exact.clone()], [exact, any]] {
        let offer = eligible(&site, &site.methods[0], usd(), &player(None), &by, AT).unwrap();
        assert_eq!((offer.max, offer.allowed_by.unwrap().currency), (Some(5), Some(usd())));
    }
}

#[test]
fn a_player_is_offered_each_method_in_each_currency_it_serves() {
    let site = site(true, true, "", "");
    let codes = |player: &PlayerRow, by: &[Override]| -> Vec<String> {
        offers(&site, &site.currencies, player, by, AT).iter().map(|offer| offer.currency.to_string()).collect()
    };

    assert_eq!(codes(&player(Some("DE")), &[]), ["USD"]);
    assert_eq!(codes(&player(None), &[exception(true, None, None)]), ["USD", "EUR"]);
    assert_eq!(codes(&player(None), &[]), Vec::<String>::new());
}
