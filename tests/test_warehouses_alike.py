"""What every warehouse does, tried against a DuckDB file: the servers themselves are tried by tests/integrations."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.duckdb_warehouse import register
from tests.integrations.warehouse_shared import Alike

pytestmark = pytest.mark.slow


class TestDuckDb(Alike):
    """All of it."""

    prelude = "from tests.duckdb_warehouse import register; register()"

    @pytest.fixture
    def address(self, tmp_path: Path) -> str:
        """A file that is not there yet."""
        register()
        return f"duckdb://{(tmp_path / 'there.duckdb').as_posix()}"
