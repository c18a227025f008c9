-- What two homes of the books and several instances need. `owner` and `leases` are the same on every database.

-- Who claimed the attempt: an instance settles its own open attempts at its start, and those of others only when they are old.
ALTER TABLE payout_attempts ADD COLUMN owner TEXT COLLATE "C" NOT NULL DEFAULT '';

-- Work that one instance does for all: `owner` has it until `until`, and then whoever asks first.
CREATE TABLE leases (
    name  TEXT   COLLATE "C" PRIMARY KEY,
    owner TEXT   COLLATE "C" NOT NULL,
    until BIGINT NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- The last batch of every writer lane, marked in the batch itself: whether a commit that got no answer took place is read here.
-- A row changes with every commit of its lane: a page has room for many versions, and vacuum comes soon.
CREATE TABLE lanes (
    id    TEXT   COLLATE "C" PRIMARY KEY,
    batch TEXT   COLLATE "C" NOT NULL,
    at    BIGINT NOT NULL
) WITH (
    fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0
);

-- Rows to be locked, never changed: whoever has the lock of 'sealing' appends to the chain and to the events.
CREATE TABLE turns (
    name TEXT COLLATE "C" PRIMARY KEY
);
INSERT INTO turns (name) VALUES ('sealing');
