-- Bytes that were sent, of which a row may have fewer or none. Rows that were written before have no size: that of their
-- body counts.
ALTER TABLE rejected ADD COLUMN size INTEGER;
