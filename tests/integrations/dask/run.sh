#!/usr/bin/env bash
# Dask: a scheduler and two workers, each a process of its own.
set -euo pipefail
. tests/integrations/venv.sh
make_venv 3.11 -r requirements.txt --group dask pytest
tests tests/integrations/dask -s
