#!/usr/bin/env bash
# Ray: a head that wants its token, its collecting actors in processes of their own.
set -euo pipefail
. tests/integrations/venv.sh
make_venv 3.11 -r requirements.txt --group ray pytest
export RAY_DISABLE_IMPORT_WARNING=1 RAY_USAGE_STATS_ENABLED=0 RAY_TMPDIR="$WORK/ray"
RAY_AUTH_TOKEN="$(python -c 'import secrets; print(secrets.token_hex())')"
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN
mkdir -p "$RAY_TMPDIR"
tests tests/integrations/ray -s
