"""One JSON line per request, for whoever wants to read what was asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["RequestLog"]


class RequestLog:
    """Appends to a file, or does nothing where none is wanted."""

    def __init__(self, path: str | None) -> None:
        self._file = Path(path).open("a", encoding="utf-8") if path else None  # noqa: SIM115 - open as long as the server

    @property
    def is_wanted(self) -> bool:
        """True when lines are kept."""
        return self._file is not None

    def write(self, line: dict[str, Any]) -> None:
        """Appends one line, on disk at once."""
        if self._file:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        if self._file:
            self._file.close()
