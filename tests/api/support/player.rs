//! A player's front end: a client of the players' API that can do everything wrong.

use serde_json::{Value, json};

use super::app::TestApp;

/// What the players' API answered.
#[derive(Debug, Clone)]
pub struct Told {
    pub status: u16,
    pub content_type: String,
    pub allow: String,
    /// The body as it came.
    pub text: String,
    pub json: Value,
}

impl Told {
    /// Status and the stable word of an error. It must have the form of the players' API.
    pub fn refusal(&self) -> (u16, &str) {
        assert_eq!(self.content_type, "application/json", "{self:?}");
        let words = ["error", "message"].map(|name| self.json[name].as_str().unwrap_or_default());
        assert!(words.iter().all(|word| !word.is_empty()), "{self:?}");
        assert!(self.json.get("code").is_none() && self.json.get("detail").is_none(), "{self:?}");
        (self.status, words[0])
    }

    /// The field that is at fault.
    pub fn field(&self) -> &str {
        self.json["field"].as_str().unwrap_or_default()
    }

    /// The transaction of a good answer.
    #[track_caller]
    pub fn transaction(&self) -> &Value {
        assert_eq!(self.status, 200, "{self:?}");
        &self.json["transaction"]
    }

    /// The id of the transaction.
    #[track_caller]
    pub fn id(&self) -> String {
        self.transaction()["id"].as_str().expect("an id").to_owned()
    }
}

/// A client with one token.
#[derive(Clone)]
pub struct Front {
    http: reqwest::Client,
    base: String,
    pub token: String,
}

impl Front {
    /// The same client with another header.
    pub fn with(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    pub async fn get(&self, path: &str) -> Told {
        self.send("GET", path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Told {
        self.send("POST", path, &[("content-type", "application/json")], Some(body.to_string())).await
    }

    /// POSTs this text as JSON.
    pub async fn post_text(&self, path: &str, body: &str) -> Told {
        self.send("POST", path, &[("content-type", "application/json")], Some(body.to_owned())).await
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Told {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if !self.token.is_empty() {
            request = request.header("authorization", &self.token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body.unwrap_or_default()).send().await.expect("an answer");
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let (status, content_type, allow) = (response.status().as_u16(), header("content-type"), header("allow"));
        let text = response.text().await.expect("a whole answer");
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Told { status, content_type, allow, text, json }
    }
}

impl TestApp {
    /// A session of this player, opened by the game server.
    pub async fn session(&self, login: &str) -> Value {
        let wallet = self.wallet();
        let path = format!("{}/session", wallet.player(login));
        let reply = wallet.call("POST", &path, &[], Some(json!({}))).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json
    }

    /// A client without a token.
    pub fn stranger(&self) -> Front {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Front { http, base: self.public.clone(), token: String::new() }
    }

    /// The front end of this player.
    pub async fn front(&self, login: &str) -> Front {
        let session = self.session(login).await;
        self.stranger().with(&format!("Bearer {}", session["token"].as_str().expect("a token")))
    }
}
