-- 0005: what a server has sent that was not in order.

-- The cursor goes past it, so that nothing stands still; it is forgotten when the same comes in order.
CREATE TABLE left_out (
    sid INTEGER NOT NULL,
    ledger BLOB NOT NULL CHECK (length(ledger) = 16),
    id BLOB NOT NULL CHECK (length(id) = 32),
    PRIMARY KEY (sid, ledger, id)
) STRICT, WITHOUT ROWID;
