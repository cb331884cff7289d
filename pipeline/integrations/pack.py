"""The zip that Lambda and Cloud Functions take: `python -m pipeline.integrations.pack lambda|gcf FOLDER`.

Only what a worker needs: this package without its data, pages and simulator, and the few packages it imports, for the
Python and the system that the function runs on. Needs the program uv and a package index.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

__all__ = ["main", "pack"]

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("pydantic", "pydantic-settings", "requests", "spotipy", "urllib3", "zstandard")
LIMITS = {"lambda": 50_000_000, "gcf": 100_000_000}  # of a zip that is uploaded (checked 2026-11-22)
UNPACKED = 250_000_000  # what Lambda unpacks at most, layers included
# What uv needs besides: versions that were tested, and wheels for Linux whatever this machine is.
FOR_LINUX = ("--python-platform", "x86_64-manylinux2014", "--only-binary", ":all:")
ENTRIES = {
    "lambda": "",
    "gcf": "from pipeline.integrations.cloud_functions import collect, orchestrate  # noqa: F401\n",
}


def pack(kind: str, folder: Path, python: str = "3.13") -> Path:
    """The zip in `folder`; for gcf with main.py and requirements.txt, from which Google installs by itself."""
    with tempfile.TemporaryDirectory() as name:
        staged = Path(name)
        _own(staged / "pipeline")
        pins = _pins()
        if kind == "lambda":
            _install(staged, pins, python)
        else:
            (staged / "main.py").write_text(ENTRIES[kind], encoding="utf-8")
            lines = [*pins, "functions-framework>=3.10,<4", "google-auth>=2.40,<3"]
            (staged / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        made = folder / f"garimpo-{kind}.zip"
        folder.mkdir(parents=True, exist_ok=True)
        _zip(staged, made, LIMITS[kind])
    return made


def _own(target: Path) -> None:
    """The modules that `wire` imports, found by importing it in a process of its own."""
    code = (
        "import pipeline.integrations.orchestrate, sys;"
        "print(*[m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'pipeline'], sep='\\n')"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    extra = [ROOT / "pipeline/integrations" / f"{name}.py" for name in ("aws_lambda", "cloud_functions")]
    extra += [ROOT / "pipeline/integrations" / f"{name}_client.py" for name in ("lambda", "functions")]
    for path in [*map(Path, told.split()), *extra]:
        place = target / path.relative_to(ROOT / "pipeline")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)


def _pins() -> list[str]:
    """The tested version of each package a worker needs."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line.split(" ;")[0].strip() for line in lines if line.split("==")[0] in NEEDED]


def _install(target: Path, pins: list[str], python: str) -> None:
    uv = shutil.which("uv")
    if uv is None:
        raise SystemExit("The program uv is not on the path (pip install uv). Nothing was written.")
    command = [uv, "pip", "install", "--quiet", "--target", str(target), "--python-version", python, *FOR_LINUX, *pins]
    subprocess.run(command, check=True)


def _zip(source: Path, made: Path, limit: int) -> None:
    """Pack in a fixed order and without times: the same code gives the same bytes."""
    left_out = ("__pycache__", "/.lock", ".dist-info", "/bin/", "/tests/")
    files = [path for path in sorted(source.rglob("*")) if path.is_file()]
    files = [path for path in files if not any(part in f"/{path.relative_to(source).as_posix()}" for part in left_out)]
    unpacked = sum(path.stat().st_size for path in files)
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(source).as_posix())
            packed.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    size = made.stat().st_size
    if size > limit or unpacked > UNPACKED:
        raise SystemExit(f"{made} has {size:,} bytes, {unpacked:,} unpacked: more than {limit:,} or {UNPACKED:,}.")
    sys.stdout.write(f"{made}: {size:,} bytes, {unpacked:,} unpacked, {len(files)} files\n")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.integrations.pack", description="Pack a function.")
    parser.add_argument("kind", choices=sorted(LIMITS))
    parser.add_argument("folder", type=Path, help="where the zip goes")
    parser.add_argument("--python", default="3.13", help="version that the function runs on")
    asked = parser.parse_args()
    pack(asked.kind, asked.folder, asked.python)


if __name__ == "__main__":
    main()
