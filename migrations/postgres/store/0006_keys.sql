-- Applications are registered here, with the keys that tell them apart. One that is only known by its events, as
-- those of another database, has no scope.
ALTER TABLE application
    ADD COLUMN scope text,                       -- write | read | admin
    ADD COLUMN origins text NOT NULL DEFAULT '', -- as browsers send them, with spaces between
    ADD COLUMN rate bigint,                      -- events in a second
    ADD COLUMN sees text,                        -- the one application whose events its keys see
    ADD COLUMN created_at timestamptz;

CREATE TABLE key (
    hash bytea PRIMARY KEY,           -- SHA-256 of the key, which is kept nowhere
    application integer NOT NULL,
    prefix text NOT NULL,             -- the key's first characters
    created_at timestamptz NOT NULL,
    ends_at timestamptz               -- of no use from then on
);

-- What The Eye's own processes sign with: two random UUIDs have 244 random bits.
CREATE TABLE secret (
    name text PRIMARY KEY,
    bytes bytea NOT NULL
);
INSERT INTO secret VALUES ('server', uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
