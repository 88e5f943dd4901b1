-- What was erased when, and how much it was; not whose, since that is what was to be forgotten.
CREATE TABLE erasure (
    id BLOB PRIMARY KEY,
    erased_at INTEGER NOT NULL,       -- microseconds since 1970
    events INTEGER NOT NULL,
    rejected INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
