//! Delivers a notification until the merchant acknowledges it, on the retry ladder.

use super::caller::{Answer, CallError, Caller};
use super::ladder::Ladder;
use super::platforms::{Note, Platform};
use super::{Encoding, Params};

/// How a delivery ended.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// How often it was sent.
    pub attempts: usize,
    /// Whether the merchant has it.
    pub acknowledged: bool,
    /// The last answer, or why there was none.
    pub last: Result<Answer, String>,
}

impl Delivery {
    /// That it was acknowledged.
    ///
    /// # Errors
    ///
    /// That it was not, in words.
    pub fn done(self) -> Result<(), String> {
        if self.acknowledged {
            return Ok(());
        }
        let last = self.last.map_or_else(|error| error, |answer| answer.summary());
        Err(format!("a notification was not acknowledged in {} attempts: {last}", self.attempts))
    }
}

/// Signs and sends the notification until it is acknowledged or the ladder ends.
pub async fn deliver(caller: &Caller, ladder: &Ladder, params: &Params, encoding: Encoding) -> Delivery {
    insist(ladder, || caller.notify(params, encoding), Answer::acknowledges).await
}

/// The same for a notification of any platform; it says how the order stands when it is sent, unless `note` says otherwise.
pub async fn deliver_of(platform: &dyn Platform, ladder: &Ladder, id: &str, note: Note) -> Delivery {
    insist(ladder, || platform.notify(id, note), |answer| platform.is_acknowledged(answer)).await
}

async fn insist<F: Future<Output = Result<Answer, CallError>>>(
    ladder: &Ladder,
    send: impl Fn() -> F,
    is_acknowledged: impl Fn(&Answer) -> bool,
) -> Delivery {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let last = send().await.map_err(|error| error.to_string());
        let acknowledged = last.as_ref().is_ok_and(&is_acknowledged);
        match ladder.pause(attempts) {
            Some(pause) if !acknowledged => tokio::time::sleep(pause).await,
            Some(_) | None => return Delivery { attempts, acknowledged, last },
        }
    }
}
