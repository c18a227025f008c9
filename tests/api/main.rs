//! The integration tests: one binary, each test a promise, each with the real service, a real database and a real HTTP peer.

mod additional_deposits;
mod agreement;
mod backup;
#[path = "support/bench.rs"]
mod bench;
mod books;
mod clients;
mod commands;
mod door;
mod durability;
mod event_campaign;
mod event_chaos;
mod event_push;
mod event_retry;
mod events;
mod examples;
#[path = "support/game.rs"]
mod game;
mod game_server_crash;
mod inquiries;
mod instance_killed;
mod keys;
mod large_books;
mod life;
mod migrations;
mod model;
mod moving;
mod network;
mod openapi;
mod orders_of_players;
mod outbox;
mod parsing;
mod player_deposits;
mod player_methods;
mod player_sessions;
mod player_transactions;
mod player_withdrawals;
#[path = "support/process.rs"]
mod process;
mod protection;
mod provider_cabbagino;
mod provider_cactus;
mod provider_carouseller;
mod provider_exotic;
mod provider_rebilly;
mod providers;
mod questions;
#[path = "support/raw.rs"]
mod raw;
mod repeats;
mod rollbacks;
mod senders;
mod sending;
mod several_instances;
mod signatures;
mod support;
mod texts;
mod tidy;
mod two_homes;
mod unfit_servers;
mod wallet;
mod wallet_certificate;
