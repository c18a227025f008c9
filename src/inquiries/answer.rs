//! What a provider said, written down: the notification it amounts to is applied as if it had come, in one commit with the note.

use super::claim::Question;
use super::subject::Subject;
use super::{random_percent, schedule};
use crate::clock::Micros;
use crate::db::WriteTx;
use crate::error::Error;
use crate::orders::awaited::{self, Answered};
use crate::orders::facts;
use crate::providers::purse::mask;
use crate::providers::{Inquired, Manners, News, OpenOrder};
use crate::webhooks;

/// The longest answer that is kept for people, in characters.
const LONGEST: usize = 500;

/// What a provider said, for people and for whoever waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Whether it said how the order stands; that is applied.
    pub told: bool,
    /// What, for people.
    pub text: String,
    /// A stable word for counters: `said`, `not_found`, `later`, `unclear`.
    pub word: &'static str,
}

impl Said {
    fn of(inquired: &Inquired) -> Self {
        let (told, word, text) = match inquired {
            Inquired::Says(notification, _) => {
                (true, "said", format!("{} ({})", name(notification.news), notification.codes))
            }
            Inquired::NotFound(note) => (false, "not_found", format!("not found, which proves nothing: {note}")),
            Inquired::Later(seconds) => (false, "later", format!("not before {seconds} s")),
            Inquired::Unclear(note) => (false, "unclear", format!("unclear: {note}")),
        };
        let text = mask(&text).chars().take(LONGEST).collect();
        Self { told, text, word }
    }
}

/// An answer that is about another order than the question is no answer.
pub fn checked(inquired: Inquired, provider: &'static str, order: &OpenOrder) -> Inquired {
    match inquired {
        Inquired::Says(notification, _)
            if notification.external_id != order.external_id.as_str()
                || notification.provider != provider
                || notification.site != order.site =>
        {
            Inquired::Unclear(format!("the answer is about another order ({})", notification.codes))
        }
        other => other,
    }
}

/// Writes the answer down. `hinted`: what made us ask, when a hint did.
///
/// # Errors
///
/// What the ledger or the database says: nothing is noted then, and it is asked again.
pub fn record(
    tx: &mut WriteTx<'_>,
    (question, manners): (&Question, &Manners),
    inquired: &Inquired,
    hinted: Option<News>,
    at: Micros,
) -> Result<Said, Error> {
    let id = question.order.external_id.as_str();
    let said = Said::of(inquired);
    let mut behind = false;
    if let Inquired::Says(notification, told) = inquired {
        behind = hinted.is_some_and(|news| news != notification.news);
        facts::add(tx, id, told)?;
        webhooks::receive(tx, notification, at)?;
    }
    let Some((order, claimed)) = &question.claimed else { return Ok(said) };
    let ended = Subject::find(tx.read()?, id)?.map_or(Ok(true), |subject| subject.has_ended())?;
    if ended && said.told && !behind {
        awaited::remove_claimed(tx, id, *claimed)?;
        return Ok(said);
    }
    let not_before = if let Inquired::Later(seconds) = inquired { *seconds } else { 0 };
    let due_at = schedule::after_answer(manners, order, (not_before, behind), at, random_percent());
    let answered = Answered { claimed: *claimed, at, answer: &said.text, due_at, told: said.told && !behind };
    awaited::answered(tx, id, answered)?;
    Ok(said)
}

fn name(news: News) -> String {
    let word = serde_json::to_value(news).ok().and_then(|word| word.as_str().map(str::to_owned));
    word.unwrap_or_default().replace('_', " ")
}
