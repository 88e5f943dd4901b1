-- Counts and deep pages at a cost that hardly grows, and an index less to keep. The figures are in
-- docs/decisions/0007-postgres-tally.md. What these tables hold of older events is filled in by the program.

-- Lists are cut into blocks of some thousand events. `list` is 0 for all events, or the number of a
-- session of many; `kind` is 0 for all of the block's events. A block begins at (timestamp, id) and
-- ends where the next one of its list begins. Only the one who folds writes this and the next table.
CREATE TABLE tally (
    list bigint NOT NULL,
    kind integer NOT NULL,
    timestamp timestamptz NOT NULL,
    id uuid NOT NULL,
    events integer NOT NULL,
    PRIMARY KEY (list, kind, timestamp, id)
) WITH (fillfactor = 70);

-- The sums of all blocks.
CREATE TABLE total (
    list bigint NOT NULL,
    kind integer NOT NULL,
    events bigint NOT NULL,
    PRIMARY KEY (list, kind)
) WITH (fillfactor = 50);

-- What inserts add to blocks and sums, a row each; folded into them every second or so, and removed.
CREATE TABLE tally_change (
    list bigint NOT NULL,
    kind integer NOT NULL,
    timestamp timestamptz NOT NULL,
    id uuid NOT NULL,
    events integer NOT NULL
);
-- It has no key, and rows are removed from it: what publishes all tables would refuse that.
ALTER TABLE tally_change REPLICA IDENTITY FULL;

-- Sessions of many, which have blocks of their own, in the order in which they became that.
CREATE TABLE tallied_session (
    place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session bigint NOT NULL UNIQUE
);

-- The partitions whose events are counted, and in which file they were: one that was dropped,
-- emptied or attached by hand is noticed, and counted anew.
CREATE TABLE tallied_partition (
    relation oid PRIMARY KEY,
    filenode oid NOT NULL,
    name text NOT NULL
);

-- Blocks say where a kind's events are.
DROP INDEX event_kind;
