-- What operators say about hosts beside their slots, and what their engines and attempts show of them.

-- What still runs on a draining host then is stopped; nothing is where it is absent.
ALTER TABLE hosts ADD COLUMN drain_until BIGINT
    CHECK (drain_until IS NULL OR state = 'draining');
-- What attempts may be given there together; what the host has where it is absent.
ALTER TABLE hosts ADD COLUMN cpu_nanos BIGINT CHECK (cpu_nanos > 0);
ALTER TABLE hosts ADD COLUMN memory_bytes BIGINT CHECK (memory_bytes >= 0);
ALTER TABLE hosts ADD COLUMN maintenance TEXT NOT NULL DEFAULT '[]';

-- Who looks next, and what looks found.
ALTER TABLE hosts ADD COLUMN looked_at BIGINT;
ALTER TABLE hosts ADD COLUMN seen_at BIGINT;
ALTER TABLE hosts ADD COLUMN failing_since BIGINT;
ALTER TABLE hosts ADD COLUMN failed_probes BIGINT NOT NULL DEFAULT 0
    CHECK (failed_probes >= 0)
    CHECK ((failed_probes > 0) = (failing_since IS NOT NULL));
ALTER TABLE hosts ADD COLUMN census TEXT;
ALTER TABLE hosts ADD COLUMN census_at BIGINT;
UPDATE hosts SET seen_at = probed_at WHERE facts_error IS NULL;

ALTER TABLE hosts ADD COLUMN breaker TEXT NOT NULL DEFAULT 'closed'
    CHECK (breaker IN ('closed', 'open', 'half_open'));
ALTER TABLE hosts ADD COLUMN breaker_strikes BIGINT NOT NULL DEFAULT 0 CHECK (breaker_strikes >= 0);
ALTER TABLE hosts ADD COLUMN breaker_trips BIGINT NOT NULL DEFAULT 0 CHECK (breaker_trips >= 0);
ALTER TABLE hosts ADD COLUMN breaker_since BIGINT
    CHECK ((breaker = 'closed') = (breaker_since IS NULL));
ALTER TABLE hosts ADD COLUMN breaker_until BIGINT
    CHECK ((breaker = 'closed') = (breaker_until IS NULL));
ALTER TABLE hosts ADD COLUMN breaker_reason TEXT
    CHECK ((breaker = 'closed') = (breaker_reason IS NULL));

-- What an attempt was given of its host, counted as long as it holds a slot.
ALTER TABLE attempts ADD COLUMN cpu_nanos BIGINT NOT NULL DEFAULT 0 CHECK (cpu_nanos >= 0);
ALTER TABLE attempts ADD COLUMN memory_bytes BIGINT NOT NULL DEFAULT 0 CHECK (memory_bytes >= 0);

DROP INDEX attempts_slots;
CREATE INDEX attempts_slots ON attempts (host_id, cpu_nanos, memory_bytes)
    WHERE (phase = 'running' OR (phase = 'claimed' AND driver = 'engine'));
