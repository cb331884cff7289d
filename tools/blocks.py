"""The text of each generated part of the documents, made from the code it describes; Markdown."""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import typer.main
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from pipeline import errors
from pipeline.cli.commands import EXIT_CODES, app
from pipeline.errors import STATUS_ERRORS, GarimpoError
from pipeline.runs.dag import render_mermaid, render_text
from pipeline.schema import PUBLISHED, Table
from pipeline.settings import list_settings

__all__ = ["BLOCKS", "command_names"]

ROOT = Path(__file__).resolve().parent.parent
DECISION = re.compile(r"\A# (.+)\n\n\*\*Date\*\* \d{4}-\d\d-\d\d · \*\*State\*\* (.+)\n")

# The way of one answer from Spotify to the screen: who does what, in this order.
PATH = (
    "runs.planner.plan_discovery",
    "records.gate.LedgerGate.acquire",
    "source.spotify.SpotifySource.fetch",
    "source.collect.collect",
    "lake.normalize.Normalizer.tables",
    "lake.store.commit_raw_batch",
    "records.ledger.Ledger.commit_batch",
    "published.publish.publish",
    "published.generations.open_generation",
    "queries.artist_history",
)


def command_names() -> list[str]:
    """The commands of `python -m pipeline`, in the order of its help."""
    return list(_group().commands)


def _commands() -> str:
    rows = [(f"`python -m pipeline {name}`", _first_line(command.help)) for name, command in _every_command()]
    return _table(("command", "what it does"), rows)


def _command_options() -> str:
    parts = []
    for name, command in _every_command():
        given = [each for each in command.params if isinstance(each, TyperArgument) and not each.hidden]
        options = [each for each in command.params if isinstance(each, TyperOption) and not each.hidden]
        rows = [
            (f"`{', '.join([*each.opts, *each.secondary_opts])}`", _default(each), _one_line(each.help or ""))
            for each in options
        ]
        rows = [(f"`{_argument(each)}`", _default(each), _one_line(each.help or "")) for each in given] + rows
        first, _, rest = inspect.cleandoc(command.help or "").partition("\n\n")
        more = f"```text\n{rest.strip()}\n```\n\n" if rest.strip() else ""
        parts.append(f"## {name}\n\n{_one_line(first)}\n\n{more}")
        parts.append(_table(("argument or option", "default", "meaning"), rows) + "\n")
    return "\n".join(parts)


def _every_command() -> Iterator[tuple[str, TyperCommand]]:
    """Name and command, those of a group behind the group's name."""
    for name, command in _group().commands.items():
        if isinstance(command, TyperGroup):
            yield from ((f"{name} {part}", inner) for part, inner in command.commands.items())  # type: ignore[misc]
        else:
            yield name, command  # type: ignore[misc]


def _dag() -> str:
    return f"```mermaid\n{render_mermaid()}\n```\n\n```text\n{render_text()}\n```"


def _data_path() -> str:
    rows = [(str(step), f"`{name}()`", _first_line(_resolve(name).__doc__)) for step, name in enumerate(PATH, 1)]
    return _table(("", "function", "what comes back"), rows)


def _errors() -> str:
    statuses: dict[type[GarimpoError], list[str]] = {}
    for status, cls in sorted(STATUS_ERRORS.items()):
        statuses.setdefault(cls, []).append(str(status))
    rows = [
        (f"`{cls.__name__}`", _first_line(cls.__doc__), ", ".join(statuses.get(cls, ())), str(cls.exit_code))
        for cls in (getattr(errors, name) for name in errors.__all__)
        if isinstance(cls, type) and issubclass(cls, GarimpoError)
    ]
    tree = inspect.cleandoc(errors.__doc__ or "").split("\n\n")[1]
    table = _table(("error", "meaning", "HTTP status", "exit code"), rows)
    return f"```text\n{inspect.cleandoc(tree)}\n```\n\n{table}"


def _exit_codes() -> str:
    return _table(("exit code", "meaning"), [(f"`{code}`", meaning) for code, meaning in EXIT_CODES.items()])


def _decisions() -> str:
    rows = []
    for path in sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md")):
        title, state = DECISION.search(path.read_text(encoding="utf-8")).groups()  # type: ignore[union-attr]
        rows.append((f"[{path.stem[:4]}]({path.name})", title, state))
    return _table(("", "decision", "state"), rows)


def _settings() -> str:
    rows = [(f"`{row['variable']}`", _code(row["default"]), row["help"]) for row in list_settings()]
    return _table(("environment variable", "default", "meaning"), rows)


def _tables() -> str:
    rows = [(f"`{table.name}`", _names(table.key), table.grain) for table in PUBLISHED.values()]
    return _table(("table", "key", "one row is"), rows)


def _columns() -> str:
    return "\n".join(_columns_of(table) for table in PUBLISHED.values())


def _columns_of(table: Table) -> str:
    rows = [(f"`{column.name}`", column.type, column.meaning) for column in table.columns]
    said = f"One row is {table.grain}; key {_names(table.key)}; from {table.source}."
    return f"## {table.name}\n\n{said}\n\n{_table(('column', 'type', 'meaning'), rows)}\n"


BLOCKS: dict[str, Callable[[], str]] = {
    "columns": _columns,
    "command-options": _command_options,
    "commands": _commands,
    "dag": _dag,
    "data-path": _data_path,
    "decisions": _decisions,
    "errors": _errors,
    "exit-codes": _exit_codes,
    "settings": _settings,
    "tables": _tables,
}


def _group() -> TyperGroup:
    return typer.main.get_group(app)


def _resolve(dotted: str) -> object:
    return pkgutil.resolve_name(f"pipeline.{dotted}")


def _argument(argument: TyperArgument) -> str:
    """What stands for it on the command line; in brackets where it can be left out."""
    name = argument.metavar or (argument.name or "").upper()
    return name if argument.required else f"[{name}]"


def _default(option: TyperOption | TyperArgument) -> str:
    default = option.default
    is_flag = isinstance(option, TyperOption) and option.is_flag
    return "" if callable(default) or default is None or default == "" or is_flag else _code(str(default))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _first_line(text: str | None) -> str:
    return _one_line(inspect.cleandoc(text or "").split("\n\n", maxsplit=1)[0])
