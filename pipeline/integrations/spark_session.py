"""A session of Spark, opened by any thread of a busy process; its Java process ends before that does.

pyspark runs Python between fork and exec when it starts its Java process; a lock that another thread held just then, as
SQLite's are, is never let go of there, and nothing ever starts. Here no Python runs in between.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from pyspark import SparkConf, SparkContext
from pyspark.find_spark_home import _find_spark_home
from pyspark.serializers import UTF8Deserializer, read_int

__all__ = ["open_session"]

PLAINLY = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # all of them only hand over: compiling well costs seconds
OPTIONS = {
    "spark.driver.defaultJavaOptions": PLAINLY, "spark.executor.defaultJavaOptions": PLAINLY,
    "spark.pyspark.python": sys.executable, "spark.python.daemon.module": "pipeline.integrations.spark_daemon",
    "spark.task.maxFailures": "1", "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false",
}  # fmt: skip

PATIENCE_S = 2.0  # it took 0.5 to 1.1 s, at a load of three

_started: list[subprocess.Popen[bytes]] = []
_over = threading.Event()  # this process ends: what some thread starts now is not wanted any more


def open_session(address: str) -> SparkContext:
    """A session on the cluster of a master; raises RuntimeError where Java does not start."""
    where = {} if SparkContext._gateway else _start_java()  # noqa: SLF001  one Java process serves all sessions
    os.environ.update(where)  # it is how pyspark is told of one that was started for it
    try:
        conf = SparkConf().setMaster(address).setAppName("garimpo").setAll(list(OPTIONS.items()))
        return SparkContext.getOrCreate(conf)
    finally:
        for name in where:
            del os.environ[name]


def _start_java() -> dict[str, str]:
    options = [part for pair in OPTIONS.items() for part in ("--conf", "=".join(pair))]
    command = [str(Path(_find_spark_home(), "bin", "spark-submit")), *options, "pyspark-shell"]
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "told")
        environment = os.environ | {"SPARK_CONNECT_MODE": "0", "_PYSPARK_DRIVER_CONN_INFO_PATH": str(told)}
        java = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, start_new_session=True)  # no Ctrl-C
        while java.poll() is None and not told.exists() and not _over.is_set():
            time.sleep(0.05)
        if told.exists():
            _started.append(java)
        if _over.is_set() or not told.exists():
            _kill(java)
            raise RuntimeError(f"Java does not start (spark-submit ended with {java.returncode})")
        with told.open("rb") as file:
            port, secret = read_int(file), UTF8Deserializer().loads(file)
        return {"PYSPARK_GATEWAY_PORT": str(port), "PYSPARK_GATEWAY_SECRET": secret}


def _kill(java: subprocess.Popen[bytes]) -> None:
    if java.poll() is None:
        os.killpg(java.pid, signal.SIGKILL)
        java.wait()


def _end_all() -> None:
    """Java ends when its standard input does, within a second as a rule; one that still starts is killed over there."""
    _over.set()
    logging.getLogger().addFilter(_is_news)
    for java in _started:
        if java.stdin:
            java.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            java.wait(PATIENCE_S)
        _kill(java)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether it is not py4j that tells all, with a traceback, of a command that Java hung up on because it ends."""
    return Path(record.pathname).parent.name != "py4j"


# `atexit` comes after threads have ended, of which one may wait for a job that never does.
threading._register_atexit(_end_all)  # type: ignore[attr-defined]  # noqa: SLF001
