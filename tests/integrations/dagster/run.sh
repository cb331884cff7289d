#!/usr/bin/env bash
# Dagster: runs on an instance of its own, once also with the webserver and the daemon that start them.
set -euo pipefail
. tests/integrations/venv.sh
printf 'watchdog>=6,<7\n' >"$WORK/other.txt" # what Dagster asks for
make_venv 3.11 --override "$WORK/other.txt" -r requirements.txt --group dagster pytest
export DAGSTER_DISABLE_TELEMETRY=1
tests tests/integrations/dagster -s
