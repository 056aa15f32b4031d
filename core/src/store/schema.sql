-- 0001: the store as it begins.
--
-- Truth: ledger keys, feed, commit_log, record. All else is a projection of them, dropped and rebuilt by doctor.
-- Keys are small integers given out in order of arrival, so that a commit dirties few pages and indexes grow at their end.
-- They are local to one database: nothing outside it ever sees one.

CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (
    lid INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    -- From the genesis commit; absent until that is held.
    fact_key BLOB CHECK (length(fact_key) = 32),
    -- Projections from here on: of the settings document and of the member records.
    settings INTEGER,
    name TEXT NOT NULL DEFAULT '',
    currency TEXT NOT NULL DEFAULT '',
    -- This device's role: 0 none, 1 owner, 2 editor, 3 viewer.
    role INTEGER NOT NULL DEFAULT 0,
    -- This device's member here.
    member BLOB CHECK (length(member) = 16),
    -- Commit ids, 32 bytes each, ascending.
    member_heads BLOB NOT NULL DEFAULT x''
) STRICT;

CREATE TABLE device (
    did INTEGER NOT NULL PRIMARY KEY,
    key BLOB NOT NULL UNIQUE CHECK (length(key) = 32)
) STRICT;

-- A process's run of commits, or only the prefix of its documents while none of its commits is held.
CREATE TABLE feed (
    fid INTEGER NOT NULL PRIMARY KEY,
    lid INTEGER NOT NULL,
    prefix BLOB NOT NULL CHECK (length(prefix) = 10),
    did INTEGER,
    nonce BLOB CHECK (length(nonce) = 16),
    -- The feed whose number stands for this prefix in rid: itself, unless two feeds share a prefix.
    origin INTEGER NOT NULL
) STRICT;
CREATE INDEX feed_by_prefix ON feed (lid, prefix);

CREATE TABLE heads_set (
    hid INTEGER NOT NULL PRIMARY KEY,
    -- Commit ids, 32 bytes each, ascending.
    ids BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE commit_log (
    -- The number of its first record in `record`.
    cid INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL CHECK (length(id) = 32),
    fid INTEGER NOT NULL,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    -- The one commit before it in its device's chain, if it is held; null when there is none or are several.
    previous INTEGER,
    hid INTEGER NOT NULL,
    action BLOB CHECK (length(action) = 8),
    -- The whole header, when the columns do not give it back.
    header BLOB,
    signature BLOB NOT NULL CHECK (length(signature) = 64),
    -- 12 bytes, or 16 for each record that was not purged.
    salts BLOB NOT NULL,
    -- 0 counts, 1 set aside, 2 waiting, 3 newer.
    standing INTEGER NOT NULL
) STRICT;
CREATE INDEX commit_not_counting ON commit_log (standing, fid) WHERE standing <> 0;

-- Commits by the first eight bytes of their ids, up to the number in meta 'commits_indexed_to'. A key is as random as a
-- hash and dirties a cold page, so a local add leaves it to a batch; what is not here yet is few, and scanned.
CREATE TABLE commit_index (
    key INTEGER NOT NULL,
    cid INTEGER NOT NULL,
    PRIMARY KEY (key, cid)
) STRICT, WITHOUT ROWID;

-- Commits that another one names and that are not held.
CREATE TABLE missing (
    id BLOB NOT NULL CHECK (length(id) = 32),
    -- Who names it, and as what: 0 previous, 1 member head, 2 cut.
    cid INTEGER NOT NULL,
    role INTEGER NOT NULL,
    PRIMARY KEY (id, cid, role)
) STRICT, WITHOUT ROWID;

-- The commits of each device that no held commit names as previous, as of the number in meta 'commits_indexed_to'.
CREATE TABLE head (
    lid INTEGER NOT NULL,
    did INTEGER NOT NULL,
    cid INTEGER NOT NULL,
    PRIMARY KEY (lid, did, cid)
) STRICT, WITHOUT ROWID;

CREATE TABLE record (
    seq INTEGER NOT NULL PRIMARY KEY,
    -- The document, for records of kind 0.
    rid INTEGER,
    -- Kind, form, period and how the document is named; see store/records.rs.
    meta INTEGER NOT NULL,
    -- A tag byte and what it says: raw, compressed with a numbered dictionary, the same as another record, or purged.
    body BLOB NOT NULL
) STRICT;
-- Less those that `feed_run` finds; see store/runs.rs.
CREATE INDEX record_by_document ON record (rid) WHERE rid IS NOT NULL AND meta & 134217728 = 0;

-- From record number `first` of a feed on, records are at `seq` and after, up to the next row of the feed.
CREATE TABLE feed_run (
    fid INTEGER NOT NULL,
    first INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (fid, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE dictionary (
    did INTEGER NOT NULL PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- Documents whose rid does not follow from a feed and a number: those of outside facts.
CREATE TABLE named_document (
    rid INTEGER NOT NULL PRIMARY KEY,
    lid INTEGER NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16)
) STRICT;

-- The same by the first eight bytes of their ids. Ids are as random as hashes, so an import enters its own in the order of
-- this table, and their numbers in the order of the dates.
CREATE TABLE document_index (
    key INTEGER NOT NULL,
    rid INTEGER NOT NULL,
    PRIMARY KEY (key, rid)
) STRICT, WITHOUT ROWID;

-- What this device did and undid: its own memory, not exchanged.
CREATE TABLE undone (
    action BLOB NOT NULL PRIMARY KEY CHECK (length(action) = 8),
    by BLOB NOT NULL CHECK (length(by) = 8)
) STRICT, WITHOUT ROWID;

-- Mappings of import files that the user saved.
CREATE TABLE profile (
    name TEXT NOT NULL PRIMARY KEY,
    json TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The commits that `roles` reads: those with records of members, keys or purges.
CREATE TABLE member_commit (
    lid INTEGER NOT NULL,
    cid INTEGER NOT NULL,
    PRIMARY KEY (lid, cid)
) STRICT, WITHOUT ROWID;

-- Payees by number, as in the rows of entries.
CREATE TABLE payee (
    pid INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE INDEX commit_by_action ON commit_log (action) WHERE action IS NOT NULL;
