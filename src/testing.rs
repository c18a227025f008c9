//! What tests inside modules share with the integration tests.

#[path = "../tests/api/support/database.rs"]
#[expect(dead_code, reason = "the integration tests use the rest of it")]
pub(crate) mod database;

/// A provider that answers as told, with its driver.
#[path = "inquiries/tests/peer.rs"]
pub(crate) mod provider;
