-- Memory of a job that ran out of it and is to have more; its spec's where there is none.

ALTER TABLE jobs ADD COLUMN memory_bytes BIGINT CHECK (memory_bytes > 0);
