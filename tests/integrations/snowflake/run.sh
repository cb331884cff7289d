#!/usr/bin/env bash
# Snowflake: its connector, with fakesnow's server in Snowflake's place; fakesnow does not know the connector's version 5.
set -euo pipefail
. tests/integrations/venv.sh
printf 'python-dateutil>=2.9,<3\n' >"$WORK/older.txt" # what the connector brings does not take the newest yet
make_venv 3.11 --override "$WORK/older.txt" -r requirements.txt --group snowflake pytest
another_venv stand-in 3.11 "fakesnow[server]==0.12.1" "snowflake-connector-python>=4.8,<5"
FAKESNOW="$WORK/stand-in/bin/python" tests tests/integrations/snowflake -s
