//! The OpenAPI document says what there is, and the page that shows it needs nothing from elsewhere.

#[path = "openapi/document.rs"]
mod document;
#[path = "openapi/routes.rs"]
mod routes;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::binary::run;
use crate::support::wire::params;

const METHODS: [&str; 6] = ["get", "put", "post", "delete", "patch", "head"];

/// What is served and is no operation of an API: a path, with everything below it, and why. A new one needs a reason.
const NOT_OPERATIONS: [(&str, &str); 1] = [("/docs", "the page that shows the document to people")];

async fn get(app: &TestApp, path: &str) -> (u16, String, String, String) {
    let response = reqwest::get(format!("{}{path}", app.private)).await.expect("an answer");
    let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
    let (status, kind, policy) =
        (response.status().as_u16(), header("content-type"), header("content-security-policy"));
    (status, kind, policy, response.text().await.expect("a body"))
}

/// Every operation of the document, as `METHOD path`.
fn operations(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().expect("paths");
    let of = |(path, item): (&String, &Value)| {
        let methods = item.as_object().expect("operations").keys().filter(|key| METHODS.contains(&key.as_str()));
        methods.map(|method| format!("{} {path}", method.to_uppercase())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

#[tokio::test]
async fn the_command_the_route_and_the_page_show_one_document() {
    let app = TestApp::spawn().await;
    let (status, kind, _, served) = get(&app, "/openapi.json").await;
    let printed = run(app.directory(), &["openapi"], "").json();

    assert_eq!((status, kind.as_str()), (200, "application/json"));
    let served: Value = serde_json::from_str(&served).expect("JSON");
    assert_eq!(served, printed);
    assert_eq!(served["openapi"].as_str().map(|version| &version[..3]), Some("3.1"));
}

#[test]
fn every_route_is_documented_and_every_documented_operation_is_routed() {
    let document = serde_json::to_value(croupier::api::document()).expect("JSON");
    let documented = operations(&document);
    let served = routes::served();
    let is_page = |path: &str| {
        let below = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        NOT_OPERATIONS.iter().any(|(root, _)| below(root))
    };
    let mut wrong: Vec<String> = served.unreadable.iter().map(|what| format!("cannot be read: {what}")).collect();
    for (route, place) in &served.routes {
        let path = route.split_once(' ').expect("a method and a path").1;
        match (documented.contains(route), is_page(path)) {
            (false, false) => wrong.push(format!("{route} is served ({place}) and is not in the document")),
            (true, true) => wrong.push(format!("{route} is in the document and in NOT_OPERATIONS")),
            (true, false) | (false, true) => {}
        }
    }
    let unserved = documented.iter().filter(|operation| !served.routes.contains_key(*operation));
    wrong.extend(unserved.map(|operation| format!("{operation} is in the document and is not served")));
    assert!(wrong.is_empty(), "src/api/openapi.rs and the routes under src/api:\n  {}", wrong.join("\n  "));
    assert!(served.routes.len() >= 30, "{:?}", served.routes);
}

#[test]
fn the_document_keeps_the_rules_of_openapi_3_1() {
    let document = serde_json::to_value(croupier::api::document()).expect("JSON");
    let wrong = document::problems(&document);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_cashier_s_messages_are_taken_as_the_document_shows_them() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let document = serde_json::to_value(croupier::api::document()).expect("JSON");
    let shown = |schema: &str| {
        let properties = document["components"]["schemas"][schema]["properties"].as_object().expect("properties");
        let examples =
            properties.iter().filter_map(|(name, about)| Some((name.clone(), about.get("example")?.clone())));
        Value::Object(examples.collect())
    };
    let with = |mut message: Value, more: Value| {
        message.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        params(message)
    };

    let deposit = app.ask(&with(shown("CashierQuestion"), json!({}))).await;
    assert_eq!(deposit.code(), Some(0), "{}", deposit.summary());
    let order = json!({"external_id": deposit.external_id()});
    let told = app.notify(&with(shown("CashierNotification"), order)).await;
    assert!(told.acknowledges(), "{}", told.summary());
    assert_eq!(app.balance("alice").await, (10_000, 0));
    let payout = json!({"action": "request_payout", "transaction_id": "1234567891"});
    let payout = app.ask(&with(shown("CashierQuestion"), payout)).await;

    assert_eq!(payout.code(), Some(50), "{}", payout.summary());
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let app = TestApp::spawn().await;
    let (status, kind, policy, page) = get(&app, "/docs").await;
    assert_eq!(status, 200);
    assert!(kind.starts_with("text/html") && policy.starts_with("default-src 'self'"), "{kind} {policy}");
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
    let named: Vec<String> = page
        .split(['"', '\''])
        .filter(|text| text.ends_with(".js") || text.ends_with(".css"))
        .map(|text| text.trim_start_matches("./").to_owned())
        .collect();
    assert!(named.len() >= 3, "{page}");
    for file in &named {
        let (status, _, policy, text) = get(&app, &format!("/docs/{file}")).await;
        assert!(status == 200 && !text.is_empty() && !policy.is_empty(), "{file}: {status}");
    }
    let (_, _, _, start) = get(&app, "/docs/swagger-initializer.js").await;
    assert!(start.contains("/openapi.json") && !start.contains("petstore"), "{start}");
    assert_eq!(get(&app, "/docs/nothing-there.js").await.0, 404);
}

#[tokio::test]
async fn every_operation_of_the_document_is_there_and_well_described() {
    let app = TestApp::spawn().await;
    let (_, _, _, text) = get(&app, "/openapi.json").await;
    let document: Value = serde_json::from_str(&text).expect("JSON");
    assert!(operations(&document).len() >= 10);
    let mut names = BTreeSet::new();

    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let place = format!("{method} {path}");
            assert!(names.insert(operation["operationId"].as_str().expect("a name").to_owned()), "{place}: name");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{place}: summary");
            assert!(operation["tags"].as_array().is_some_and(|tags| !tags.is_empty()), "{place}: tag");
            let responses = operation["responses"].as_object().expect("answers");
            assert!(responses.keys().any(|status| status.starts_with('2')), "{place}: no good answer");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path = parameters.iter().filter(|one| one["in"] == "path").count();
            assert_eq!(in_path, path.matches('{').count(), "{place}: parameters of the path");
            let filled = path.replace("{site_id}", "332").replace(['{', '}'], "x");
            // Public paths are on the other listener; there is nothing to be found at them here.
            if path.starts_with("/cashier") {
                continue;
            }
            let request = reqwest::Client::new()
                .request(method.to_uppercase().parse().expect("a method"), format!("{}{filled}", app.private));
            let status = request.send().await.expect("an answer").status().as_u16();
            let known = if operation["security"].is_null() { status == 200 } else { status == 401 };
            assert!(known, "{place}: answered {status} to a caller without a key");
        }
    }
}

#[tokio::test]
async fn every_reference_of_the_document_leads_somewhere() {
    let app = TestApp::spawn().await;
    let (_, _, _, text) = get(&app, "/openapi.json").await;
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let wanted: BTreeSet<&str> = text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(wanted.len() >= 10, "{wanted:?}");
    for pointer in wanted {
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}
