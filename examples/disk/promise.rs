//! What the service has said to others while it worked: what must be true of every image of its disk.

use std::sync::Arc;

use croupier::marks::Mark;

use crate::ask::Ask;

/// What happened outside the files, at its place among the calls.
#[derive(Debug, Clone)]
pub enum Promise {
    /// A request came.
    Asked(Arc<Asked>),
    /// It was answered yes, with this text.
    Answered(usize, String),
    /// It was answered no: nothing was promised.
    Refused(usize),
    /// The mark was put into the state directory: the file's name, its bytes, and what they say.
    Marked(Arc<str>, Arc<[u8]>, Mark),
    /// So many rows of each kind were seen in the books.
    Seen(Rows),
    /// The Cashier has received the initiation of this payout.
    Sent(String),
}

/// A request, and what it does when it is done for the first time.
#[derive(Debug, Clone)]
pub struct Asked {
    pub number: usize,
    pub ask: Ask,
    /// Whose money it moves.
    pub login: &'static str,
    /// What it does to available and held money.
    pub change: (i64, i64),
}

/// Numbers of rows that only grow: changes of orders, notifications, attempts, keys, movements, reviews.
pub type Rows = [i64; 6];
