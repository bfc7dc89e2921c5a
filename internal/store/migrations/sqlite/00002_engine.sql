-- +goose Up
ALTER TABLE resources ADD COLUMN units BIGINT NOT NULL DEFAULT 1;
ALTER TABLE resources ADD COLUMN policy TEXT NOT NULL DEFAULT '{}'; -- JSON

CREATE TABLE type_policies (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    type      TEXT NOT NULL,
    policy    TEXT NOT NULL, -- JSON
    PRIMARY KEY (tenant_id, type)
);

ALTER TABLE bookings ADD COLUMN rrule TEXT NOT NULL DEFAULT '';
ALTER TABLE bookings ADD COLUMN rdates TEXT NOT NULL DEFAULT '';  -- JSON array of instants, or empty
ALTER TABLE bookings ADD COLUMN exdates TEXT NOT NULL DEFAULT ''; -- JSON array of instants, or empty
ALTER TABLE bookings ADD COLUMN last_end BIGINT NOT NULL DEFAULT 0;      -- end of the last date; 0: endless
ALTER TABLE bookings ADD COLUMN expanded_till BIGINT NOT NULL DEFAULT 0; -- dates that start before it have rows; 0: all
ALTER TABLE bookings ADD COLUMN hold_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE bookings ADD COLUMN follows TEXT NOT NULL DEFAULT '';        -- the series it was split from
UPDATE bookings SET last_end = ends_at;
CREATE INDEX bookings_to_extend ON bookings (expanded_till) WHERE expanded_till > 0;
CREATE INDEX bookings_on_hold ON bookings (hold_until) WHERE hold_until > 0;

ALTER TABLE booking_resources ADD COLUMN quantity BIGINT NOT NULL DEFAULT 1;

-- Dates of a series that are not as its rule has them.
CREATE TABLE booking_overrides (
    tenant_id   TEXT NOT NULL,
    booking_id  TEXT NOT NULL,
    original    BIGINT NOT NULL, -- start by the rule
    state       TEXT NOT NULL,   -- changed, cancelled, skipped, conflict
    starts_at   BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL,
    title       TEXT NOT NULL,
    location    TEXT NOT NULL,
    description TEXT NOT NULL,
    reason      TEXT NOT NULL,
    PRIMARY KEY (tenant_id, booking_id, original),
    FOREIGN KEY (tenant_id, booking_id) REFERENCES bookings (tenant_id, id)
);

-- The dates of all bookings, those of series up to a horizon that moves on.
CREATE TABLE occurrences (
    tenant_id  TEXT NOT NULL,
    booking_id TEXT NOT NULL,
    original   BIGINT NOT NULL,
    starts_at  BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, booking_id, original),
    FOREIGN KEY (tenant_id, booking_id) REFERENCES bookings (tenant_id, id)
);
CREATE INDEX occurrences_by_start ON occurrences (tenant_id, starts_at, booking_id);
INSERT INTO occurrences SELECT tenant_id, id, starts_at, starts_at, ends_at FROM bookings;

-- Occupancy of a unit of a resource: from set-up to tear-down.
DROP TRIGGER occupancy_no_overlap;
DROP TRIGGER occupancy_no_change;
DROP INDEX occupancy_by_resource;
ALTER TABLE occupancy RENAME TO occupancy_1;
CREATE TABLE occupancy (
    tenant_id   TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    unit        BIGINT NOT NULL, -- from 0, of those that the resource has
    booking_id  TEXT NOT NULL,
    original    BIGINT NOT NULL, -- which date of the booking
    starts_at   BIGINT NOT NULL, -- with the set-up time
    ends_at     BIGINT NOT NULL, -- with the tear-down time
    meet_start  BIGINT NOT NULL,
    meet_end    BIGINT NOT NULL,
    hold_until  BIGINT NOT NULL, -- 0: a booking; else a hold that counts until then
    CHECK (starts_at < ends_at AND ends_at - starts_at <= 2851200000000), -- 33 days
    PRIMARY KEY (tenant_id, booking_id, resource_id, unit, original),
    FOREIGN KEY (tenant_id, resource_id) REFERENCES resources (tenant_id, id),
    FOREIGN KEY (tenant_id, booking_id) REFERENCES bookings (tenant_id, id)
);
CREATE INDEX occupancy_by_resource ON occupancy (tenant_id, resource_id, starts_at);
CREATE INDEX occupancy_by_unit ON occupancy (tenant_id, resource_id, unit, starts_at, ends_at);
CREATE INDEX occupancy_long ON occupancy (tenant_id, resource_id, starts_at) WHERE ends_at - starts_at > 86400000000; -- a day
CREATE INDEX occupancy_on_hold ON occupancy (tenant_id, resource_id) WHERE hold_until > 0;
INSERT INTO occupancy SELECT tenant_id, resource_id, 0, booking_id, starts_at, starts_at, ends_at, starts_at, ends_at, 0 FROM occupancy_1;
DROP TABLE occupancy_1;

-- +goose StatementBegin
CREATE TRIGGER occupancy_no_overlap BEFORE INSERT ON occupancy
-- The rows of a unit do not overlap, so of those that begin before only the last can reach into it.
WHEN EXISTS (SELECT 1 FROM occupancy o WHERE o.tenant_id = NEW.tenant_id AND o.resource_id = NEW.resource_id AND o.unit = NEW.unit
             AND o.starts_at >= NEW.starts_at AND o.starts_at < NEW.ends_at)
    OR (SELECT o.ends_at FROM occupancy o WHERE o.tenant_id = NEW.tenant_id AND o.resource_id = NEW.resource_id AND o.unit = NEW.unit
             AND o.starts_at < NEW.starts_at ORDER BY o.starts_at DESC LIMIT 1) > NEW.starts_at
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

ALTER TABLE booking_history ADD COLUMN after_start BIGINT NOT NULL DEFAULT 0;
ALTER TABLE booking_history ADD COLUMN after_end BIGINT NOT NULL DEFAULT 0; -- 0: endless
CREATE INDEX booking_history_by_time ON booking_history (tenant_id, at);

ALTER TABLE idempotency ADD COLUMN subject TEXT NOT NULL DEFAULT ''; -- what the request has made, known at its commit

-- What other programs have written into the calendars of resources, as it was
-- last read.
CREATE TABLE foreign_events (
    tenant_id   TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    uid         TEXT NOT NULL,
    starts_at   BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL,
    summary     TEXT NOT NULL,
    organizer   TEXT NOT NULL,
    seen_at     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, resource_id, uid, starts_at),
    FOREIGN KEY (tenant_id, resource_id) REFERENCES resources (tenant_id, id)
);

-- Overlaps that were found after the fact, for people to solve.
CREATE TABLE conflicts (
    tenant_id       TEXT NOT NULL,
    id              TEXT NOT NULL,
    booking_id      TEXT NOT NULL,
    original        BIGINT NOT NULL,
    resource_id     TEXT NOT NULL,
    starts_at       BIGINT NOT NULL, -- of the booking's date
    ends_at         BIGINT NOT NULL,
    other_uid       TEXT NOT NULL,
    other_title     TEXT NOT NULL,
    other_organizer TEXT NOT NULL,
    other_start     BIGINT NOT NULL,
    other_end       BIGINT NOT NULL,
    found_at        BIGINT NOT NULL,
    told_at         BIGINT NOT NULL, -- 0: nobody has been told yet
    solved_at       BIGINT NOT NULL, -- 0: it is still there
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, booking_id, original, resource_id, other_uid, other_start),
    FOREIGN KEY (tenant_id, booking_id) REFERENCES bookings (tenant_id, id)
);
CREATE INDEX conflicts_open ON conflicts (tenant_id, starts_at) WHERE solved_at = 0;

-- When the calendar of a resource was last compared with the database.
CREATE TABLE calendar_checks (
    tenant_id   TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    due_at      BIGINT NOT NULL,
    lease_owner TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    checked_at  BIGINT NOT NULL,
    last_error  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, resource_id),
    FOREIGN KEY (tenant_id, resource_id) REFERENCES resources (tenant_id, id)
);
CREATE INDEX calendar_checks_due ON calendar_checks (due_at);

-- Work that one process at a time does.
CREATE TABLE jobs (
    name        TEXT PRIMARY KEY,
    due_at      BIGINT NOT NULL,
    lease_owner TEXT NOT NULL,
    lease_until BIGINT NOT NULL
);

-- What has happened, for those who listen. tx lets a reader on PostgreSQL
-- wait for transactions that are older than what it has read.
CREATE TABLE events (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    tx         BIGINT NOT NULL,
    tenant_id  TEXT NOT NULL,
    at         BIGINT NOT NULL,
    kind       TEXT NOT NULL,
    booking_id TEXT NOT NULL,
    data       TEXT NOT NULL -- JSON
);
CREATE INDEX events_in_order ON events (tx, id);
CREATE INDEX events_by_age ON events (at);
