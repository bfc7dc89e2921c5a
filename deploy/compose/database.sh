#!/bin/sh
# Runs once, in the empty PostgreSQL: a role for RMP that owns its database and
# is no superuser, so that row-level security binds it.
set -eu
psql --no-psqlrc --set=ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres --set=password="$(cat /run/secrets/db-password)" <<'SQL'
CREATE ROLE rmp LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'password';
CREATE DATABASE rmp OWNER rmp;
REVOKE CONNECT ON DATABASE rmp FROM PUBLIC;
SQL
