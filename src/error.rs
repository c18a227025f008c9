//! Why croupier did not do what it was asked. Knows nothing of HTTP or of any provider:
//! each protocol has one exhaustive map from here to its own answers.

/// A refusal, or the reason why nothing could be decided.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The amount is not an integer of 1 to 10^15 minor units.
    #[error("the amount is not acceptable")]
    InvalidAmount,
    /// Not a currency of ISO 4217, or not one of the site.
    #[error("the currency is not supported")]
    UnsupportedCurrency,
    /// No such player on this site.
    #[error("unknown player")]
    UnknownPlayer,
    /// The player is blocked or closed.
    #[error("the player is blocked")]
    PlayerBlocked,
    /// The player may not deposit.
    #[error("deposits are not allowed for this player")]
    DepositsNotAllowed,
    /// The player may not withdraw.
    #[error("payouts are not allowed for this player")]
    PayoutsNotAllowed,
    /// Under the site's limit for one movement.
    #[error("the amount is below the minimum")]
    BelowMinimum,
    /// Over a limit of the site, for one movement or for the day.
    #[error("the amount is above the maximum")]
    AboveMaximum,
    /// The player's available money does not cover the amount.
    #[error("insufficient funds")]
    InsufficientFunds,
    /// An account would leave the range of balances.
    #[error("the balance would leave its range")]
    OutOfRange,
    /// The same key came with other content; the first one stands.
    #[error("the reference was already used for another request")]
    ReferenceReused,
    /// A required field is absent or blank. Carries its name on the wire.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field is malformed. Carries its name on the wire.
    #[error("{0} is not acceptable")]
    Invalid(&'static str),
    /// Nothing under this id. Carries what was looked for.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The thing is in a state that does not allow this. Carries a sentence for staff.
    #[error("{0}")]
    Conflict(String),
    /// The role does not allow this.
    #[error("the role {0} may not do this")]
    NotPermitted(&'static str),
    /// The caller has asked for too many of these today. Carries what.
    #[error("too many {0} in one day")]
    TooMany(&'static str),
    /// A provider did not do what it was asked, or nobody knows. Carries what it said, for the log.
    #[error("the provider: {0}")]
    Provider(String),
    /// The queue of writes is full: come back later.
    #[error("too many writes are waiting")]
    Busy,
    /// Money routes are closed because the books do not hold.
    #[error("money routes are closed: {0}")]
    Closed(String),
    /// The database did not do it; nothing is known to have happened.
    #[error("database: {0}")]
    Database(#[from] diesel::result::Error),
    /// No connection could be had.
    #[error("no database connection: {0}")]
    NoConnection(String),
    /// A promise of ours was broken; the text is for the log only.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// Whether the caller was refused, as opposed to: we could not decide. A refusal is final for this request as it stands;
    /// everything else may go through when repeated.
    pub fn is_refusal(&self) -> bool {
        match self {
            Error::InvalidAmount
            | Error::UnsupportedCurrency
            | Error::UnknownPlayer
            | Error::PlayerBlocked
            | Error::DepositsNotAllowed
            | Error::PayoutsNotAllowed
            | Error::BelowMinimum
            | Error::AboveMaximum
            | Error::InsufficientFunds
            | Error::OutOfRange
            | Error::ReferenceReused
            | Error::Missing(_)
            | Error::Invalid(_)
            | Error::NotFound(_)
            | Error::Conflict(_)
            | Error::NotPermitted(_)
            | Error::TooMany(_) => true,
            Error::Provider(_)
            | Error::Busy
            | Error::Closed(_)
            | Error::Database(_)
            | Error::NoConnection(_)
            | Error::Internal(_) => false,
        }
    }
}
