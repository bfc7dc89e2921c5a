-- +goose Up
CREATE TABLE tenants (
    id               TEXT PRIMARY KEY,
    domain           TEXT NOT NULL UNIQUE,
    name             TEXT NOT NULL,
    time_zone        TEXT NOT NULL,
    mode             TEXT NOT NULL,
    active           BIGINT NOT NULL,
    demo             BIGINT NOT NULL,
    service_password TEXT NOT NULL -- sealed
);

CREATE TABLE gatekeeper_users (
    id             TEXT PRIMARY KEY,
    tenant_id      TEXT NOT NULL REFERENCES tenants (id),
    email          TEXT NOT NULL UNIQUE,
    name           TEXT NOT NULL,
    role           TEXT NOT NULL,
    cgp_domain     TEXT NOT NULL,
    password_hash  TEXT NOT NULL,
    cgp_password   TEXT NOT NULL, -- sealed, or empty
    active         BIGINT NOT NULL,
    failed_tries   BIGINT NOT NULL,
    locked_until   BIGINT NOT NULL,
    last_login     BIGINT NOT NULL
);

CREATE TABLE sessions (
    handle     TEXT PRIMARY KEY,
    tenant_id  TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES gatekeeper_users (id),
    refresh_id TEXT NOT NULL, -- hash of the one refresh token that is alive
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked    BIGINT NOT NULL
);

CREATE TABLE resources (
    tenant_id   TEXT NOT NULL REFERENCES tenants (id),
    id          TEXT NOT NULL,
    email       TEXT NOT NULL,
    type        TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    site        TEXT NOT NULL,
    floor       TEXT NOT NULL,
    capacity    BIGINT NOT NULL,
    features    TEXT NOT NULL, -- JSON array of strings
    time_zone   TEXT NOT NULL,
    active      BIGINT NOT NULL,
    version     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email)
);

CREATE TABLE bookings (
    tenant_id       TEXT NOT NULL REFERENCES tenants (id),
    id              TEXT NOT NULL,
    uid             TEXT NOT NULL,
    title           TEXT NOT NULL,
    starts_at       BIGINT NOT NULL,
    ends_at         BIGINT NOT NULL,
    time_zone       TEXT NOT NULL,
    status          TEXT NOT NULL,
    organizer       TEXT NOT NULL,
    organizer_name  TEXT NOT NULL,
    location        TEXT NOT NULL,
    description     TEXT NOT NULL,
    private         BIGINT NOT NULL,
    mode            TEXT NOT NULL,
    sequence        BIGINT NOT NULL,
    version         BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, uid)
);
CREATE INDEX bookings_by_start ON bookings (tenant_id, starts_at, id);
CREATE INDEX bookings_by_organizer ON bookings (tenant_id, organizer, starts_at);

CREATE TABLE booking_resources (
    tenant_id   TEXT NOT NULL,
    booking_id  TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, booking_id, resource_id),
    FOREIGN KEY (tenant_id, booking_id) REFERENCES bookings (tenant_id, id),
    FOREIGN KEY (tenant_id, resource_id) REFERENCES resources (tenant_id, id)
);
CREATE INDEX booking_resources_by_resource ON booking_resources (tenant_id, resource_id, booking_id);

CREATE TABLE booking_attendees (
    tenant_id  TEXT NOT NULL,
    booking_id TEXT NOT NULL,
    place      BIGINT NOT NULL, -- order in the list
    email      TEXT NOT NULL,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    part_stat  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, booking_id, place),
    FOREIGN KEY (tenant_id, booking_id) REFERENCES bookings (tenant_id, id)
);
CREATE INDEX booking_attendees_by_email ON booking_attendees (tenant_id, email, booking_id);

CREATE TABLE booking_history (
    tenant_id  TEXT NOT NULL,
    booking_id TEXT NOT NULL,
    entry      BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    reason     TEXT NOT NULL,
    before     TEXT NOT NULL, -- JSON, or empty
    after      TEXT NOT NULL, -- JSON
    PRIMARY KEY (tenant_id, booking_id, entry),
    FOREIGN KEY (tenant_id, booking_id) REFERENCES bookings (tenant_id, id)
);

-- What each calendar should hold of each booking, and how far it is.
CREATE TABLE outbox (
    tenant_id   TEXT NOT NULL,
    booking_id  TEXT NOT NULL,
    calendar    TEXT NOT NULL,
    kind        TEXT NOT NULL,
    remove      BIGINT NOT NULL,
    wanted      BIGINT NOT NULL, -- grows with each change of the want
    state       TEXT NOT NULL,   -- pending, synced, failed
    attempts    BIGINT NOT NULL,
    last_error  TEXT NOT NULL,
    next_at     BIGINT NOT NULL,
    lease_owner TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL, -- when the want last changed
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, booking_id, calendar),
    FOREIGN KEY (tenant_id, booking_id) REFERENCES bookings (tenant_id, id)
);
CREATE INDEX outbox_pending ON outbox (next_at) WHERE state = 'pending';

CREATE TABLE idempotency (
    tenant_id    TEXT NOT NULL,
    person       TEXT NOT NULL,
    request_key  TEXT NOT NULL,
    body_hash    TEXT NOT NULL,
    started_at   BIGINT NOT NULL,
    status       BIGINT NOT NULL, -- 0: still at work
    content_type TEXT NOT NULL,
    location     TEXT NOT NULL,
    etag         TEXT NOT NULL,
    body         TEXT NOT NULL,
    PRIMARY KEY (tenant_id, person, request_key)
);
CREATE INDEX idempotency_by_age ON idempotency (started_at);

-- Who has which resource when. The rule that no two rows of one resource
-- overlap is held here, by the database, whatever the program does.
CREATE TABLE occupancy (
    tenant_id   TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    booking_id  TEXT NOT NULL,
    starts_at   BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL,
    CHECK (starts_at < ends_at),
    PRIMARY KEY (tenant_id, booking_id, resource_id, starts_at),
    FOREIGN KEY (tenant_id, resource_id) REFERENCES resources (tenant_id, id),
    FOREIGN KEY (tenant_id, booking_id) REFERENCES bookings (tenant_id, id)
);
CREATE INDEX occupancy_by_resource ON occupancy (tenant_id, resource_id, starts_at);

-- +goose StatementBegin
CREATE TRIGGER occupancy_no_overlap BEFORE INSERT ON occupancy
WHEN EXISTS (SELECT 1 FROM occupancy o WHERE o.tenant_id = NEW.tenant_id AND o.resource_id = NEW.resource_id
             AND o.starts_at < NEW.ends_at AND o.ends_at > NEW.starts_at)
BEGIN
    SELECT RAISE(ABORT, 'occupancy overlap');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER occupancy_no_change BEFORE UPDATE ON occupancy
BEGIN
    SELECT RAISE(ABORT, 'occupancy rows are replaced, not changed');
END;
-- +goose StatementEnd
