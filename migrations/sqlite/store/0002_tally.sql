-- Counts and deep pages at a cost that hardly grows, and two indexes less to keep. The figures are in
-- docs/decisions/0006-tally.md. What these tables hold of older events is filled in by the program.

-- Lists are cut into blocks of some thousand events. `list` is 0 for all events, or the number of a
-- session of many; `kind` is 0 for all of the block's events. A block begins at (timestamp, id) and
-- ends where the next one of its list begins.
CREATE TABLE tally (
    list INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    id BLOB NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (list, kind, timestamp, id)
) STRICT, WITHOUT ROWID;

-- The sums of all blocks.
CREATE TABLE total (
    list INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (list, kind)
) STRICT, WITHOUT ROWID;

-- An index of texts as long as a UUID is most of what a new session costs; one of their hashes is a
-- third of it.
CREATE TABLE session_hash (
    hash INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (hash, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE session_without_index (
    number INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL
) STRICT;
INSERT INTO session_without_index SELECT number, session_id FROM session ORDER BY number;
DROP TABLE session;
ALTER TABLE session_without_index RENAME TO session;

-- Blocks say where a kind's events are.
DROP INDEX event_kind;
