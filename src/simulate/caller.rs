//! Calls the merchant: the two questions and the notification, signed, in JSON or as a form, and everything malformed on purpose.

use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::Value;
use tokio::io::AsyncWriteExt;

use super::meter::Meter;
use super::{Brand, Encoding, Params};

const PATIENCE: Duration = Duration::from_secs(30);
const LONGEST_ANSWER: usize = 65_536;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The request could not be sent, or the answer did not come.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// More than 64 KB.
    #[error("the answer is longer than 64 KB")]
    TooLong,
}

/// What the merchant answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The `Content-Type` header, or nothing.
    pub content_type: String,
    /// The body when it is JSON.
    pub json: Option<Value>,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Answer {
    /// `code`, a number or a numeric text.
    pub fn code(&self) -> Option<i64> {
        let code = self.json.as_ref()?.get("code")?;
        code.as_i64().or_else(|| code.as_str()?.parse().ok())
    }

    /// `external_id`, when there is one.
    pub fn external_id(&self) -> Option<&str> {
        self.text("external_id").filter(|id| !id.is_empty())
    }

    /// `error_description`, or nothing.
    pub fn description(&self) -> &str {
        self.text("error_description").unwrap_or_default()
    }

    /// Whether a notification counts as delivered: HTTP 2xx and `code` 0 or `result` ok (manual, "Webhooks").
    pub fn acknowledges(&self) -> bool {
        (200..300).contains(&self.status) && (self.code() == Some(0) || self.text("result") == Some("ok"))
    }

    /// The answer in a few words: `HTTP 200, code 500, Invalid signature`.
    pub fn summary(&self) -> String {
        let code = self.code().map_or_else(|| "no code".to_owned(), |code| format!("code {code}"));
        let more = if self.description().is_empty() { String::new() } else { format!(", {}", self.description()) };
        format!("HTTP {}, {code}{more}", self.status).chars().take(160).collect()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.json.as_ref()?.get(name)?.as_str()
    }
}

/// Which of the merchant's addresses a request goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Where questions go.
    Callback,
    /// Where notifications go.
    Webhook,
}

/// A request exactly as given, for everything that is malformed on purpose.
#[derive(Debug, Clone)]
pub struct RawCall<'a> {
    /// Where to.
    pub route: Route,
    /// The HTTP method.
    pub method: &'a str,
    /// The query string without its question mark.
    pub query: &'a str,
    /// Headers, `content-type` among them.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: Vec<u8>,
}

impl<'a> RawCall<'a> {
    /// A POST of these bytes with this content type.
    pub fn post(route: Route, headers: &'a [(&'a str, &'a str)], body: Vec<u8>) -> Self {
        Self { route, method: "POST", query: "", headers, body }
    }
}

/// A client of the merchant's public listener.
#[derive(Debug, Clone)]
pub struct Caller {
    http: reqwest::Client,
    brand: Brand,
    callback: String,
    webhook: String,
    meter: Arc<Meter>,
}

impl Caller {
    /// Calls the merchant at this base address, `http://127.0.0.1:8080`.
    pub fn new(target: &str, brand: Brand, meter: Arc<Meter>) -> Self {
        let base = target.trim_end_matches('/');
        Self {
            http: client(),
            brand,
            callback: format!("{base}/cashier/callback/carouseller"),
            webhook: format!("{base}/cashier/webhook/carouseller"),
            meter,
        }
    }

    /// The same caller with the merchant's own paths under the base address.
    pub fn with_paths(mut self, target: &str, callback: &str, webhook: &str) -> Self {
        let join = |path: &str| format!("{}/{}", target.trim_end_matches('/'), path.trim_start_matches('/'));
        self.callback = join(callback);
        self.webhook = join(webhook);
        self
    }

    /// The brand it signs for.
    pub fn brand(&self) -> &Brand {
        &self.brand
    }

    /// Signs and asks a question.
    ///
    /// # Errors
    ///
    /// No answer, or one that is too long.
    pub async fn ask(&self, params: &Params, encoding: Encoding) -> Result<Answer, CallError> {
        self.ask_as_is(&self.brand.signed(params), encoding).await
    }

    /// Asks without signing: whatever signature is in there goes out.
    ///
    /// # Errors
    ///
    /// No answer, or one that is too long.
    pub async fn ask_as_is(&self, params: &Params, encoding: Encoding) -> Result<Answer, CallError> {
        let (content_type, body) = encoding.write(params);
        let started = Instant::now();
        let answer = self.raw(RawCall::post(Route::Callback, &[("content-type", content_type)], body)).await;
        let asked = params.get("action").and_then(Value::as_str).unwrap_or("question");
        self.note(asked, &answer, started);
        answer
    }

    /// Signs and sends a notification, once.
    ///
    /// # Errors
    ///
    /// No answer, or one that is too long.
    pub async fn notify(&self, params: &Params, encoding: Encoding) -> Result<Answer, CallError> {
        self.notify_as_is(&self.brand.signed(params), encoding).await
    }

    /// Sends a notification without signing it.
    ///
    /// # Errors
    ///
    /// No answer, or one that is too long.
    pub async fn notify_as_is(&self, params: &Params, encoding: Encoding) -> Result<Answer, CallError> {
        let (content_type, body) = encoding.write(params);
        let started = Instant::now();
        let answer = self.raw(RawCall::post(Route::Webhook, &[("content-type", content_type)], body)).await;
        self.note("notification", &answer, started);
        answer
    }

    /// Sends a request exactly as given. Not counted by the meter.
    ///
    /// # Errors
    ///
    /// No answer, or one that is too long.
    pub async fn raw(&self, call: RawCall<'_>) -> Result<Answer, CallError> {
        let url = self.url(call.route);
        let url = if call.query.is_empty() { url.to_owned() } else { format!("{url}?{}", call.query) };
        let method = reqwest::Method::from_bytes(call.method.as_bytes()).map_err(no_answer)?;
        let mut request = self.http.request(method, url).body(call.body);
        for (name, value) in call.headers {
            request = request.header(*name, *value);
        }
        read(request.send().await.map_err(|error| no_answer(Chain(&error)))?).await
    }

    /// Signs a question and sends it in pieces with pauses between them, slowly but in time.
    ///
    /// # Errors
    ///
    /// No answer, or one that is too long.
    pub async fn ask_slowly(&self, params: &Params, encoding: Encoding, pause: Duration) -> Result<Answer, CallError> {
        let (content_type, body) = encoding.write(&self.brand.signed(params));
        let started = Instant::now();
        let request = self.http.post(&self.callback).header("content-type", content_type);
        let sent = request.body(slow(&body, pause)).send().await;
        let answer = read(sent.map_err(|error| no_answer(Chain(&error)))?).await;
        self.note("slow question", &answer, started);
        answer
    }

    /// Signs a question, sends it and closes the connection without waiting for the answer: it may or may not be acted on.
    /// Over TLS nothing is sent.
    pub async fn ask_and_hang_up(&self, params: &Params, encoding: Encoding) {
        let (content_type, body) = encoding.write(&self.brand.signed(params));
        post_and_hang_up(&self.callback, &[("content-type", content_type)], body).await;
    }

    fn url(&self, route: Route) -> &str {
        match route {
            Route::Callback => &self.callback,
            Route::Webhook => &self.webhook,
        }
    }

    fn note(&self, asked: &str, answer: &Result<Answer, CallError>, started: Instant) {
        let answered = match answer {
            Ok(answer) => match answer.code() {
                Some(code) if answer.status == 200 => format!("code {code}"),
                Some(code) => format!("HTTP {}, code {code}", answer.status),
                None => format!("HTTP {}, no code", answer.status),
            },
            Err(_) => "no answer".to_owned(),
        };
        self.meter.note(asked, &answered, started.elapsed());
    }
}

/// A body that comes in four pieces with pauses before them.
pub(super) fn slow(body: &[u8], pause: Duration) -> reqwest::Body {
    let pieces: Vec<Vec<u8>> = body.chunks(body.len().div_ceil(4).max(1)).map(<[u8]>::to_vec).collect();
    let slow = futures_util::stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, std::io::Error>(piece)
    });
    reqwest::Body::wrap_stream(slow)
}

/// POSTs and closes the connection without waiting for the answer. Over TLS nothing is sent.
pub(super) async fn post_and_hang_up(url: &str, headers: &[(&str, &str)], body: Vec<u8>) {
    let Ok(url) = url::Url::parse(url) else { return };
    let (Some(host), Some(port), "http") = (url.host_str(), url.port_or_known_default(), url.scheme()) else {
        return;
    };
    let mut head = format!("POST {} HTTP/1.1\r\nhost: {host}:{port}\r\n", url.path());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    if let Ok(mut stream) = tokio::net::TcpStream::connect((host, port)).await {
        let _ = stream.write_all(&[head.into_bytes(), body].concat()).await;
        let _ = stream.shutdown().await;
    }
}

/// Sends a request and reads the answer; the meter notes what was asked with the HTTP status.
pub(super) async fn measured(
    meter: &Meter,
    asked: &str,
    request: reqwest::RequestBuilder,
) -> Result<Answer, CallError> {
    let started = Instant::now();
    let answer = match request.send().await {
        Ok(response) => read(response).await,
        Err(error) => Err(no_answer(Chain(&error))),
    };
    meter.note(asked, &status(&answer), started.elapsed());
    answer
}

/// What an answer is to a meter that goes by HTTP.
pub(super) fn status(answer: &Result<Answer, CallError>) -> String {
    answer.as_ref().map_or("no answer".to_owned(), |answer| format!("HTTP {}", answer.status))
}

/// An HTTP client without proxies and redirects.
pub(super) fn client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error means that somebody has installed one already: as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .expect("a client with fixed options can be built")
}

pub(super) async fn read(mut response: reqwest::Response) -> Result<Answer, CallError> {
    let status = response.status().as_u16();
    let header = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    let content_type = header.unwrap_or_default().to_owned();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| no_answer(Chain(&error)))? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_ANSWER {
            return Err(CallError::TooLong);
        }
    }
    Ok(Answer { status, content_type, json: serde_json::from_slice(&body).ok(), body })
}

/// An error with its causes, in one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    Chain(error).to_string()
}

fn no_answer(reason: impl std::fmt::Display) -> CallError {
    CallError::NoAnswer(reason.to_string())
}

/// An error with its causes: the outermost alone says only that sending failed.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let json = serde_json::from_str(body).ok();
        Answer { status, content_type: String::new(), json, body: body.into() }
    }

    #[test]
    fn every_published_form_of_acknowledgement_counts() {
        for body in [r#"{"code":0}"#, r#"{"code":"0"}"#, r#"{"result":"ok"}"#, r#"{"code":0,"result":"ok"}"#] {
            assert!(answer(200, body).acknowledges(), "{body}");
            assert!(!answer(503, body).acknowledges(), "{body}");
        }
        for body in ["", "ok", "[]", r#"{"code":500}"#, r#"{"result":"error"}"#, r#"{"code":null}"#] {
            assert!(!answer(200, body).acknowledges(), "{body}");
        }
    }
}
