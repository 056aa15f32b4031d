-- The projections: everything here follows from the tables of truth, and doctor drops and rebuilds it.

-- Why a record of kind 0 is not applied: 1 waiting, else the code of its quarantine.
CREATE TABLE verdict (
    seq INTEGER NOT NULL PRIMARY KEY,
    code INTEGER NOT NULL
) STRICT;

-- The fold of documents with many changes, and nothing else: a document that is not here is folded from its records.
CREATE TABLE fold (
    rid INTEGER NOT NULL PRIMARY KEY,
    row BLOB NOT NULL
) STRICT;

CREATE TABLE expense (
    rid INTEGER NOT NULL PRIMARY KEY,
    lid INTEGER NOT NULL,
    -- Days since 1970-01-01.
    day INTEGER NOT NULL,
    -- When the first commit that holds it was made, by its author's clock: only to order what has one day.
    created_ms INTEGER NOT NULL,
    -- 0 expense, 1 income, 2 transfer; null when a newer version wrote the money.
    kind INTEGER,
    minor INTEGER,
    currency TEXT,
    payee INTEGER,
    category INTEGER,
    -- For a transfer, the account that gives.
    account INTEGER,
    deleted INTEGER NOT NULL,
    conflicted INTEGER NOT NULL,
    to_account INTEGER,
    second INTEGER,
    note TEXT,
    -- Joined by U+001F.
    tags TEXT,
    refund_of INTEGER,
    -- The whole register, when it has more than the columns.
    money BLOB,
    -- Of a listed document; others follow from their rid. A page reads it here, not from the list of documents.
    id BLOB
) STRICT;
-- Each index is one more cold page for an add, so there is one. It also has what a page is most often filtered by: going
-- along it finds a page of a category, an account or a payee, or that there is none, without reading entries.
CREATE INDEX expense_by_day ON expense (lid, day, created_ms, rid, category, account, to_account, payee) WHERE deleted = 0;
CREATE INDEX expense_deleted ON expense (lid, day, created_ms) WHERE deleted = 1;

CREATE TABLE expense_tag (
    lid INTEGER NOT NULL,
    tag TEXT NOT NULL,
    rid INTEGER NOT NULL,
    PRIMARY KEY (lid, tag, rid)
) STRICT, WITHOUT ROWID;

-- The files of entries, also of those in the trash.
CREATE TABLE attachment (
    rid INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    lid INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (rid, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachment_by_hash ON attachment (hash, lid);

-- What was decided of payments that come back, each by an entry that is one of them, also if that is in the trash.
CREATE TABLE decision (
    rid INTEGER NOT NULL PRIMARY KEY,
    lid INTEGER NOT NULL,
    is_confirmed INTEGER NOT NULL
) STRICT;

CREATE TABLE account (
    rid INTEGER NOT NULL PRIMARY KEY,
    lid INTEGER NOT NULL,
    name TEXT NOT NULL,
    currency TEXT,
    deleted INTEGER NOT NULL,
    -- As in an entry.
    id BLOB
) STRICT;
CREATE INDEX account_by_ledger ON account (lid, name);

CREATE TABLE category (
    rid INTEGER NOT NULL PRIMARY KEY,
    lid INTEGER NOT NULL,
    name TEXT NOT NULL,
    parent INTEGER,
    deleted INTEGER NOT NULL,
    -- As in an entry.
    id BLOB
) STRICT;
CREATE INDEX category_by_ledger ON category (lid, name);

CREATE TABLE member (
    rid INTEGER NOT NULL PRIMARY KEY,
    lid INTEGER NOT NULL,
    name TEXT NOT NULL,
    deleted INTEGER NOT NULL
) STRICT;

-- Sums of live entries. A sum is high × 2^62 + low, because no projection step may fail because of a value.
CREATE TABLE rollup (
    lid INTEGER NOT NULL,
    -- year × 12 + month − 1
    month INTEGER NOT NULL,
    currency TEXT NOT NULL,
    kind INTEGER NOT NULL,
    -- 0 for none.
    category INTEGER NOT NULL,
    count INTEGER NOT NULL,
    high INTEGER NOT NULL,
    low INTEGER NOT NULL,
    PRIMARY KEY (lid, month, currency, kind, category)
) STRICT, WITHOUT ROWID;

CREATE TABLE conflict (
    lid INTEGER NOT NULL,
    rid INTEGER NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (lid, rid, key)
) STRICT, WITHOUT ROWID;

-- Entries that changed without a new record, so that the search index may have them as they were. All others that it
-- lacks have a record after the number in meta 'searchable_to'.
CREATE TABLE search_dirty (
    rid INTEGER NOT NULL PRIMARY KEY
) STRICT;

CREATE VIRTUAL TABLE search USING fts5 (
    text, content = '', contentless_delete = 1, detail = none,
    tokenize = "unicode61 remove_diacritics 2"
);
-- Small batches are merged sixteen at a time: four, the default, rewrites what a large import left for every few of them.
INSERT INTO search (search, rank) VALUES ('automerge', 16), ('usermerge', 16), ('crisismerge', 32);
