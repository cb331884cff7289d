#!/usr/bin/env bash
# AWS Lambda's own runtime client, fed by a Runtime API and an Invoke API of this machine; the zip alone is in its path.
set -euo pipefail
. tests/integrations/venv.sh
printf 'python-dateutil>=2.9,<3\n' >"$WORK/older.txt" # botocore does not take the newest yet
make_venv 3.11 --override "$WORK/older.txt" -r requirements.txt --group lambda pytest
another_venv runtime 3.11 "awslambdaric>=4.2,<5"
python -m pipeline.integrations.pack lambda "$WORK" --python 3.11
mkdir "$WORK/function"
python -m zipfile -e "$WORK/garimpo-lambda.zip" "$WORK/function"
PYTHONPATH="$PYTHONPATH:$PWD/tests/integrations/lambda" RUNTIME="$WORK/runtime/bin/python" FUNCTION="$WORK/function" tests tests/integrations/lambda -s
