"""What an executor of Spark forks its Python processes from: what they need is imported once, here, for all of them.

Named to Spark by `spark_session`; each of 16 processes would otherwise spend a second of CPU on it. Starts no thread.
"""

from __future__ import annotations

import pyspark.worker  # noqa: F401  what each process runs
from pyspark.daemon import manager

import pipeline.source.allowance  # noqa: F401  what each batch calls

__all__: list[str] = []

if __name__ == "__main__":
    manager()
