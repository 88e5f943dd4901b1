-- What was erased when, and how much it was; not whose, since that is what was to be forgotten.
CREATE TABLE erasure (
    id uuid PRIMARY KEY,
    erased_at timestamptz NOT NULL,
    events bigint NOT NULL,
    rejected bigint NOT NULL
);

-- Sessions that may have no events any more, until somebody looks, who removes those that have none.
CREATE TABLE emptied_session (
    session bigint PRIMARY KEY
);

-- Counts up whenever sessions were removed: what is remembered of their numbers is not true any more.
CREATE TABLE session_generation (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    number bigint NOT NULL
);
INSERT INTO session_generation (number) VALUES (1);
