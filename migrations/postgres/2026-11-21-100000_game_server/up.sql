-- What a game server and a player's front end need: events, pushes, limits of players, orders asked through the players' API.
-- Times are microseconds since 1970-01-01 UTC. Amounts are minor units. A table keeps to 16 columns.

-- What happened, in the order in which it was sealed, without gaps. `token` is random: with `id` it is the event's name, so that a
-- cursor of other books is recognised. The sealer writes it and nobody changes it.
-- No foreign key to `players`: the sealer would share locks with the lanes that hold those rows.
CREATE TABLE events (
    id          BIGINT PRIMARY KEY,
    token       TEXT   COLLATE "C" NOT NULL,
    kind        TEXT   COLLATE "C" NOT NULL,
    site_id     BIGINT NOT NULL,
    player_id   BIGINT,
    external_id TEXT   COLLATE "C",
    status      BIGINT,
    stage       TEXT   COLLATE "C",
    amount      BIGINT,
    currency    TEXT   COLLATE "C",
    reason      TEXT   COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL
);

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('events are never changed');
CREATE TRIGGER events_are_never_deleted BEFORE DELETE OR TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('events are never deleted');

-- Events as the lanes write them, in the commit of their cause, before they have their number: a few milliseconds' worth. Nobody
-- reads them but the sealer. `id` ascends with the commits of a player, as with entries.
-- Every row is deleted soon, so vacuum comes by count and does not rest.
CREATE SEQUENCE unsealed_events_ids;
CREATE TABLE unsealed_events (
    id          BIGINT PRIMARY KEY DEFAULT nextval('unsealed_events_ids'),
    token       TEXT   COLLATE "C" NOT NULL,
    kind        TEXT   COLLATE "C" NOT NULL,
    site_id     BIGINT NOT NULL,
    player_id   BIGINT,
    external_id TEXT   COLLATE "C",
    status      BIGINT,
    stage       TEXT   COLLATE "C",
    amount      BIGINT,
    currency    TEXT   COLLATE "C",
    reason      TEXT   COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_cost_delay = 0
);

-- Where pushes stand: every event up to `position` was delivered, given up, or waits in `event_queue`. One row, changed with every
-- round of pushes: room for it, and vacuum soon.
CREATE TABLE event_endpoint (
    id            BIGINT PRIMARY KEY CHECK (id = 1),
    position      BIGINT NOT NULL,
    failures      BIGINT NOT NULL CHECK (failures >= 0),
    failing_since BIGINT,
    next_try_at   BIGINT NOT NULL,
    paused_at     BIGINT
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Events to be pushed apart from the others. Those of one player wait for each other; an event of no player has its own number below
-- zero as `player` and waits for nobody. `dead`: refused for too long, a person must look.
CREATE TABLE event_queue (
    event_id  BIGINT  PRIMARY KEY REFERENCES events (id),
    player    BIGINT  NOT NULL,
    refusals  BIGINT  NOT NULL CHECK (refusals >= 0),
    queued_at BIGINT  NOT NULL,
    dead      BOOLEAN NOT NULL
);
CREATE INDEX pushes_of_a_player ON event_queue (player, dead, event_id);

-- When the first of a player's queued events may go; the later ones follow it. One row for each player who has any that are not dead.
CREATE TABLE event_turns (
    player BIGINT PRIMARY KEY,
    due_at BIGINT NOT NULL
);
CREATE INDEX turns_that_are_due ON event_turns (due_at, player);

-- Every push, with its answer.
CREATE SEQUENCE event_attempts_ids;
CREATE TABLE event_attempts (
    id          BIGINT PRIMARY KEY,
    event_id    BIGINT NOT NULL REFERENCES events (id),
    started_at  BIGINT NOT NULL,
    took_micros BIGINT NOT NULL,
    outcome     TEXT   COLLATE "C" NOT NULL CHECK (outcome IN ('delivered', 'refused', 'not_sent', 'unknown')),
    http_status BIGINT,
    answer      TEXT   COLLATE "C" NOT NULL
);
CREATE INDEX attempts_of_an_event ON event_attempts (event_id);
-- Deliveries are forgotten after a while.
CREATE INDEX attempts_by_age ON event_attempts (outcome, started_at);

-- Until when deposits are blocked by self-exclusion or cool-off, and whether there are limits of the player's own: what a
-- question must know stands beside what it reads anyway.
ALTER TABLE players ADD COLUMN excluded_until BIGINT;
ALTER TABLE players ADD COLUMN limited BOOLEAN NOT NULL DEFAULT false;

-- A player's own deposit limits. `amount` NULL: none in force. What comes into force later stands in `next_…`.
CREATE TABLE player_limits (
    player_id   BIGINT NOT NULL REFERENCES players (id),
    currency    TEXT   COLLATE "C" NOT NULL,
    period      TEXT   COLLATE "C" NOT NULL CHECK (period IN ('day', 'week', 'month')),
    amount      BIGINT CHECK (amount BETWEEN 0 AND 1000000000000000),
    next_amount BIGINT CHECK (next_amount BETWEEN 0 AND 1000000000000000),
    next_at     BIGINT,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (player_id, currency, period)
);

-- Evidence: every change of limits and exclusions, for ever.
CREATE SEQUENCE protection_log_ids;
CREATE TABLE protection_log (
    id        BIGINT PRIMARY KEY,
    player_id BIGINT NOT NULL REFERENCES players (id),
    act       TEXT   COLLATE "C" NOT NULL,
    detail    TEXT   COLLATE "C" NOT NULL,
    at        BIGINT NOT NULL
);
CREATE INDEX protection_of_a_player ON protection_log (player_id, id);
CREATE TRIGGER protection_log_is_never_changed BEFORE UPDATE ON protection_log
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the protection log is never changed');
CREATE TRIGGER protection_log_is_never_deleted BEFORE DELETE OR TRUNCATE ON protection_log
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the protection log is never deleted');

-- Which methods one player may use besides or against the settings. `currency` '' is any.
CREATE TABLE method_overrides (
    player_id  BIGINT  NOT NULL REFERENCES players (id),
    method     TEXT    COLLATE "C" NOT NULL,
    currency   TEXT    COLLATE "C" NOT NULL,
    allow      BOOLEAN NOT NULL,
    min_amount BIGINT  CHECK (min_amount BETWEEN 1 AND 1000000000000000),
    max_amount BIGINT  CHECK (max_amount BETWEEN 1 AND 1000000000000000),
    reason     TEXT    COLLATE "C" NOT NULL,
    expires_at BIGINT,
    updated_at BIGINT  NOT NULL,
    PRIMARY KEY (player_id, method, currency)
);

-- What belongs to an order that was asked through the players' API, besides the order itself.
CREATE TABLE cashier_requests (
    external_id     TEXT   COLLATE "C" PRIMARY KEY,
    player_id       BIGINT NOT NULL REFERENCES players (id),
    direction       TEXT   COLLATE "C" NOT NULL CHECK (direction IN ('deposit', 'withdrawal')),
    idempotency_key TEXT   COLLATE "C",
    fingerprint     BYTEA  NOT NULL CHECK (octet_length(fingerprint) = 32),
    method          TEXT   COLLATE "C" NOT NULL,
    comment         TEXT   COLLATE "C" NOT NULL,
    metadata        TEXT   COLLATE "C" NOT NULL,
    redirect_url    TEXT   COLLATE "C",
    failure_reason  TEXT   COLLATE "C" NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX requests_by_key ON cashier_requests (player_id, direction, idempotency_key)
WHERE idempotency_key IS NOT NULL;

-- Deposits that a player began here and the Cashier has not asked about yet. Its question takes one over and the row goes.
CREATE TABLE deposit_intents (
    player_id   BIGINT NOT NULL REFERENCES players (id),
    external_id TEXT   COLLATE "C" NOT NULL,
    provider    TEXT   COLLATE "C" NOT NULL,
    amount      BIGINT NOT NULL,
    currency    TEXT   COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (player_id, external_id)
);

-- A player's own list of deposits, their totals, and the staff's list of a player.
CREATE INDEX deposits_of_a_player ON deposits (player_id, external_id);
