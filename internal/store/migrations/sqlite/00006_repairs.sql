-- +goose Up
-- What the doctor has repaired, with how to take it back.
CREATE TABLE repair_steps (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    run       TEXT NOT NULL,
    number    BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    step      TEXT NOT NULL, -- JSON
    undone    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, run, number)
);
