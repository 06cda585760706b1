#!/usr/bin/env bash
# Kills the sample twice with SIGKILL and starts it again with the same id: what was recorded is not done twice, what was
# cut off runs again under the same key, and a sleep ends at its time.
#   samples/kill-demo.sh            builds the sample first
#   samples/kill-demo.sh PROGRAM    takes a built one
set -euo pipefail
if [ $# -gt 0 ]; then
  program=$(realpath "$1")
else
  repository=$(cd "$(dirname "$0")/.." && pwd)
  dotnet build "$repository/samples/WeatherAgent" -c Release -v quiet --nologo
  program="$repository/artifacts/bin/WeatherAgent/release/WeatherAgent"
fi

folder=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"

# Each tool takes 2 seconds, then the run sleeps for 4; each tool that begins or ends leaves a line in the file "effects".
sample=("$program" --id demo --data demo.db --tool-delay 2s --sleep 4s --effects effects)
start() { echo "\$ WeatherAgent --id demo --tool-delay 2s --sleep 4s"; }
count() { grep -c "$1" "$2" 2>/dev/null || true; }
fail() { cat log >&2; exit 1; }

# Starts the sample and kills it when three lines of a file have a word.
kill_at() {
  start
  "${sample[@]}" >out 2>log &
  pid=$!
  until [ "$(count "$1" "$2")" = 3 ] && [ "$(count ' llm ' out)" != 0 ]; do
    kill -0 "$pid" 2>/dev/null || fail
    sleep 0.05
  done
  kill -9 "$pid"
  { wait "$pid" || true; } 2>/dev/null
  cat out
  echo "  kill -9 $pid    $3"
  echo
  pid=
}

kill_at 'begin$' effects 'in the middle of three tools'
kill_at ' tool ' out 'in its sleep'
start
"${sample[@]}" 2>log || fail

echo
echo 'What the tools themselves wrote down (key, attempt, process):'
cat effects
