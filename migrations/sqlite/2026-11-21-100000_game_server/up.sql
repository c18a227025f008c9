-- What a game server and a player's front end need: events, pushes, limits of players, orders asked through the players' API.
-- Times are microseconds since 1970-01-01 UTC. Amounts are minor units. A table keeps to 16 columns.

-- What happened, in the order of the commits. `token` is random: with `id` it is the event's name, so that a cursor of other books
-- is recognised. A row is written in the commit of its cause and never changed.
CREATE TABLE events (
    id          INTEGER PRIMARY KEY NOT NULL,
    token       TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    site_id     INTEGER NOT NULL,
    player_id   INTEGER REFERENCES players (id),
    external_id TEXT,
    status      INTEGER,
    stage       TEXT,
    amount      INTEGER,
    currency    TEXT,
    reason      TEXT    NOT NULL,
    at          INTEGER NOT NULL
) STRICT;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;

-- Where pushes stand: every event up to `position` was delivered, given up, or waits in `event_queue`. One row.
CREATE TABLE event_endpoint (
    id            INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    position      INTEGER NOT NULL,
    failures      INTEGER NOT NULL CHECK (failures >= 0),
    failing_since INTEGER,
    next_try_at   INTEGER NOT NULL,
    paused_at     INTEGER
) STRICT;

-- Events to be pushed apart from the others. Those of one player wait for each other; an event of no player has its own number below
-- zero as `player` and waits for nobody. `dead`: refused for too long, a person must look.
CREATE TABLE event_queue (
    event_id  INTEGER PRIMARY KEY NOT NULL REFERENCES events (id),
    player    INTEGER NOT NULL,
    refusals  INTEGER NOT NULL CHECK (refusals >= 0),
    queued_at INTEGER NOT NULL,
    dead      INTEGER NOT NULL CHECK (dead IN (0, 1))
) STRICT;
CREATE INDEX pushes_of_a_player ON event_queue (player, dead, event_id);

-- When the first of a player's queued events may go; the later ones follow it. One row for each player who has any that are not dead.
CREATE TABLE event_turns (
    player INTEGER PRIMARY KEY NOT NULL,
    due_at INTEGER NOT NULL
) STRICT;
CREATE INDEX turns_that_are_due ON event_turns (due_at, player);

-- Every push, with its answer.
CREATE TABLE event_attempts (
    id          INTEGER PRIMARY KEY NOT NULL,
    event_id    INTEGER NOT NULL REFERENCES events (id),
    started_at  INTEGER NOT NULL,
    took_micros INTEGER NOT NULL,
    outcome     TEXT    NOT NULL CHECK (outcome IN ('delivered', 'refused', 'not_sent', 'unknown')),
    http_status INTEGER,
    answer      TEXT    NOT NULL
) STRICT;
CREATE INDEX attempts_of_an_event ON event_attempts (event_id);
-- Deliveries are forgotten after a while.
CREATE INDEX attempts_by_age ON event_attempts (outcome, started_at);

-- Until when deposits are blocked by self-exclusion or cool-off, and whether there are limits of the player's own: what a
-- question must know stands beside what it reads anyway.
ALTER TABLE players ADD COLUMN excluded_until INTEGER;
ALTER TABLE players ADD COLUMN limited INTEGER NOT NULL DEFAULT 0 CHECK (limited IN (0, 1));

-- A player's own deposit limits. `amount` NULL: none in force. What comes into force later stands in `next_…`.
CREATE TABLE player_limits (
    player_id   INTEGER NOT NULL REFERENCES players (id),
    currency    TEXT    NOT NULL,
    period      TEXT    NOT NULL CHECK (period IN ('day', 'week', 'month')),
    amount      INTEGER CHECK (amount BETWEEN 0 AND 1000000000000000),
    next_amount INTEGER CHECK (next_amount BETWEEN 0 AND 1000000000000000),
    next_at     INTEGER,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (player_id, currency, period)
) STRICT, WITHOUT ROWID;

-- Evidence: every change of limits and exclusions, for ever.
CREATE TABLE protection_log (
    id        INTEGER PRIMARY KEY NOT NULL,
    player_id INTEGER NOT NULL REFERENCES players (id),
    act       TEXT    NOT NULL,
    detail    TEXT    NOT NULL,
    at        INTEGER NOT NULL
) STRICT;
CREATE INDEX protection_of_a_player ON protection_log (player_id, id);
CREATE TRIGGER protection_log_is_never_changed BEFORE UPDATE ON protection_log
BEGIN SELECT RAISE(ABORT, 'the protection log is never changed'); END;
CREATE TRIGGER protection_log_is_never_deleted BEFORE DELETE ON protection_log
BEGIN SELECT RAISE(ABORT, 'the protection log is never deleted'); END;

-- Which methods one player may use besides or against the settings. `currency` '' is any.
CREATE TABLE method_overrides (
    player_id  INTEGER NOT NULL REFERENCES players (id),
    method     TEXT    NOT NULL,
    currency   TEXT    NOT NULL,
    allow      INTEGER NOT NULL CHECK (allow IN (0, 1)),
    min_amount INTEGER CHECK (min_amount BETWEEN 1 AND 1000000000000000),
    max_amount INTEGER CHECK (max_amount BETWEEN 1 AND 1000000000000000),
    reason     TEXT    NOT NULL,
    expires_at INTEGER,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (player_id, method, currency)
) STRICT, WITHOUT ROWID;

-- What belongs to an order that was asked through the players' API, besides the order itself.
CREATE TABLE cashier_requests (
    external_id     TEXT    PRIMARY KEY NOT NULL,
    player_id       INTEGER NOT NULL REFERENCES players (id),
    direction       TEXT    NOT NULL CHECK (direction IN ('deposit', 'withdrawal')),
    idempotency_key TEXT,
    fingerprint     BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    method          TEXT    NOT NULL,
    comment         TEXT    NOT NULL,
    metadata        TEXT    NOT NULL,
    redirect_url    TEXT,
    failure_reason  TEXT    NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX requests_by_key ON cashier_requests (player_id, direction, idempotency_key)
WHERE idempotency_key IS NOT NULL;

-- Deposits that a player began here and the Cashier has not asked about yet. Its question takes one over and the row goes.
CREATE TABLE deposit_intents (
    player_id   INTEGER NOT NULL REFERENCES players (id),
    external_id TEXT    NOT NULL,
    provider    TEXT    NOT NULL,
    amount      INTEGER NOT NULL,
    currency    TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (player_id, external_id)
) STRICT, WITHOUT ROWID;

-- A player's own list of deposits, their totals, and the staff's list of a player.
CREATE INDEX deposits_of_a_player ON deposits (player_id, external_id);
