-- 0004: what people decided of payments that come back.

-- As in projection.sql: a database that is made now has it already, and in an older one nobody has decided anything yet.
CREATE TABLE IF NOT EXISTS decision (
    rid INTEGER NOT NULL PRIMARY KEY,
    lid INTEGER NOT NULL,
    is_confirmed INTEGER NOT NULL
) STRICT;
