//! The Cashier, played: a real HTTP peer that signs, calls, takes payouts and notifies.
