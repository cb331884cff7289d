#!/usr/bin/env bash
# Spark: a standalone master and a worker, each a Java process of its own; needs Java 17 or later.
set -euo pipefail
. tests/integrations/venv.sh
command -v java >/dev/null || not_run "no java on the path"
make_venv 3.11 -r requirements.txt --group spark pytest
export SPARK_LOCAL_IP=127.0.0.1 SPARK_LOCAL_DIRS="$WORK/spark" SPARK_WORKER_DIR="$WORK/spark" PYSPARK_PYTHON="$WORK/venv/bin/python"
# Programs of a minute are not worth compiling well, nor collecting rubbish in parallel.
if [ -z "${MEASURE:-}" ]; then export JAVA_TOOL_OPTIONS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"; fi
tests tests/integrations/spark -s
