-- +goose Up
-- What a person has marked.
CREATE TABLE favourites (
    tenant_id   TEXT NOT NULL REFERENCES tenants (id),
    user_id     TEXT NOT NULL REFERENCES gatekeeper_users (id) ON DELETE CASCADE,
    resource_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, resource_id)
);

-- What a resource looks like.
CREATE TABLE resource_photos (
    tenant_id   TEXT NOT NULL REFERENCES tenants (id),
    resource_id TEXT NOT NULL,
    media_type  TEXT NOT NULL,
    hash        TEXT NOT NULL, -- of the content; part of its address
    content     BLOB NOT NULL,
    PRIMARY KEY (tenant_id, resource_id)
);
