-- The embedded store. docs/decisions/0002-event-table.md has the figures behind these tables.

-- Sessions are numbered in order of first sight, so that the index over them grows near its edge.
CREATE TABLE session (
    number INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE kind (
    number INTEGER PRIMARY KEY,
    category TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (category, name)
) STRICT;

CREATE TABLE event (
    timestamp INTEGER NOT NULL,       -- microseconds since 1970, the client's clock
    id BLOB NOT NULL,
    session INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    received_at INTEGER NOT NULL,     -- microseconds since 1970, ours
    data TEXT NOT NULL,               -- the JSON object exactly as sent
    PRIMARY KEY (timestamp, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX event_id ON event (id, timestamp);
-- `kind` comes last: a session is counted by kind without a look into the table.
CREATE INDEX event_session ON event (session, timestamp, id, kind);
CREATE INDEX event_kind ON event (kind, timestamp, id);

CREATE TABLE rejected (
    id BLOB NOT NULL,
    kind TEXT NOT NULL,               -- refused | dead_letter
    reason TEXT NOT NULL,
    errors TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    truncated INTEGER NOT NULL,
    session_id TEXT,
    category TEXT,
    name TEXT,
    body BLOB NOT NULL,               -- last: a filter must not read past it
    PRIMARY KEY (received_at, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX rejected_refused ON rejected (received_at, id) WHERE kind = 'refused';
