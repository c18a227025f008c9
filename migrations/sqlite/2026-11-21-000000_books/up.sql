-- Names and columns are the same on every database; only the spelling of types differs.
-- Times are microseconds since 1970-01-01 UTC. Amounts are minor units. A table keeps to 16 columns.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE players (
    id                 INTEGER PRIMARY KEY NOT NULL,
    site_id            INTEGER NOT NULL,
    login              TEXT    NOT NULL,
    status             TEXT    NOT NULL CHECK (status IN ('active', 'blocked', 'closed')),
    deposit_allowed    INTEGER NOT NULL CHECK (deposit_allowed IN (0, 1)),
    withdrawal_allowed INTEGER NOT NULL CHECK (withdrawal_allowed IN (0, 1)),
    country            TEXT,
    profile            TEXT    NOT NULL,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    UNIQUE (site_id, login)
) STRICT;

-- A player's available and held money share a row, so that one update moves a hold.
-- Balances are credit-positive: what we owe a player is positive, what we have at a Cashier is negative.
CREATE TABLE accounts (
    id              INTEGER PRIMARY KEY NOT NULL,
    code            TEXT    NOT NULL UNIQUE,
    kind            TEXT    NOT NULL CHECK (kind IN ('player', 'clearing', 'games', 'promotions', 'adjustments')),
    player_id       INTEGER REFERENCES players (id),
    currency        TEXT    NOT NULL CHECK (length(currency) = 3),
    available       INTEGER NOT NULL,
    held            INTEGER NOT NULL CHECK (held >= 0),
    may_go_negative INTEGER NOT NULL CHECK (may_go_negative IN (0, 1)),
    CHECK (may_go_negative = 1 OR available >= 0),
    CHECK ((kind = 'player') = (player_id IS NOT NULL)),
    CHECK (kind = 'player' OR (held = 0 AND may_go_negative = 1))
) STRICT;

-- One entry is one movement between two accounts: its two postings stand in one row, so it cannot be unbalanced.
-- `debit_held` and `credit_held` say which side of a player's account moves: 0 available, 1 held.
-- `cause` is the one effect per cause: a hold's end has one cause, whether it is a capture or a release.
-- The index on `player_id` serves the player's statement; it is written in order of `id` within a player.
CREATE TABLE journal_entries (
    id             INTEGER PRIMARY KEY NOT NULL,
    kind           TEXT    NOT NULL,
    cause          TEXT    NOT NULL UNIQUE,
    player_id      INTEGER NOT NULL REFERENCES players (id),
    currency       TEXT    NOT NULL,
    amount         INTEGER NOT NULL CHECK (amount > 0),
    debit_account  INTEGER NOT NULL REFERENCES accounts (id),
    debit_held     INTEGER NOT NULL CHECK (debit_held IN (0, 1)),
    credit_account INTEGER NOT NULL REFERENCES accounts (id),
    credit_held    INTEGER NOT NULL CHECK (credit_held IN (0, 1)),
    at             INTEGER NOT NULL,
    hash           BLOB    NOT NULL CHECK (length(hash) = 32),
    CHECK (debit_account <> credit_account OR debit_held <> credit_held)
) STRICT;

CREATE INDEX entries_of_a_player ON journal_entries (player_id);

CREATE TRIGGER journal_entries_are_never_changed BEFORE UPDATE ON journal_entries
BEGIN SELECT RAISE(ABORT, 'journal entries are never changed'); END;
CREATE TRIGGER journal_entries_are_never_deleted BEFORE DELETE ON journal_entries
BEGIN SELECT RAISE(ABORT, 'journal entries are never deleted'); END;

-- What makes a question of a Cashier recognisable: its transaction_id, or its content when it has none.
CREATE TABLE question_keys (
    provider    TEXT    NOT NULL,
    site_id     INTEGER NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    external_id TEXT    NOT NULL,
    asked_at    INTEGER NOT NULL,
    PRIMARY KEY (provider, site_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE deposits (
    external_id    TEXT    PRIMARY KEY NOT NULL,
    provider       TEXT    NOT NULL,
    site_id        INTEGER NOT NULL,
    player_id      INTEGER NOT NULL REFERENCES players (id),
    amount         INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000000),
    currency       TEXT    NOT NULL,
    status         INTEGER NOT NULL CHECK (status BETWEEN 0 AND 9),
    transaction_id TEXT,
    details        TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The index serves the day's total of a player and the staff's list of a player.
CREATE TABLE payouts (
    external_id    TEXT    PRIMARY KEY NOT NULL,
    provider       TEXT    NOT NULL,
    site_id        INTEGER NOT NULL,
    player_id      INTEGER NOT NULL REFERENCES players (id),
    amount         INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000000),
    currency       TEXT    NOT NULL,
    status         INTEGER NOT NULL CHECK (status BETWEEN 0 AND 9),
    stage          TEXT    NOT NULL CHECK (stage IN ('awaiting_approval', 'queued', 'sending', 'unknown', 'sent', 'done')),
    purse          TEXT,
    transaction_id TEXT,
    details        TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX payouts_of_a_player ON payouts (player_id, external_id);

-- Payouts to be sent. A row is here from approval until the attempt that may have reached the Cashier is recorded.
CREATE TABLE outbox (
    external_id TEXT    PRIMARY KEY NOT NULL REFERENCES payouts (external_id),
    due_at      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL CHECK (attempts >= 0),
    claimed     INTEGER NOT NULL CHECK (claimed IN (0, 1))
) STRICT, WITHOUT ROWID;

-- Every attempt is written here before its first byte goes out; an attempt without an outcome may have reached the Cashier.
CREATE TABLE payout_attempts (
    external_id TEXT    NOT NULL REFERENCES payouts (external_id),
    number      INTEGER NOT NULL CHECK (number > 0),
    body        BLOB    NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    outcome     TEXT CHECK (outcome IN ('accepted', 'refused', 'not_sent', 'unknown')),
    note        TEXT    NOT NULL,
    PRIMARY KEY (external_id, number)
) STRICT, WITHOUT ROWID;

-- Few, and looked for at every start.
CREATE INDEX open_attempts ON payout_attempts (external_id) WHERE outcome IS NULL;

-- Every change of an order after its creation: what, why, who.
CREATE TABLE transitions (
    external_id TEXT    NOT NULL,
    number      INTEGER NOT NULL CHECK (number > 0),
    from_status INTEGER NOT NULL,
    to_status   INTEGER NOT NULL,
    from_stage  TEXT,
    to_stage    TEXT,
    cause       TEXT    NOT NULL,
    actor       TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (external_id, number)
) STRICT, WITHOUT ROWID;

-- Verified notifications, each once. `verdict` says what became of it.
CREATE TABLE webhooks (
    id          INTEGER PRIMARY KEY NOT NULL,
    provider    TEXT    NOT NULL,
    site_id     INTEGER NOT NULL,
    digest      BLOB    NOT NULL CHECK (length(digest) = 32),
    external_id TEXT    NOT NULL,
    signed      INTEGER NOT NULL CHECK (signed IN (0, 1)),
    news        TEXT    NOT NULL,
    codes       TEXT    NOT NULL,
    verdict     TEXT    NOT NULL CHECK (verdict IN ('applied', 'recorded', 'review', 'unknown_order', 'before_payment')),
    content     TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    UNIQUE (provider, site_id, digest)
) STRICT;
CREATE INDEX webhooks_of_an_order ON webhooks (external_id);
-- Few, and looked for at every start.
CREATE INDEX webhooks_that_wait ON webhooks (id) WHERE verdict IN ('unknown_order', 'before_payment');

-- What needs a person.
CREATE TABLE reviews (
    id           INTEGER PRIMARY KEY NOT NULL,
    kind         TEXT    NOT NULL,
    site_id      INTEGER NOT NULL,
    external_id  TEXT,
    webhook_id   INTEGER REFERENCES webhooks (id),
    note         TEXT    NOT NULL,
    opened_at    INTEGER NOT NULL,
    closed_at    INTEGER,
    closed_by    TEXT,
    close_reason TEXT
) STRICT;

-- What the game server did, with the answer it got. The partial index finds the bets of a reference for its rollback.
CREATE TABLE wallet_transactions (
    id          TEXT    PRIMARY KEY NOT NULL,
    site_id     INTEGER NOT NULL,
    key         TEXT    NOT NULL,
    player_id   INTEGER NOT NULL REFERENCES players (id),
    kind        TEXT    NOT NULL CHECK (kind IN ('bet', 'win', 'refund', 'bonus', 'adjustment')),
    amount      INTEGER NOT NULL,
    currency    TEXT    NOT NULL,
    reference   TEXT    NOT NULL,
    reason      TEXT,
    fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    available   INTEGER NOT NULL,
    held        INTEGER NOT NULL CHECK (held >= 0),
    voided      INTEGER NOT NULL CHECK (voided IN (0, 1)),
    created_at  INTEGER NOT NULL,
    UNIQUE (site_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX bets_of_a_reference ON wallet_transactions (player_id, reference) WHERE kind = 'bet';

CREATE TABLE rollbacks (
    player_id  INTEGER NOT NULL REFERENCES players (id),
    reference  TEXT    NOT NULL,
    applied    INTEGER NOT NULL CHECK (applied IN (0, 1)),
    answer     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (player_id, reference)
) STRICT, WITHOUT ROWID;

CREATE TABLE staff (
    id            INTEGER PRIMARY KEY NOT NULL,
    name          TEXT    NOT NULL UNIQUE,
    role          TEXT    NOT NULL CHECK (role IN ('viewer', 'operator', 'approver', 'admin')),
    password_hash TEXT    NOT NULL,
    disabled      INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    created_at    INTEGER NOT NULL
) STRICT;

-- Only the digest of a token is kept.
CREATE TABLE staff_tokens (
    digest     BLOB    PRIMARY KEY NOT NULL CHECK (length(digest) = 32),
    staff_id   INTEGER NOT NULL REFERENCES staff (id),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The first of two people who must agree.
CREATE TABLE approvals (
    id      INTEGER PRIMARY KEY NOT NULL,
    subject TEXT    NOT NULL,
    act     TEXT    NOT NULL,
    actor   TEXT    NOT NULL,
    reason  TEXT    NOT NULL,
    spent   INTEGER NOT NULL CHECK (spent IN (0, 1)),
    at      INTEGER NOT NULL
) STRICT;
CREATE INDEX approvals_of_a_subject ON approvals (subject);

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY NOT NULL,
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    act     TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    detail  TEXT    NOT NULL,
    hash    BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TRIGGER audit_rows_are_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END;
CREATE TRIGGER audit_rows_are_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are never deleted'); END;
