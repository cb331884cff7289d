#!/usr/bin/env bash
# Prefect: its server with a database of its own, flows run by a process that serves them.
set -euo pipefail
. tests/integrations/venv.sh
printf 'certifi>=2026.10.19\npython-dateutil>=2.9,<3\nwebsockets>=15,<17\n' >"$WORK/other.txt" # what Prefect asks for
make_venv 3.11 --override "$WORK/other.txt" -r requirements.txt --group prefect pytest
export PREFECT_HOME="$WORK/prefect" PREFECT_SERVER_ANALYTICS_ENABLED=false PREFECT_SERVER_UI_ENABLED=false DO_NOT_TRACK=1
tests tests/integrations/prefect -s
