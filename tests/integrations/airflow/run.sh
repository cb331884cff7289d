#!/usr/bin/env bash
# Airflow: its API server, scheduler and DAG processor with a database of their own; tasks are processes.
set -euo pipefail
. tests/integrations/venv.sh
make_venv 3.11 -r requirements.txt --group airflow pytest
fetched
export AIRFLOW_HOME="$WORK/airflow" AIRFLOW__CORE__LOAD_EXAMPLES=False
mkdir -p "$AIRFLOW_HOME/dags"
cp docs/integrations/deploy/airflow_dag.py "$AIRFLOW_HOME/dags/"
airflow db migrate >"$WORK/migrate.log" 2>&1
cp "$AIRFLOW_HOME/airflow.db" "$WORK/empty.db"
tests tests/integrations/airflow -s -o faulthandler_timeout=400 # a run is twenty processes and more
