#!/usr/bin/env bash
# Tries the integrations against the real systems: `tests/integrations/run.sh list | all | fetch | NAME...`; see systems.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
PYTHONDONTWRITEBYTECODE=1 exec python3 -m tests.integrations.systems "$@"
