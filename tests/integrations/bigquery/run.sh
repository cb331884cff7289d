#!/usr/bin/env bash
# BigQuery: Google's client, with local-bigquery (Python 3.13) in BigQuery's place; DuckDB's extensions come as packages.
set -euo pipefail
. tests/integrations/venv.sh
printf 'python-dateutil>=2.9,<3\n' >"$WORK/older.txt" # Google's client does not take the newest yet
make_venv 3.11 --override "$WORK/older.txt" -r requirements.txt --group bigquery pytest
python313="$(compgen -G "$(pyenv root 2>/dev/null)/versions/3.13*/bin/python" | tail -1 || true)"
printf 'duckdb==1.5.5\n' >"$WORK/packaged.txt" # the newest for which the extensions are packaged
another_venv emulator "${python313:-3.13}" --override "$WORK/packaged.txt" "local-bigquery==0.4.0" duckdb-extension-{icu,ducklake,json,spatial}==1.5.5
export HOME="$WORK/home"
"$WORK/emulator/bin/python" - <<'PYTHON'
import pathlib, shutil, sysconfig
import duckdb

[[platform]] = duckdb.sql("PRAGMA platform").fetchall()
for path in pathlib.Path(sysconfig.get_path("purelib")).glob("duckdb_extension_*/extensions/*/*.duckdb_extension"):
    folder = pathlib.Path.home() / ".duckdb" / "extensions" / path.parent.name / platform
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, folder)
PYTHON
LOCAL_BIGQUERY="$WORK/emulator/bin/local-bigquery" tests tests/integrations/bigquery -s -o faulthandler_timeout=500 # one life of all tables
