"""The documents say what the code does: generated parts are fresh, names exist, links and lines work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pipeline import errors
from pipeline.cli.commands import EXIT_CODES
from pipeline.cron import parse_cron
from pipeline.errors import Deferred, RunCancelled
from pipeline.settings import list_settings
from tools import documents
from tools.blocks import BLOCKS, command_names

ROOT = Path(__file__).parent.parent
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in documents.pages()}
README = PAGES["README.md"]
SERVICE, TIMER = re.findall(r"```ini\n(.*?)```", README, re.DOTALL)
CRON = re.search(r"```text\n(0 6 \* \* \* .*?)```", README, re.DOTALL)[1].strip()  # type: ignore[index]
ANALYZE = shutil.which("systemd-analyze")


def lines_of(language: str, text: str) -> list[str]:
    """The lines of every block in a language."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_generated_parts_are_fresh() -> None:
    """Settings, tables, commands, errors and the graph in the documents are those of the code."""
    assert documents.stale() == []


def test_stale_part_is_noticed(tmp_path: Path) -> None:
    """A part that differs from the code is named with its file and the lines."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "README.md").write_text("Nothing generated.\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("<!-- generated: exit-codes -->\nold\n<!-- end -->\n", encoding="utf-8")
    [said] = documents.stale(tmp_path)
    assert said.startswith("README.md is stale. Run `python -m tools.documents --write`.\n@@")
    assert "\n-old\n" in said


def test_every_part_is_shown() -> None:
    """Each generated part stands in some document: nothing declared is undocumented."""
    shown = {name for text in PAGES.values() for name in re.findall(r"<!-- generated: ([a-z-]+) -->", text)}
    assert shown == set(BLOCKS)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link and picture of a document is there, its anchor too."""
    dead = []
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", PAGES[page]):
        file, _, anchor = target.partition("#")
        path = (ROOT / page).parent / file if file else ROOT / page
        if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
            dead.append(target)
    assert dead == []


@pytest.mark.parametrize("page", PAGES)
def test_commands_exist(page: str) -> None:
    """A command that a document names is one the program has."""
    named = set(re.findall(r"-m pipeline ([a-z-]+)\b", PAGES[page]))
    assert named - set(command_names()) == set()


@pytest.mark.parametrize("page", PAGES)
def test_variables_exist(page: str) -> None:
    """A variable that a document names is a setting, or the tests' own."""
    named = set(re.findall(r"\b(?:GARIMPO|SPOTIPY)_[A-Z_]+\b", PAGES[page]))
    assert named - {row["variable"] for row in list_settings()} - {"GARIMPO_REQUIRE_BROWSER"} == set()


def test_secrets_example_is_understood() -> None:
    """The example of a secrets file names settings, and carries no secret."""
    example = tomllib.loads((ROOT / ".streamlit" / "secrets.toml.example").read_text(encoding="utf-8"))
    assert example == {"SPOTIPY_CLIENT_ID": "", "SPOTIPY_CLIENT_SECRET": ""}


def test_exit_codes_are_explained() -> None:
    """Every error's exit code is one of those that the README explains."""
    classes = [getattr(errors, name) for name in errors.__all__ if name[0].isupper() and name != "STATUS_ERRORS"]
    assert {cls.exit_code for cls in classes} | {0} == set(EXIT_CODES)


def test_there_is_one_test_line() -> None:
    """The README has one line that passes the tests; continuous integration reads and types it."""
    lines = [line for line in lines_of("sh", README) if "requirements-dev.txt" in line]
    assert [line[line.index(".venv/bin/pip") :] for line in lines] == [
        ".venv/bin/pip install -q -r requirements-dev.txt && .venv/bin/python -m tools.check"
    ]


def test_both_languages_start_alike() -> None:
    """The line that starts the app is the same in both READMEs, and so is the one for Windows."""
    pages = (README, PAGES["README.pt-BR.md"])
    english, portuguese = ([line for line in lines_of("sh", page) if "requirements.txt" in line] for page in pages)
    assert (len(english), english) == (1, portuguese)
    assert lines_of("powershell", pages[0]) == lines_of("powershell", pages[1])


def test_both_languages_help_alike() -> None:
    """Both READMEs have a table of what may be seen, with the same errors and, but for words to fill in, commands."""
    parts = README.split("## Troubleshooting")[1], PAGES["README.pt-BR.md"].split("## Quando algo")[1]
    english, portuguese = (
        [re.findall(r"`(.+?)`", row.replace("PASTA", "FOLDER")) for row in part.split("\n\n")[1].splitlines()]
        for part in parts
    )
    assert len(english) > 10
    assert english == portuguese


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no POSIX shell here")
def test_shell_lines_parse() -> None:
    """Every line for the shell is one that a POSIX shell understands."""
    lines = "\n".join(line for text in PAGES.values() for line in lines_of("sh", text))
    checked = subprocess.run(["sh", "-n"], input=lines, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/decisions/[0-9]*.md")), ids=lambda path: path.stem[:4])
def test_decision_has_its_parts(path: Path) -> None:
    """A decision tells context, choice, alternatives and consequence, under a dated title."""
    text = path.read_text(encoding="utf-8")
    assert re.match(r"# .+\n\n\*\*Date\*\* \d{4}-\d\d-\d\d · \*\*State\*\* .+\n", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Choice", "Alternatives", "Consequence"]


@pytest.mark.skipif(ANALYZE is None, reason="systemd is not here")
def test_units_are_understood(tmp_path: Path):
    """Systemd finds no fault in service and timer, and takes the time of day."""
    home = SERVICE.replace("%h/garimpo/.venv/bin/python", sys.executable).replace("%h/garimpo", str(tmp_path))
    (tmp_path / "garimpo.service").write_text(home, encoding="utf-8")
    (tmp_path / "garimpo.timer").write_text(TIMER, encoding="utf-8")
    units = [str(tmp_path / name) for name in ("garimpo.service", "garimpo.timer")]
    runtime = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    checked = subprocess.run(
        [ANALYZE, "--user", "verify", *units], capture_output=True, text=True, env=runtime, check=False
    )
    assert [line for line in checked.stderr.splitlines() if "garimpo" in line] == []
    when = re.search(r"OnCalendar=(.*)", TIMER)[1]  # type: ignore[index]
    subprocess.run([ANALYZE, "calendar", when], capture_output=True, check=True)


def test_success_is_what_it_is():
    """The exit codes that the service counts as success are those of a deferred and of a cancelled run."""
    assert f"SuccessExitStatus={Deferred.exit_code} {RunCancelled.exit_code}" in SERVICE


@pytest.mark.skipif(os.name == "nt", reason="cron is not there")
def test_crontab_line_runs(tmp_path: Path):
    """The time is a crontab's, and the command does what it says from the folder, in a bare environment."""
    fields, command = CRON.split()[:5], CRON.split(maxsplit=5)[5]
    assert parse_cron(" ".join(fields)).hours == {6}
    folder = tmp_path / "garimpo"
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (folder / "pipeline").symlink_to(ROOT / "pipeline")
    bare = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(["/bin/sh", "-c", command], env=bare, check=False)
    assert ended.returncode == 2  # there are no credentials there
    assert "SPOTIPY_CLIENT_ID" in (folder / "data" / "cron.log").read_text(encoding="utf-8")
