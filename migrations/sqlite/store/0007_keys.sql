-- Applications are registered here, with the keys that tell them apart. One that is only known by its events, as
-- those of another database, has no scope.
ALTER TABLE application ADD COLUMN scope TEXT;          -- write | read | admin
ALTER TABLE application ADD COLUMN origins TEXT NOT NULL DEFAULT '';  -- as browsers send them, with spaces between
ALTER TABLE application ADD COLUMN rate INTEGER;        -- events in a second
ALTER TABLE application ADD COLUMN sees TEXT;           -- the one application whose events its keys see
ALTER TABLE application ADD COLUMN created_at INTEGER;  -- microseconds since 1970

CREATE TABLE key (
    hash BLOB PRIMARY KEY,            -- SHA-256 of the key, which is kept nowhere
    application INTEGER NOT NULL,
    prefix TEXT NOT NULL,             -- the key's first characters
    created_at INTEGER NOT NULL,      -- microseconds since 1970
    ends_at INTEGER                   -- the same; of no use from then on
) STRICT, WITHOUT ROWID;

-- What The Eye's own processes sign with. The program makes it.
CREATE TABLE secret (
    name TEXT PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID;
