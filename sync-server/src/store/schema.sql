-- 0001: the server's store as it begins.
--
-- Truth: account, account_event, api_token, aside, delivery, device, family, invitation, mailed, totp, recovery, ledger,
-- log, repeat, taken_back, tie, webhook. The rest is derived from `log`.
-- A row of `log` is keyed by lid * 2^40 + position, so that a ledger's log lies together and grows at its end.

CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    -- Never given again: what an account that was deleted has pushed into others' ledgers keeps it.
    aid INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    -- Trimmed and lower case.
    email TEXT NOT NULL UNIQUE,
    -- 1 once a token that was mailed there has come back.
    is_verified INTEGER NOT NULL DEFAULT 0,
    -- The address that it is to have, once that is verified.
    new_email TEXT,
    name TEXT NOT NULL,
    -- Algorithm, parameters, salt and hash.
    password TEXT NOT NULL,
    -- What the person prefers, each NULL until it was said: ISO 4217, 1 for Monday to 7 for Sunday, BCP 47, 1 to 28.
    currency TEXT,
    week_start INTEGER,
    locale TEXT,
    period_start INTEGER,
    -- Counts the changes of address, name and preferences.
    version INTEGER NOT NULL DEFAULT 1,
    -- Bytes of the logs of the ledgers that this account brought here.
    bytes INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL,
    -- When an operator took it out of use; then nobody signs in.
    disabled_ms INTEGER
) STRICT;

-- What a command beside the server has done, until the server has told the devices that are connected; and what it is to do.
CREATE TABLE notice (
    nid INTEGER NOT NULL PRIMARY KEY,
    aid INTEGER NOT NULL,
    -- Signed out; NULL for what is no device.
    device BLOB CHECK (length(device) = 32),
    -- 1 when the account is to be deleted; it stays until that is done.
    is_deletion INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What an account signed in with.
CREATE TABLE device (
    aid INTEGER NOT NULL,
    key BLOB NOT NULL CHECK (length(key) = 32),
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL,
    -- 1 signed in, 0 signed out or removed.
    is_active INTEGER NOT NULL,
    PRIMARY KEY (aid, key)
) STRICT, WITHOUT ROWID;

-- A session: refresh tokens, one after the other, of which the newest counts.
CREATE TABLE family (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    aid INTEGER NOT NULL,
    -- Null for a program that is no device.
    device BLOB CHECK (length(device) = 32),
    name TEXT NOT NULL,
    counter INTEGER NOT NULL,
    -- Of the newest token.
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    created_ms INTEGER NOT NULL,
    rotated_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    ends_ms INTEGER NOT NULL,
    revoked_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX family_by_device ON family (aid, device);

-- A key for a program. Of its text only a hash is here.
CREATE TABLE api_token (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    aid INTEGER NOT NULL,
    name TEXT NOT NULL,
    can_write INTEGER NOT NULL,
    -- The ids of the ledgers that it is for, one after the other; NULL for all of the account.
    ledgers BLOB CHECK (length(ledgers) % 16 = 0),
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    -- To the hour.
    used_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_token_by_account ON api_token (aid);

CREATE TABLE invitation (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    expires_ms INTEGER NOT NULL,
    used_by INTEGER
) STRICT, WITHOUT ROWID;

-- Tokens that were mailed and have not come back.
CREATE TABLE mailed (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    aid INTEGER NOT NULL,
    -- 1 sets another password, 2 proves an address.
    purpose INTEGER NOT NULL,
    -- Where to.
    email TEXT NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX mailed_by_account ON mailed (aid, purpose);

-- The authenticator app of an account.
CREATE TABLE totp (
    aid INTEGER NOT NULL PRIMARY KEY,
    -- What the secret follows from, together with the server's key.
    salt BLOB NOT NULL CHECK (length(salt) = 16),
    -- 0 until a code has come.
    is_on INTEGER NOT NULL,
    -- The half minute of the last code that was taken.
    last INTEGER NOT NULL
) STRICT;

-- Codes for when the app is gone, which are good once.
CREATE TABLE recovery (
    aid INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (aid, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (
    -- Never given again: what is left of a ledger that was deleted keeps it for a while.
    lid INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    -- Who brought it here, and whose quota it counts to.
    aid INTEGER NOT NULL,
    head INTEGER NOT NULL,
    chain BLOB NOT NULL CHECK (length(chain) = 32),
    -- Of its log, and of its files.
    bytes INTEGER NOT NULL
) STRICT;

-- Files that belong to entries: whole, and what their hashes say. They are beside the database; see blobs/files.rs.
CREATE TABLE blob (
    lid INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    bytes INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    PRIMARY KEY (lid, hash)
) STRICT, WITHOUT ROWID;

-- Files of which a part has come.
CREATE TABLE upload (
    lid INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    -- Who sends it.
    aid INTEGER NOT NULL,
    -- How many bytes all of it has.
    bytes INTEGER NOT NULL,
    begun_ms INTEGER NOT NULL,
    PRIMARY KEY (lid, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_by_account ON upload (aid);

-- Ledgers that are no more, and of whose logs something is left.
CREATE TABLE purge (
    lid INTEGER NOT NULL PRIMARY KEY
) STRICT;

-- Which member of a ledger an account is.
CREATE TABLE tie (
    aid INTEGER NOT NULL,
    lid INTEGER NOT NULL,
    member BLOB NOT NULL CHECK (length(member) = 16),
    PRIMARY KEY (aid, lid),
    UNIQUE (lid, member)
) STRICT, WITHOUT ROWID;

-- Whose device may do what now: the roles of each ledger's member commits.
CREATE TABLE access (
    device BLOB NOT NULL CHECK (length(device) = 32),
    lid INTEGER NOT NULL,
    member BLOB NOT NULL CHECK (length(member) = 16),
    -- 1 owner, 2 editor, 3 viewer.
    role INTEGER NOT NULL,
    -- 0 while only this server's word speaks for it.
    is_confirmed INTEGER NOT NULL,
    PRIMARY KEY (device, lid)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_by_ledger ON access (lid);

-- Invites whose keys open nothing any more, because an owner took them back.
CREATE TABLE taken_back (
    lid INTEGER NOT NULL,
    key BLOB NOT NULL CHECK (length(key) = 32),
    PRIMARY KEY (lid, key)
) STRICT, WITHOUT ROWID;

-- What removed members wrote before they knew: in no log and sent to nobody but an owner who asks.
CREATE TABLE aside (
    lid INTEGER NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 32),
    -- Who pushed it.
    aid INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (lid, id)
) STRICT, WITHOUT ROWID;

-- What happened to accounts, for a while. What happens in ledgers is in `log`.
CREATE TABLE account_event (
    -- Never given again.
    eid INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL CHECK (length(id) = 16),
    aid INTEGER NOT NULL,
    -- Its id, which stays when the account is deleted.
    account BLOB NOT NULL CHECK (length(account) = 16),
    -- The name of the type.
    kind TEXT NOT NULL,
    -- The session, device or ledger that it happened to.
    subject BLOB,
    time_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX account_event_by_id ON account_event (id);
CREATE INDEX account_event_by_account ON account_event (aid, eid);

-- Whom to tell of a ledger's events. The secret follows from the salt and the server's key.
CREATE TABLE webhook (
    -- Never given again.
    wid INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    aid INTEGER NOT NULL,
    lid INTEGER NOT NULL,
    url TEXT NOT NULL,
    -- The names of types, joined by commas; all if there is none.
    kinds TEXT NOT NULL,
    salt BLOB NOT NULL CHECK (length(salt) = 16),
    -- Everything was told up to this commit, and of what that tells up to this place.
    position INTEGER NOT NULL,
    place INTEGER NOT NULL,
    -- Of what comes next: how often it was tried in vain, and before when it is not tried again.
    attempts INTEGER NOT NULL DEFAULT 0,
    due_ms INTEGER NOT NULL DEFAULT 0,
    -- Why it is told nothing; NULL while it is.
    stopped TEXT,
    created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_by_account ON webhook (aid);
CREATE INDEX webhook_by_ledger ON webhook (lid);

-- The last attempts to tell each webhook something.
CREATE TABLE delivery (
    wid INTEGER NOT NULL,
    n INTEGER NOT NULL,
    -- The id of the event, and its type.
    event TEXT NOT NULL,
    kind TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    -- Of the answer, if there was one; and why it was in vain.
    status INTEGER,
    failure TEXT,
    PRIMARY KEY (wid, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE author (
    did INTEGER NOT NULL PRIMARY KEY,
    key BLOB NOT NULL UNIQUE CHECK (length(key) = 32)
) STRICT;

CREATE TABLE feed (
    fid INTEGER NOT NULL PRIMARY KEY,
    lid INTEGER NOT NULL,
    -- What the ids of its documents begin with.
    prefix BLOB NOT NULL CHECK (length(prefix) = 10),
    did INTEGER NOT NULL
) STRICT;
CREATE INDEX feed_by_prefix ON feed (lid, prefix);

CREATE TABLE log (
    seq INTEGER NOT NULL PRIMARY KEY,
    -- The first eight bytes of the id.
    key INTEGER NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 32),
    chain BLOB NOT NULL CHECK (length(chain) = 32),
    -- The newest month it touches; 0 for what belongs to none, and goes first.
    class INTEGER NOT NULL,
    did INTEGER NOT NULL,
    fid INTEGER NOT NULL,
    first INTEGER NOT NULL,
    -- Who pushed it.
    aid INTEGER NOT NULL,
    is_of_members INTEGER NOT NULL,
    -- How far back its previous and member heads are, as varints.
    links BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX log_by_key ON log (key);
CREATE INDEX log_by_class ON log (seq >> 40, class);
CREATE INDEX log_by_feed ON log (fid, first);
CREATE INDEX log_by_device ON log (did);
CREATE INDEX log_of_members ON log (seq) WHERE is_of_members = 1;

-- The commits of each device that no later one of it names as previous.
CREATE TABLE head (
    lid INTEGER NOT NULL,
    did INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (lid, did, seq)
) STRICT, WITHOUT ROWID;

-- The class of documents whose id does not say which feed made them, by the last eight bytes of the id.
CREATE TABLE named_document (
    lid INTEGER NOT NULL,
    key INTEGER NOT NULL,
    class INTEGER NOT NULL,
    PRIMARY KEY (lid, key)
) STRICT, WITHOUT ROWID;

-- Answers to requests that may come again, for a day.
CREATE TABLE repeat (
    aid INTEGER NOT NULL,
    -- Of the key that the request named, and of the request.
    key BLOB NOT NULL CHECK (length(key) = 32),
    request BLOB NOT NULL CHECK (length(request) = 32),
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    made_ms INTEGER NOT NULL,
    PRIMARY KEY (aid, key)
) STRICT, WITHOUT ROWID;

-- The rest is what programs without the engine read: documents folded from `log`, when a ledger is first asked for. Any of
-- it can be dropped, with the row of `projection`, and is made again.
CREATE TABLE projection (
    lid INTEGER NOT NULL PRIMARY KEY,
    -- Drawn when it is begun: what was said of another one means nothing here.
    era INTEGER NOT NULL,
    -- Up to where the log is folded, and up to where its member commits have been heard.
    position INTEGER NOT NULL,
    members_position INTEGER NOT NULL
) STRICT;

CREATE TABLE document (
    rid INTEGER NOT NULL PRIMARY KEY,
    lid INTEGER NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    UNIQUE (lid, id)
) STRICT;

-- Which records a document is folded from: in the commit `seq`, the one numbered `n`.
CREATE TABLE document_record (
    rid INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (rid, seq, n)
) STRICT, WITHOUT ROWID;

-- The fold of documents with many records.
CREATE TABLE fold (
    rid INTEGER NOT NULL PRIMARY KEY,
    row BLOB NOT NULL
) STRICT;

-- Commits that do not count.
CREATE TABLE uncounted (
    seq INTEGER NOT NULL PRIMARY KEY,
    -- 1 when what decides it may still come.
    is_waiting INTEGER NOT NULL
) STRICT;
CREATE INDEX uncounted_waiting ON uncounted (seq) WHERE is_waiting = 1;

CREATE TABLE expense (
    rid INTEGER NOT NULL PRIMARY KEY,
    lid INTEGER NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    -- 0 in the trash, 1 live, 2 no longer there: then only `changed` counts.
    state INTEGER NOT NULL,
    -- Days since 1970-01-01.
    day INTEGER NOT NULL,
    -- When the first commit that holds it was made, by its author's clock: only to order what has one day.
    created_ms INTEGER NOT NULL,
    -- 0 expense, 1 income, 2 transfer; null when a newer version wrote the money.
    kind INTEGER,
    minor INTEGER,
    currency TEXT,
    payee TEXT,
    -- The payee as payees are compared.
    payee_key TEXT,
    category BLOB,
    -- For a transfer, the account that gives.
    account BLOB,
    to_account BLOB,
    second INTEGER,
    note TEXT,
    -- Joined by U+001F.
    tags TEXT,
    refund_of BLOB,
    -- A list in JSON; NULL for none.
    attachments TEXT,
    is_conflicted INTEGER NOT NULL,
    -- The position of the log with which it last changed.
    changed INTEGER NOT NULL
) STRICT;
-- The last columns are for sums and for lists of several categories, which go along it without reading rows.
CREATE INDEX expense_by_day ON expense (lid, day, created_ms, id, category, kind, currency, minor) WHERE state = 1;
CREATE INDEX expense_by_payee ON expense (lid, payee_key, day, created_ms, id) WHERE state = 1;
CREATE INDEX expense_by_category ON expense (lid, category, day, created_ms, id) WHERE state = 1;
CREATE INDEX expense_by_change ON expense (lid, changed, rid);

-- Words of payees, notes and tags, each behind the number of its ledger: a search sees no word of another ledger.
CREATE VIRTUAL TABLE expense_search USING fts5 (
    text, content = '', contentless_delete = 1, detail = none,
    tokenize = "unicode61 remove_diacritics 2"
);

CREATE TABLE category (
    rid INTEGER NOT NULL PRIMARY KEY,
    lid INTEGER NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    name TEXT NOT NULL,
    parent BLOB,
    is_deleted INTEGER NOT NULL
) STRICT;
CREATE INDEX category_by_ledger ON category (lid, id);

-- Where money is: a wallet, a bank account.
CREATE TABLE wallet (
    rid INTEGER NOT NULL PRIMARY KEY,
    lid INTEGER NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    name TEXT NOT NULL,
    is_deleted INTEGER NOT NULL
) STRICT;
CREATE INDEX wallet_by_ledger ON wallet (lid, id);
