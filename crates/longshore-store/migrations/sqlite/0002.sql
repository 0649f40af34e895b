-- Jobs that their caller moves, through DockerService: workers leave them alone. The indexes that the
-- workers' statements run on leave them out, so that any number of them costs the workers nothing.

ALTER TABLE hosts ADD COLUMN auto_pull BIGINT NOT NULL DEFAULT 1 CHECK (auto_pull IN (0, 1));

ALTER TABLE jobs ADD COLUMN driver TEXT NOT NULL DEFAULT 'engine'
    CHECK (driver IN ('engine', 'service'))
    -- Nobody would release it, or try it again by itself.
    CHECK (driver <> 'service' OR status NOT IN ('queued', 'retrying'))
    CHECK (driver <> 'service' OR cancel_requested_at IS NULL OR status = 'cancelled');

ALTER TABLE attempts ADD COLUMN driver TEXT NOT NULL DEFAULT 'engine'
    CHECK (driver IN ('engine', 'service'))
    CHECK (driver <> 'service' OR worker_id IS NULL);

DROP INDEX jobs_due;
CREATE INDEX jobs_due ON jobs (not_before)
    WHERE status IN ('pending', 'retrying') AND driver = 'engine';
DROP INDEX jobs_total_deadline;
CREATE INDEX jobs_total_deadline ON jobs (total_deadline)
    WHERE status IN ('pending', 'queued', 'retrying') AND total_deadline IS NOT NULL
    AND driver = 'engine';

DROP INDEX attempts_slots;
CREATE INDEX attempts_slots ON attempts (host_id)
    WHERE (phase = 'running' OR (phase = 'claimed' AND driver = 'engine'));
DROP INDEX attempts_leases;
CREATE INDEX attempts_leases ON attempts (lease_until, id)
    WHERE phase <> 'ended' AND driver = 'engine';
DROP INDEX attempts_unremoved;
CREATE INDEX attempts_unremoved ON attempts (driver, id)
    WHERE phase = 'ended' AND removed_at IS NULL;

-- Images that were pulled by us, as against those that were there.
CREATE TABLE pulled_images (
    host_id   TEXT NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
    image     TEXT NOT NULL,
    digest    TEXT,
    pulled_at BIGINT NOT NULL,
    PRIMARY KEY (host_id, image)
);
