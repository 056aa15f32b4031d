-- 0002: insights, and what people decide of payments that come back.

ALTER TABLE expense ADD COLUMN decision TEXT;

-- Rows that were folded before lack it: they are made anew when somebody next reads their ledger.
INSERT INTO expense_search (expense_search) VALUES ('delete-all');
DELETE FROM document_record;
DELETE FROM fold;
DELETE FROM uncounted;
DELETE FROM expense;
DELETE FROM category;
DELETE FROM wallet;
DELETE FROM document;
DELETE FROM projection;

-- The ledgers whose insights somebody has asked for, and the last ones that were made.
CREATE TABLE insight (
    lid INTEGER NOT NULL PRIMARY KEY,
    -- When somebody last asked for them.
    asked_ms INTEGER NOT NULL,
    -- 1 while some are to be made whatever has changed.
    is_wanted INTEGER NOT NULL DEFAULT 1,
    -- When the making of the last ones began; 0 if it never did.
    begun_ms INTEGER NOT NULL DEFAULT 0,
    -- Of what they are, each NULL until there are some: a position of the log, a day since 1970-01-01, when they were done.
    position INTEGER,
    day INTEGER,
    made_ms INTEGER,
    -- JSON; NULL where there are none, with why not.
    body TEXT,
    refused TEXT,
    -- Where the event that tells of them stands among those of the log.
    ready_position INTEGER,
    ready_place INTEGER
) STRICT;
