-- Registries that limit pulls, and when images that we pulled were last used.

CREATE TABLE registry_paces (
    registry   TEXT PRIMARY KEY,
    every_ns   BIGINT NOT NULL CHECK (every_ns > 0),
    next_at    BIGINT NOT NULL,
    refused_at BIGINT NOT NULL
);

ALTER TABLE pulled_images ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;
UPDATE pulled_images SET used_at = pulled_at;
