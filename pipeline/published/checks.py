"""Data-quality checks as data: a name, a promise, a severity, and what counts the rows that break it.

Blocking ones prove a generation before it becomes current (`publish`), over the rows that changed; the others look at
what is published and warn. Every result is kept. Imports `ledger`, `files`, `schema`, `workspace`, `truth`,
`history_files`, `log_context`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import duckdb

from pipeline.errors import PublishRefused
from pipeline.lake.files import is_hidden, sha256_of
from pipeline.lake.truth import stored_names
from pipeline.published.history_files import history_files, is_whole
from pipeline.records.ledger import ALL, Ledger
from pipeline.records.log_context import current_context
from pipeline.schema import PUBLISHED, VIEWS
from pipeline.workspace import Workspace

__all__ = [
    "BLOCKING",
    "CHECKS",
    "Check",
    "CheckResult",
    "count_rows",
    "in_words",
    "latest_results",
    "prove",
    "read_results",
    "watch",
]

BLOCKING = "blocking"
RECOVER = "python -m pipeline recover"
EVER = date(1, 1, 1)
HASHED_A_RUN = 100  # parts whose content is read again; a few tens of milliseconds
COUNTED = ("artists", "artist_genres", "releases", "release_artists", "tracks", "track_artists")


@dataclass(frozen=True)
class Check:
    """One promise; `query` gives the number of rows that break it since the day in `{since}`, and which, if it can."""

    name: str
    promise: str
    severity: str = "warning"
    query: str = ""  # empty: counted by code, from the ledger or the files
    mend: str = ""  # the command that does so, where one is known
    touched: str = ""  # what stands for `{touched}` in the query, unless it is asked for ever: then all are


@dataclass(frozen=True)
class CheckResult:
    """How many rows break a promise: 0 is good."""

    check: Check
    violations: int
    details: str = ""


def _unique(name: str) -> Check:
    """Of the keys of rows that came none stands twice; keys of history files are unique by how they are written.

    What makes a key stand twice is a row that was added, and none is seen for the first time before its own day.
    """
    table, key = VIEWS.get(name, name), ", ".join(PUBLISHED[name].key)
    day = "observed_on" if "observed_on" in PUBLISHED[name].column_names() else "first_seen_on"
    came = f"WHERE {day} >= DATE '{{since}}'"
    touched = came if day in PUBLISHED[name].key else f"SEMI JOIN (SELECT {key} FROM {table} {came}) USING ({key})"
    query = f"SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM {table} {{touched}} GROUP BY {key})"
    return Check(f"{name}_unique", f"one row per {key} in {name}", BLOCKING, query, touched=touched)


def _owned(name: str, owner: str, promise: str, key: str = "") -> Check:
    """No row without the row it belongs to, found by the owner's key, or by another one that is read sooner."""
    table, key = VIEWS.get(name, name), key or PUBLISHED[owner].key[0]
    day = "observed_on" if name in VIEWS else "last_seen_on"
    seen = f"(FROM {owner} WHERE last_seen_on >= DATE '{{since}}')"  # the owner of what was seen was seen with it
    query = f"SELECT count(*) FROM (FROM {table} WHERE {day} >= DATE '{{since}}') ANTI JOIN {seen} USING ({key})"
    return Check(f"{name}_owned", promise, BLOCKING, query)


_KEYED = ("artists", "artist_snapshots", "artist_genres", "releases", "release_artists", "tracks", "track_artists")
CHECKS: tuple[Check, ...] = (
    *(_unique(name) for name in (*_KEYED, "search_pages")),
    _owned("artist_snapshots", "artists", "every snapshot belongs to an artist"),
    _owned("artist_genres", "artists", "every genre belongs to an artist", "artist_no"),
    _owned("release_artists", "releases", "every release credit belongs to a release"),
    _owned("track_artists", "tracks", "every track credit belongs to a track"),
    Check("numbers_in_range", "popularity is between 0 and 100, followers are not negative", BLOCKING, """
        SELECT count(*) FROM state_snapshots WHERE observed_on >= DATE '{since}'
            AND (popularity NOT BETWEEN 0 AND 100 OR followers < 0)"""),
    Check("no_row_lost", "no table has fewer rows than in the generation before", BLOCKING),
    Check("parts_agree", "the parts of the database are those of the ledger", BLOCKING),
    Check("days_have_passed", "nothing was observed after today", query="""
        SELECT count(*) FROM artists WHERE last_seen_on > DATE '{today}'"""),
    Check("release_dates_sound", "no release is dated before 1877 or more than two years ahead", query="""
        SELECT count(*) FROM releases WHERE last_seen_on >= DATE '{since}'
            AND (release_date < DATE '1877-01-01' OR release_date > DATE '{today}' + 731)"""),
    Check("followers_move_slowly", "nobody's followers rise tenfold or fall to a tenth from one day seen to the next",
          query="""
        SELECT count(*) FROM (
            SELECT observed_on, followers, lag(followers) OVER (PARTITION BY artist_id ORDER BY observed_on) AS before
            FROM state_snapshots WHERE followers IS NOT NULL AND observed_on >= DATE '{since}' - 7)
        WHERE observed_on >= DATE '{since}' AND greatest(before, followers) >= 1000
            AND (followers >= before * 10 OR before >= followers * 10)"""),
    Check("numbers_still_given", "no number that half of the artists had is missing for all of them on the last day",
          query="""
        WITH days AS (
            SELECT observed_on, count(followers) / count(*) AS followers, count(popularity) / count(*) AS popularity
            FROM state_snapshots GROUP BY observed_on ORDER BY observed_on DESC LIMIT 2)
        SELECT CASE WHEN count(*) < 2 THEN 0 ELSE
            (first(followers ORDER BY observed_on) >= 0.5 AND last(followers ORDER BY observed_on) = 0)::INTEGER
            + (first(popularity ORDER BY observed_on) >= 0.5 AND last(popularity ORDER BY observed_on) = 0)::INTEGER END
        FROM days"""),
    # Of the last week alone: one that somebody mistyped once is not told of for ever.
    Check("genres_find_artists", "every genre that was asked finds somebody", query="""
        SELECT count(*), string_agg(genre, ', ' ORDER BY genre) FROM (
            SELECT genre, arg_max(returned, sweep_on) AS found, max(sweep_on) AS sweep_on
            FROM search_pages WHERE page_offset = 0 GROUP BY genre)
        WHERE found = 0 AND sweep_on > (SELECT max(sweep_on) FROM search_pages) - 7"""),
    Check("coverage_holds", "no genre's last whole sweep brought less than half of the one before", query="""
        WITH sweeps AS (
            SELECT genre, sweep_on, sum(returned) AS found,
                row_number() OVER (PARTITION BY genre ORDER BY sweep_on DESC) AS back
            FROM search_pages GROUP BY genre, sweep_on HAVING bool_or(last_page))
        SELECT count(*), string_agg(n.genre, ', ' ORDER BY n.genre)
        FROM sweeps n JOIN sweeps p ON n.genre = p.genre AND n.back = 1 AND p.back = 2
        WHERE n.found < p.found / 2"""),
    Check("answers_are_sound", "of the answers of the last run no more than one in a hundred was rejected"),
    Check("parts_are_there", "every part of the ledger is on the disk, with its size", mend=RECOVER),
    Check("parts_keep_their_hash", "the parts and history files read again (some each time) are what was written",
          mend=RECOVER),
)  # fmt: skip
_BY_NAME = {check.name: check for check in CHECKS}


def count_rows(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of the tables that only ever grow, for `prove`."""
    counted = ", ".join(f"(SELECT count(*) FROM {name})" for name in COUNTED)
    return dict(zip(COUNTED, con.execute(f"SELECT {counted}").fetchall()[0], strict=True))


def prove(
    con: duckdb.DuckDBPyConnection, ledger: Ledger, number: int, since: date | None, before: Mapping[str, int]
) -> None:
    """Every blocking check on a database that is to become generation `number`; the results are kept.

    `since`: first day of its new rows, None for all; `before`: `count_rows` of the generation it grew from, if any.
    Raises PublishRefused naming each broken promise.
    """
    found = [_queried(con, check, since or EVER, EVER) for check in CHECKS if _is_proof(check) and check.query]
    lost = [f"{name} {count - rows}" for name, rows in count_rows(con).items() if (count := before.get(name, 0)) > rows]
    found += [CheckResult(_BY_NAME["no_row_lost"], len(lost), ", ".join(lost)), _parts_agree(con, ledger)]
    _keep(ledger, number, found)
    if broken := [result for result in found if result.violations]:
        told = "; ".join(in_words(result) for result in broken)
        raise PublishRefused(
            f"Generation {number} was not published: {told}. The one before stays current and every part is kept. "
            "Run `python -m pipeline rebuild`, which makes it anew from the parts."
        )


def watch(
    con: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    ledger: Ledger,
    number: int,
    since: date,
    *,
    whole: bool = False,
) -> list[CheckResult]:
    """Every check that warns, on generation `number`; the results are kept. `whole`: all rows, all hashes."""
    today = ledger.now().date()
    found = [
        _queried(con, check, EVER if whole else since, today)
        for check in CHECKS
        if check.query and (whole or not _is_proof(check))
    ]
    found += [_parts_agree(con, ledger)] if whole else []
    found += [_answers_sound(ledger), _parts_there(workspace, ledger), _hashes_kept(workspace, ledger, whole=whole)]
    _keep(ledger, number, found)
    return found


def latest_results(ledger: Ledger) -> list[dict[str, Any]]:
    """The last result of each check, in the order of `CHECKS`: `at` in UTC, `mend` the command that helps, or empty."""
    rows = ledger.read("SELECT * FROM check_results WHERE id IN (SELECT max(id) FROM check_results GROUP BY name)")
    found = {row["name"]: _dated(row) for row in rows}
    return [{**found[name], "promise": check.promise} for name, check in _BY_NAME.items() if name in found]


def read_results(ledger: Ledger, name: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """Results of one check, or of all, the newest first."""
    rows = ledger.read("SELECT * FROM check_results WHERE ? IN ('', name) ORDER BY id DESC LIMIT ?", (name, limit))
    return [_dated(row) for row in rows]


def _dated(row: Mapping[str, Any]) -> dict[str, Any]:
    check = _BY_NAME.get(row["name"])  # None: one of an earlier version
    return {**row, "at": datetime.fromtimestamp(row["at"], UTC), "mend": check.mend if check else ""}


def _is_proof(check: Check) -> bool:
    return check.severity == BLOCKING


def in_words(result: CheckResult) -> str:
    """What a broken promise is, and how far."""
    details = f" ({result.details})" if result.details else ""
    mend = f": run `{result.check.mend}`" if result.check.mend else ""
    return f"{result.check.name}, {result.check.promise}, is broken by {result.violations}{details}{mend}"


def _queried(con: duckdb.DuckDBPyConnection, check: Check, since: date, today: date) -> CheckResult:
    query = check.query.replace("{touched}", "" if since == EVER else check.touched)
    query = query.replace("{since}", since.isoformat()).replace("{today}", today.isoformat())
    violations, *details = con.execute(query).fetchall()[0]
    return CheckResult(check, int(violations or 0), str(*details) if violations else "")


def _parts_agree(con: duckdb.DuckDBPyConnection, ledger: Ledger) -> CheckResult:
    facts = "count(*) n, coalesce(sum(rows), 0) r, coalesce(sum(bytes), 0) b, coalesce(max(seq), 0) s"
    ours = con.execute(f"SELECT {facts} FROM state_parts").fetchall()[0]
    theirs = tuple(ledger.read(f"SELECT {facts} FROM parts WHERE seq <= ?", (ours[3],))[0].values())
    same = tuple(map(int, ours)) == tuple(map(int, theirs))
    return CheckResult(
        _BY_NAME["parts_agree"], int(not same), "" if same else f"{ours[0]} parts here, {theirs[0]} there"
    )


def _answers_sound(ledger: Ledger) -> CheckResult:
    last = "run_id = (SELECT max(run_id) FROM raw_files)"
    lines = ledger.read(f"SELECT coalesce(sum(lines), 0) AS n FROM raw_files WHERE {last}")[0]["n"]
    rejects = ledger.read(f"SELECT count(*) AS n FROM rejects WHERE {last}")[0]["n"]
    return CheckResult(_BY_NAME["answers_are_sound"], rejects if rejects > lines / 100 else 0, f"of {lines} answers")


def _parts_there(workspace: Workspace, ledger: Ledger) -> CheckResult:
    parts = ledger.read("SELECT DISTINCT path, bytes FROM parts")
    gone = [row["path"] for row in parts if _size(workspace, row) != row["bytes"]]
    if gone and workspace.store is not None:  # a copy may be missing here
        stored = stored_names(workspace)
        gone = [row["path"] for row in parts if _size(workspace, row) not in (row["bytes"], -1)
                or stored.get(row["path"]) != row["bytes"]]  # fmt: skip
    return CheckResult(_BY_NAME["parts_are_there"], len(gone), ", ".join(gone[:3]))


def _size(workspace: Workspace, row: Mapping[str, Any]) -> int:
    try:
        return int((workspace.root / row["path"]).stat().st_size)
    except OSError:
        return -1


def _hashes_kept(workspace: Workspace, ledger: Ledger, *, whole: bool) -> CheckResult:
    """Read some parts again, going on where the last check ended, and a history file."""
    begin = 0 if whole else int(ledger.meta("hashed_seq") or 0)
    rows = ledger.read(
        "SELECT max(seq) AS seq, path, sha256 FROM parts GROUP BY path, sha256 HAVING max(seq) > ? ORDER BY 1 LIMIT ?",
        (begin, ALL if whole else HASHED_A_RUN),
    )
    ledger.set_meta("hashed_seq", str(rows[-1]["seq"] if len(rows) == HASHED_A_RUN and not whole else 0))
    changed = [
        row["path"]
        for row in rows
        if _size(workspace, row) >= 0 and sha256_of(workspace.root / row["path"]) != row["sha256"]
    ]
    history = [path for path in history_files(workspace.root) if not is_hidden(path)]
    if history and not whole:  # another one each day: a reader cannot tell a flipped bit in them
        history = [history[ledger.now().date().toordinal() % len(history)]]
    changed += [path.relative_to(workspace.root).as_posix() for path in history if not is_whole(path)]
    return CheckResult(_BY_NAME["parts_keep_their_hash"], len(changed), ", ".join(changed[:3]))


def _keep(ledger: Ledger, number: int, found: Sequence[CheckResult]) -> None:
    """Into the history, and for broken promises into the log."""
    at, run_id = ledger.now().timestamp(), current_context().run_id
    rows = [(at, run_id, number, r.check.name, r.check.severity, r.violations, r.details) for r in found]
    with ledger.write(durable=False) as connection:
        connection.executemany(
            "INSERT INTO check_results (at, run_id, generation, name, severity, violations, details) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
    for result in found:
        if result.violations:
            level = "ERROR" if _is_proof(result.check) else "WARNING"
            facts = {"check": result.check.name, "generation": number, "violations": result.violations}
            ledger.add_event(level, "check_failed", in_words(result), **facts)
