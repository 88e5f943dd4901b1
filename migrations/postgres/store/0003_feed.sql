-- The keys of what was stored last, some dozen in an entry: for those who watch events come in. Their order is that
-- of transactions, of which a reader leaves out those that another one still running might come before.
CREATE TABLE feed (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    entry bigint GENERATED ALWAYS AS IDENTITY,
    rejected boolean NOT NULL,        -- whether the keys are those of rejected events
    keys bytea NOT NULL,              -- 24 bytes each: microseconds since 1970 (signed, big-endian), id
    PRIMARY KEY (transaction, entry)
);
ALTER TABLE feed ALTER COLUMN keys SET STORAGE PLAIN;
