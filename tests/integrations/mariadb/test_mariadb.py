"""MariaDB as Debian has it: the tables are equal after anything that happens on either side."""

from __future__ import annotations

import os
from itertools import count

import pytest

from tests.integrations.warehouse_shared import Alike

SERVER = os.environ.get("MARIADB", "")
numbers = count(1)


@pytest.fixture
def address() -> str:
    """A schema of its own."""
    return f"{SERVER}/s{next(numbers)}"


class TestMariaDb(Alike):
    """What all warehouses do."""
