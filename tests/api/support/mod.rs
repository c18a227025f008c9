//! What every integration test stands on.
//!
//! - [`app`]: the service on its own thread, with a database of its own, and the Cashier it talks to.
//! - [`wire`]: messages of the Cashier, in every dress, and a client of the wallet API.
//! - [`binary`]: the program itself, as a shell would run it.
//! - [`database`]: a database for one test, a file or on the cluster that the run is on.
//! - [`books`]: whole books written straight into a file.
//! - [`other_wallet`]: somebody else's wallet, right or wrong, for the self-test to examine.
//! - [`player`]: a player's front end, with a session token.
//! - [`receiver`]: a game server that takes pushes, and does with them what a test says.
//! - [`script`]: many requests to one service, with what it answered, to compare two services.
//! - [`staff`]: people of the back office and their decisions.
//! - [`story`]: whole steps in one word: give a player money, deposit, ask for a payout, notify.
//!
//! Every [`TestApp`] checks every invariant of its books when the test ends.

pub mod app;
pub mod binary;
pub mod books;
pub mod database;
pub mod other_wallet;
pub mod player;
pub mod receiver;
pub mod script;
pub mod staff;
pub mod story;
pub mod wire;

pub use app::TestApp;
