#!/usr/bin/env bash
# Tries the integrations against the real systems: each is set up from nothing, used, and taken down again.
#
#   tests/integrations/run.sh list | all | NAME...
#
# A system is a folder here with a run.sh. It is called from the root of the project with WORK, a folder of its own that
# is removed afterwards, and sources tests/integrations/venv.sh. It ends with 0 when it ran, with 77 when the system cannot
# be had here (its last line says why), with anything else when it failed. LIMIT_S bounds each one, KEEP=1 keeps WORK.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
exec </dev/null

systems=()
for script in "$here"/*/run.sh; do
    [ -e "$script" ] && systems+=("$(basename "$(dirname "$script")")")
done
case "${1:-list}" in
list) printf '%s\n' "${systems[@]}"; exit 0 ;;
all) asked=("${systems[@]}") ;;
*) asked=("$@") ;;
esac

table="" failed=0
for name in "${asked[@]}"; do
    if [ ! -f "$here/$name/run.sh" ]; then
        echo "no such system: $name (there are ${systems[*]})" >&2
        exit 2
    fi
    WORK=$(mktemp -d "${TMPDIR:-/tmp}/garimpo-$name-XXXXXX")
    export WORK
    echo "== $name"
    began=$SECONDS code=0
    # A process group of its own: whatever a system leaves running ends with it.
    setsid timeout --foreground --kill-after=10 "${LIMIT_S:-600}" bash "$here/$name/run.sh" >"$WORK.log" 2>&1 &
    group=$!
    wait "$group" || code=$?
    kill -KILL -- "-$group" 2>/dev/null
    cat "$WORK.log"
    reason=$(grep -v '^[[:space:]]*$' "$WORK.log" | tail -n 1)
    case "$code" in
    0) verdict="ran" ;;
    77) verdict="not run" ;;
    124 | 137) verdict="FAILED" reason="longer than ${LIMIT_S:-600} s" failed=1 ;;
    *) verdict="FAILED" failed=1 ;;
    esac
    table+=$(printf '%-16s %-8s %5s s  %s' "$name" "$verdict" "$((SECONDS - began))" "$reason")$'\n'
    if [ -z "${KEEP:-}" ]; then rm -rf "$WORK" "$WORK.log"; fi
done
printf '\n%s' "$table"
exit "$failed"
