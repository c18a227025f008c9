-- The books as on SQLite: the same tables, columns and checks. What differs stands beside what differs.
-- Times are microseconds since 1970-01-01 UTC. Amounts are minor units. A table keeps to 16 columns.
-- Text is compared by its bytes, as on SQLite: every text column says COLLATE "C".
-- Sequences give numbers and never take them back, so numbers may have gaps; none of them is cached by a session, so a later
-- call gets the higher number.
-- Hot tables have no foreign key to `accounts`: each entry would lock the house's rows, which are in every entry.

CREATE TABLE meta (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

CREATE SEQUENCE players_ids;
CREATE TABLE players (
    id                 BIGINT  PRIMARY KEY,
    site_id            BIGINT  NOT NULL,
    login              TEXT    COLLATE "C" NOT NULL,
    status             TEXT    COLLATE "C" NOT NULL CHECK (status IN ('active', 'blocked', 'closed')),
    deposit_allowed    BOOLEAN NOT NULL,
    withdrawal_allowed BOOLEAN NOT NULL,
    country            TEXT    COLLATE "C",
    profile            TEXT    COLLATE "C" NOT NULL,
    created_at         BIGINT  NOT NULL,
    updated_at         BIGINT  NOT NULL,
    UNIQUE (site_id, login)
);

-- A player's available and held money share a row, so that one update moves a hold.
-- Balances are credit-positive: what we owe a player is positive, what we have at a Cashier is negative.
-- A house account (without player) is written by the sealer only: what entries do to it is added when they are sealed.
-- Half of each page stays free: balances change all the time, and a changed row that finds room beside the old one costs no index.
CREATE SEQUENCE accounts_ids;
CREATE TABLE accounts (
    id              BIGINT  PRIMARY KEY,
    code            TEXT    COLLATE "C" NOT NULL UNIQUE,
    kind            TEXT    COLLATE "C" NOT NULL CHECK (kind IN ('player', 'clearing', 'games', 'promotions', 'adjustments')),
    player_id       BIGINT  REFERENCES players (id),
    currency        TEXT    COLLATE "C" NOT NULL CHECK (length(currency) = 3),
    available       BIGINT  NOT NULL,
    held            BIGINT  NOT NULL CHECK (held >= 0),
    may_go_negative BOOLEAN NOT NULL,
    CHECK (may_go_negative OR available >= 0),
    CHECK ((kind = 'player') = (player_id IS NOT NULL)),
    CHECK (kind = 'player' OR (held = 0 AND may_go_negative))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
-- What the players of a batch have is read with one look-up.
CREATE INDEX accounts_of_a_player ON accounts (player_id);

-- One entry is one movement between two accounts: its two postings stand in one row, so it cannot be unbalanced.
-- `debit_held` and `credit_held` say which side of a player's account moves: false available, true held.
-- `cause` is the one effect per cause: a hold's end has one cause, whether it is a capture or a release.
-- A player's row is locked before their entries are written, so a player's numbers follow the commits.
-- The index on `player_id` serves the player's statement; it is written in order of `id` within a player.
CREATE SEQUENCE journal_entries_ids;
CREATE TABLE journal_entries (
    id             BIGINT  PRIMARY KEY DEFAULT nextval('journal_entries_ids'),
    kind           TEXT    COLLATE "C" NOT NULL,
    cause          TEXT    COLLATE "C" NOT NULL UNIQUE,
    player_id      BIGINT  NOT NULL REFERENCES players (id),
    currency       TEXT    COLLATE "C" NOT NULL,
    amount         BIGINT  NOT NULL CHECK (amount > 0),
    debit_account  BIGINT  NOT NULL,
    debit_held     BOOLEAN NOT NULL,
    credit_account BIGINT  NOT NULL,
    credit_held    BOOLEAN NOT NULL,
    at             BIGINT  NOT NULL,
    CHECK (debit_account <> credit_account OR debit_held <> credit_held)
);

CREATE INDEX entries_of_a_player ON journal_entries (player_id, id);

-- Says no in the words given to the trigger.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0];
END $$;

CREATE TRIGGER journal_entries_are_never_changed BEFORE UPDATE ON journal_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('journal entries are never changed');
CREATE TRIGGER journal_entries_are_never_deleted BEFORE DELETE OR TRUNCATE ON journal_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('journal entries are never deleted');

-- Entries that have no place in the chain yet: a few milliseconds' worth. The trigger fills it, so no entry can miss it.
-- Every row is deleted soon, so vacuum comes by count and does not rest.
CREATE TABLE unsealed_entries (
    entry_id BIGINT PRIMARY KEY
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_cost_delay = 0
);

CREATE FUNCTION entries_wait_for_their_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO unsealed_entries (entry_id) SELECT id FROM written;
    RETURN NULL;
END $$;
CREATE TRIGGER entries_wait_for_their_seal AFTER INSERT ON journal_entries
REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION entries_wait_for_their_seal();

-- The chain: the number of an entry in it, without gaps, and the hash over the entry and the hash before. Written just after the
-- commit of the entry, by whichever instance has the turn; the primary key is the last guard of there being one chain.
-- No foreign key to the entries: its check would lock, and so rewrite, each of them once more.
CREATE TABLE seals (
    number   BIGINT PRIMARY KEY CHECK (number > 0),
    entry_id BIGINT NOT NULL UNIQUE,
    hash     BYTEA  NOT NULL CHECK (octet_length(hash) = 32)
);
CREATE TRIGGER seals_are_never_changed BEFORE UPDATE ON seals
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('seals are never changed');
CREATE TRIGGER seals_are_never_deleted BEFORE DELETE OR TRUNCATE ON seals
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('seals are never deleted');

-- Entries in the order of the chain, under the same names on every database.
CREATE VIEW sealed_entries AS
SELECT seals.number, id, kind, cause, player_id, currency, amount, debit_account, debit_held, credit_account, credit_held, at,
       seals.hash
FROM seals JOIN journal_entries ON journal_entries.id = seals.entry_id;

-- What makes a question of a Cashier recognisable: its transaction_id, or its content when it has none.
CREATE TABLE question_keys (
    provider    TEXT   COLLATE "C" NOT NULL,
    site_id     BIGINT NOT NULL,
    key         TEXT   COLLATE "C" NOT NULL,
    fingerprint BYTEA  NOT NULL CHECK (octet_length(fingerprint) = 32),
    external_id TEXT   COLLATE "C" NOT NULL,
    asked_at    BIGINT NOT NULL,
    -- The key first: looked up many at once, it must lead into the index, or a plan made while the table was small reads all of a site.
    PRIMARY KEY (key, provider, site_id)
);

-- An order's status changes a few times: room for it beside the old row.
CREATE TABLE deposits (
    external_id    TEXT   COLLATE "C" PRIMARY KEY,
    provider       TEXT   COLLATE "C" NOT NULL,
    site_id        BIGINT NOT NULL,
    player_id      BIGINT NOT NULL REFERENCES players (id),
    amount         BIGINT NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000000),
    currency       TEXT   COLLATE "C" NOT NULL,
    status         BIGINT NOT NULL CHECK (status BETWEEN 0 AND 9),
    transaction_id TEXT   COLLATE "C",
    details        TEXT   COLLATE "C" NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL
) WITH (fillfactor = 80);

-- The index serves the day's total of a player and the staff's list of a player.
-- An order's status changes a few times: room for it beside the old row.
CREATE TABLE payouts (
    external_id    TEXT   COLLATE "C" PRIMARY KEY,
    provider       TEXT   COLLATE "C" NOT NULL,
    site_id        BIGINT NOT NULL,
    player_id      BIGINT NOT NULL REFERENCES players (id),
    amount         BIGINT NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000000),
    currency       TEXT   COLLATE "C" NOT NULL,
    status         BIGINT NOT NULL CHECK (status BETWEEN 0 AND 9),
    stage          TEXT   COLLATE "C" NOT NULL CHECK (stage IN ('awaiting_approval', 'queued', 'sending', 'unknown', 'sent', 'done')),
    purse          TEXT   COLLATE "C",
    transaction_id TEXT   COLLATE "C",
    details        TEXT   COLLATE "C" NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX payouts_of_a_player ON payouts (player_id, external_id);

-- Payouts to be sent. A row is here from approval until the attempt that may have reached the Cashier is recorded.
-- Every row is changed and deleted soon, so vacuum comes by count.
CREATE TABLE outbox (
    external_id TEXT    COLLATE "C" PRIMARY KEY REFERENCES payouts (external_id),
    due_at      BIGINT  NOT NULL,
    attempts    BIGINT  NOT NULL CHECK (attempts >= 0),
    claimed     BOOLEAN NOT NULL
) WITH (
    fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0
);

-- Every attempt is written here before its first byte goes out; an attempt without an outcome may have reached the Cashier.
CREATE TABLE payout_attempts (
    external_id TEXT   COLLATE "C" NOT NULL REFERENCES payouts (external_id),
    number      BIGINT NOT NULL CHECK (number > 0),
    body        BYTEA  NOT NULL,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT,
    outcome     TEXT   COLLATE "C" CHECK (outcome IN ('accepted', 'refused', 'not_sent', 'unknown')),
    note        TEXT   COLLATE "C" NOT NULL,
    PRIMARY KEY (external_id, number)
);

-- Few, and looked for at every start.
CREATE INDEX open_attempts ON payout_attempts (external_id) WHERE outcome IS NULL;

-- Every change of an order after its creation: what, why, who.
CREATE TABLE transitions (
    external_id TEXT   COLLATE "C" NOT NULL,
    number      BIGINT NOT NULL CHECK (number > 0),
    from_status BIGINT NOT NULL,
    to_status   BIGINT NOT NULL,
    from_stage  TEXT   COLLATE "C",
    to_stage    TEXT   COLLATE "C",
    cause       TEXT   COLLATE "C" NOT NULL,
    actor       TEXT   COLLATE "C" NOT NULL,
    reason      TEXT   COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (external_id, number)
);

-- Verified notifications, each once. `verdict` says what became of it.
CREATE SEQUENCE webhooks_ids;
CREATE TABLE webhooks (
    id          BIGINT  PRIMARY KEY,
    provider    TEXT    COLLATE "C" NOT NULL,
    site_id     BIGINT  NOT NULL,
    digest      BYTEA   NOT NULL CHECK (octet_length(digest) = 32),
    external_id TEXT    COLLATE "C" NOT NULL,
    signed      BOOLEAN NOT NULL,
    news        TEXT    COLLATE "C" NOT NULL,
    codes       TEXT    COLLATE "C" NOT NULL,
    verdict     TEXT    COLLATE "C" NOT NULL
                CHECK (verdict IN ('applied', 'recorded', 'review', 'unknown_order', 'before_payment')),
    content     TEXT    COLLATE "C" NOT NULL,
    received_at BIGINT  NOT NULL,
    UNIQUE (provider, site_id, digest)
);
CREATE INDEX webhooks_of_an_order ON webhooks (external_id);
-- Few, and looked for at every start.
CREATE INDEX webhooks_that_wait ON webhooks (id) WHERE verdict IN ('unknown_order', 'before_payment');

-- What needs a person.
CREATE SEQUENCE reviews_ids;
CREATE TABLE reviews (
    id           BIGINT PRIMARY KEY,
    kind         TEXT   COLLATE "C" NOT NULL,
    site_id      BIGINT NOT NULL,
    external_id  TEXT   COLLATE "C",
    webhook_id   BIGINT REFERENCES webhooks (id),
    note         TEXT   COLLATE "C" NOT NULL,
    opened_at    BIGINT NOT NULL,
    closed_at    BIGINT,
    closed_by    TEXT   COLLATE "C",
    close_reason TEXT   COLLATE "C"
);

-- What the game server did, with the answer it got. The partial index finds the bets of a reference for its rollback.
CREATE TABLE wallet_transactions (
    id          TEXT    COLLATE "C" PRIMARY KEY,
    site_id     BIGINT  NOT NULL,
    key         TEXT    COLLATE "C" NOT NULL,
    player_id   BIGINT  NOT NULL REFERENCES players (id),
    kind        TEXT    COLLATE "C" NOT NULL CHECK (kind IN ('bet', 'win', 'refund', 'bonus', 'adjustment')),
    amount      BIGINT  NOT NULL,
    currency    TEXT    COLLATE "C" NOT NULL,
    reference   TEXT    COLLATE "C" NOT NULL,
    reason      TEXT    COLLATE "C",
    fingerprint BYTEA   NOT NULL CHECK (octet_length(fingerprint) = 32),
    available   BIGINT  NOT NULL,
    held        BIGINT  NOT NULL CHECK (held >= 0),
    voided      BOOLEAN NOT NULL,
    created_at  BIGINT  NOT NULL,
    UNIQUE (key, site_id)
);
CREATE INDEX bets_of_a_reference ON wallet_transactions (player_id, reference) WHERE kind = 'bet';

CREATE TABLE rollbacks (
    player_id  BIGINT  NOT NULL REFERENCES players (id),
    reference  TEXT    COLLATE "C" NOT NULL,
    applied    BOOLEAN NOT NULL,
    answer     TEXT    COLLATE "C" NOT NULL,
    created_at BIGINT  NOT NULL,
    PRIMARY KEY (player_id, reference)
);

CREATE SEQUENCE staff_ids;
CREATE TABLE staff (
    id            BIGINT  PRIMARY KEY,
    name          TEXT    COLLATE "C" NOT NULL UNIQUE,
    role          TEXT    COLLATE "C" NOT NULL CHECK (role IN ('viewer', 'operator', 'approver', 'admin')),
    password_hash TEXT    COLLATE "C" NOT NULL,
    disabled      BOOLEAN NOT NULL,
    created_at    BIGINT  NOT NULL
);

-- Only the digest of a token is kept.
CREATE TABLE staff_tokens (
    digest     BYTEA  PRIMARY KEY CHECK (octet_length(digest) = 32),
    staff_id   BIGINT NOT NULL REFERENCES staff (id),
    created_at BIGINT NOT NULL
);

-- The first of two people who must agree.
CREATE SEQUENCE approvals_ids;
CREATE TABLE approvals (
    id      BIGINT  PRIMARY KEY,
    subject TEXT    COLLATE "C" NOT NULL,
    act     TEXT    COLLATE "C" NOT NULL,
    actor   TEXT    COLLATE "C" NOT NULL,
    reason  TEXT    COLLATE "C" NOT NULL,
    spent   BOOLEAN NOT NULL,
    at      BIGINT  NOT NULL
);
CREATE INDEX approvals_of_a_subject ON approvals (subject);

-- Numbered without gaps by whoever writes: two at once meet at the primary key, and one of them goes again.
CREATE TABLE audit (
    id      BIGINT PRIMARY KEY,
    at      BIGINT NOT NULL,
    actor   TEXT   COLLATE "C" NOT NULL,
    act     TEXT   COLLATE "C" NOT NULL,
    subject TEXT   COLLATE "C" NOT NULL,
    detail  TEXT   COLLATE "C" NOT NULL,
    hash    BYTEA  NOT NULL CHECK (octet_length(hash) = 32)
);

CREATE TRIGGER audit_rows_are_never_changed BEFORE UPDATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('audit rows are never changed');
CREATE TRIGGER audit_rows_are_never_deleted BEFORE DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('audit rows are never deleted');
