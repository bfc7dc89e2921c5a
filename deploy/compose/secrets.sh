#!/bin/sh
# Makes the secrets of the installation, once: what is there already stays.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
chmod 0700 secrets # the files are bound into containers, whose users must read them
umask 022
random() { head -c "$1" /dev/urandom | base64 | tr -d '\n'; }
[ -s secrets/postgres-password ] || random 24 | tr '+/' '-_' >secrets/postgres-password
[ -s secrets/db-password ] || random 24 | tr '+/' '-_' >secrets/db-password
[ -s secrets/db-url ] || printf 'postgres://rmp:%s@db:5432/rmp?sslmode=disable' "$(cat secrets/db-password)" >secrets/db-url
[ -s secrets/secret-key ] || random 32 >secrets/secret-key
if [ ! -s secrets/cgp-admin-password ]; then
  printf 'Password of the CommuniGate Pro account: ' >&2
  [ -t 0 ] && stty -echo
  IFS= read -r password
  [ -t 0 ] && stty echo && echo >&2
  printf '%s' "$password" >secrets/cgp-admin-password
fi
echo 'The secrets are in secrets/. Keep a copy of secrets/secret-key with your backups.' >&2
