"""What modules say of themselves: what they are for, and what they import."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.test_architecture import MAP, PACKAGES, ROOT, SOURCES, modules_on_the_map, name_of, rooms, violations

# What nearly every module may import, and none has to say.
EVERYWHERE = {"clock", "errors", "records.database", "schema", "setting_types", "settings", "tables", "workspace"}


def docstring(path: Path) -> str:
    """What a module says of itself, in one line."""
    return " ".join((ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split())


def said_imports(path: Path) -> tuple[str, set[str]]:
    """The words after "Imports", and the modules among them; nothing where that is not said."""
    found = re.search(r"\bImports ([^.]*(?:\.\w[^.]*)*)\.(?= |$)", docstring(path))
    words = found[1] if found else ""
    return words, set(re.findall(r"`(?:\w+\.)*(\w+)`", words))


def last(names: set[str]) -> set[str]:
    """Modules without the packages that they are in."""
    return {name.split(".")[-1] for name in names}


def test_modules_say_what_they_are_for() -> None:
    """Each module begins with what it is for."""
    assert [name_of(path) for path in SOURCES if not docstring(path)] == []


def test_words_lead_to_their_modules() -> None:
    """Each word that docs/words.md explains names the module that has it, and that module uses the word."""
    page = (ROOT / "docs" / "words.md").read_text("utf-8")
    rows = re.findall(r"^\| ([a-z ]+) \| .+ \| `([\w.]+)` \|$", page, re.MULTILINE)
    assert [where for _, where in rows if where not in MAP] == []
    texts = {where: (ROOT / "pipeline" / f"{where.replace('.', '/')}.py").read_text("utf-8") for _, where in rows}
    assert [word for word, where in rows if word not in " ".join(texts[where].lower().split())] == []
    assert len(rows) > 20


def test_modules_import_what_they_say() -> None:
    """A module imports each module that it says it imports."""
    told = {path: said_imports(path)[1] - last(rooms(path)) - {"cli"} for path in modules_on_the_map()}
    assert violations(told) == {}


def test_modules_say_what_they_import() -> None:
    """Whoever lists imports lists them all, unless there are words beside the names ("and the rooms below")."""
    lists = [path for path in modules_on_the_map() if re.fullmatch(r"(`[\w.]+`(, | and )?)+", said_imports(path)[0])]
    kept = {path: last(rooms(path) - EVERYWHERE - PACKAGES) - said_imports(path)[1] for path in lists}
    assert violations(kept) == {}
    assert len(lists) > 90
