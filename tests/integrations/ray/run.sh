#!/usr/bin/env bash
# Ray: a head bound to 127.0.0.1, its collecting actors in processes of their own.
set -euo pipefail
. tests/integrations/venv.sh
make_venv 3.11 -r requirements.txt --group ray pytest
export RAY_DISABLE_IMPORT_WARNING=1 RAY_USAGE_STATS_ENABLED=0 RAY_TMPDIR="$WORK/ray"
mkdir -p "$RAY_TMPDIR"
tests tests/integrations/ray -s
