#!/usr/bin/env bash
# MariaDB, which published tables are sent to: a server with data of its own, stopped, killed and filled up.
set -euo pipefail
. tests/integrations/venv.sh
if ! command -v mariadbd >/dev/null; then debian mariadb-server; fi
make_venv 3.11 -r requirements.txt --group mysql pytest
tests tests/integrations/mariadb -s
