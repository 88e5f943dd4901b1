-- The shared store. docs/decisions/0004-postgres-store.md has the figures behind these tables.

CREATE TABLE the_eye_migration (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- Sessions are numbered in order of first sight, so that the index over them grows near its edge.
CREATE TABLE session (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE kind (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    category text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    UNIQUE (category, name)
);

-- A partition for each month, which the program makes ahead; see `months.rs` for which.
CREATE TABLE event (
    timestamp timestamptz NOT NULL,   -- the client's clock
    id uuid NOT NULL,
    session bigint NOT NULL,
    kind integer NOT NULL,
    received_at timestamptz NOT NULL, -- ours
    data text NOT NULL,               -- the JSON object exactly as sent
    PRIMARY KEY (timestamp, id)
) PARTITION BY RANGE (timestamp);

-- What no month takes: events far ahead of the clock, or of a month that was dropped.
CREATE TABLE event_default PARTITION OF event DEFAULT;

CREATE INDEX event_id ON event (id);
-- `kind` comes along: a session is counted by kind without a look into the table.
CREATE INDEX event_session ON event (session, timestamp, id) INCLUDE (kind);
CREATE INDEX event_kind ON event (kind, timestamp, id);

CREATE TABLE rejected (
    id uuid NOT NULL,
    kind text NOT NULL,               -- refused | dead_letter
    reason text NOT NULL,
    errors text NOT NULL,
    received_at timestamptz NOT NULL,
    truncated boolean NOT NULL,
    session_id text COLLATE "C",
    category text COLLATE "C",
    name text COLLATE "C",
    body bytea NOT NULL,
    PRIMARY KEY (received_at, id)
);

CREATE INDEX rejected_id ON rejected (id);
CREATE INDEX rejected_refused ON rejected (received_at, id) WHERE kind = 'refused';
