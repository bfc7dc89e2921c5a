-- +goose Up
-- Links by which calendar programs subscribe to bookings.
CREATE TABLE feeds (
    id         TEXT NOT NULL,
    tenant_id  TEXT NOT NULL REFERENCES tenants (id),
    user_id    TEXT NOT NULL REFERENCES gatekeeper_users (id) ON DELETE CASCADE,
    resource   TEXT NOT NULL, -- address; empty: the person's own bookings
    hash       TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    last_used  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX feeds_by_user ON feeds (user_id);

-- A resource that was taken out: what was booked of it stays.
ALTER TABLE resources ADD COLUMN removed BIGINT NOT NULL DEFAULT 0;

ALTER TABLE feeds ENABLE ROW LEVEL SECURITY;
ALTER TABLE feeds FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON feeds USING (current_setting('rmp.tenant', true) IN (tenant_id, '*'));
