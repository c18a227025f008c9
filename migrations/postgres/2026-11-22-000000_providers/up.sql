-- What providers beside the main Cashier need.

-- A table that is waited for must not stop everybody who works.
SET LOCAL lock_timeout = '5s';

-- What a provider told us of an order: its own ids, receipts, and what else is asked for later. A JSON object of texts.
CREATE TABLE order_facts (
    external_id TEXT COLLATE "C" PRIMARY KEY,
    facts       TEXT COLLATE "C" NOT NULL
);

-- What nobody may read in the books, sealed with a key of [vault]; it goes when the order ends.
CREATE TABLE order_secrets (
    external_id TEXT  COLLATE "C" NOT NULL,
    name        TEXT  COLLATE "C" NOT NULL CHECK (name IN ('details', 'body', 'requisites')),
    sealed      BYTEA NOT NULL,
    PRIMARY KEY (external_id, name)
);

-- Orders whose end we wait for: when each is asked about, or looked at, next.
CREATE TABLE inquiries (
    external_id   TEXT    COLLATE "C" PRIMARY KEY,
    provider      TEXT    COLLATE "C" NOT NULL,
    site_id       BIGINT  NOT NULL,
    since         BIGINT  NOT NULL,
    due_at        BIGINT  NOT NULL,
    asked         BIGINT  NOT NULL CHECK (asked >= 0),
    last_asked_at BIGINT,
    last_answer   TEXT    COLLATE "C" NOT NULL,
    about         TEXT    COLLATE "C",
    alarmed       BOOLEAN NOT NULL
);
CREATE INDEX inquiries_that_are_due ON inquiries (due_at);

-- Payouts that are on their way already.
INSERT INTO inquiries (external_id, provider, site_id, since, due_at, asked, last_answer, alarmed)
SELECT external_id, provider, site_id, updated_at, updated_at, 0, '', FALSE FROM payouts WHERE stage IN ('sent', 'unknown');
