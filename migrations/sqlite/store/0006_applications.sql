-- Events know the application that sent them. Its number is the end of their key: behind the 16 bytes of `event.id` and
-- of `tally.id` stand 4 more, big-endian, where there is one. A kind is one application's, so that whatever counts
-- kinds counts applications too; 0 stands for no application.

CREATE TABLE application (
    number INTEGER PRIMARY KEY AUTOINCREMENT,   -- never given twice
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE kind_of_application (
    number INTEGER PRIMARY KEY,
    application INTEGER NOT NULL,
    category TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (application, category, name)
) STRICT;
INSERT INTO kind_of_application SELECT number, 0, category, name FROM kind ORDER BY number;
DROP TABLE kind;
ALTER TABLE kind_of_application RENAME TO kind;

-- The client's, where it is to be kept: 4 or 16 bytes.
ALTER TABLE event ADD COLUMN address BLOB;

ALTER TABLE rejected ADD COLUMN application INTEGER;
-- It stands behind the body, which a filter must not read past.
CREATE INDEX rejected_application ON rejected (application, received_at, id) WHERE application IS NOT NULL;

-- 4 bytes for each of `keys`, big-endian: the number of its application. Nothing where none has one.
ALTER TABLE feed ADD COLUMN applications BLOB;
