//! The faults: what the proxies do to the bytes, and what may come of it.

use clap::ValueEnum;

/// What goes wrong with every exchange of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Fault {
    /// Nothing: what the other rows are compared with.
    Calm,
    /// To the Cashier: nobody listens, until every payout has been tried once.
    Refuse,
    /// The connection is reset as soon as it is there.
    ResetFirst,
    /// The Cashier gets the beginning of the request, then both connections are reset.
    ResetRequest,
    /// The Cashier takes it; we get the beginning of the answer and a reset.
    ResetAnswer,
    /// All bytes are taken and nobody says anything.
    Blackhole,
    /// An answer a byte at a time that never ends.
    Trickle,
    /// The Cashier gets the bytes twice; the first answer comes back.
    Duplicate,
    /// We get the beginning of the answer and an orderly end.
    Truncated,
    /// Bytes that are no HTTP.
    Garbage,
    /// HTTP 200 and a page.
    Html,
    /// A redirection to where the request would be taken.
    Redirect,
    /// 500, 502, 503 or 504, with all kinds of bodies.
    ServerError,
    /// 429.
    TooMany,
    /// More than 64 KB, otherwise a yes.
    Huge,
    /// Another length than the body has.
    WrongLength,
    /// A yes and a no at once, or neither.
    WrongFields,
    /// The right answer after nobody waits any more.
    Late,
    /// From callers to us: every request arrives twice.
    CallersDuplicate,
    /// We get the beginning of a request, then both connections are reset.
    CallersResetRequest,
    /// The caller gets the beginning of our answer and a reset.
    CallersResetAnswer,
    /// We get the beginning of a request and an orderly end.
    CallersTruncatedRequest,
    /// The caller gets the beginning of our answer and an orderly end.
    CallersTruncatedAnswer,
    /// The caller's connection ends at once; the request arrives later, after others, also after its own repetition.
    CallersReordered,
    /// Request and answer go a few bytes at a time.
    CallersTrickle,
    /// Random bytes come before the request.
    CallersGarbage,
}

/// What a row must have when it has come to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaves {
    /// Every payout was clearly accepted or clearly refused at the first attempt.
    Clear,
    /// The same, after at least one attempt that was certainly not sent.
    Retried,
    /// Every payout is unknown after its first attempt, with its hold and a review.
    Unknown,
    /// The same, perhaps after attempts that were certainly not sent: a reset can still come while we connect.
    UnknownAtLast,
}

impl Fault {
    pub fn all() -> &'static [Fault] {
        Fault::value_variants()
    }

    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether it befalls what callers send to us, and not what we send to the Cashier.
    pub fn is_of_callers(self) -> bool {
        self >= Fault::CallersDuplicate
    }

    /// Whether an answer never comes in time: then we wait a short time in place of 30 s, and nothing but the wait ends it.
    pub fn needs_patience(self) -> bool {
        matches!(self, Fault::Blackhole | Fault::Trickle | Fault::Late)
    }

    pub fn leaves(self) -> Leaves {
        match self {
            Fault::Calm
            | Fault::Duplicate
            | Fault::CallersDuplicate
            | Fault::CallersResetRequest
            | Fault::CallersResetAnswer
            | Fault::CallersTruncatedRequest
            | Fault::CallersTruncatedAnswer
            | Fault::CallersReordered
            | Fault::CallersTrickle
            | Fault::CallersGarbage => Leaves::Clear,
            Fault::Refuse => Leaves::Retried,
            Fault::ResetFirst => Leaves::UnknownAtLast,
            Fault::ResetRequest
            | Fault::ResetAnswer
            | Fault::Blackhole
            | Fault::Trickle
            | Fault::Truncated
            | Fault::Garbage
            | Fault::Html
            | Fault::Redirect
            | Fault::ServerError
            | Fault::TooMany
            | Fault::Huge
            | Fault::WrongLength
            | Fault::WrongFields
            | Fault::Late => Leaves::Unknown,
        }
    }
}
