"""What our errors say, as Portuguese pages show it: every message of what a page, a run or its checks may come upon."""

from __future__ import annotations

import ast
import errno
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pages._failures import advice
from pages._run_words import told
from pages._text import Text
from pipeline import errors
from pipeline.errors import StorageError
from pipeline.lake.files import explained
from pipeline.lake.store import require_ledger, sweep
from pipeline.published.generations import generation_path, open_generation
from pipeline.published.publish import publish
from pipeline.published.staging import check_parts
from pipeline.records.ledger import Ledger
from pipeline.runs.progress import TaskResult
from pipeline.runs.runner import judge_run
from pipeline.workspace import Workspace
from tests.harm import cut
from tests.payloads import artist, commit, search_line

PIPELINE = Path(__file__).parent.parent / "pipeline"
PT = Text("pt_BR", "America/Sao_Paulo")
# What no page comes upon: the command line and what it alone does, other systems' own runs. What a schedule's form says
# is tried with it. Of an import, what is wrong with a file of a folder stands on its page.
ELSEWHERE = {
    "cli", "backup.py", "backup_files.py", "bundles.py", "exporting.py", "importing.py", "import_findings.py",
    "sockets.py", "simulator", "runner.py", "external.py", "stepping.py", "settings.py", "ledger_copy.py",
    "purge.py", "imported.py", "cutting.py", "recovery.py", "mending.py", "replay.py", "stored.py", "copying.py",
    "tracing.py", "status.py", "doctor.py", "schedules.py",
}  # fmt: skip
ENGLISH = re.compile(
    r"\b(the|of|is|are|was|were|and|for|nothing|again|kept|what|not|run|runs|it|than|left|by|failed|to|another|some|"
    r"there|here|then|make|space|made|stays|has|holds|be|been|cannot|other|names?|files?|answers?|until|untouched|"
    r"requests?|due|took|daily|used|exceeded|reached|spent|refused|broke|cancelled|limit|attempt)\b",
    re.IGNORECASE,
)
TEXTS = (ast.JoinedStr, ast.Constant, ast.IfExp)
OURS = {name for name in errors.__all__ if isinstance(kind := getattr(errors, name), type)}
CLASSES = {*OURS, "ConnectionError", "NotTaken", "OSError", "RuntimeError", "TimeoutError"}  # ours quote the others


def raised() -> Iterator[tuple[str, str]]:
    """Place and text of every error that is made where a page may come upon it, `X1` where there is a value."""
    for path in sorted(PIPELINE.rglob("*.py")):
        if ELSEWHERE & {path.name, *path.relative_to(PIPELINE).parts}:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = sorted(assigned(tree), key=lambda each: each[0])
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLASSES and node.args:
                known = {name: value for line, name, value in texts if line < node.lineno}
                late = {name: value for line, name, value in texts if name not in known}
                yield f"{path.relative_to(PIPELINE)}:{node.lineno}", words(node.args[-1], late | known)


def assigned(tree: ast.AST) -> Iterator[tuple[int, str, ast.expr]]:
    """Texts that names stand for, and that functions return."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, TEXTS):
            yield node.lineno, node.targets[0].id, node.value
        if isinstance(node, ast.FunctionDef) and isinstance(last := node.body[-1], ast.Return):
            yield from [(node.lineno, node.name, last.value)] if isinstance(last.value, TEXTS) else []


def words(node: ast.expr, known: dict[str, ast.expr]) -> str:
    """The text that an expression makes, `X1` in the place of each value."""
    if isinstance(node, ast.JoinedStr):
        return "".join(words(part, known) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return words(node.value, known)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value or "X1"
    if isinstance(node, ast.IfExp):
        return words(node.body, known)
    name = node.func if isinstance(node, ast.Call) else node
    if isinstance(name, ast.Name) and name.id in known:
        return words(known[name.id], {each: said for each, said in known.items() if each != name.id})
    return "X1"


def english(message: str, quoted: str = r"\([^()]*\)|`[^`]*`") -> list[str]:
    """English words in what a Portuguese page makes of a message, but for what is in brackets, and commands."""
    return ENGLISH.findall(re.sub(quoted, "", told(message, PT)))


def test_errors_are_told_in_portuguese() -> None:
    """No error that a page, a run or its checks may come upon is told in English there, nor what it quotes."""
    said = dict(raised())
    assert len(said) > 100
    assert {place: text for place, text in said.items() if english(text, quoted="`[^`]*`")} == {}


def damaged(workspace: Workspace, ledger: Ledger) -> None:
    """Publish what has changed since it was committed."""
    part = next(workspace.lake.rglob("*.parquet"))
    part.write_bytes(bytes(part.stat().st_size))
    check_parts(workspace.root, ledger.read("SELECT * FROM parts WHERE path LIKE ?", (f"%{part.name}",)))


def shortened(workspace: Workspace, _ledger: Ledger) -> None:
    """Read a database that lost its end."""
    cut(generation_path(workspace, 1))
    open_generation(workspace)


def foreign(workspace: Workspace, ledger: Ledger) -> None:
    """Sweep a workspace that has a file of a run nobody knows."""
    (folder := workspace.raw / "day=2026-11-22" / "run-9").mkdir(parents=True)
    (folder / "b9.jsonl.zst").write_bytes(b"")
    sweep(workspace, ledger)


def lost(workspace: Workspace, ledger: Ledger) -> None:
    """Look at a ledger that has given out fewer generations than are there."""
    (workspace.db / "garimpo-00000009.duckdb").write_bytes(b"")
    require_ledger(workspace, ledger)


def newer(workspace: Workspace, ledger: Ledger) -> None:
    """Open a ledger that a later version wrote."""
    with closing(sqlite3.connect(path := workspace.root / "other.sqlite")) as other:
        other.execute("PRAGMA user_version = 99")
    Ledger(path)


def refused(code: int) -> Callable[[Workspace, Ledger], None]:
    """Write where the system says no."""

    def write(workspace: Workspace, _ledger: Ledger) -> None:
        with explained(workspace.root / "part"):
            raise OSError(code, os.strerror(code))

    return write


@pytest.mark.parametrize(
    ("fault", "portuguese"),
    [
        (
            damaged,
            (
                "{part} não é o que foi gravado: seu hash é outro. "
                "Execute `python -m pipeline recover`; nada foi publicado."
            ),
        ),
        (
            shortened,
            (
                "{root}/db/garimpo-00000001.duckdb não pode ser aberto (tem {half} bytes em vez de {whole}). "
                "Execute `python -m pipeline recover`: {root}/db é refeito a partir dos arquivos Parquet, que estão "
                "intactos."
            ),
        ),
        (
            foreign,
            (
                "{root}/ledger.sqlite não sabe de 1 arquivos em {root}, por exemplo "
                "{root}/raw/day=2026-11-22/run-9/b9.jsonl.zst: ele se perdeu ou foi trocado. "
                "`python -m pipeline recover` o reescreve a partir deles; nada foi apagado."
            ),
        ),
        (
            lost,
            (
                "{root}/ledger.sqlite se perdeu ou foi trocado: gerou no máximo a geração 1, e a 9 está lá. "
                "`python -m pipeline recover` o reescreve a partir do que há; nada foi enviado nem apagado."
            ),
        ),
        (
            newer,
            (
                "{root}/other.sqlite foi gravado por uma versão mais nova deste programa (seu formato é 99, "
                "o conhecido é {version}). Atualize o programa; nada foi mudado."
            ),
        ),
        (
            refused(errno.EACCES),
            (
                "{root}/part não pode ser gravado (Permission denied). "
                "Permita gravar na pasta e colete de novo; o que foi gravado fica."
            ),
        ),
        (
            refused(errno.ENOSPC),
            "Não há espaço para {root}/part. Libere espaço e colete de novo; o que foi gravado fica.",
        ),
        (
            refused(errno.EIO),
            (
                "{root}/part: Input/output error. Colete de novo ou veja `python -m pipeline doctor`; "
                "o que foi gravado fica."
            ),
        ),
    ],
)
def test_storage_errors_are_told_in_portuguese(
    workspace: Workspace, ledger: Ledger, fault: Callable[[Workspace, Ledger], None], portuguese: str
) -> None:
    """What is wrong with the disk, a part or the ledger is told whole in Portuguese, with its values."""
    commit(workspace, ledger, "b1", search_line(artist("a1")))
    publish(workspace, ledger)
    part, size = next(workspace.lake.rglob("*.parquet")), generation_path(workspace, 1).stat().st_size
    with pytest.raises(StorageError) as raised_error:
        fault(workspace, ledger)
    values = {"root": workspace.root, "part": part, "version": ledger.read("PRAGMA user_version")[0]["user_version"]}
    values |= {"half": size // 2, "whole": size}
    assert told(str(raised_error.value), PT) == portuguese.format(**values)


def test_what_tasks_say_ends_once() -> None:
    """What the tasks of a run say stands one after the other: a sentence has no second mark, each task its label."""
    unknown = "artist a: unknown to Spotify (404 no). Nothing was stored for it; the others go on."
    rest = "the run's requests for this task are used up; the next run goes on"
    ends = (TaskResult("refresh_artists", "partial", 1, message=unknown), TaskResult("discover", "succeeded", 1))
    message = judge_run([*ends, TaskResult("refresh_tracks", "succeeded", 1, message=rest)]).message
    assert message == f"refresh_artists: {unknown} refresh_tracks: {rest}"
    assert re.fullmatch(
        r"lendo artistas: .* os outros continuam\. lendo faixas: .*; a próxima continua", told(message, PT)
    )


@pytest.mark.parametrize(
    ("error", "told_so"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError(errno.EACCES, "Permission denied", "/data/x"), "/data/x: Permission denied"),
        (OSError("closed"), "closed"),
    ],
)
def test_errors_of_the_system_are_shown(error: OSError, told_so: str) -> None:
    """What the system says stands in the place of a page, with the file where it names one."""
    assert advice(error, PT) == f"{told_so}. Veja python -m pipeline doctor."
