-- +goose Up
-- Whether any unit of a resource but the first is taken is asked at each booking;
-- occupancy_by_unit answers it here.
SELECT 1;
