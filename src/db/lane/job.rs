//! Work on its way through a lane.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use crate::db::scope::Scope;
use crate::db::tx::WriteTx;
use crate::error::Error;

/// How a piece of work went inside a transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ran {
    /// It may be committed with the others: it worked, or it was refused before it wrote anything.
    Good,
    /// What it wrote must go.
    Failed,
}

/// Work that waits for a lane.
pub(super) trait Job: Send {
    /// Whose it is.
    fn scope(&self) -> &Scope;
    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool;
    /// Why it failed when it last ran, if it did.
    fn failure(&self) -> Option<&Error>;
    fn run(&mut self, tx: &mut WriteTx<'_>) -> Ran;
    /// Tells the caller how it went; `failure` in the place of what it returned.
    fn answer(self: Box<Self>, failure: Option<Error>);
}

/// A closure and whoever waits for what it returns.
pub(super) struct Work<T, F> {
    scope: Scope,
    work: F,
    result: Option<Result<T, Error>>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Work<T, F> {
    pub(super) fn new(scope: Scope, work: F, reply: oneshot::Sender<Result<T, Error>>) -> Self {
        Self { scope, work, result: None, reply }
    }
}

impl<T, F> Job for Work<T, F>
where
    T: Send + 'static,
    F: FnMut(&mut WriteTx<'_>) -> Result<T, Error> + Send + 'static,
{
    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn failure(&self) -> Option<&Error> {
        self.result.as_ref().and_then(|result| result.as_ref().err())
    }

    fn run(&mut self, tx: &mut WriteTx<'_>) -> Ran {
        let caught = catch_unwind(AssertUnwindSafe(|| (self.work)(tx)));
        let result = caught.unwrap_or_else(|_| Err(Error::Internal("a write panicked".into())));
        let ran = match &result {
            Ok(_) => Ran::Good,
            Err(error) if error.is_refusal() && !tx.wrote() => Ran::Good,
            Err(_) => Ran::Failed,
        };
        self.result = Some(result);
        ran
    }

    fn answer(self: Box<Self>, failure: Option<Error>) {
        // Even a refusal is worth nothing when the commit failed: it may rest on what others of the batch had written.
        let result = match (self.result, failure) {
            (_, Some(failure)) => Err(failure),
            (Some(ran), None) => ran,
            (None, None) => Err(Error::Internal("a write was never run".into())),
        };
        let _caller_may_have_left = self.reply.send(result);
    }
}
