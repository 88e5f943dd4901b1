-- Events are kept as they were written: all that one flush made durable is one row, or a few.
-- What took a row for each event before takes a fraction of the work, going in and coming out.

CREATE TABLE segment (
    first INTEGER PRIMARY KEY,        -- the number of its first event; the others follow without a gap
    last INTEGER NOT NULL,
    events INTEGER NOT NULL,          -- how many of them are still in it
    bytes INTEGER NOT NULL,           -- and their size, as the queue's bound counts it
    received_at INTEGER NOT NULL,     -- of the first event, microseconds since 1970
    body BLOB NOT NULL                -- the events, one after the other; src/queue/sqlite/segment.rs has the format
) STRICT;

-- `||` makes text of bytes, and the cast makes bytes of them again, unchanged.
INSERT INTO segment
SELECT seq, seq, 1,
       octet_length(session_id) + octet_length(category) + octet_length(name) + octet_length(data) + 48,
       received_at,
       CAST(unhex(printf('%08X', 38 + octet_length(session_id) + octet_length(category) + octet_length(name)
                                 + octet_length(data)))
            || id || unhex(printf('%016X', timestamp)) || unhex(printf('%016X', received_at))
            || unhex(printf('%04X%04X%04X', octet_length(session_id), octet_length(category), octet_length(name)))
            || session_id || category || name || data AS BLOB)
FROM event ORDER BY seq;

DROP TABLE event;
