//! Delivers a notification until the merchant acknowledges it, on the retry ladder.

use super::caller::{Answer, Caller};
use super::ladder::Ladder;
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

/// Signs and sends the notification until it is acknowledged or the ladder ends.
pub async fn deliver(caller: &Caller, ladder: Ladder, params: &Params, encoding: Encoding) -> Delivery {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let last = caller.notify(params, encoding).await.map_err(|error| error.to_string());
        let acknowledged = last.as_ref().is_ok_and(Answer::acknowledges);
        match ladder.pause(attempts) {
            Some(pause) if !acknowledged => tokio::time::sleep(pause).await,
            Some(_) | None => return Delivery { attempts, acknowledged, last },
        }
    }
}
