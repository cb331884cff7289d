#!/usr/bin/env bash
# Redshift cannot be had here: PostgreSQL takes what we send in its place, rs-mock (Python 3.12 or later) and moto take COPY.
set -euo pipefail
. tests/integrations/venv.sh
if ! compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null; then debian postgresql; fi
python313="$(compgen -G "$(pyenv root 2>/dev/null)/versions/3.13*/bin/python" | tail -1 || true)"
printf 'python-dateutil>=2.9,<3\n' >"$WORK/older.txt" # botocore does not take the newest yet
make_venv "${python313:-3.13}" --override "$WORK/older.txt" -r requirements.txt --group redshift pytest "rs-mock[s3]==0.3.0" "moto[server]>=5.2,<6"
tests tests/integrations/redshift -s
