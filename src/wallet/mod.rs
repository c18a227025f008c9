//! The game server's wallet: bets, wins and their like, each once; bets undone, also before they came.

pub mod adjust;
pub mod rollback;
pub mod statement;
pub mod transactions;
