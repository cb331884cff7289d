"""What the source was seen to offer this app, kept in the ledger: name, value, evidence, when it was seen.

What follows from it `source.capabilities` says. Imports `ledger`.
"""

from __future__ import annotations

import json
from datetime import datetime

from pipeline.records.database import Row
from pipeline.records.ledger import Ledger, with_times

__all__ = ["capability_rows", "set_capability"]


def set_capability(
    ledger: Ledger, name: str, value: object, evidence: str, withdrawn_since: datetime | None = None
) -> None:
    """Record what the source was seen to offer, now."""
    seen = (ledger.now().timestamp(), withdrawn_since and withdrawn_since.timestamp())
    with ledger.write(durable=False) as connection:
        connection.execute(
            "INSERT INTO capabilities VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
            "value = excluded.value, evidence = excluded.evidence, checked_at = excluded.checked_at, "
            "withdrawn_since = excluded.withdrawn_since",
            (name, json.dumps(value), evidence, *seen),
        )


def capability_rows(ledger: Ledger) -> dict[str, Row]:
    """What was seen, by name; `value` decoded, `checked_at` and `withdrawn_since` as UTC datetimes."""
    rows = ledger.read("SELECT * FROM capabilities ORDER BY name")
    return {row["name"]: {**with_times(row), "value": json.loads(row["value"])} for row in rows}
