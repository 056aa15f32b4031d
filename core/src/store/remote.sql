-- 0002: what servers hold.
--
-- A commit is known to be held by a remote when its cid is at most `remote.examined_to` and it is not in `owed`. So a
-- local add writes nothing here: what is above `examined_to` is the queue, and one number moves when it is acknowledged.

CREATE TABLE remote (
    sid INTEGER NOT NULL PRIMARY KEY,
    -- The server's public key: whatever its address is, this is the log it keeps.
    server BLOB NOT NULL CHECK (length(server) = 32),
    -- Whose account there.
    account TEXT NOT NULL,
    url TEXT NOT NULL,
    email TEXT NOT NULL,
    -- 1 for the account that this database is signed in to; at most one row.
    is_current INTEGER NOT NULL DEFAULT 0,
    examined_to INTEGER NOT NULL DEFAULT 0,
    -- When everything was last known to be alike here and there.
    caught_up_ms INTEGER,
    UNIQUE (server, account)
) STRICT;

-- By the ledger's id and not its number: one that is offered and not yet here has none.
CREATE TABLE remote_ledger (
    sid INTEGER NOT NULL,
    ledger BLOB NOT NULL CHECK (length(ledger) = 16),
    -- The cursor; all null before the first page.
    epoch BLOB CHECK (length(epoch) = 8),
    pos INTEGER,
    chain BLOB CHECK (length(chain) = 8),
    -- Months before this one are still to come; 0 when nothing is missing.
    complete_from INTEGER NOT NULL DEFAULT 0,
    -- The highest place ever acknowledged or pulled in this epoch.
    highest_pos INTEGER,
    highest_chain BLOB CHECK (length(highest_chain) = 8),
    -- 1 once an owner's device has pinned the server, or found it pinned: revoking it stays the owner's word.
    is_pinned INTEGER NOT NULL DEFAULT 0,
    -- Why the server does not open it; null when it does.
    code INTEGER,
    PRIMARY KEY (sid, ledger)
) STRICT, WITHOUT ROWID;

CREATE TABLE owed (
    sid INTEGER NOT NULL,
    lid INTEGER NOT NULL,
    cid INTEGER NOT NULL,
    PRIMARY KEY (sid, lid, cid)
) STRICT, WITHOUT ROWID;

-- Commits that are owed and were refused. They are not offered again before the cause may be gone.
CREATE TABLE refused (
    sid INTEGER NOT NULL,
    lid INTEGER NOT NULL,
    cid INTEGER NOT NULL,
    code INTEGER NOT NULL,
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (sid, lid, cid)
) STRICT, WITHOUT ROWID;
