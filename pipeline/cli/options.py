"""Options that several commands have, and what is read from the text that was given for one."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import SettingsError

__all__ = ["AsJson", "read_day", "read_genres"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")]


def read_day(option: str, text: str) -> date | None:
    """The day that was given for an option, None where none was; SettingsError for what is no day."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise SettingsError(f"{option} {text!r} is no day: YYYY-MM-DD. Nothing was started.") from None


def read_genres(text: str) -> tuple[str, ...]:
    """Genres from a list with commas, or from a file with one a line; none where the text is empty, only then."""
    try:
        listed = Path(text[1:]).read_text(encoding="utf-8").splitlines() if text.startswith("@") else text.split(",")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"--genres {text}: the file cannot be read ({error}). Nothing was started.") from None
    genres = tuple(dict.fromkeys(" ".join(part.lower().split()) for part in listed if part.strip()))
    if text.strip() and not genres:
        raise SettingsError(f"--genres {text} names no genre. Nothing was started.")
    return genres
