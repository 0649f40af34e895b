-- Memory of a job that ran out of it and is to have more; its spec's where there is none.

ALTER TABLE jobs ADD COLUMN memory_bytes BIGINT CHECK (memory_bytes > 0);

-- Attempts whose hosts do not answer: few, and asked for with every list of jobs and hosts.
CREATE INDEX attempts_unknown ON attempts (unknown_since) WHERE unknown_since IS NOT NULL;
