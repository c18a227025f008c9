//! The rules of OpenAPI 3.1 as far as they can be broken here, and our own: what is there is described, and what is named is there.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The types of JSON Schema.
const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
/// Members of a path that are no operation.
const BESIDE_OPERATIONS: [&str; 4] = ["summary", "description", "servers", "parameters"];

/// Everything that is wrong with a document.
pub fn problems(document: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for name in ["title", "version", "description"] {
        if is_blank(&document["info"][name]) {
            wrong.push(format!("info: no {name}"));
        }
    }
    let mut names = BTreeSet::new();
    for (path, item) in members(&document["paths"]) {
        if !path.starts_with('/') {
            wrong.push(format!("{path} does not begin with /"));
        }
        for (method, operation) in members(item).filter(|(name, _)| !BESIDE_OPERATIONS.contains(&name.as_str())) {
            let place = format!("{} {path}", method.to_uppercase());
            let name = operation["operationId"].as_str().unwrap_or_default();
            if name.is_empty() || !names.insert(name) {
                wrong.push(format!("{place}: operationId `{name}` is empty or taken"));
            }
            about(document, operation, &place, &mut wrong);
            parameters(path, operation, &place, &mut wrong);
            answers(operation, &place, &mut wrong);
        }
    }
    for (name, schema) in members(&document["components"]["schemas"]) {
        let trivial = ["properties", "oneOf", "anyOf", "allOf", "enum"].iter().all(|key| schema.get(key).is_none());
        if !trivial && is_blank(&schema["description"]) {
            wrong.push(format!("schema {name}: no description"));
        }
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
            wrong.push(format!("schema {name}: not a name of a component"));
        }
        if !document.to_string().contains(&format!("\"#/components/schemas/{name}\"")) {
            wrong.push(format!("schema {name}: nothing names it"));
        }
    }
    schemas(document, "", &mut wrong);
    wrong
}

/// Summary, description, tags and security of an operation.
fn about(document: &Value, operation: &Value, place: &str, wrong: &mut Vec<String>) {
    for name in ["summary", "description"] {
        if is_blank(&operation[name]) {
            wrong.push(format!("{place}: no {name}"));
        }
    }
    let declared: BTreeSet<&str> = items(&document["tags"]).filter_map(|tag| tag["name"].as_str()).collect();
    for tag in items(&operation["tags"]).filter_map(Value::as_str) {
        if !declared.contains(tag) {
            wrong.push(format!("{place}: the tag {tag} is not described"));
        }
    }
    for (scheme, _) in items(&operation["security"]).flat_map(members) {
        if document["components"]["securitySchemes"].get(scheme).is_none() {
            wrong.push(format!("{place}: there is no security scheme {scheme}"));
        }
    }
}

/// Every part of the path is a parameter once, and every parameter of the path a part of it.
fn parameters(path: &str, operation: &Value, place: &str, wrong: &mut Vec<String>) {
    let mut known = BTreeSet::new();
    for parameter in items(&operation["parameters"]) {
        let (name, within) =
            (parameter["name"].as_str().unwrap_or_default(), parameter["in"].as_str().unwrap_or_default());
        if name.is_empty() || !known.insert((within, name)) {
            wrong.push(format!("{place}: the parameter `{name}` has no name, or is there twice"));
        }
        if !["path", "query", "header", "cookie"].contains(&within) || !parameter["schema"].is_object() {
            wrong.push(format!("{place}: the parameter {name} has no place or no schema"));
        }
        if within == "path" && parameter["required"] != Value::Bool(true) {
            wrong.push(format!("{place}: the parameter {name} of the path is not required"));
        }
    }
    let parts: BTreeSet<&str> = path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
    let given: BTreeSet<&str> = known.iter().filter(|(within, _)| *within == "path").map(|(_, name)| *name).collect();
    if parts != given {
        wrong.push(format!("{place}: the path has {parts:?}, its parameters are {given:?}"));
    }
}

/// Every answer has a status and a description, and every body a media type and a schema.
fn answers(operation: &Value, place: &str, wrong: &mut Vec<String>) {
    for (status, answer) in members(&operation["responses"]) {
        if !(status.len() == 3 && status.parse::<u16>().is_ok_and(|status| (100..600).contains(&status))) {
            wrong.push(format!("{place}: {status} is no status"));
        }
        if is_blank(&answer["description"]) {
            wrong.push(format!("{place}: {status} has no description"));
        }
        bodies(answer, &format!("{place}: {status}"), wrong);
    }
    if !operation["requestBody"].is_null() {
        if members(&operation["requestBody"]["content"]).next().is_none() {
            wrong.push(format!("{place}: a body without content"));
        }
        bodies(&operation["requestBody"], &format!("{place}: its body"), wrong);
    }
}

fn bodies(holder: &Value, place: &str, wrong: &mut Vec<String>) {
    for (media, content) in members(&holder["content"]) {
        if !media.contains('/') || !content["schema"].is_object() {
            wrong.push(format!("{place}: {media} is no media type, or has no schema"));
        }
    }
}

/// What any schema must keep, wherever it is.
fn schemas(value: &Value, place: &str, wrong: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            // An example is data, and a schema of properties may have a property of any name.
            if !place.ends_with("/properties") {
                schema(object, place, wrong);
            }
            for (name, inner) in object.iter().filter(|(name, _)| *name != "example" && *name != "examples") {
                schemas(inner, &format!("{place}/{name}"), wrong);
            }
        }
        Value::Array(array) => {
            array.iter().enumerate().for_each(|(at, inner)| schemas(inner, &format!("{place}/{at}"), wrong));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn schema(object: &Map<String, Value>, place: &str, wrong: &mut Vec<String>) {
    let types: Vec<&str> = match object.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        Some(_) | None => Vec::new(),
    };
    // A security scheme has a type of its own.
    if !place.contains("/securitySchemes/") && types.iter().any(|kind| !TYPES.contains(kind)) {
        wrong.push(format!("{place}: {types:?} are no types"));
    }
    if types.contains(&"array") && !object.contains_key("items") && !object.contains_key("prefixItems") {
        wrong.push(format!("{place}: an array of nothing"));
    }
    if object.contains_key("nullable") {
        wrong.push(format!("{place}: `nullable` is of OpenAPI 3.0"));
    }
    let properties = object.get("properties");
    for name in object.get("required").into_iter().flat_map(items).filter_map(Value::as_str) {
        if properties.and_then(|properties| properties.get(name)).is_none() {
            wrong.push(format!("{place}: requires {name}, which is no property"));
        }
    }
}

fn is_blank(text: &Value) -> bool {
    text.as_str().is_none_or(|text| text.trim().is_empty())
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[test]
fn what_breaks_a_rule_is_found() {
    let document = serde_json::json!({
        "info": {"title": "x", "version": "1", "description": "x"}, "tags": [],
        "paths": {"/{a}": {
            "get": {"operationId": "x", "summary": "x", "description": "x", "tags": ["t"], "security": [{"s": []}],
                "responses": {"ok": {"description": ""}}},
            "put": {"operationId": "x", "summary": "x", "parameters": [{"name": "a", "in": "path"}],
                "responses": {"200": {"description": "x", "content": {"text": {}}}}},
        }},
        "components": {"schemas": {"A": {"type": "object", "required": ["b"], "properties": {"c": {"type": "array"}}},
            "D": {"type": "float", "nullable": true}}},
    });

    assert_eq!(
        problems(&document),
        [
            "GET /{a}: the tag t is not described",
            "GET /{a}: there is no security scheme s",
            "GET /{a}: the path has {\"a\"}, its parameters are {}",
            "GET /{a}: ok is no status",
            "GET /{a}: ok has no description",
            "PUT /{a}: operationId `x` is empty or taken",
            "PUT /{a}: no description",
            "PUT /{a}: the parameter a has no place or no schema",
            "PUT /{a}: the parameter a of the path is not required",
            "PUT /{a}: 200: text is no media type, or has no schema",
            "schema A: no description",
            "schema A: nothing names it",
            "schema D: nothing names it",
            "/components/schemas/A: requires b, which is no property",
            "/components/schemas/A/properties/c: an array of nothing",
            "/components/schemas/D: [\"float\"] are no types",
            "/components/schemas/D: `nullable` is of OpenAPI 3.0",
        ]
    );
}
