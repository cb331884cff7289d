"""The pinned requirements against pyproject.toml: whether they agree, and (`--write`) how they are made again.

`--write` needs the `uv` program and a package index; checking needs neither.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["disagreements", "write_pins"]

ROOT = Path(__file__).resolve().parent.parent
FILES = {"requirements.txt": [], "requirements-dev.txt": ["--group", "dev"]}
OLDEST = "3.11"
FOREIGN = re.compile(r"https?://|file:|--(index|extra|find|trusted)")


def disagreements(root: Path = ROOT) -> list[str]:
    """Sentences about pins that are missing, outside their range, unlike in the two files, or tied to one machine."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [Requirement(line) for line in project["project"]["dependencies"]]
    for_tests = [Requirement(line) for line in project["dependency-groups"]["dev"]]
    faults, pins = [], {}
    for name, ranges in (("requirements.txt", wanted), ("requirements-dev.txt", [*wanted, *for_tests])):
        text = (root / name).read_text(encoding="utf-8")
        faults += [f"{name} names a place: {line}" for line in text.splitlines() if FOREIGN.search(line)]
        pins[name] = _pins(text)
        faults += [fault for each in ranges if (fault := _misfit(name, each, pins[name]))]
    run, dev = pins["requirements.txt"], pins["requirements-dev.txt"]
    faults += [f"{name} is pinned differently in the two files." for name in run if dev.get(name) != run[name]]
    return faults


def write_pins(root: Path = ROOT) -> None:
    """Compile both files afresh, for every platform and Python from the oldest on, keeping versions that still fit."""
    uv = shutil.which("uv")
    if uv is None:
        raise SystemExit(
            "The program uv is not on the path; install it (pip install uv) and try again. Nothing was written."
        )
    for name, group in FILES.items():
        command = [uv, "pip", "compile", "--quiet", "pyproject.toml", *group, "--universal", "--python-version", OLDEST]
        command += ["--custom-compile-command", "python -m tools.pins --write", "--output-file", name]
        subprocess.run(command, cwd=root, check=True)


def _pins(text: str) -> dict[str, set[str]]:
    """Versions by canonical name; a package may have several, for several platforms."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def _misfit(file: str, wanted: Requirement, pins: dict[str, set[str]]) -> str | None:
    versions = pins.get(canonicalize_name(wanted.name))
    if versions is None:
        return f"{file} lacks {wanted.name}; run `python -m tools.pins --write`."
    if not all(wanted.specifier.contains(version) for version in versions):
        return f"{file} pins {wanted.name} {', '.join(sorted(versions))}, outside {wanted.specifier} of pyproject.toml."
    return None


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write_pins()
    found = disagreements()
    print("\n".join(found) or "The pins agree with pyproject.toml.")
    raise SystemExit(1 if found else 0)
