//! Counters for `GET /metrics`. Few labels, never a player or an amount.

use prometheus::{Encoder, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

/// All metrics of a service.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    /// Answers to questions, by action and code.
    pub questions: IntCounterVec,
    /// Notifications by provider and HTTP status of our answer.
    pub webhooks: IntCounterVec,
    /// Messages whose signature or address was refused, by provider.
    pub refused: IntCounterVec,
    /// 1 while money routes are open.
    pub open: IntGauge,
}

impl Metrics {
    /// Fresh counters.
    pub fn new() -> Self {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels).expect("names and labels are constant");
            registry.register(Box::new(counter.clone())).expect("each is registered once");
            counter
        };
        let questions = counter("croupier_questions_total", "Answers to the Cashier's questions", &["action", "code"]);
        let webhooks = counter("croupier_webhooks_total", "Answers to notifications", &["provider", "http"]);
        let refused = counter("croupier_refused_total", "Signatures and addresses refused", &["provider"]);
        let open = IntGauge::new("croupier_money_routes_open", "1 while money routes are open").expect("constant");
        registry.register(Box::new(open.clone())).expect("each is registered once");
        Self { registry, questions, webhooks, refused, open }
    }

    /// The text format of Prometheus.
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        match TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            Ok(()) => String::from_utf8(text).unwrap_or_default(),
            Err(error) => {
                log::error!("metrics: {error}");
                String::new()
            }
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
