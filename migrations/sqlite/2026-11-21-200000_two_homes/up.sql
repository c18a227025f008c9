-- What two homes of the books and several instances need. Columns and tables are the same on every database.

-- Who claimed the attempt: an instance settles its own open attempts at its start, and those of others only when they are old.
ALTER TABLE payout_attempts ADD COLUMN owner TEXT NOT NULL DEFAULT '';

-- Work that one instance does for all: `owner` has it until `until`, and then whoever asks first.
CREATE TABLE leases (
    name  TEXT    PRIMARY KEY NOT NULL,
    owner TEXT    NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Entries in the order of the chain, under the same names on every database. Here an entry is sealed as it is written.
CREATE VIEW sealed_entries AS
SELECT id AS number, id, kind, cause, player_id, currency, amount, debit_account, debit_held, credit_account, credit_held, at, hash
FROM journal_entries;
