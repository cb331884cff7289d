"""Options that several commands have, how their help names them, and what is read from the text given for one."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from pipeline.errors import SettingsError

__all__ = ["AsJson", "PlainCommand", "PlainGroup", "in_plain_words", "read_day", "read_genres"]

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


# What a value is called in the help, instead of the name that Python has for its kind; a switch has none.
_VALUES: dict[Any, str] = {bool: "", int: "NUMBER", float: "NUMBER", str: "TEXT", Path: "PATH", list[str]: "TEXT"}
# What the library says of a wrong word, and how it is said here.
_SAID = (
    (r"Input should be a valid integer.*", "a whole number belongs there"),
    (r"Input should be a valid number.*", "a number belongs there"),
    (r"Input should be greater than or equal to (\S+)", r"\1 is the least"),
    (r"Input should be less than or equal to (\S+)", r"\1 is the most"),
    (r"Option '(\S+)' requires an argument", r"'\1' needs a value after it"),
    (r"Got unexpected extra argument\(s\) \((.*)\)",
     r"Nothing is expected where it says: \1. What has spaces in it needs quotes, a switch such as --json no value"),
)  # fmt: skip


class _Plain:
    """Names what options take as people would."""

    def get_params(self, ctx: Any) -> list[Any]:
        found: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for each in found:
            kind = each.type_descriptor.annotation if hasattr(each, "type_descriptor") else bool
            if each.metavar is None and each.param_type_name == "option":
                each.metavar = _VALUES.get(kind, "VALUE")
        return found


class PlainCommand(_Plain, TyperCommand):
    """A command of ours."""


class PlainGroup(_Plain, TyperGroup):
    """Commands of ours under one name."""


def in_plain_words(message: str) -> str:
    """What was wrong with the words of a command, said to people who do not program."""
    for pattern, words in _SAID:
        message = re.sub(pattern, words, message)
    return message
