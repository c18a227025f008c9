//! The Carouseller dialect.
