//! API 1.0: what we send host to host, and what the answers mean.

use super::*;
use crate::ids::{ExternalId, Login};
use crate::money::Money;
use crate::outgoing::Reply;
use crate::providers::{Call, DepositOrder, Direction, InitiationAnswer, Opened, Opening, Step, Texts};

const URLS: &str = "session_url = \"https://api.example/v1/get_session_key/\"\n\
    deposit_url = \"https://api.example/v1/payments/deposit/\"\n\
    direct_payout_url = \"https://api.example/v1/payments/payout/\"";
const KEY: &str = "eyJybmQi.eyJh.c2ln";

fn dialect() -> Carouseller {
    with_account(URLS).0
}

fn texts(pairs: &[(&str, &str)]) -> Texts {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn card() -> Texts {
    texts(&[
        ("card_number", "4111111111111111"),
        ("valid_thru_month", "02"),
        ("valid_thru_year", "2027"),
        ("card_holder", "Good Fella"),
    ])
}

fn card_with(name: &str, text: &str) -> Texts {
    let mut card = card();
    card.insert(name.to_owned(), text.to_owned());
    card
}

fn money(minor: i64, code: &str) -> Money {
    Money::new(minor, Currency::parse(code).unwrap()).unwrap()
}

fn payout() -> PayoutOrder {
    PayoutOrder {
        external_id: ExternalId::parse("order_1").unwrap(),
        site: SiteId(SITE),
        login: Login::parse("user_test").unwrap(),
        amount: money(2050, "USD"),
        purse: None,
        rail: Some("501".to_owned()),
        details: card(),
        optional: vec![
            ("customer_ip".to_owned(), "185.56.232.170".to_owned()),
            ("first_name".to_owned(), "Good".to_owned()),
            ("country_code".to_owned(), "LV".to_owned()),
            ("user_preset_id".to_owned(), "7".to_owned()),
            ("bank".to_owned(), "not of a session".to_owned()),
        ],
    }
}

fn deposit() -> DepositOrder {
    DepositOrder {
        external_id: ExternalId::parse("order_1").unwrap(),
        site: SiteId(SITE),
        login: Login::parse("user_test").unwrap(),
        amount: money(2050, "USD"),
        rail: Some("501".to_owned()),
        details: card_with("cvv", "123"),
        optional: Vec::new(),
        customer_ip: "::ffff:185.56.232.170".parse().unwrap(),
        return_urls: [Some("https://casino.example/ok".to_owned()), None],
    }
}

fn session() -> Reply {
    Reply::new(200, format!("{{\"success\":true,\"session_key\":\"{KEY}\",\"errors\":null}}"))
}

fn prepared<T: std::fmt::Debug>(step: Step<T>) -> Call {
    match step {
        Step::Prepare(call) => *call,
        Step::Call(_) | Step::Done(_) => panic!("nothing that makes an order"),
    }
}

fn called<T: std::fmt::Debug>(step: Step<T>) -> Call {
    match step {
        Step::Call(call) => *call,
        Step::Prepare(_) | Step::Done(_) => panic!("the call that makes the order"),
    }
}

fn done<T: std::fmt::Debug>(step: Step<T>) -> T {
    match step {
        Step::Done(done) => done,
        Step::Prepare(_) | Step::Call(_) => panic!("an end"),
    }
}

fn text(call: &Call) -> String {
    String::from_utf8(call.body.clone()).unwrap()
}

fn is_rightly_signed(call: &Call) -> bool {
    let text = text(call);
    let pairs = Pairs::new(members(&text, DEEPEST_MESSAGE).unwrap()).unwrap();
    let signature = Fields(&pairs).signature().unwrap().unwrap().to_owned();
    signature::verify(&pairs, &[salt()], &signature) == Verdict::Holds(Reading::REFERENCE)
}

#[test]
fn a_session_is_asked_for_first_and_makes_nothing() {
    let of_payout = prepared(dialect().pay(&payout(), &[]).unwrap());
    let of_deposit = prepared(dialect().open(&deposit(), &[]).unwrap());

    assert_eq!(of_payout.url.as_str(), "https://api.example/v1/get_session_key/");
    assert!(is_rightly_signed(&of_payout) && is_rightly_signed(&of_deposit));
    let body = text(&of_payout);
    let signature = body.split("\"signature\":\"").nth(1).unwrap()[..40].to_owned();
    let expected = "{\"currency\":\"USD\",\"customer_ip\":\"185.56.232.170\",\"first_name\":\"Good\",\"force_action\":2,\
        \"signature\":\"SIGNED\",\"site_id\":332,\"site_login\":\"user_test\",\"user_country\":\"LV\",\
        \"user_name\":\"Good\",\"user_preset_id\":7}";
    assert_eq!(body, expected.replace("SIGNED", &signature));
    let body = text(&of_deposit);
    assert!(body.contains("\"force_action\":1") && body.contains("\"customer_ip\":\"185.56.232.170\""), "{body}");
    assert_eq!(text(&prepared(dialect().pay(&payout(), &[]).unwrap())), text(&of_payout), "the same bytes");
}

#[test]
fn a_session_key_is_read_under_either_name_and_nothing_else_is_one() {
    let pay = |body: &str, http: u16| dialect().pay(&payout(), &[Reply::new(http, body)]).unwrap();
    for body in [
        format!("{{\"success\":true,\"session_key\":\"{KEY}\"}}"),
        format!("{{\"success\":true,\"key\":\"{KEY}\",\"errors\":null}}"),
        format!("{{\"session_key\":\"{KEY}\",\"key\":\"another\"}}"),
    ] {
        assert!(text(&called(pay(&body, 200))).contains(&format!("\"session_key\":\"{KEY}\"")), "{body}");
    }
    let long = format!("{{\"success\":true,\"session_key\":\"{}\"}}", "k".repeat(4097));
    let refused = [
        (200, r#"{"success":false,"session_key":"k"}"#),
        (200, r#"{"success":"true","session_key":"k"}"#),
        (200, r#"{"success":true}"#),
        (200, r#"{"success":true,"session_key":""}"#),
        (200, r#"{"success":true,"session_key":"a b"}"#),
        (200, r#"{"success":true,"session_key":"a;amount:1"}"#),
        (200, r#"{"success":true,"session_key":7}"#),
        (200, r#"{"success":true,"session_key":"a","session_key":"b"}"#),
        (200, &long),
        (200, "<html>"),
        (200, ""),
        (403, r#"{"success":true,"session_key":"k"}"#),
        (500, r#"{"success":true,"session_key":"k"}"#),
    ];
    for (http, body) in refused {
        let answer = done(pay(body, http));
        assert!(matches!(answer, InitiationAnswer::NotNow(_)), "{http} {body}: {answer:?}");
        let opening = done(dialect().open(&deposit(), &[Reply::new(http, body)]).unwrap());
        assert!(matches!(opening, Opening::Refused(_)), "{http} {body}: {opening:?}");
    }
}

#[test]
fn a_payout_is_the_documented_body_signed_with_its_amount_in_the_shortest_form() {
    let call = called(dialect().pay(&payout(), &[session()]).unwrap());

    assert_eq!(call.url.as_str(), "https://api.example/v1/payments/payout/");
    let body = text(&call);
    let signature = body.split("\"signature\":\"").nth(1).unwrap()[..40].to_owned();
    let expected = format!(
        "{{\"amount\":20.5,\"card_holder\":\"Good Fella\",\"card_number\":\"4111111111111111\",\"external_id\":\"order_1\",\
         \"group\":501,\"order_ref\":\"order_1\",\"session_key\":\"{KEY}\",\"signature\":\"{signature}\",\"site_id\":332,\
         \"site_login\":\"user_test\",\"valid_thru_month\":\"02\",\"valid_thru_year\":\"2027\"}}"
    );
    assert_eq!(body, expected);
    assert!(is_rightly_signed(&call));
    let canonical = format!(
        "amount:20.5;card_holder:Good Fella;card_number:4111111111111111;external_id:order_1;group:501;order_ref:order_1;\
         session_key:{KEY};site_id:332;site_login:user_test;valid_thru_month:02;valid_thru_year:2027;test_salt"
    );
    use sha1::{Digest, Sha1};
    assert_eq!(signature, hex::encode(Sha1::digest(canonical)));
    let hidden: Vec<&str> = call.hidden.iter().map(Secret::expose).collect();
    assert_eq!(hidden, [KEY, "4111111111111111"], "nobody reads these in the books");
}

#[test]
fn a_deposit_is_the_documented_body_and_is_not_signed() {
    let mut order = deposit();
    order.details.extend(texts(&[
        ("time_zone_offset", "-180"),
        ("screen_width", "2880"),
        ("browser_language", "en-US"),
    ]));

    let call = called(dialect().open(&order, &[session()]).unwrap());

    assert_eq!(call.url.as_str(), "https://api.example/v1/payments/deposit/");
    let expected = format!(
        "{{\"amount\":20.5,\"browser_language\":\"en-US\",\"card_holder\":\"Good Fella\",\"card_number\":\"4111111111111111\",\
         \"cvv\":\"123\",\"external_id\":\"order_1\",\"group\":501,\"order_ref\":\"order_1\",\
         \"redirect_success_url\":\"https://casino.example/ok\",\"screen_width\":2880,\"session_key\":\"{KEY}\",\
         \"time_zone_offset\":-180,\"valid_thru_month\":\"02\",\"valid_thru_year\":\"2027\"}}"
    );
    assert_eq!(text(&call), expected);
}

#[test]
fn amounts_are_the_shortest_decimals_and_whole_where_the_currency_is() {
    let paid = |minor, code| {
        let order = PayoutOrder { amount: money(minor, code), ..payout() };
        text(&called(dialect().pay(&order, &[session()]).unwrap()))
    };
    let opened = |minor, code| {
        let order = DepositOrder { amount: money(minor, code), ..deposit() };
        text(&called(dialect().open(&order, &[session()]).unwrap()))
    };
    let table = [
        (2050, "USD", "20.5"),
        (2055, "USD", "20.55"),
        (2000, "USD", "20"),
        (5, "USD", "0.05"),
        (10, "USD", "0.1"),
        (100_000, "USD", "1000"),
        (999_999_999_999_999, "USD", "9999999999999.99"),
        (2000, "JPY", "2000"),
    ];
    for (minor, code, shown) in table {
        assert!(paid(minor, code).contains(&format!("{{\"amount\":{shown},")), "{}", paid(minor, code));
        if code == "USD" {
            assert!(opened(minor, code).contains(&format!("{{\"amount\":{shown},")), "{}", opened(minor, code));
        }
    }
    for code in ["JPY", "KRW", "VND"] {
        let body = opened(2000, code);
        assert!(body.contains("\"minor_amount\":2000") && !body.contains("\"amount\""), "{body}");
    }
}

proptest::proptest! {
    #[test]
    fn every_amount_is_read_back_as_it_was_and_is_short(minor in 1..=crate::money::MAX_MINOR) {
        let order = PayoutOrder { amount: money(minor, "USD"), ..payout() };
        let body = text(&called(dialect().pay(&order, &[session()]).unwrap()));
        let shown = body.split("\"amount\":").nth(1).unwrap().split(',').next().unwrap().to_owned();

        proptest::prop_assert_eq!(Money::parse_major(&shown, Currency::parse("USD").unwrap()).unwrap(), money(minor, "USD"));
        proptest::prop_assert!(!shown.contains('.') || !shown.ends_with('0') && !shown.ends_with('.'), "{}", shown);
    }
}

#[test]
fn what_cannot_be_written_is_told_before_anything_goes() {
    let refused = |order: PayoutOrder| dialect().pay(&order, &[]).unwrap_err();
    let with_group = |group: &str| PayoutOrder { rail: Some(group.to_owned()), ..payout() };

    for group in ["0", "-1", "501 ", "cards", "0501", "1207", "99999999999999999999"] {
        assert!(matches!(refused(with_group(group)), Error::Invalid("provider_method")), "{group}");
    }
    let no_ip = PayoutOrder { optional: Vec::new(), ..payout() };
    assert!(matches!(refused(no_ip), Error::Missing("customer_ip")));
    let bad_ip = PayoutOrder { optional: vec![("customer_ip".to_owned(), "here".to_owned())], ..payout() };
    assert!(matches!(refused(bad_ip), Error::Invalid("customer_ip")));
    let login = PayoutOrder { login: Login::parse("a;amount:1").unwrap(), ..payout() };
    assert!(matches!(refused(login), Error::Invalid("site_login")));
    assert!(matches!(refused(PayoutOrder { details: Texts::new(), ..payout() }), Error::Missing("card_number")));
    let holder = PayoutOrder { details: card_with("card_holder", "a;amount:1"), ..payout() };
    assert!(matches!(refused(holder), Error::Invalid("card_holder")));
    let without = with_account("payout_url = \"https://cashier.example/\"").0;
    assert!(matches!(without.pay(&payout(), &[]), Err(Error::Conflict(_))));
    assert!(matches!(without.open(&deposit(), &[]), Err(Error::Conflict(_))));
}

#[test]
fn a_card_is_what_the_direction_needs_and_nothing_else() {
    let check = |direction, details: &Texts| dialect().check(SiteId(SITE), direction, Some("501"), details);
    let name = |result: Result<(), Error>| match result {
        Ok(()) => String::new(),
        Err(Error::Missing(name)) => format!("-{name}"),
        Err(Error::Invalid(name)) => name.to_owned(),
        Err(other) => panic!("{other}"),
    };
    assert_eq!(name(check(Direction::Payout, &card())), "");
    assert_eq!(name(check(Direction::Deposit, &card_with("cvv", "1234"))), "");
    assert_eq!(name(check(Direction::Deposit, &card())), "-cvv");
    assert_eq!(name(check(Direction::Payout, &card_with("cvv", "123"))), "cvv", "nobody may keep it");
    assert_eq!(name(check(Direction::Payout, &card_with("screen_width", "1"))), "details");
    for (detail, _) in card() {
        let mut without = card();
        without.remove(&detail);
        assert_eq!(name(check(Direction::Payout, &without)), format!("-{detail}"));
        assert_eq!(name(check(Direction::Payout, &card_with(&detail, "  "))), format!("-{detail}"));
    }
    let long = "x".repeat(129);
    let table = [
        ("card_number", "41111111111"),
        ("card_number", "41111111111111111111"),
        ("card_number", "4111 1111 1111 1111"),
        ("card_number", "４１１１１１１１１１１１１１１１"),
        ("valid_thru_month", "2"),
        ("valid_thru_month", "00"),
        ("valid_thru_month", "13"),
        ("valid_thru_year", "27"),
        ("valid_thru_year", "20270"),
        ("card_holder", &long),
        ("card_holder", "a\nb"),
        ("cvv", "12"),
        ("cvv", "12345"),
        ("cvv", "abc"),
        ("screen_width", "0"),
        ("screen_width", "wide"),
        ("color_depth", "024"),
        ("time_zone_offset", "+180"),
        ("time_zone_offset", "--1"),
        ("browser_language", "en US"),
    ];
    for (detail, bad) in table {
        let mut details = card_with("cvv", "123");
        details.insert(detail.to_owned(), bad.to_owned());
        assert_eq!(name(check(Direction::Deposit, &details)), detail, "{bad}");
    }
    let mut unknown = card_with("cvv", "123");
    unknown.insert("amount".to_owned(), "1".to_owned());
    assert_eq!(name(check(Direction::Deposit, &unknown)), "details");
    let of_the_page = dialect().check(SiteId(SITE), Direction::Deposit, None, &card());
    assert!(matches!(of_the_page, Err(Error::Invalid("details"))), "the Cashier's own page asks for everything");
}

#[test]
fn groups_and_currencies_are_served_where_they_are_configured_and_clear() {
    let serves = |lines: &str, direction, group: Option<&str>, code: &str| {
        with_account(lines).0.serves(SiteId(SITE), direction, group, Currency::parse(code).unwrap())
    };
    for group in ["501", "1019"] {
        assert!(
            serves(URLS, Direction::Deposit, Some(group), "USD") && serves(URLS, Direction::Payout, Some(group), "JPY")
        );
    }
    for group in ["1207", "cards", "0"] {
        assert!(!serves(URLS, Direction::Deposit, Some(group), "USD"), "{group}");
    }
    // Whose decimals the manual leaves in doubt.
    for code in ["KWD", "CLP"] {
        assert!(
            !serves(URLS, Direction::Deposit, Some("501"), code) && !serves(URLS, Direction::Payout, Some("501"), code)
        );
    }
    let deposits_only = URLS.rsplit_once('\n').unwrap().0;
    assert!(serves(deposits_only, Direction::Deposit, Some("501"), "USD"));
    assert!(!serves(deposits_only, Direction::Payout, Some("501"), "USD"));
    assert!(!serves("", Direction::Deposit, Some("501"), "USD"));
    assert!(!serves(URLS, Direction::Deposit, None, "USD"), "the page needs its own address");
    let of_rail = |rail| dialect().lost_opening_counts(SiteId(SITE), rail);
    assert!(of_rail(Some("501")) && !of_rail(None));
}

#[test]
fn the_answer_to_a_payout_is_read_as_every_initiations() {
    let paid = |http, body: &str| done(dialect().pay(&payout(), &[session(), Reply::new(http, body)]).unwrap());

    let accepted = paid(200, r#"{"success":true,"code":0,"transaction_id":117580048,"order_id":"2177"}"#);
    let InitiationAnswer::Accepted(_, facts) = accepted else { panic!("{accepted:?}") };
    assert_eq!(facts, texts(&[("order_id", "2177"), ("transaction_id", "117580048")]));
    assert!(matches!(paid(200, r#"{"success":false,"code":500}"#), InitiationAnswer::Refused(_)));
    for (http, body) in [
        (403, r#"{"success":false,"code":403}"#),
        (400, r#"{"success":false,"code":400}"#),
        (200, r#"{"success":true}"#),
        (200, r#"{"success":false,"code":0}"#),
        (200, "<html>"),
        (500, ""),
    ] {
        assert!(matches!(paid(http, body), InitiationAnswer::Unknown(_)), "{http} {body}");
    }
}

#[test]
fn the_answer_to_a_deposit_is_a_page_a_clear_yes_a_clear_no_or_nothing_clear() {
    let opened = |http, body: &str| done(dialect().open(&deposit(), &[session(), Reply::new(http, body)]).unwrap());
    let page = "https://acs.example/3ds/?id=1";
    let facts = texts(&[("order_id", "2177")]);

    let open = |redirect_url: Option<&str>, facts: &Texts| {
        let redirect_url = redirect_url.map(str::to_owned);
        Opening::Open(Opened { redirect_url, requisites: Texts::new(), facts: facts.clone() })
    };
    let none = Texts::new();
    for (body, expected) in [
        (
            format!(r#"{{"success":true,"code":0,"order_id":"2177","3ds_redirect_url":"{page}"}}"#),
            open(Some(page), &facts),
        ),
        (format!(r#"{{"success":true,"3ds_redirect_url":"{page}"}}"#), open(Some(page), &none)),
        (format!(r#"{{"redirect":"{page}","status":3,"type":1,"order_id":"2177"}}"#), open(Some(page), &facts)),
        (r#"{"success":true,"code":0,"order_id":"2177"}"#.to_owned(), open(None, &facts)),
        (r#"{"success":true,"code":0,"3ds_redirect_url":null,"redirect":" "}"#.to_owned(), open(None, &none)),
    ] {
        assert_eq!(opened(200, &body), expected, "{body}");
    }
    assert!(matches!(opened(200, r#"{"success":false,"code":500,"errors":"no"}"#), Opening::Refused(_)));
    for (http, body) in [
        (403, r#"{"success":false,"code":403}"#.to_owned()),
        (500, "".to_owned()),
        (200, "".to_owned()),
        (200, "{}".to_owned()),
        (200, r#"{"success":true,"code":5}"#.to_owned()),
        (200, r#"{"success":false,"code":0}"#.to_owned()),
        (200, r#"{"success":false}"#.to_owned()),
        (200, format!(r#"{{"success":false,"code":5,"3ds_redirect_url":"{page}"}}"#)),
        (200, format!(r#"{{"success":"true","3ds_redirect_url":"{page}"}}"#)),
        (200, r#"{"success":true,"code":0,"3ds_redirect_url":"javascript:alert(1)"}"#.to_owned()),
        (200, r#"{"success":true,"code":0,"3ds_redirect_url":"/3ds"}"#.to_owned()),
        (200, r#"{"success":true,"code":0,"3ds_redirect_url":{"url":"https://acs.example/"}}"#.to_owned()),
        (200, r#"{"success":true,"code":0,"3ds_redirect_url":"https://user@acs.example/"}"#.to_owned()),
    ] {
        let opening = opened(http, &body);
        assert!(matches!(opening, Opening::Unknown(_)), "{http} {body}: {opening:?}");
    }
}

#[test]
fn settings_of_api_1_0_are_whole_or_refused() {
    let errors = |lines: &str| {
        let problems = with_account(lines).1.into_iter().filter(Problem::is_error);
        problems.map(|problem| problem.key).collect::<Vec<_>>()
    };
    let key = |name: &str| vec![format!("sites.demo.carouseller.{name}")];

    assert_eq!(errors(URLS), Vec::<String>::new());
    assert_eq!(errors("deposit_url = \"https://api.example/d/\""), key("session_url"));
    assert_eq!(errors("direct_payout_url = \"https://api.example/p/\""), key("session_url"));
    assert_eq!(errors("status_url = \"http://api.example/s/\""), key("status_url"));
    assert_eq!(errors("session_url = \"api.example\""), key("session_url"));
    assert_eq!(errors("status_amounts = \"cents\""), key("status_amounts"));
    let told = with_account("session_url = \"https://api.example/k/\"").1;
    assert!(told.iter().any(|problem| !problem.is_error() && problem.key.ends_with(".session_url")), "{told:?}");
    let told = with_account(URLS).1;
    assert!(told.iter().any(|problem| !problem.is_error() && problem.key.ends_with(".status_url")), "{told:?}");
    let shown = with_account("status_url = \"https://api.example/s/?token=1\"").0.shown(SiteId(SITE));
    assert_eq!(shown["status_url"], "https://api.example/s/?***");
    assert_eq!(shown["status_amounts"], "minor");
}
