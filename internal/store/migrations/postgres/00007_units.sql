-- +goose Up
-- Whether any unit of a resource but the first is taken is asked at each booking.
CREATE INDEX occupancy_above ON occupancy (tenant_id, resource_id) WHERE unit > 0;
