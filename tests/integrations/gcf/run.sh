#!/usr/bin/env bash
# Cloud Functions: the packed source under functions-framework, over HTTP on 127.0.0.1.
set -euo pipefail
. tests/integrations/venv.sh
make_venv 3.11 -r requirements.txt --group gcf pytest
python -m pipeline.integrations.pack gcf "$WORK"
mkdir "$WORK/function"
python -m zipfile -e "$WORK/garimpo-gcf.zip" "$WORK/function"
another_venv runtime 3.11 -r "$WORK/function/requirements.txt"
RUNTIME="$WORK/runtime/bin" FUNCTION="$WORK/function" tests tests/integrations/gcf -s
