"""Sizes of functions, modules and pages: prints the longest of each and names what is above the stops.

A function counts the lines of its body without the docstring, a module all its lines. Standard library alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Size", "find_sizes", "report"]

ROOT = Path(__file__).resolve().parent.parent
STOPS = {"function": 60, "module": 300, "page": 120}
SHOWN = 5
COMMON_FUNCTION, COMMON_SHARE = 40, 0.95  # so many functions are at most this long


@dataclass(frozen=True)
class Size:
    """Lines of one thing; `where` is file or file:line, as an editor opens it."""

    kind: str
    lines: int
    where: str
    name: str


def find_sizes(root: Path = ROOT) -> list[Size]:
    """Every function, module and page of the program, its tools and its tests, longest first."""
    folders = ("pipeline", "pages", "tools", "tests")
    paths = [path for folder in folders for path in sorted(root.glob(f"{folder}/**/*.py"))]
    sizes = [size for path in [*paths, *root.glob("app.py")] for size in _sizes_of(path, root)]
    return sorted(sizes, key=lambda size: (-size.lines, size.where))


def report(sizes: list[Size]) -> tuple[list[str], list[str]]:
    """Lines to print, and sentences about what is too long (empty when all is well)."""
    lines, faults = [], []
    for kind, stop in STOPS.items():
        of_kind = [size for size in sizes if size.kind == kind]
        lines.append(f"longest of {len(of_kind)} {kind}s (stop at {stop}):")
        lines += [f"  {size.lines:>4}  {size.where}  {size.name}" for size in of_kind[:SHOWN]]
        faults += [
            f"{size.where}: {size.name} has {size.lines} lines, above {stop}." for size in of_kind if size.lines > stop
        ]
    functions = [size.lines for size in sizes if size.kind == "function"]
    share = sum(lines <= COMMON_FUNCTION for lines in functions) / max(1, len(functions))
    if share < COMMON_SHARE:
        faults.append(f"Only {share:.1%} of functions have at most {COMMON_FUNCTION} lines; {COMMON_SHARE:.0%} should.")
    return lines, faults


def _sizes_of(path: Path, root: Path) -> Iterator[Size]:
    text, name = path.read_text(encoding="utf-8"), path.relative_to(root).as_posix()
    is_page = name.startswith("pages/") and not path.name.startswith("_")
    yield Size("page" if is_page else "module", len(text.splitlines()), name, path.stem)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield Size("function", _body_lines(node), f"{name}:{node.lineno}", node.name)


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or body[-1].lineno) - body[0].lineno + 1 if body else 0


if __name__ == "__main__":
    lines, faults = report(find_sizes())
    print("\n".join([*lines, *faults]))
    raise SystemExit(1 if faults else 0)
