//! The Cashier as players see it: opening it for them.

pub mod open;
