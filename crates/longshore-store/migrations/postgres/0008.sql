-- A server looks up and locks the job of every line that is added to a timeline, which takes longer than
-- to add it. Lines are only written in transactions that have found their job, and go where it goes.
ALTER TABLE events DROP CONSTRAINT events_job_id_fkey;

-- Room in each page for what becomes of its rows: a state that changes no index stays in the page, and
-- leaves the indexes alone.
ALTER TABLE attempts SET (fillfactor = 50);

-- An index that most jobs are not in.
ALTER TABLE jobs DROP CONSTRAINT jobs_idempotency_key_key;
CREATE UNIQUE INDEX jobs_idempotency_key_key ON jobs (idempotency_key)
    WHERE idempotency_key IS NOT NULL;
