-- Who sent what was refused, where that is known. Events carry it themselves: src/queue/packed.rs has the format.
ALTER TABLE rejected ADD COLUMN application INTEGER;
ALTER TABLE rejected ADD COLUMN application_name TEXT;
