-- The keys of what was stored last, in that order, some hundred in an entry: for those who watch events come in.
-- An entry's number is that of its last item, so they count up by the items they hold; old ones are removed.
CREATE TABLE feed (
    entry INTEGER PRIMARY KEY,
    rejected INTEGER NOT NULL,        -- 1 if the keys are those of rejected events
    keys BLOB NOT NULL                -- 24 bytes each: timestamp (signed, big-endian), id
) STRICT;

-- Rejected events are counted by reason.
CREATE INDEX rejected_reason ON rejected (reason, kind, received_at);
