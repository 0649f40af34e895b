-- The same tables, rules and indexes as those of SQLite: see there for what they mean.
-- Texts that are keys, or that anything is ordered by, are compared byte by byte, as SQLite does.

CREATE TABLE settings (
    key   TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE hosts (
    id          TEXT COLLATE "C" PRIMARY KEY,
    name        TEXT COLLATE "C" NOT NULL UNIQUE,
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
    probed_at   BIGINT,
    auto_pull   BIGINT NOT NULL DEFAULT 1 CHECK (auto_pull IN (0, 1))
);

CREATE TABLE templates (
    name        TEXT COLLATE "C" PRIMARY KEY,
    text        TEXT NOT NULL,
    description TEXT,
    updated_at  BIGINT NOT NULL
);

CREATE TABLE jobs (
    id                  TEXT COLLATE "C" PRIMARY KEY,
    short               TEXT COLLATE "C" NOT NULL,
    spec                TEXT NOT NULL,
    name                TEXT COLLATE "C",
    priority            BIGINT NOT NULL CHECK (priority BETWEEN 0 AND 100),
    idempotency_key     TEXT COLLATE "C" UNIQUE,
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
    host_id             TEXT COLLATE "C",
    queue_limit         BIGINT,
    total_limit         BIGINT,
    queue_deadline      BIGINT,
    total_deadline      BIGINT,
    driver              TEXT NOT NULL DEFAULT 'engine' CHECK (driver IN ('engine', 'service')),

    CHECK ((status IN ('completed', 'failed', 'timeout', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK ((status IN ('completed', 'failed', 'timeout', 'cancelled')) = (reason IS NOT NULL)),
    CHECK (status NOT IN ('launching', 'running') OR (attempt > 0 AND host_id IS NOT NULL)),
    CHECK (status <> 'running' OR started_at IS NOT NULL),
    CHECK (status <> 'queued' OR queued_at IS NOT NULL),
    CHECK (status <> 'retrying' OR not_before IS NOT NULL),
    CHECK (status NOT IN ('pending', 'queued', 'retrying') OR cancel_requested_at IS NULL),
    CHECK (driver <> 'service' OR status NOT IN ('queued', 'retrying')),
    CHECK (driver <> 'service' OR cancel_requested_at IS NULL OR status = 'cancelled')
);

CREATE INDEX jobs_queue ON jobs (priority DESC, queued_at, id) WHERE status = 'queued';
CREATE INDEX jobs_due ON jobs (not_before)
    WHERE status IN ('pending', 'retrying') AND driver = 'engine';
CREATE INDEX jobs_queue_deadline ON jobs (queue_deadline)
    WHERE status = 'queued' AND queue_deadline IS NOT NULL;
CREATE INDEX jobs_total_deadline ON jobs (total_deadline)
    WHERE status IN ('pending', 'queued', 'retrying') AND total_deadline IS NOT NULL
    AND driver = 'engine';
CREATE INDEX jobs_newest ON jobs (created_at, id, status);
CREATE INDEX jobs_name ON jobs (name, created_at, id) WHERE name IS NOT NULL;
CREATE INDEX jobs_host ON jobs (host_id, created_at, id) WHERE host_id IS NOT NULL;
CREATE INDEX jobs_short ON jobs (short);
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE job_labels (
    job_id TEXT COLLATE "C" NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    key    TEXT COLLATE "C" NOT NULL,
    value  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (job_id, key)
);

CREATE INDEX job_labels_pair ON job_labels (key, value, job_id);

CREATE TABLE attempts (
    id                    TEXT COLLATE "C" PRIMARY KEY,
    job_id                TEXT COLLATE "C" NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number                BIGINT NOT NULL CHECK (number > 0),
    host_id               TEXT COLLATE "C" NOT NULL,
    phase                 TEXT NOT NULL CHECK (phase IN ('claimed', 'running', 'draining', 'ended')),
    handle                TEXT,
    worker_id             TEXT COLLATE "C",
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
    driver                TEXT NOT NULL DEFAULT 'engine' CHECK (driver IN ('engine', 'service')),

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
    CHECK (phase <> 'ended' OR worker_id IS NULL),
    CHECK (driver <> 'service' OR worker_id IS NULL)
);

CREATE UNIQUE INDEX attempts_current ON attempts (job_id) WHERE phase <> 'ended';
CREATE INDEX attempts_slots ON attempts (host_id)
    WHERE (phase = 'running' OR (phase = 'claimed' AND driver = 'engine'));
CREATE INDEX attempts_host ON attempts (host_id) WHERE removed_at IS NULL;
CREATE INDEX attempts_leases ON attempts (lease_until, id)
    WHERE phase <> 'ended' AND driver = 'engine';
CREATE INDEX attempts_worker ON attempts (worker_id) WHERE phase <> 'ended';
CREATE INDEX attempts_unremoved ON attempts (driver, id)
    WHERE phase = 'ended' AND removed_at IS NULL;

CREATE TABLE events (
    sequence BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    job_id   TEXT COLLATE "C" NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    attempt  BIGINT,
    at       BIGINT NOT NULL,
    kind     TEXT NOT NULL,
    detail   TEXT NOT NULL
);

CREATE INDEX events_job ON events (job_id, sequence);

CREATE TABLE pulled_images (
    host_id   TEXT COLLATE "C" NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
    image     TEXT COLLATE "C" NOT NULL,
    digest    TEXT,
    pulled_at BIGINT NOT NULL,
    PRIMARY KEY (host_id, image)
);
