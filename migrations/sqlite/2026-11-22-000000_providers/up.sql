-- What providers beside the main Cashier need.

-- What a provider told us of an order: its own ids, receipts, and what else is asked for later. A JSON object of texts.
CREATE TABLE order_facts (
    external_id TEXT PRIMARY KEY NOT NULL,
    facts       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What nobody may read in the books, sealed with a key of [vault]; it goes when the order ends.
CREATE TABLE order_secrets (
    external_id TEXT NOT NULL,
    name        TEXT NOT NULL CHECK (name IN ('details', 'body', 'requisites')),
    sealed      BLOB NOT NULL,
    PRIMARY KEY (external_id, name)
) STRICT, WITHOUT ROWID;

-- Orders whose end we wait for: when each is asked about, or looked at, next.
CREATE TABLE inquiries (
    external_id   TEXT    PRIMARY KEY NOT NULL,
    provider      TEXT    NOT NULL,
    site_id       INTEGER NOT NULL,
    since         INTEGER NOT NULL,
    due_at        INTEGER NOT NULL,
    asked         INTEGER NOT NULL CHECK (asked >= 0),
    last_asked_at INTEGER,
    last_answer   TEXT    NOT NULL,
    about         TEXT,
    alarmed       INTEGER NOT NULL CHECK (alarmed IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX inquiries_that_are_due ON inquiries (due_at);

-- Payouts that are on their way already.
INSERT INTO inquiries (external_id, provider, site_id, since, due_at, asked, last_answer, alarmed)
SELECT external_id, provider, site_id, updated_at, updated_at, 0, '', 0 FROM payouts WHERE stage IN ('sent', 'unknown');
