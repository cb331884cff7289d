"""PostgreSQL as Debian has it: the tables are equal after anything that happens on either side."""

from __future__ import annotations

import os
from itertools import count

import pytest

from tests.integrations.warehouse_shared import Alike

SERVER = os.environ.get("POSTGRES", "")
numbers = count(1)


@pytest.fixture
def address() -> str:
    """A schema of its own."""
    return f"{SERVER}?schema=s{next(numbers)}"


class TestPostgres(Alike):
    """What all warehouses do."""
