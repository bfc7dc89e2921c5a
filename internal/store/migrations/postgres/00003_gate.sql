-- +goose Up
-- Keys that sign the access tokens, newest last.
CREATE TABLE signing_keys (
    id         TEXT PRIMARY KEY,
    secret     TEXT NOT NULL, -- sealed
    created_at BIGINT NOT NULL
);

-- Wrong tries to sign in, by account and by address of the network; both as
-- hashes.
CREATE TABLE login_tries (
    place   TEXT PRIMARY KEY,
    tries   BIGINT NOT NULL,
    until   BIGINT NOT NULL, -- no try before it
    seen_at BIGINT NOT NULL
);
CREATE INDEX login_tries_by_age ON login_tries (seen_at);

-- Tokens of scripts.
CREATE TABLE api_tokens (
    id         TEXT PRIMARY KEY,
    tenant_id  TEXT NOT NULL REFERENCES tenants (id),
    user_id    TEXT NOT NULL REFERENCES gatekeeper_users (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    hash       TEXT NOT NULL,
    scopes     TEXT NOT NULL, -- separated by blanks
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_used  BIGINT NOT NULL
);
CREATE INDEX api_tokens_by_user ON api_tokens (user_id);

-- Who did what, from where. Append-only.
CREATE TABLE audit (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  TEXT NOT NULL, -- empty: none is known, or the installation itself
    at         BIGINT NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    target     TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    address    TEXT NOT NULL,
    request_id TEXT NOT NULL,
    detail     TEXT NOT NULL -- JSON
);
CREATE INDEX audit_by_tenant ON audit (tenant_id, id);
-- +goose StatementBegin
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- Who runs which resource.
CREATE TABLE resource_managers (
    tenant_id   TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    email       TEXT NOT NULL,
    PRIMARY KEY (tenant_id, resource_id, email),
    FOREIGN KEY (tenant_id, resource_id) REFERENCES resources (tenant_id, id)
);
CREATE INDEX resource_managers_by_email ON resource_managers (tenant_id, email);

ALTER TABLE tenants ADD COLUMN server TEXT NOT NULL DEFAULT '{}';          -- JSON; of its own CommuniGate Pro server
ALTER TABLE tenants ADD COLUMN server_password TEXT NOT NULL DEFAULT '';   -- sealed
ALTER TABLE tenants ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';        -- JSON; limits, branding, sign-in
ALTER TABLE tenants ADD COLUMN oidc_secret TEXT NOT NULL DEFAULT '';       -- sealed
ALTER TABLE tenants ADD COLUMN version BIGINT NOT NULL DEFAULT 1;

ALTER TABLE gatekeeper_users DROP COLUMN failed_tries;
ALTER TABLE gatekeeper_users DROP COLUMN locked_until;
ALTER TABLE gatekeeper_users ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
CREATE INDEX gatekeeper_users_by_tenant ON gatekeeper_users (tenant_id, email);

ALTER TABLE sessions DROP CONSTRAINT sessions_user_id_fkey;
ALTER TABLE sessions ADD FOREIGN KEY (user_id) REFERENCES gatekeeper_users (id) ON DELETE CASCADE;
ALTER TABLE sessions ADD COLUMN cgp_password TEXT NOT NULL DEFAULT ''; -- sealed; to enter CommuniGate Pro again for the person
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
CREATE INDEX sessions_by_user ON sessions (user_id);

-- The second wall between tenants: a connection that works for one tenant
-- sees and writes rows of that one only. The setting is * where the work
-- spans tenants by its nature (sign-in, the outbox), and a connection
-- without it sees nothing.
-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['gatekeeper_users', 'sessions', 'api_tokens', 'audit', 'resources', 'resource_managers', 'type_policies',
        'bookings', 'booking_resources', 'booking_attendees', 'booking_history', 'booking_overrides', 'occurrences', 'occupancy',
        'outbox', 'idempotency', 'foreign_events', 'conflicts', 'calendar_checks', 'events'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant_wall ON %I USING (current_setting(''rmp.tenant'', true) IN (tenant_id, ''*''))', name);
    END LOOP;
END $$;
-- +goose StatementEnd
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON tenants USING (current_setting('rmp.tenant', true) IN (id, '*'));
