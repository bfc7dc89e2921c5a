#!/usr/bin/env bash
# Makes the release of the present commit twice, from two clones in different
# places, with empty build caches and other habits of the machine, and compares
# every byte.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=${1:-0.0.0-check}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
one="$tmp/one" two="$tmp/another/place, deeper"
for dir in "$one" "$two"; do
  git clone --quiet --no-hardlinks . "$dir"
  git -C "$dir" checkout --quiet --detach "$(git rev-parse HEAD)"
done
(cd "$one" && umask 022 && TZ=UTC LC_ALL=C GOCACHE="$tmp/cache1" make --no-print-directory release VERSION="$version")
(cd "$two" && umask 077 && TZ=Pacific/Auckland LC_ALL=C.UTF-8 GOFLAGS=-tags=anything GOAMD64=v3 GOCACHE="$tmp/cache2" make --no-print-directory release VERSION="$version")
diff -r "$one/bin/release" "$two/bin/release"
(cd "$two/bin/release" && sha256sum --check --strict SHA256SUMS)
echo "two builds of $(git rev-parse --short HEAD) are alike, byte by byte"
