//! Counters for `GET /metrics`. Few labels, never a player or an amount.

use prometheus::{Encoder, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

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
    /// Questions about orders that we asked, by provider and what came back.
    pub inquiries: IntCounterVec,
    /// Orders whose end we wait for, by provider.
    pub awaited: IntGaugeVec,
    /// 1 while money routes are open.
    pub open: IntGauge,
    /// 1 once all of the books have been checked since the start.
    pub books_checked: IntGauge,
    /// 1 while payouts are held back until a person confirms.
    pub sending_held: IntGauge,
    /// Pushes that the game server took.
    pub events_delivered: IntCounter,
    /// Pushes that it did not take, by what became of them.
    pub event_failures: IntCounterVec,
    /// Events that are still to be pushed, without those given up.
    pub events_waiting: IntGauge,
    /// 1 while pushes are paused.
    pub events_paused: IntGauge,
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
        let event_failures = counter("croupier_event_failures_total", "Pushes that were not taken", &["outcome"]);
        let inquiries =
            counter("croupier_inquiries_total", "Questions about orders, by what came back", &["provider", "answer"]);
        let awaited = Opts::new("croupier_awaited_orders", "Orders whose end is waited for");
        let awaited = IntGaugeVec::new(awaited, &["provider"]).expect("names and labels are constant");
        registry.register(Box::new(awaited.clone())).expect("each is registered once");
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help).expect("names are constant");
            registry.register(Box::new(gauge.clone())).expect("each is registered once");
            gauge
        };
        let open = gauge("croupier_money_routes_open", "1 while money routes are open");
        let books_checked = gauge("croupier_books_checked", "1 once all of the books were checked since the start");
        let sending_held = gauge("croupier_sending_held", "1 while payouts are held back until a person confirms");
        let events_waiting = gauge("croupier_events_waiting", "Events that are still to be pushed");
        let events_paused = gauge("croupier_events_paused", "1 while pushes are paused");
        let delivered = IntCounter::new("croupier_events_delivered_total", "Pushes that were taken");
        let events_delivered = delivered.expect("names are constant");
        registry.register(Box::new(events_delivered.clone())).expect("each is registered once");
        Self {
            registry,
            questions,
            webhooks,
            refused,
            inquiries,
            awaited,
            open,
            books_checked,
            sending_held,
            events_delivered,
            event_failures,
            events_waiting,
            events_paused,
        }
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
