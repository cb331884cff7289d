"""What the checks of the repository notice: wrong pins, sizes above the stops, traces of one machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.check import CHECKS, PARALLEL, compiling, main, place_of_tests
from tools.pins import disagreements
from tools.sizes import find_sizes, report

ROOT = Path(__file__).parent.parent
PROJECT = '[project]\ndependencies = ["duckdb>=2.0,<3"]\n[dependency-groups]\ndev = ["pytest>=9,<10"]\n'


def faults_of_pins(folder: Path, run: str, dev: str) -> list[str]:
    """What is wrong with these two files for a project that wants duckdb 2 and pytest 9."""
    for name, text in (("pyproject.toml", PROJECT), ("requirements.txt", run), ("requirements-dev.txt", dev)):
        (folder / name).write_text(text, encoding="utf-8")
    return disagreements(folder)


def test_pins_agree_with_the_project() -> None:
    """Both files of pins hold every dependency, inside its range."""
    assert disagreements() == []


@pytest.mark.parametrize(
    ("run", "dev", "faults"),
    [
        ("duckdb==2.0.0\n", "duckdb==2.0.0\npytest==9.2.0\n", []),
        ("duckdb==1.5.0\n", "duckdb==1.5.0\npytest==9.2.0\n", ["requirements.txt pins duckdb 1.5.0, outside <3,>=2.0"]),
        ("duckdb==2.0.0\n", "duckdb==2.0.0\n", ["requirements-dev.txt lacks pytest"]),
        ("duckdb==2.0.0\n", "duckdb==2.0.1\npytest==9.2.0\n", ["duckdb is pinned differently"]),
        ("--index-url x\nduckdb==2.0.0\n", "duckdb==2.0.0\npytest==9.2.0\n", ["requirements.txt names a place"]),
    ],
    ids=["agree", "outside", "missing", "different", "place"],
)
def test_wrong_pins_are_named(run: str, dev: str, faults: list[str], tmp_path: Path) -> None:
    """A pin outside its range, missing, unlike in the two files or tied to a place is named."""
    found = faults_of_pins(tmp_path, run, dev)
    assert [said[: len(fault)] for said, fault in zip(found, faults, strict=False)] == faults
    assert bool(found) == bool(faults)


def test_sizes_stay_below_the_stops() -> None:
    """No function, module or page is longer than its stop."""
    assert report(find_sizes())[1] == []


def test_long_things_are_named(tmp_path: Path) -> None:
    """A function counts without its docstring; what is above a stop is named with its place."""
    body = "\n".join(f"    a{n} = {n}" for n in range(61))
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "long.py").write_text(f'def f() -> None:\n    """Say."""\n{body}\n' + "\n" * 60, "utf-8")
    assert report(find_sizes(tmp_path))[1][:2] == [
        "pages/long.py:1: f has 61 lines, above 60.",
        "pages/long.py: long has 123 lines, above 120.",
    ]


def test_unknown_check_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt check does not pass as none."""
    with pytest.raises(SystemExit) as ended:
        main(["lnit"])
    assert (ended.value.code, "no such check: lnit" in capsys.readouterr().err) == (2, True)


ONCE = "if there.exists():\n        return\n    there.touch()\n    "
CRASH = "assert there.exists() or len(os.listdir(there.parent)) < 5\n    " + ONCE + "os._exit(1)"


@pytest.mark.parametrize(
    ("workers", "tests", "body", "code", "told"),
    [
        (1, 1, f"{ONCE}assert False", 0, "tests ok AT THE SECOND TRY"),
        (1, 1, "assert False", 1, "tests FAILED"),
        (1, 6, CRASH, 1, "tests FAILED"),
        (0, 2, f"{ONCE}assert n\n    pytest.exit('over', 3)", 1, "tests FAILED"),
    ],
    ids=["once", "always", "behind crashes", "not to its end"],
)
def test_failure_in_ci_is_tried_once_more(  # noqa: PLR0917  the fixtures, too
    workers: int, tests: int, body: str, code: int, told: str,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """A test that stumbled is told and no failure; one that fails again is, as is one that had no turn."""
    script = "import os\nfrom pathlib import Path\nimport pytest\n"
    script += f"@pytest.mark.parametrize('n', range({tests}))\ndef test_it(n):\n"
    script += f"    there = Path({str(tmp_path / 'seen')!r}, str(n))\n    {body}\n"
    (tmp_path / "seen").mkdir()
    (tmp_path / "test_it.py").write_text(script, encoding="utf-8")
    own = ["-n", str(workers), "-o", f"cache_dir={tmp_path / 'cache'}", "-p", "no:randomly"]
    monkeypatch.setitem(CHECKS, "tests", ["pytest", "-q", *PARALLEL, *own, str(tmp_path / "test_it.py")])
    monkeypatch.setattr("tools.check.COUNTED", True)
    assert (main(["tests"]), told in capfd.readouterr().out) == (code, True)


def test_folders_of_tests_are_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where memory has no room, or there is no such folder, tests have theirs where temporary files are."""
    monkeypatch.setattr("tools.check.LEAST_FREE", 1)
    assert (place_of_tests(tmp_path), place_of_tests(tmp_path / "none")) == (tmp_path, None)
    monkeypatch.setattr("tools.check.LEAST_FREE", 2**62)
    assert place_of_tests(tmp_path) is None


def test_compiled_files_are_kept() -> None:
    """Where Python is told to keep nothing that it compiles, checks let it: programs of ours start often."""
    assert compiling({"PYTHONDONTWRITEBYTECODE": "1", "PATH": "x"}) == {"PATH": "x"}


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="this is no git checkout")
def test_no_trace_of_one_machine() -> None:
    """No file of the repository names a folder of whoever wrote it, nor the host packages came from."""
    trace = re.compile(r"/(?:wor[k]|roo[t]|hom[e])/[a-z]|/tm[p]/|pythonhoste[d]|pypi\.or[g]|deb\.debia[n]")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    texts = [
        ROOT / name for name in listed.stdout.splitlines() if name.endswith((".py", ".md", ".toml", ".txt", ".sql"))
    ]
    assert [path.name for path in texts if path.exists() and trace.search(path.read_text(encoding="utf-8"))] == []
