-- The state rules of longshore-core stand here a second time, as CHECKs: a bug cannot store nonsense.
-- Times are nanoseconds since the epoch, truths are 0 or 1, structures are JSON texts.

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE hosts (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    kind        TEXT NOT NULL,
    endpoint    TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('active', 'draining')),
    slots       BIGINT NOT NULL CHECK (slots >= 0),
    weight      BIGINT NOT NULL CHECK (weight BETWEEN 1 AND 1000),
    labels      TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    facts       TEXT,
    facts_error TEXT,
    probed_at   BIGINT
);

CREATE TABLE templates (
    name        TEXT PRIMARY KEY,
    text        TEXT NOT NULL,
    description TEXT,
    updated_at  BIGINT NOT NULL
);

CREATE TABLE jobs (
    id                  TEXT PRIMARY KEY,
    -- Last twelve digits of the id: what people type.
    short               TEXT NOT NULL,
    spec                TEXT NOT NULL,
    name                TEXT,
    priority            BIGINT NOT NULL CHECK (priority BETWEEN 0 AND 100),
    idempotency_key     TEXT UNIQUE,
    status              TEXT NOT NULL CHECK (status IN (
                            'pending', 'queued', 'launching', 'running', 'retrying',
                            'completed', 'failed', 'timeout', 'cancelled')),
    reason              TEXT,
    exit_code           BIGINT,
    message             TEXT,
    attempt             BIGINT NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    retries_used        BIGINT NOT NULL DEFAULT 0 CHECK (retries_used >= 0),
    infra_retries_used  BIGINT NOT NULL DEFAULT 0 CHECK (infra_retries_used >= 0),
    created_at          BIGINT NOT NULL,
    queued_at           BIGINT,
    not_before          BIGINT,
    started_at          BIGINT,
    finished_at         BIGINT,
    cancel_requested_at BIGINT,
    image_digest        TEXT,
    host_id             TEXT,
    -- Lengths of the limits, and the moments at which they pass.
    queue_limit         BIGINT,
    total_limit         BIGINT,
    queue_deadline      BIGINT,
    total_deadline      BIGINT,

    CHECK ((status IN ('completed', 'failed', 'timeout', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK ((status IN ('completed', 'failed', 'timeout', 'cancelled')) = (reason IS NOT NULL)),
    CHECK (status NOT IN ('launching', 'running') OR (attempt > 0 AND host_id IS NOT NULL)),
    CHECK (status <> 'running' OR started_at IS NOT NULL),
    CHECK (status <> 'queued' OR queued_at IS NOT NULL),
    CHECK (status <> 'retrying' OR not_before IS NOT NULL),
    -- A wish is granted at once wherever no container can exist.
    CHECK (status NOT IN ('pending', 'queued', 'retrying') OR cancel_requested_at IS NULL)
);

CREATE INDEX jobs_queue ON jobs (priority DESC, queued_at, id) WHERE status = 'queued';
CREATE INDEX jobs_due ON jobs (not_before) WHERE status IN ('pending', 'retrying');
CREATE INDEX jobs_queue_deadline ON jobs (queue_deadline)
    WHERE status = 'queued' AND queue_deadline IS NOT NULL;
CREATE INDEX jobs_total_deadline ON jobs (total_deadline)
    WHERE status IN ('pending', 'queued', 'retrying') AND total_deadline IS NOT NULL;
-- No index begins with the status: SQLite would prefer it to the partial ones above, and sort.
CREATE INDEX jobs_newest ON jobs (created_at, id, status);
CREATE INDEX jobs_name ON jobs (name, created_at, id) WHERE name IS NOT NULL;
CREATE INDEX jobs_host ON jobs (host_id, created_at, id) WHERE host_id IS NOT NULL;
CREATE INDEX jobs_short ON jobs (short);
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE job_labels (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    key    TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (job_id, key)
);

CREATE INDEX job_labels_pair ON job_labels (key, value, job_id);

CREATE TABLE attempts (
    id                    TEXT PRIMARY KEY,
    job_id                TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number                BIGINT NOT NULL CHECK (number > 0),
    host_id               TEXT NOT NULL,
    phase                 TEXT NOT NULL CHECK (phase IN ('claimed', 'running', 'draining', 'ended')),
    handle                TEXT,
    worker_id             TEXT,
    lease_until           BIGINT,
    fence                 BIGINT NOT NULL CHECK (fence > 0),
    claimed_at            BIGINT NOT NULL,
    image_ready_at        BIGINT,
    started_at            BIGINT,
    ended_at              BIGINT,
    log_complete_at       BIGINT,
    removed_at            BIGINT,
    unknown_since         BIGINT,
    usage                 TEXT,
    verdict_status        TEXT CHECK (verdict_status IN ('completed', 'failed', 'timeout', 'cancelled')),
    verdict_reason        TEXT,
    exit_code             BIGINT,
    oom_killed            BIGINT CHECK (oom_killed IN (0, 1)),
    provenance            TEXT,
    container_started_at  BIGINT,
    container_finished_at BIGINT,
    verdict_message       TEXT,

    UNIQUE (job_id, number),
    CHECK ((phase IN ('draining', 'ended')) = (verdict_status IS NOT NULL)),
    CHECK ((verdict_status IS NULL) = (verdict_reason IS NULL)),
    CHECK ((verdict_status IS NULL) = (provenance IS NULL)),
    CHECK ((verdict_status IS NULL) = (oom_killed IS NULL)),
    CHECK ((verdict_status IS NULL) = (ended_at IS NULL)),
    CHECK ((phase = 'ended') = (log_complete_at IS NOT NULL)),
    CHECK (phase <> 'running' OR (started_at IS NOT NULL AND handle IS NOT NULL)),
    CHECK (removed_at IS NULL OR phase = 'ended'),
    CHECK ((worker_id IS NULL) = (lease_until IS NULL)),
    CHECK (phase <> 'ended' OR worker_id IS NULL)
);

-- At most one attempt of a job is under way.
CREATE UNIQUE INDEX attempts_current ON attempts (job_id) WHERE phase <> 'ended';
CREATE INDEX attempts_slots ON attempts (host_id) WHERE phase IN ('claimed', 'running');
CREATE INDEX attempts_host ON attempts (host_id) WHERE removed_at IS NULL;
CREATE INDEX attempts_leases ON attempts (lease_until) WHERE phase <> 'ended';
CREATE INDEX attempts_worker ON attempts (worker_id) WHERE phase <> 'ended';
CREATE INDEX attempts_unremoved ON attempts (id) WHERE phase = 'ended' AND removed_at IS NULL;

CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id   TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    attempt  BIGINT,
    at       BIGINT NOT NULL,
    kind     TEXT NOT NULL,
    detail   TEXT NOT NULL
);

CREATE INDEX events_job ON events (job_id, sequence);
