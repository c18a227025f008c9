//! What listens: the two listeners and their routes.

pub mod transport;
