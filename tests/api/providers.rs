//! One table of promises over every provider there is: the real service, and the provider's platform as another process would be.
//!
//! A provider is in the table because it is in the registry; what is special to it is in a file of its own. Nothing runs by itself here:
//! each test takes the worker's steps.

#[path = "providers/bench.rs"]
mod bench;
#[path = "providers/deposits.rs"]
mod deposits;
#[path = "providers/lost_answers.rs"]
mod lost_answers;
#[path = "providers/notifications.rs"]
mod notifications;
#[path = "providers/payouts.rs"]
mod payouts;
#[path = "providers/signatures.rs"]
mod signatures;

use croupier::simulate::platforms;

#[test]
fn every_provider_has_a_platform_to_be_tried_on() {
    let mut registered = bench::providers();
    let mut played = platforms::NAMES.to_vec();
    registered.sort_unstable();
    played.sort_unstable();

    assert_eq!(registered, played);
}
