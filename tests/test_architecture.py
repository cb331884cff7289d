"""Who may import whom: the package's map, one owner for each third-party package, nothing POSIX-only at the door."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BESIDE = ("simulator", "integrations")  # packages with rules of their own
SOURCES = sorted([*ROOT.glob("pipeline/**/*.py"), *ROOT.glob("pages/**/*.py"), *ROOT.glob("app.py")])

# Third-party packages and the only files that may import them; a folder stands for everything below it.
OWNERS = {
    "apprise": {"pipeline/watching/notify.py"},
    "anyio": {"app.py"},
    "apscheduler": {"pipeline/service/scheduler.py"},
    "babel": {"pipeline/text.py"},
    "duckdb": {
        "pipeline/lake/engine.py",
        "pipeline/published",
        "pipeline/lake/normalize.py",
        "pipeline/lake/strict.py",
        "pipeline/lake/volumes.py",
        "pipeline/queries/tracing.py",
        "pipeline/keeping/relisting.py",
        "pipeline/keeping/salvage.py",
        "pipeline/moving/exporting.py",
        "pipeline/moving/bundles.py",
        "pipeline/moving/import_findings.py",
        "pipeline/integrations/warehouse_news.py",
    },
    "filelock": {
        "pipeline/records/lock.py",
        "pipeline/published/placing.py",
        "pipeline/integrations/warehouses.py",
    },
    "joblib": {"pipeline/runs/elsewhere.py", "pipeline/runs/fanout.py"},
    "numpy": {"pipeline/published/counting.py", "pipeline/published/kinds.py", "pipeline/published/ordered_rows.py"},
    "plotly": {"pages/_charts.py"},
    "polars": {
        "pipeline/published/generations.py",
        "pipeline/queries/artists.py",
        "pipeline/queries/genres.py",
        "pipeline/queries/growth.py",
        "pipeline/queries/releases.py",
        "pipeline/queries/worths.py",
        "pages",
    },
    "python_calamine": {"pipeline/moving/import_sheets.py"},
    "pyarrow": {
        "pipeline/lake/engine.py",
        "pipeline/lake/shapes.py",
        "pipeline/lake/strict.py",
        "pipeline/lake/walking.py",
        "pipeline/lake/normalize.py",
        "pipeline/lake/store.py",
        "pipeline/lake/parquet.py",
        "pipeline/published/counting.py",
        "pipeline/published/ordered_rows.py",
        "pipeline/moving/exporting.py",
        "pipeline/moving/bundles.py",
        "pipeline/moving/import_findings.py",
        "pipeline/moving/import_parquet.py",
        "pipeline/integrations/redshift_warehouse.py",
    },
    "pydantic": {"pipeline/settings.py", "pipeline/setting_types.py", "pipeline/service/demo.py"},
    "pydantic_settings": {"pipeline/settings.py", "pipeline/setting_types.py"},
    "requests": {"pipeline/source/sockets.py", "pipeline/source/transport.py"},
    "rich": {"pipeline/cli/console.py"},
    "spotipy": {"pipeline/source/spotify.py"},
    "starlette": {"app.py", "pipeline/simulator"},
    "streamlit": {"app.py", "pages"},
    "typer": {
        "pipeline/cli/commands.py",
        "pipeline/cli/following.py",
        "pipeline/cli/imports.py",
        "pipeline/cli/keeping.py",
        "pipeline/cli/moving.py",
        "pipeline/cli/options.py",
        "pipeline/cli/schedule.py",
        "pipeline/simulator",
    },
    "urllib3": {
        "pipeline/source/sockets.py",
        "pipeline/source/transport.py",
        "pipeline/integrations/functions_client.py",  # whether a call was begun, which requests does not say
    },
    "uvicorn": {"pipeline/simulator"},
    "zstandard": {
        "pipeline/source/collect.py",
        "pipeline/lake/strict.py",
        "pipeline/lake/walking.py",
        "pipeline/lake/store.py",
        "pipeline/queries/tracing.py",
        "pipeline/moving/importing.py",
        "pipeline/keeping/cutting.py",
        "pipeline/keeping/relisting.py",
    },
}
# Of one system each, imported by the file that knows it.
OWNERS |= {
    "airflow": {"pipeline/integrations/airflow.py"},
    "adbc_driver_postgresql": {"pipeline/integrations/postgres_warehouse.py"},
    "boto3": {"pipeline/integrations/lambda_client.py"},
    "botocore": {"pipeline/integrations/lambda_client.py"},
    "distributed": {"pipeline/integrations/dask_workers.py"},
    "functions_framework": {"pipeline/integrations/cloud_functions.py"},
    "google": {
        "pipeline/integrations/functions_client.py",
        "pipeline/integrations/google_store.py",
        "pipeline/integrations/bigquery_warehouse.py",
    },
    "obstore": {"pipeline/integrations/s3_store.py"},
    "psycopg": {"pipeline/integrations/postgres_sessions.py"},
    "psycopg2": {"pipeline/integrations/redshift_warehouse.py"},
    "dagster": {"pipeline/integrations/dagster.py", "pipeline/integrations/dagster_graph.py"},
    "prefect": {"pipeline/integrations/prefect.py"},
    "pymysql": {"pipeline/integrations/mysql_warehouse.py"},
    "pyspark": {"pipeline/integrations/spark_daemon.py", "pipeline/integrations/spark_session.py"},
    "ray": {"pipeline/integrations/ray_workers.py"},
    "snowflake": {"pipeline/integrations/snowflake_warehouse.py"},
}
OWNERS["requests"] = OWNERS["requests"] | {"pipeline/integrations/functions_client.py"}
FOREIGN_SYSTEMS = {name for name, files in OWNERS.items() if all("/integrations/" in file for file in files)}
# Imported where it is used, with a word where it is missing; a dependency group of its own.
OPTIONAL = {"apprise"} | FOREIGN_SYSTEMS
POSIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
READ_SIDE = {"records.capability_rows", "records.events", "runs.items", "runs.preview", "runs.progress"}  # of runs
READ_SIDE |= {"watching.freshness", "watching.history", "watching.schedules"}
PAGES_MAY_USE = READ_SIDE | {"errors", "published.generations", "published.publish", "queries", "settings"}
PAGES_MAY_USE |= {"moving.exporting", "service.scheduler", "text", "watching.words"}


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


def room_of(path: Path) -> str:
    """The dotted name of a module below `pipeline`; a package is its `__init__`."""
    parts = path.relative_to(ROOT / "pipeline").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def rooms(path: Path) -> set[str]:
    """The modules of the pipeline that a file imports; the simulator as a whole."""
    found = {name.removeprefix("pipeline.") for name in imports(path) if name.startswith("pipeline.")}
    return {"simulator" if name.startswith("simulator") else name for name in found} & {*ROOMS, "simulator"}


def modules_on_the_map() -> list[Path]:
    """The pipeline's own modules; the door and the packages beside it have rules of their own."""
    paths = [path for path in ROOT.glob("pipeline/**/*.py") if room_of(path) not in ("", "__main__")]
    return [path for path in paths if room_of(path).split(".")[0] not in BESIDE and room_of(path) not in PACKAGES]


def map_of(package: str) -> list[str]:
    """The modules that a package's docstring names, those of its packages in their place, in reading order."""
    text = ast.get_docstring(ast.parse((ROOT / "pipeline" / package / "__init__.py").read_text(encoding="utf-8"))) or ""
    named = [name for name in re.findall(r"`(\w+)`", text) if name not in BESIDE]
    if package:
        return [f"{package}.{name}" for name in named]
    return [room for name in named for room in (map_of(name) if name in PACKAGES else [name])]


def packages_of(names: Iterable[str]) -> set[str]:
    """The packages that modules are in."""
    return {name.split(".")[0] for name in names if "." in name}


PACKAGES = {path.parent.name for path in ROOT.glob("pipeline/*/__init__.py")} - set(BESIDE)
MAP = map_of("")
ROOMS = {room_of(path) for path in ROOT.glob("pipeline/**/*.py")}


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
    """The packages' docstrings name every module once, and none that is not there."""
    assert sorted(MAP) == sorted(room_of(path) for path in modules_on_the_map())


def test_imports_point_down() -> None:
    """A module imports only modules that the map names before it."""
    paths = {path: MAP.index(room_of(path)) for path in modules_on_the_map() if room_of(path) in MAP}
    allowed = {path: {*MAP[:place], "simulator", *packages_of(MAP[: place + 1])} for path, place in paths.items()}
    assert violations({path: rooms(path) - allowed[path] for path in paths}) == {}


def test_simulator_is_for_the_demo() -> None:
    """Only the demo, the service that keeps its process, and the command line know the simulator."""
    users = {room_of(path) for path in modules_on_the_map() if "simulator" in rooms(path)}
    assert users == {"cli.commands", "service.demo", "service.scheduler"}


def test_simulator_stands_alone() -> None:
    """The simulator knows nothing of the collector: it cannot be right by sharing the collector's mistakes."""
    assert violations({path: rooms(path) - {"simulator"} for path in ROOT.glob("pipeline/simulator/**/*.py")}) == {}


def test_pages_reach_queries_only() -> None:
    """A page asks queries, and where it shows runs or settings the scheduler and the read side: never a collector."""
    used = {path: rooms(path) - PAGES_MAY_USE for path in ROOT.glob("pages/**/*.py")}
    assert violations({path: names - packages_of(PAGES_MAY_USE) for path, names in used.items()}) == {}


def test_nothing_below_imports_pages() -> None:
    """The pipeline does not know that there are pages."""
    assert violations({path: packages(path) & {"pages", "app"} for path in ROOT.glob("pipeline/**/*.py")}) == {}


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


def test_environment_is_read_in_one_place() -> None:
    """Only settings read the environment; a child process may be handed it whole, and pyspark where that listens."""
    handed = {"pipeline/simulator/process.py", "pipeline/integrations/spark_session.py"}
    assert readers(r"os\.environ|getenv") <= {"pipeline/settings.py", *handed}


def test_clock_is_read_in_few_places() -> None:
    """Time enters as an argument: only clocks, the ledger's default, and a comparison with a server ask the machine."""
    clocks = {"pipeline/clock.py", "pipeline/records/ledger.py", "pipeline/simulator/world.py"}
    clocks.add("pipeline/integrations/postgres_sessions.py")
    assert readers(r"datetime\.now\(|date\.today\(|\btime\.time\(") <= clocks


BROWSER_SIDE = ("streamlit", "plotly", "pandas")


@pytest.mark.parametrize(
    ("module", "lacking"),
    [
        *((name, (*BROWSER_SIDE, "babel", "polars")) for name in ("pipeline.cli.commands", "pipeline.runs.runner")),
        ("pipeline.source.allowance", (*BROWSER_SIDE, "duckdb", "pyarrow", "polars", "joblib", "pydantic")),
    ],
)
def test_each_part_needs_its_own(module: str, lacking: tuple[str, ...]) -> None:
    """`python -m pipeline` starts without what pages need, a worker elsewhere without what the driver needs, too."""
    script = f"import sys; sys.modules.update(dict.fromkeys({lacking})); import {module}"
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
