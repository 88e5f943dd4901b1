-- What a disk has changed without a word is seen when a row is read: see src/queue/sqlite/segment.rs.
-- Rows that were written before have none, and are believed.
ALTER TABLE segment ADD COLUMN sum INTEGER;
