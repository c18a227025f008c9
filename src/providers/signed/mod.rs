//! What the family of dialects shares that signs named values with SHA-1: reading one set of values, typing its fields, the signed text,
//! and writing what we sign ourselves.
//!
//! Source: the manuals of Carouseller, Cabbagino and Cactus, "Signature": the same algorithm. Enumerations and answers are not shared.

pub(crate) mod fields;
pub(crate) mod pairs;
pub(crate) mod signature;
pub(crate) mod writing;
