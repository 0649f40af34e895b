-- Schedules, and a row for each nominal time that had its turn. Two workers that fire at once meet at its key.

CREATE TABLE schedules (
    name          TEXT PRIMARY KEY,
    spec          TEXT NOT NULL,
    timetable     TEXT NOT NULL,
    overlap       TEXT NOT NULL CHECK (overlap IN ('allow', 'skip', 'queue', 'replace')),
    missed        TEXT NOT NULL CHECK (missed IN ('skip', 'once', 'all')),
    paused_at     BIGINT,
    settled_until BIGINT NOT NULL,
    next_at       BIGINT,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    CHECK (paused_at IS NULL OR next_at IS NULL)
);

CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE firings (
    schedule   TEXT NOT NULL REFERENCES schedules (name) ON DELETE CASCADE,
    nominal_at BIGINT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('submitted', 'skipped', 'missed', 'waiting')),
    job_id     TEXT REFERENCES jobs (id) ON DELETE CASCADE,
    detail     TEXT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (schedule, nominal_at),
    CHECK ((state = 'submitted') = (job_id IS NOT NULL))
);

CREATE INDEX firings_waiting ON firings (schedule, nominal_at) WHERE state = 'waiting';
CREATE INDEX firings_job ON firings (job_id) WHERE job_id IS NOT NULL;
