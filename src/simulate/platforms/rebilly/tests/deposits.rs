//! Cashiers, what players take back, and deposit requests.

use super::*;

fn cashier_body(more: &str) -> String {
    let website = Account::default().website_id;
    format!(r#"{{"websiteId":"{website}","customerId":"{CUSTOMER}","currency":"USD"{more}}}"#)
}

#[tokio::test]
async fn a_cashier_lives_for_an_hour_and_is_given_again() {
    let rebilly = start().await;

    let first = ask(&rebilly, "POST", "/cashiers", &cashier_body(r#","redirectUrl":"https://casino.example/a""#)).await;
    let again = ask(&rebilly, "POST", "/cashiers", &cashier_body(r#","redirectUrl":"https://casino.example/b""#)).await;
    rebilly.expire_cashiers();
    let later = ask(&rebilly, "POST", "/cashiers", &cashier_body("")).await;

    assert_eq!((first.status, again.status, later.status), (201, 200, 201));
    assert_eq!(
        (first.text_of("id"), "https://casino.example/a"),
        (again.text_of("id"), &*again.text_of("redirectUrl"))
    );
    assert_ne!(first.text_of("id"), later.text_of("id"));
    assert!(first.text.contains(r#""balance":0.00,"bonusBalance":0.00,"pendingPayoutTotal":0.00,"canWithdraw":true"#));
    let read = ask(&rebilly, "GET", &format!("/cashiers/{}", first.text_of("id")), "").await;
    assert_eq!((read.status, read.text_of("cashierToken")), (200, first.text_of("cashierToken")));
    assert_eq!(ask(&rebilly, "GET", "/cashiers/cashier_x", "").await.status, 404);
}

#[tokio::test]
async fn balances_are_taken_by_the_older_edition_only() {
    let rebilly = start().await;
    let told = cashier_body(r#","balance":1500.00,"bonusBalance":0,"pendingPayoutTotal":100.5"#);

    let back = ask(&rebilly, "POST", "/cashiers", &told).await;

    assert_eq!(
        (back.status, back.fields()),
        (422, ["balance", "bonusBalance", "pendingPayoutTotal"].map(str::to_owned).to_vec())
    );
    rebilly.set_older_edition(true);
    let back = ask(&rebilly, "POST", "/cashiers", &told).await;
    assert!(
        back.text.contains(r#""balance":1500.00,"bonusBalance":0.00,"pendingPayoutTotal":100.50"#),
        "{}",
        back.text
    );
    for wrong in [r#","balance":-1"#, r#","depositLimits":{"minimum":0}"#, r#","notificationUrl":"no""#] {
        assert_eq!(ask(&rebilly, "POST", "/cashiers", &cashier_body(wrong)).await.status, 422, "{wrong}");
    }
}

#[tokio::test]
async fn a_player_takes_back_what_is_pending_and_no_more() {
    let rebilly = start().await;
    let cashier = ask(&rebilly, "POST", "/cashiers", &cashier_body("")).await;
    payout(&rebilly, "ready", &[]).await;
    rebilly.set_automatic_readiness(true);
    for id in ["p-1", "p-2", "p-3"] {
        payout(&rebilly, id, &[]).await;
    }
    let path = format!("/storefront/cashiers/{}/cancel-payout-requests", cashier.text_of("id"));
    let bearer = format!("Bearer {}", cashier.text_of("cashierToken"));
    let as_player = async |bearer: &str, body: &str| {
        request(&rebilly, "POST", &path, ("authorization", bearer), body).await.expect("an answer")
    };

    let other = format!("Bearer {}", rebilly.customer_token("cus_bob"));
    assert_eq!(as_player(&other, "").await.status, 403);
    assert_eq!(as_player(&bearer, r#"{"amount":300.01}"#).await.fields(), ["amount"]);
    let back = as_player(&bearer, r#"{"amount":150.00}"#).await;

    assert!(back.text.contains(r#""pendingPayoutTotal":100.00"#), "{}", back.text);
    let ends = || rebilly.orders().iter().map(|one| (one.id.clone(), one.end)).collect::<Vec<_>>();
    let stands =
        |ends: [End; 4]| ["ready", "p-1", "p-2", "p-3"].map(str::to_owned).into_iter().zip(ends).collect::<Vec<_>>();
    assert_eq!(ends(), stands([End::Pending, End::Cancelled, End::Cancelled, End::Pending]), "oldest first, whole");
    assert_eq!(as_player(&bearer, "").await.status, 200);
    assert_eq!(ends(), stands([End::Pending, End::Cancelled, End::Cancelled, End::Cancelled]));
    payout(&rebilly, "p-4", &[]).await;
    rebilly.reverse_by_player(CUSTOMER, "EUR", None);
    assert_eq!(rebilly.orders()[4].end, End::Pending);
    rebilly.reverse_by_player(CUSTOMER, "USD", None);
    assert_eq!(rebilly.orders()[4].end, End::Cancelled);
}

#[tokio::test]
async fn a_token_is_exchanged_once_for_a_customers_own() {
    let rebilly = start().await;
    let body = json!({"mode": "passwordless", "customerId": CUSTOMER}).to_string();
    let pass = ask(&rebilly, "POST", "/authentication-tokens", &body).await.text_of("token");
    let path = format!("/authentication-tokens/{pass}/exchange");

    let jwt = ask(&rebilly, "POST", &path, "").await;

    assert_eq!(
        (jwt.status, jwt.text_of("customerId"), jwt.text_of("token").split('.').count()),
        (201, CUSTOMER.into(), 3)
    );
    assert_eq!(ask(&rebilly, "POST", &path, "").await.status, 404);
    assert_eq!(ask(&rebilly, "POST", "/authentication-tokens", r#"{"mode":"password"}"#).await.status, 422);
}

#[tokio::test]
async fn a_paid_deposit_has_one_approved_sale() {
    let rebilly = start().await;
    let notification = "http://127.0.0.1:1/cashier/webhook/rebilly/notification/t/{id}/{result}/d-1";

    let made = ask(&rebilly, "POST", "/deposit-requests", &deposit_body("10.50", notification)).await;

    let own = made.text_of("id");
    let taken = rebilly.wait_for("d-1", Duration::ZERO).await.expect("an order");
    assert_eq!(
        (taken.way, taken.amount, taken.own_id.as_str(), taken.end),
        (Way::Deposit, 1050, own.as_str(), End::Pending)
    );
    assert!(
        made.text.contains(r#""amounts":[10.50],"amountLimits":null,"customAmount":null,"defaultAmount":10.50"#),
        "{}",
        made.text
    );
    let page = made.json()["_links"][1]["href"].as_str().expect("a page").to_owned();
    assert_eq!(client().get(page).send().await.expect("a page").status(), 200);
    let read = format!("/deposit-requests/{own}");
    assert_eq!(ask(&rebilly, "GET", &read, "").await.text_of("status"), "pending");
    rebilly.set("d-1", End::Declined);
    assert_eq!(ask(&rebilly, "GET", &read, "").await.text_of("status"), "attempted");
    rebilly.set("d-1", End::Paid);

    let done = ask(&rebilly, "GET", &read, "").await.json();
    assert_eq!((&done["status"], &done["cashierToken"]), (&json!("completed"), &Value::Null));
    let mut results = Vec::new();
    for id in done["transactionIds"].as_array().expect("a list") {
        let path = format!("/transactions/{}", id.as_str().expect("an id"));
        let one = ask(&rebilly, "GET", &path, "").await;
        assert!(one.text.contains(r#""type":"sale","#) && one.text.contains(r#""amount":10.50"#), "{}", one.text);
        assert_eq!(one.text_of("depositRequestId"), own);
        let asked = ask(&rebilly, "POST", &format!("{path}/query"), "").await;
        assert!(asked.text.starts_with(r#"{"amount":10.50,"#) && asked.text_of("result") == one.text_of("result"));
        results.push(one.text_of("result"));
    }
    assert_eq!(results, ["declined", "approved"], "a second attempt is a second transaction");
    assert_eq!(rebilly.asked_about("d-1"), 7, "questions about transactions are about their order");
}

#[tokio::test]
async fn a_deposit_asked_for_twice_is_made_twice_and_seen() {
    let rebilly = start().await;
    let body = deposit_body("10", "http://127.0.0.1:1/t/{id}/{result}/d-1");

    let first = ask(&rebilly, "POST", "/deposit-requests", &body).await.text_of("id");
    let second = ask(&rebilly, "POST", "/deposit-requests", &body).await.text_of("id");

    assert_ne!(first, second);
    let orders = rebilly.orders();
    assert_eq!((orders.len(), orders[0].asked, orders[0].own_id.as_str()), (1, 2, second.as_str()));
    let anonymous = deposit_body("10", "http://127.0.0.1:1/t/{id}/{result}");
    let own = ask(&rebilly, "POST", "/deposit-requests", &anonymous).await.text_of("id");
    assert_eq!((rebilly.orders()[1].id.clone(), rebilly.orders()[1].own_id.clone()), (own.clone(), own));
}

#[tokio::test]
async fn a_deposit_request_with_wrong_fields_is_refused() {
    let rebilly = start().await;
    let good = deposit_body("10", "http://127.0.0.1:1/{id}");
    for (from, to, field) in [
        ("[10]", "[0]", "amounts"),
        ("[10]", "[]", "amounts"),
        ("[10]", "[10.001]", "amounts"),
        ("[10]", "10", "amounts"),
        (r#""customAmount":null"#, r#""customAmount":{"minimum":1,"maximum":5}"#, "customAmount.multipleOf"),
        (r#""customAmount":null"#, r#""amountLimits":{}"#, "amountLimits.maximum"),
        (r#""customAmount":null"#, r#""expirationTime":"2020-01-01T00:00:00Z""#, "expirationTime"),
        (r#""customAmount":null"#, r#""strategyId":5"#, "strategyId"),
        ("http://", "ftp://", "notificationUrl"),
    ] {
        let back = ask(&rebilly, "POST", "/deposit-requests", &good.replace(from, to)).await;
        assert_eq!((back.status, back.fields()), (422, vec![field.to_owned()]), "{to}");
    }
    assert!(rebilly.orders().is_empty());
}

#[tokio::test]
async fn a_deposit_nobody_paid_ends_without_a_transaction() {
    let rebilly = start().await;
    ask(&rebilly, "POST", "/deposit-requests", &deposit_body("10", "http://127.0.0.1:1/{id}/{result}/d-1")).await;

    rebilly.set("d-1", End::Expired);

    let read = ask(&rebilly, "GET", "/deposit-requests", "").await.json()[0].clone();
    assert_eq!(
        (&read["status"], &read["transactionIds"], &read["cashierToken"]),
        (&json!("expired"), &json!([]), &Value::Null)
    );
}

#[tokio::test]
async fn what_is_paid_in_a_cashier_is_an_order_then() {
    let rebilly = start().await;
    let more =
        r#","notificationUrl":"http://127.0.0.1:1/t/{id}/{result}/d-1","depositLimits":{"minimum":5,"maximum":50}"#;
    let cashier = ask(&rebilly, "POST", "/cashiers", &cashier_body(more)).await.text_of("id");
    assert!(rebilly.orders().is_empty());

    let first = rebilly.deposit_in_cashier(&cashier, 2000).expect("an order");
    let second = rebilly.deposit_in_cashier(&cashier, 3000).expect("an order");

    assert_eq!((rebilly.deposit_in_cashier(&cashier, 499), rebilly.deposit_in_cashier("cashier_x", 500)), (None, None));
    assert_eq!(first, "d-1");
    let orders = rebilly.orders();
    assert_eq!(
        (orders.len(), orders[0].amount, orders[1].amount, orders[1].id.clone()),
        (2, 2000, 3000, second.clone())
    );
    rebilly.set(&second, End::Paid);
    assert_eq!(rebilly.orders()[1].end, End::Paid);
    assert_eq!(ask(&rebilly, "GET", &format!("/cashiers/{cashier}"), "").await.json()["cashierToken"], Value::Null);
}

#[tokio::test]
async fn a_paid_deposit_may_be_given_back_or_disputed() {
    let rebilly = start().await;
    for (id, status) in [("d-1", "refunded"), ("d-2", "disputed")] {
        let notification = format!("http://127.0.0.1:1/{{id}}/{{result}}/{id}");
        ask(&rebilly, "POST", "/deposit-requests", &deposit_body("10", &notification)).await;
        rebilly.choose_amount(id, 2500);
        let transaction = rebilly.begin(id).expect("a transaction");
        rebilly.set(id, End::Paid);
        if status == "refunded" {
            rebilly.refund(id)
        } else {
            rebilly.dispute(id)
        }

        let read = ask(&rebilly, "GET", &format!("/transactions/{transaction}"), "").await;
        assert_eq!((read.text_of("status").as_str(), read.text_of("result").as_str()), (status, "approved"));
        assert!(read.text.contains(r#""amount":25.00"#) && read.json()["revision"] == 3, "{}", read.text);
    }
}
