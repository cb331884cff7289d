"""Who may import whom: the package's map, one owner for each third-party package, nothing POSIX-only at the door."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import pipeline

ROOT = Path(__file__).parent.parent
MAP = re.findall(r"`(\w+)`", pipeline.__doc__ or "")
SOURCES = sorted([*ROOT.glob("pipeline/**/*.py"), *ROOT.glob("pages/**/*.py"), *ROOT.glob("app.py")])

# Third-party packages and the only files that may import them; a folder stands for everything below it.
OWNERS = {
    "apprise": {"pipeline/notify.py"},
    "anyio": {"app.py"},
    "apscheduler": {"pipeline/scheduler.py"},
    "babel": {"pages/_text.py"},
    "duckdb": {
        "pipeline/engine.py",
        "pipeline/as_of.py",
        "pipeline/building.py",
        "pipeline/compaction.py",
        "pipeline/history_files.py",
        "pipeline/snapshots.py",
        "pipeline/staging.py",
        "pipeline/checks.py",
        "pipeline/normalize.py",
        "pipeline/generations.py",
        "pipeline/publish.py",
        "pipeline/tracing.py",
        "pipeline/salvage.py",
        "pipeline/exporting.py",
        "pipeline/bundles.py",
        "pipeline/import_findings.py",
    },
    "filelock": {"pipeline/lock.py", "pipeline/publish.py"},
    "joblib": {"pipeline/elsewhere.py", "pipeline/fanout.py"},
    "plotly": {"pages/_charts.py"},
    "polars": {
        "pipeline/generations.py",
        "pipeline/queries_artists.py",
        "pipeline/queries_genres.py",
        "pipeline/queries_growth.py",
        "pipeline/queries_releases.py",
        "pages",
    },
    "pyarrow": {
        "pipeline/shapes.py",
        "pipeline/normalize.py",
        "pipeline/store.py",
        "pipeline/parquet.py",
        "pipeline/exporting.py",
        "pipeline/bundles.py",
        "pipeline/import_findings.py",
    },
    "pydantic": {"pipeline/settings.py", "pipeline/setting_types.py", "pipeline/demo.py"},
    "pydantic_settings": {"pipeline/settings.py", "pipeline/setting_types.py"},
    "requests": {"pipeline/sockets.py", "pipeline/transport.py"},
    "rich": {"pipeline/console.py"},
    "spotipy": {"pipeline/spotify.py"},
    "starlette": {"app.py", "pipeline/simulator"},
    "streamlit": {"app.py", "pages"},
    "typer": {
        "pipeline/__main__.py",
        "pipeline/keeping_cli.py",
        "pipeline/moving_cli.py",
        "pipeline/schedule_cli.py",
        "pipeline/simulator",
    },
    "urllib3": {"pipeline/sockets.py", "pipeline/transport.py"},
    "uvicorn": {"pipeline/simulator"},
    "zstandard": {
        "pipeline/collect.py",
        "pipeline/normalize.py",
        "pipeline/store.py",
        "pipeline/tracing.py",
        "pipeline/importing.py",
        "pipeline/purge.py",
        "pipeline/salvage.py",
    },
}
# Of one system each, imported by the file that knows it.
OWNERS |= {
    "boto3": {"pipeline/integrations/lambda_client.py"},
    "botocore": {"pipeline/integrations/lambda_client.py"},
    "distributed": {"pipeline/integrations/dask_workers.py"},
    "functions_framework": {"pipeline/integrations/cloud_functions.py"},
    "google": {"pipeline/integrations/functions_client.py"},
    "pyspark": {"pipeline/integrations/spark_workers.py"},
    "ray": {"pipeline/integrations/ray_workers.py"},
}
OWNERS["requests"] = OWNERS["requests"] | {"pipeline/integrations/functions_client.py"}
FOREIGN_SYSTEMS = {"boto3", "botocore", "distributed", "functions_framework", "google", "pyspark", "ray"}
# Imported where it is used, with a word where it is missing; a dependency group of its own.
OPTIONAL = {"apprise"} | FOREIGN_SYSTEMS
POSIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
READ_SIDE = {"events", "freshness", "history", "items", "ledger", "progress", "schedules"}  # of runs
PAGES_MAY_USE = READ_SIDE | {"errors", "generations", "publish", "queries", "scheduler", "schema", "settings"}


def name_of(path: Path) -> str:
    """A source file's name below the root, with forward slashes."""
    return path.relative_to(ROOT).as_posix()


def imports(path: Path, *, top_level_only: bool = False) -> Iterator[str]:
    """Every dotted name a file imports; `from a import b` gives both a and a.b, relative ones are made absolute."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = path.relative_to(ROOT).parts[:-1]
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def packages(path: Path, *, top_level_only: bool = False) -> set[str]:
    """The first part of every name a file imports."""
    return {name.split(".")[0] for name in imports(path, top_level_only=top_level_only)}


def rooms(path: Path) -> set[str]:
    """The modules directly below the pipeline that a file imports."""
    found = {name.split(".")[1] for name in imports(path) if name.startswith("pipeline.")}
    return {name for name in found if (ROOT / "pipeline" / f"{name}.py").exists() or name == "simulator"}


def modules_on_the_map() -> list[Path]:
    """The pipeline's own modules; the door and the simulator have rules of their own."""
    return [path for path in ROOT.glob("pipeline/*.py") if path.stem not in ("__init__", "__main__")]


def strangers(path: Path) -> set[str]:
    """Third-party packages a file imports without owning them."""
    here = {path, *path.parents}
    foreign = packages(path) - set(sys.stdlib_module_names) - {"pipeline", "pages"}
    return {name for name in foreign if not here & {ROOT / owner for owner in OWNERS.get(name, ())}}


def violations(found: dict[Path, set[str]]) -> dict[str, set[str]]:
    """The files, by name, that have any."""
    return {name_of(path): names for path, names in found.items() if names}


def readers(pattern: str) -> set[str]:
    """The files whose text matches."""
    return {name_of(path) for path in SOURCES if re.search(pattern, path.read_text(encoding="utf-8"))}


def test_every_module_is_on_the_map() -> None:
    """The package's docstring names every module once, and none that is not there."""
    assert sorted(MAP) == sorted(path.stem for path in modules_on_the_map())


def test_imports_point_down() -> None:
    """A module imports only modules that the map names before it."""
    paths = [path for path in modules_on_the_map() if path.stem in MAP]
    assert violations({path: rooms(path) - set(MAP[: MAP.index(path.stem)]) - {"simulator"} for path in paths}) == {}


def test_simulator_is_for_the_demo() -> None:
    """Only the demo, the service that keeps its process, and the command line know the simulator."""
    users = {path.stem for path in ROOT.glob("pipeline/*.py") if "simulator" in rooms(path)}
    assert users == {"__main__", "demo", "scheduler"}


def test_simulator_stands_alone() -> None:
    """The simulator knows nothing of the collector: it cannot be right by sharing the collector's mistakes."""
    assert violations({path: rooms(path) - {"simulator"} for path in ROOT.glob("pipeline/simulator/**/*.py")}) == {}


def test_pages_reach_queries_only() -> None:
    """A page asks queries, and where it shows runs or settings the scheduler and the read side: never a collector."""
    assert violations({path: rooms(path) - PAGES_MAY_USE for path in ROOT.glob("pages/**/*.py")}) == {}


def test_nothing_below_imports_pages() -> None:
    """The pipeline does not know that there are pages."""
    assert violations({path: packages(path) & {"pages", "app"} for path in ROOT.glob("pipeline/*.py")}) == {}


def test_packages_have_owners() -> None:
    """A third-party package is imported by its owner and nobody else."""
    assert violations({path: strangers(path) for path in SOURCES}) == {}


def test_dependencies_are_the_imports() -> None:
    """Pyproject declares what is imported and nothing else, but for uvicorn's parser and the time zones."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[<>=\[; ]", line)[0] for line in project["dependencies"]}
    distributions = packages_distributions()
    imported = {distributions[name][0].lower().replace("_", "-") for name in OWNERS if name not in OPTIONAL}
    assert (declared - imported, imported - declared) == ({"httptools", "tzdata"}, set())


def test_posix_stays_inside() -> None:
    """Modules that Windows lacks are imported where they are used, with a way round."""
    assert violations({path: packages(path, top_level_only=True) & POSIX_ONLY for path in SOURCES}) == {}


def test_modules_say_what_they_are_for() -> None:
    """Each module begins with what it is for."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
    assert [name_of(path) for path, tree in trees.items() if not ast.get_docstring(tree)] == []


def test_environment_is_read_in_one_place() -> None:
    """Only settings read the environment; a child process may be handed it whole."""
    assert readers(r"os\.environ|getenv") <= {"pipeline/settings.py", "pipeline/simulator/process.py"}


def test_clock_is_read_in_few_places() -> None:
    """Time enters as an argument: only clocks, and the ledger's default, ask the machine."""
    clocks = {"pipeline/clock.py", "pipeline/ledger.py", "pipeline/simulator/world.py"}
    assert readers(r"datetime\.now\(|date\.today\(|\btime\.time\(") <= clocks


@pytest.mark.parametrize("module", ["pipeline.__main__", "pipeline.runner"])
def test_headless_path_needs_no_browser_side(module: str) -> None:
    """`python -m pipeline` starts where streamlit and plotly are not installed."""
    script = f"import sys; sys.modules.update(dict.fromkeys(('streamlit', 'plotly', 'pandas'))); import {module}"
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
