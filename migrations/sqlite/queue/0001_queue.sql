-- The embedded queue: events that are acknowledged and not yet stored, in order of arrival.

CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    timestamp INTEGER NOT NULL,       -- microseconds since 1970, the client's clock
    received_at INTEGER NOT NULL,     -- microseconds since 1970, ours
    session_id TEXT NOT NULL,
    category TEXT NOT NULL,
    name TEXT NOT NULL,
    data TEXT NOT NULL                -- the JSON object exactly as sent
) STRICT;

-- Events that were refused at the door or buried by the worker, on their way to the store.
CREATE TABLE rejected (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    kind TEXT NOT NULL,               -- refused | dead_letter
    reason TEXT NOT NULL,
    errors TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    truncated INTEGER NOT NULL,
    session_id TEXT,
    category TEXT,
    name TEXT,
    body BLOB NOT NULL                -- last: a filter must not read past it
) STRICT;

-- Numbers are given once, even when the queue runs empty; the sums make the bounds cheap to hold.
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    next_seq INTEGER NOT NULL,
    events INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    refused INTEGER NOT NULL
) STRICT;

-- Written again and again, to see whether there is room.
CREATE TABLE probe (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    room BLOB NOT NULL
) STRICT;

INSERT INTO state VALUES (1, 1, 0, 0, 0);
