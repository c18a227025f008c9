//! Who gets in, and how badly one can be answered.

use super::*;

const CALLS: [(&str, &str); 21] = [
    ("POST", "/authentication-tokens"),
    ("POST", "/authentication-tokens/x/exchange"),
    ("POST", "/cashiers"),
    ("GET", "/cashiers/x"),
    ("POST", "/storefront/cashiers/x/cancel-payout-requests"),
    ("POST", "/deposit-requests"),
    ("GET", "/deposit-requests"),
    ("GET", "/deposit-requests/x"),
    ("POST", "/payout-requests"),
    ("GET", "/payout-requests"),
    ("PUT", "/payout-requests/x"),
    ("GET", "/payout-requests/x"),
    ("PATCH", "/payout-requests/x"),
    ("POST", "/payout-requests/x/cancel"),
    ("POST", "/payout-requests/x/split"),
    ("POST", "/payout-request-allocations"),
    ("GET", "/payout-request-allocations"),
    ("POST", "/payout-request-allocations/auto"),
    ("POST", "/payout-request-allocations/process"),
    ("GET", "/transactions/x"),
    ("POST", "/transactions/x/query"),
];

#[tokio::test]
async fn nobody_gets_in_with_a_wrong_key() {
    let rebilly = start().await;
    let customer = format!("Bearer {}", rebilly.customer_token(CUSTOMER));
    let right = rebilly.account().api_key.expose().to_owned();
    for (method, path) in CALLS {
        for header in
            [("x-none", "1"), ("reb-apikey", ""), ("reb-apikey", "sk_sandbox_x"), ("authorization", "Bearer x")]
        {
            let back = request(&rebilly, method, path, header, &payout_body("1")).await.expect("an answer");

            assert_eq!((back.status, back.json()["status"].as_i64()), (401, Some(401)), "{method} {path} {header:?}");
        }
        // The key of the server opens no storefront, and a customer's token nothing else.
        let other = if path.starts_with("/storefront") {
            ("reb-apikey", right.as_str())
        } else {
            ("authorization", &*customer)
        };
        let back = request(&rebilly, method, path, other, "").await.expect("an answer");
        assert_eq!(back.status, 401, "{method} {path}");
    }
    assert!(rebilly.orders().is_empty());
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_lead_nowhere() {
    let rebilly = start().await;
    for path in ["", "/", "/x", "/payout-requests/a/b", "/payout-requests/a/approve", "/cashiers/a/b", "/transactions"]
    {
        assert_eq!(ask(&rebilly, "GET", path, "").await.status, 404, "{path}");
    }
    for (method, path) in [
        ("DELETE", "/payout-requests/x"),
        ("PUT", "/cashiers/x"),
        ("GET", "/cashiers"),
        ("POST", "/payout-requests/x"),
        ("PATCH", "/deposit-requests/x"),
        ("GET", "/payout-requests/x/cancel"),
    ] {
        assert_eq!(ask(&rebilly, method, path, "").await.status, 405, "{method} {path}");
    }
    let other = Account { organization_id: "org_other".into(), ..Account::default() };
    let elsewhere = format!("{}/organizations/{}/payout-requests", rebilly.state.base(), other.organization_id);
    let key = rebilly.account().api_key.expose();
    let back = client().get(elsewhere).header("reb-apikey", key).send().await.expect("an answer");
    assert_eq!(back.status(), 404);
}

#[tokio::test]
async fn every_field_that_is_wrong_is_named() {
    let rebilly = start().await;
    for (body, fields) in [
        ("{}", vec!["websiteId", "customerId", "currency", "amount"]),
        (
            r#"{"websiteId":"web_x","customerId":"c d","currency":"usd","amount":1}"#,
            vec!["websiteId", "customerId", "currency"],
        ),
    ] {
        let back = ask(&rebilly, "PUT", "/payout-requests/w-1", body).await;
        assert_eq!((back.status, back.fields()), (422, fields.into_iter().map(str::to_owned).collect()), "{body}");
    }
    for amount in ["0", "0.00", "-1", "1.001", "1e2", "\"1\"", "true", "null", "[1]"] {
        let back = ask(&rebilly, "PUT", "/payout-requests/w-1", &payout_body(amount)).await;
        assert_eq!((back.status, back.fields()), (422, vec!["amount".to_owned()]), "{amount}");
    }
    for body in ["{", "[]", "1", "amount=1"] {
        assert_eq!(ask(&rebilly, "PUT", "/payout-requests/w-1", body).await.status, 400, "{body}");
    }
    assert_eq!(ask(&rebilly, "PUT", "/payout-requests/w%201", &payout_body("1")).await.status, 422);
    assert!(rebilly.orders().is_empty());
}

#[tokio::test]
async fn a_bad_answer_is_an_order_that_was_taken() {
    for answering in [
        Answering::Hangup,
        Answering::Reset,
        Answering::Status(502),
        Answering::Html,
        Answering::BrokenJson,
        Answering::Slow(Duration::from_millis(1)),
        Answering::Accept,
    ] {
        let rebilly = start().await;
        rebilly.answer_with(answering.clone());
        let key = rebilly.account().api_key.expose().to_owned();
        for (method, path, body) in [
            ("PUT", "/payout-requests/w-1", payout_body("100.00")),
            ("POST", "/deposit-requests", deposit_body("10", "http://127.0.0.1:1/t/{id}/{result}/d-1")),
        ] {
            let back = request(&rebilly, method, path, ("reb-apikey", &key), &body).await;

            let good = matches!(answering, Answering::Slow(_) | Answering::Accept);
            assert_eq!(back.is_some_and(|back| back.status == 201), good, "{answering:?} {path}");
        }
        let ids: Vec<String> = rebilly.orders().iter().map(|taken| taken.id.clone()).collect();
        assert_eq!(ids, ["w-1", "d-1"], "{answering:?}");
        assert!(rebilly.wait_for("w-1", Duration::from_secs(5)).await.is_some(), "{answering:?}");
    }
}

#[tokio::test]
async fn an_endless_answer_takes_too() {
    let rebilly = start().await;
    rebilly.answer_with(Answering::Endless);
    let key = rebilly.account().api_key.expose().to_owned();
    let body = payout_body("1");
    let asking = request(&rebilly, "PUT", "/payout-requests/w-1", ("reb-apikey", &key), &body);

    let taken = tokio::select! {
        _ = asking => None,
        taken = rebilly.wait_for("w-1", Duration::from_secs(5)) => taken,
    };

    assert_eq!(taken.map(|taken| (taken.amount, taken.asked)), Some((100, 1)));
}

#[tokio::test]
async fn what_is_not_taken_is_no_order() {
    for (answering, status) in [
        (Answering::Refuse, Some(422)),
        (Answering::Redirect("http://127.0.0.1:1/".into()), Some(302)),
        (Answering::Vanish, None),
    ] {
        let rebilly = start().await;
        rebilly.answer_with(answering.clone());
        let key = rebilly.account().api_key.expose().to_owned();

        let path = "/payout-requests/w-1";
        let back = request(&rebilly, "PUT", path, ("reb-apikey", &key), &payout_body("1")).await;

        assert_eq!(back.map(|back| back.status), status, "{answering:?}");
        assert!(rebilly.orders().is_empty(), "{answering:?}");
        rebilly.answer_with(Answering::Accept);
        assert_eq!(ask(&rebilly, "PUT", path, &payout_body("1")).await.status, 201);
        assert_eq!(rebilly.orders()[0].asked, 2, "what came before counts: {answering:?}");
    }
}

#[tokio::test]
async fn questions_are_counted_and_answered_as_ordered() {
    let rebilly = start().await;
    payout(&rebilly, "w-1", &[]).await;
    let key = rebilly.account().api_key.expose().to_owned();
    for (telling, status) in [
        (Telling::Truth, Some(200)),
        (Telling::NotFound, Some(404)),
        (Telling::Unavailable, Some(503)),
        (Telling::TooMany, Some(429)),
        (Telling::Hangup, None),
    ] {
        rebilly.tell_with(telling);
        let back = request(&rebilly, "GET", "/payout-requests/w-1", ("reb-apikey", &key), "").await;
        assert_eq!(back.map(|back| back.status), status, "{telling:?}");
    }
    rebilly.tell_with(Telling::NotFound);
    assert_eq!(ask(&rebilly, "GET", "/payout-requests?filter=customerId:cus_alice", "").await.json(), json!([]));
    rebilly.tell_with(Telling::Truth);
    assert_eq!(ask(&rebilly, "GET", "/payout-requests/unknown", "").await.status, 404);
    assert_eq!((rebilly.asked_about("w-1"), rebilly.asked_about("unknown")), (5, 1));
}

#[tokio::test]
async fn a_reached_rate_limit_says_a_moment() {
    let rebilly = start().await;
    let first = ask(&rebilly, "PUT", "/payout-requests/w-1", &payout_body("1")).await;
    assert_eq!(
        (first.header("x-ratelimit-limit"), first.header("x-ratelimit-remaining")),
        (Some("3000"), Some("2999"))
    );

    rebilly.limit_rate(Some(1_713_187_500));

    let back = ask(&rebilly, "PUT", "/payout-requests/w-2", &payout_body("1")).await;
    assert_eq!((back.status, back.header("x-ratelimit-retry-after")), (429, Some("1713187500")));
    assert_eq!(ask(&rebilly, "GET", "/payout-requests/w-1", "").await.status, 200);
    rebilly.limit_rate(None);
    assert_eq!(ask(&rebilly, "PUT", "/payout-requests/w-2", &payout_body("1")).await.status, 201);
    assert_eq!(rebilly.orders().len(), 2);
}

#[tokio::test]
async fn the_settings_lead_here_and_secrets_are_not_printed() {
    let rebilly = start().await;
    let settings = rebilly.settings("demo");

    for line in
        ["[sites.demo.rebilly]", "[sites.demo.methods.rebilly]", "provider = \"rebilly\"", "webhook_auth = \"basic\""]
    {
        assert!(settings.lines().any(|one| one == line), "{settings}");
    }
    assert!(settings.contains(&format!("url = \"http://{}\"", rebilly.address())));
    let printed = format!("{rebilly:?}");
    for secret in
        [&rebilly.account().api_key, &rebilly.account().webhook_password, &rebilly.account().notification_token]
    {
        assert!(secret.expose().len() >= 24 && !printed.contains(secret.expose()));
    }
}
