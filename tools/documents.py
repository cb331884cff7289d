"""The generated parts of the documents: which are stale, and (`--write`) writing them afresh.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->` in any Markdown file; its text comes from the code.
"""

from __future__ import annotations

import difflib
import re
import sys
from pathlib import Path

from tools.blocks import BLOCKS

__all__ = ["fresh", "pages", "stale"]

ROOT = Path(__file__).resolve().parent.parent
PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
HINT = "Run `python -m tools.documents --write`."


def pages(root: Path = ROOT) -> list[Path]:
    """Every Markdown file that belongs to the project."""
    return sorted([*root.glob("*.md"), *root.glob("docs/**/*.md"), root / "data" / "README.md"])


def fresh(text: str) -> str:
    """The text with every generated part as the code has it now; raises KeyError for a part nobody makes."""
    return PART.sub(lambda part: f"{part[1]}\n{BLOCKS[part[2]]().strip()}\n\n{part[3]}", text)


def stale(root: Path = ROOT) -> list[str]:
    """One sentence per file whose generated parts are not as they would be made now, with the lines that differ."""
    found = []
    for path in pages(root):
        text = path.read_text(encoding="utf-8")
        wanted = fresh(text)
        if text != wanted:
            lines = difflib.unified_diff(text.splitlines(), wanted.splitlines(), "is", "should be", lineterm="", n=0)
            shown = "\n".join(list(lines)[2:12])
            found.append(f"{path.relative_to(root).as_posix()} is stale. {HINT}\n{shown}")
    return found


def _write(root: Path = ROOT) -> None:
    for path in pages(root):
        text = path.read_text(encoding="utf-8")
        wanted = fresh(text)
        if text != wanted:
            path.write_text(wanted, encoding="utf-8", newline="\n")
            print(f"wrote {path.relative_to(root).as_posix()}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        _write()
    faults = stale()
    print("\n".join(faults) or f"{len(pages())} documents are fresh.")
    raise SystemExit(1 if faults else 0)
