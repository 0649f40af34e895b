-- The queue: whose turn it is, what is held back, what waits for other jobs, and arrays of jobs.

-- Queue, owner and limits in one text: all jobs of a lane may start, or none. An attempt keeps that of
-- its job, to be counted as long as it holds a slot.
ALTER TABLE jobs ADD COLUMN lane TEXT NOT NULL DEFAULT 'default//';
ALTER TABLE attempts ADD COLUMN lane TEXT NOT NULL DEFAULT 'default//';

-- The order in a lane: each point of priority is worth a minute of waiting. All jobs grow older at one
-- rate, so that their places never change.
DROP INDEX jobs_queue;
CREATE INDEX jobs_queue ON jobs (lane, (queued_at - priority * 60000000000), id)
    WHERE status = 'queued';
CREATE INDEX attempts_lane ON attempts (lane)
    WHERE driver = 'engine' AND phase IN ('claimed', 'running');

-- A queue that is not here is open.
CREATE TABLE paused_queues (
    name      TEXT PRIMARY KEY,
    paused_at BIGINT NOT NULL,
    reason    TEXT
);

-- What a job waits for: another job's end, or those of an array. One that is over is met, or its
-- job has ended with it.
CREATE TABLE dependencies (
    job_id    TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    upstream  TEXT NOT NULL,
    kind      TEXT NOT NULL CHECK (kind IN ('job', 'array')),
    condition TEXT NOT NULL CHECK (condition IN ('succeeded', 'finished', 'failed')),
    met_at    BIGINT,
    PRIMARY KEY (job_id, upstream, condition)
);
CREATE INDEX dependencies_open ON dependencies (upstream, condition) WHERE met_at IS NULL;

-- How many of its dependencies are not met.
ALTER TABLE jobs ADD COLUMN waits_for BIGINT NOT NULL DEFAULT 0 CHECK (waits_for >= 0)
    CHECK (waits_for = 0 OR status NOT IN ('queued', 'launching', 'running', 'retrying', 'completed'));
DROP INDEX jobs_due;
CREATE INDEX jobs_due ON jobs (waits_for, not_before)
    WHERE status IN ('pending', 'retrying') AND driver = 'engine';

CREATE TABLE arrays (
    id         TEXT PRIMARY KEY,
    short      TEXT NOT NULL,
    name       TEXT,
    size       BIGINT NOT NULL CHECK (size > 0),
    created_at BIGINT NOT NULL
);
CREATE INDEX arrays_name ON arrays (name, created_at) WHERE name IS NOT NULL;
CREATE INDEX arrays_short ON arrays (short);
ALTER TABLE jobs ADD COLUMN array_id TEXT;
ALTER TABLE jobs ADD COLUMN array_index BIGINT CHECK ((array_index IS NULL) = (array_id IS NULL));
CREATE INDEX jobs_array ON jobs (array_id, status) WHERE array_id IS NOT NULL;
