"""The help of every command, as somebody reads it who does not program."""

from __future__ import annotations

import re

import pytest
from typer.main import get_command

from pipeline.cli.commands import app, main

COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["", *COMMANDS, "schedule add", "schedule next"])
def test_help_names_no_types(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An option takes a NUMBER, a PATH or a TEXT, a switch takes nothing; none of them is called as Python does."""
    assert main([*name.split(), "--help"]) == 0
    options = capsys.readouterr().out.partition(" Options ")[2]
    assert re.findall(r"--help +Show", options)
    assert re.findall(r"<\w[^>]*>|\b(?:bool|str|int|float) range\b", options) == []


def test_help_begins_with_what_is_done_most(capsys: pytest.CaptureFixture[str]) -> None:
    """The simulator, which few need, comes last."""
    main(["--help"])
    named = re.findall(r"^│ (\S+)  +\S", capsys.readouterr().out.partition("Commands")[2], re.MULTILINE)
    assert (set(named), named[0], "simulator" in named[-2:]) == (set(COMMANDS), "run", True)
