-- 0003: files that belong to entries.
--
-- The files themselves are beside the database; see blobs.rs. Which entries they belong to is the projection `attachment`.

-- The files that are here.
CREATE TABLE blob (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    bytes INTEGER NOT NULL,
    -- When it was seen first that no entry has it; null while one does.
    loose_ms INTEGER
) STRICT, WITHOUT ROWID;

-- The files that a server is known to hold, in the epoch of its log in which it said so: one that was restored from a backup
-- is asked again.
CREATE TABLE blob_held (
    sid INTEGER NOT NULL,
    ledger BLOB NOT NULL CHECK (length(ledger) = 16),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    epoch BLOB NOT NULL,
    PRIMARY KEY (sid, ledger, hash)
) STRICT, WITHOUT ROWID;

-- The files that a server has refused. They are not offered again before the cause may be gone.
CREATE TABLE blob_refused (
    sid INTEGER NOT NULL,
    ledger BLOB NOT NULL CHECK (length(ledger) = 16),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    code INTEGER NOT NULL,
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (sid, ledger, hash)
) STRICT, WITHOUT ROWID;

-- As in projection.sql: a database that is made now has it already, and in an older one no entry has a file yet.
CREATE TABLE IF NOT EXISTS attachment (
    rid INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    lid INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (rid, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS attachment_by_hash ON attachment (hash, lid);
