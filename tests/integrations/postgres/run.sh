#!/usr/bin/env bash
# PostgreSQL, which published tables are sent to: a server with data of its own, stopped, killed and filled up.
set -euo pipefail
. tests/integrations/venv.sh
if ! compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null; then debian postgresql; fi
make_venv 3.11 -r requirements.txt --group postgres pytest
tests tests/integrations/postgres -s
