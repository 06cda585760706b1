#!/usr/bin/env bash
# Writes a golden journal with the build at hand: tests/Golden/make.sh NAME (e.g. 001-sqlite).
# A finished run, one that was killed in the middle, and one that was killed while it slept for weeks.
set -euo pipefail
cd "$(dirname "$0")/../.."
name=${1:?"usage: tests/Golden/make.sh NAME"}
dotnet build tests/CrashHost -c Release -v quiet --nologo
host=artifacts/bin/Granary.CrashHost/release/Granary.CrashHost
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$host" five golden-done "$folder/golden.db" "$folder/effects"
GRANARY_CRASH_AT="run: TimerStarted committed#1" "$host" sleeper golden-sleeper "$folder/golden.db" "$folder/effects" 2000000000 || true
GRANARY_CRASH_AT="step: after the body#7" "$host" mixed golden-cut "$folder/golden.db" "$folder/effects" || true
sqlite3 "$folder/golden.db" "pragma wal_checkpoint(truncate)" >/dev/null
cp "$folder/golden.db" "tests/Golden/$name.db"
echo "tests/Golden/$name.db: $(sqlite3 "tests/Golden/$name.db" "select group_concat(id || ' ' || status, ', ') from granary_runs_v")"
