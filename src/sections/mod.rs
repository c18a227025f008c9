//! Tables of settings, read key by key: what a section of `Settings.toml` is made of, whoever reads it.

mod reader;
mod tree;

use std::fmt;

use ipnet::IpNet;
use url::Url;

pub use reader::{Notes, Section};
pub use tree::{Node, Table, overlay, parse_toml};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The service does not start.
    Error,
    /// The service starts and says it loudly.
    Warning,
}

/// Something wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad.
    pub severity: Severity,
    /// The key, `sites.demo.carouseller.salts`; the file's name when it is the file.
    pub key: String,
    /// What is wrong with it, without the value of a secret.
    pub reason: String,
}

impl Problem {
    /// Whether it stops the start.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// A problem that stops the start.
    pub fn error(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { severity: Severity::Error, key: key.into(), reason: reason.into() }
    }

    /// A problem that is said loudly.
    pub fn warning(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, key: key.into(), reason: reason.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.reason)
    }
}

/// What stands for a secret.
pub const MASK: &str = "***";

/// A URL without its query, where some providers want a token.
pub fn shown_url(url: &Url) -> String {
    let mut url = url.clone();
    if url.query().is_some() {
        url.set_query(Some(MASK));
    }
    url.into()
}

/// Whether a network is every address there is.
pub fn is_everybody(net: &IpNet) -> bool {
    net.prefix_len() == 0
}
