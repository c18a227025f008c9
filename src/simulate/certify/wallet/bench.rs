//! The workbench of the wallet's scenarios: whom to examine, and a client that can do everything wrong.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::super::{About, Stop};
use super::player::Player;
use super::reply::Reply;
use crate::secret::Secret;
use crate::simulate::caller::{self, CallError};
use crate::simulate::faults::Dice;

const NEEDS: &str = "Every scenario makes a player of its own, whose name begins as given, ends with an id of this run, and is \
never used again; the player gets ten times the amount as a bonus and keeps what is left. The site must know the currency. \
Scenarios about a second currency use one that the wallet shows at zero; without one they are skipped. Nothing touches other \
players, so a wallet that is in use can be examined; its reports will show the bonuses, so a test site is better.";

/// Whom to examine, and with what.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Base address of the wallet's listener.
    pub wallet: String,
    /// The brand's number.
    pub site_id: i64,
    /// The game server's bearer key.
    pub key: Secret,
    /// How the names of test players begin.
    pub prefix: String,
    /// A currency of the site.
    pub currency: String,
    /// Minor units of one movement.
    pub amount: i64,
}

impl Subject {
    /// What the report says of it; not the key.
    pub fn about(&self) -> About {
        let facts = vec![
            ("wallet", self.wallet.clone().into()),
            ("site_id", self.site_id.into()),
            ("player", self.prefix.clone().into()),
            ("currency", self.currency.clone().into()),
            ("amount", self.amount.into()),
        ];
        About { facts, needs: NEEDS }
    }
}

/// The workbench of the scenarios.
#[derive(Debug)]
pub struct Bench {
    http: reqwest::Client,
    subject: Subject,
    run: String,
}

impl Bench {
    /// A bench for this subject. `seed` must differ from run to run: the players' names come from it.
    pub fn new(subject: Subject, seed: u64) -> Self {
        let run = format!("{:016x}", Dice::new(seed).roll());
        Self { http: caller::client(), subject, run }
    }

    /// Whether a wallet answers there and takes the key.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    pub async fn reachable(&self) -> Result<(), String> {
        let login = format!("{}-{}", self.subject.prefix, self.run);
        let asked = self.request(Method::GET, &self.path_of(&login));
        match self.send(asked).await {
            Ok(reply) if reply.status() == 401 => Err("the wallet: --key is not accepted (HTTP 401)".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(format!("the wallet: {error}")),
        }
    }

    pub(super) fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The player of a scenario, made anew, with ten units.
    pub(super) async fn player(&self, scenario: &str) -> Result<Player<'_>, Stop> {
        self.player_named(format!("{}-{scenario}-{}", self.subject.prefix, self.run)).await
    }

    /// A player with this login, made anew, with ten units.
    pub(super) async fn player_named(&self, login: String) -> Result<Player<'_>, Stop> {
        let player = Player::new(self, login);
        player.put(&json!({})).await?.ok("the player to be created")?;
        player.play("bonus", super::PURSE * player.unit(), "purse").await?.ok("the player to get a bonus")?;
        Ok(player)
    }

    /// The path of a player.
    pub(super) fn path_of(&self, login: &str) -> String {
        format!("/wallet/v1/sites/{}/players/{}", self.subject.site_id, encoded(login))
    }

    /// A request with the bearer key.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let key = format!("Bearer {}", self.subject.key.expose());
        self.stranger(method, path).header("authorization", key)
    }

    /// A request without credentials.
    pub(super) fn stranger(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.subject.wallet.trim_end_matches('/')))
    }

    /// Sends a request and reads the answer.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Reply, CallError> {
        let response = request.send().await.map_err(|error| CallError::NoAnswer(caller::with_causes(&error)))?;
        let header = response.headers().get("idempotent-replayed").and_then(|value| value.to_str().ok());
        let replayed = header.is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Ok(Reply { answer: caller::read(response).await?, replayed })
    }
}

/// A part of a path with everything encoded that is not a letter or a digit.
pub(super) fn encoded(segment: &str) -> String {
    utf8_percent_encode(segment, NON_ALPHANUMERIC).to_string()
}
