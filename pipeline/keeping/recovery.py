"""One look at everything a workspace keeps, and what is lost or damaged mended from what is left.

Ledger, parts, raw files, history files, generations: each can be made anew from some of the others. Only a part whose
answers are gone too needs a backup, and what people said of a ledger that is lost. Imports `exchange`, `ledger`,
`history_files`, `lock`, `salvage`, `findings`, `damaged_volumes`, `found_files`, `lists`, `mending`, `stored`, `files`,
`store`, `truth`, `volumes`, `generations`, `publish`, `upgrade`, `copying`, `sqlite_file`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from pipeline.errors import DamagedFile, DiskFull, PublishRefused, SettingsError
from pipeline.keeping.damaged_volumes import bring_volumes, put_volumes_aside, volumes_aside
from pipeline.keeping.exchange import ASIDE, LEAVING, settle
from pipeline.keeping.findings import Finding, put_aside
from pipeline.keeping.found_files import find_files
from pipeline.keeping.lists import WHAT, are_readable, bring_lists
from pipeline.keeping.mending import mend_files
from pipeline.keeping.salvage import newest_generation, write_ledger
from pipeline.keeping.stored import take_over
from pipeline.lake.files import explained, hidden, is_hidden, place_files, remove_files
from pipeline.lake.store import count_on, find_strayed, find_unheard, known_runs, sweep
from pipeline.lake.truth import claim_store, truth_files
from pipeline.lake.volumes import is_volume, unheard_volumes
from pipeline.published.generations import current_number, open_generation
from pipeline.published.history_files import history_files, is_whole
from pipeline.published.publish import BOUND, EXCHANGED, REBUILD_DUE, publish
from pipeline.published.upgrade import has_todays_tables
from pipeline.records.copying import from_file, into_file, require_unused
from pipeline.records.ledger import Ledger
from pipeline.records.lock import bury_dead_runs, hold_run_lock
from pipeline.records.sqlite_file import DAMAGES, read_only
from pipeline.workspace import ServerLedger, Workspace

__all__ = ["Finding", "recover"]

RUN_LOCK_ID = "recover"
LEAST_FREE = 1_000_000  # bytes
DAMAGED = "is damaged"


def recover(workspace: Workspace, clock: Callable[[], datetime], backup: Path | None = None) -> tuple[Finding, ...]:
    """Find and mend what is lost or damaged; empty when all is well. `backup`: a folder with files to fall back on.

    Raises SettingsError where `backup` is none, RunInProgress, WriterBusy while another program has the ledger open
    that is to be replaced, SchemaMismatch for files of a newer program, DiskFull, PublishRefused where no row is
    missing: what was mended stays, and it can be run again. What is committed is published then, also where nothing
    had to be mended.
    """
    if backup is not None and not any((backup / name).is_dir() for name in ("raw", "lake")):
        raise SettingsError(f"{backup} is no backup: there is neither raw nor lake in it. Nothing was changed.")
    with hold_run_lock(workspace, RUN_LOCK_ID, "recover", clock()):
        shutil.rmtree(workspace.root / LEAVING, ignore_errors=True)
        findings = bring_volumes(workspace, backup)
        findings += _mend_ledger(workspace, clock, backup)
        with closing(Ledger(workspace.ledger, clock)) as ledger:
            bury_dead_runs(ledger)
            claim_store(workspace, ledger)
            findings += bring_lists(workspace, ledger, backup)
            findings += put_volumes_aside(workspace, ledger)
            if swept := sweep(workspace, ledger):
                findings.append(Finding(str(workspace.root), f"{swept} files of killed writers", "removed"))
            count_on(ledger, workspace.db)
            findings += mend_files(workspace, ledger, backup)
            lost = any(not each.mended for each in findings)
            try:
                findings += _mend_derived(workspace, ledger, lost=lost)
            except (DamagedFile, PublishRefused) as error:
                aside = volumes_aside(workspace)
                if not (aside or lost):
                    raise
                told = "".join(f" {path} was put aside in {ASIDE}." for path in aside[:1])
                findings.append(Finding(str(workspace.db), "lacks what was lost", f"{error}{told}", mended=False))
    return tuple(findings)


def _mend_ledger(workspace: Workspace, clock: Callable[[], datetime], backup: Path | None) -> list[Finding]:
    what = _ledger_fault(workspace, clock)
    if not what:
        return []
    require_unused(workspace)
    path, aside = workspace.ledger_file, hidden(workspace.ledger_file)
    remove_files([aside, *(aside.with_name(f"{aside.name}{end}") for end in ("-wal", "-shm"))])
    old = _old_ledger(workspace, clock)
    is_lost = old is None or not what.startswith(DAMAGED) or not are_readable(old)  # one that was set back tells less
    said = write_ledger(workspace, aside, old, clock, is_lost=is_lost)
    if isinstance(workspace.ledger, ServerLedger):
        from_file(aside, workspace.ledger)
    else:
        with explained(path):
            for end in ("-wal", "-shm"):
                path.with_name(f"{path.name}{end}").unlink(missing_ok=True)
            place_files([path])
    told = f"{said['from_generation']} parts from the newest generation, {said['from_files']} batches from files alone"
    again = f"; {WHAT}: `recover --backup FOLDER` brings back what a backup has, the rest is to be said again"
    again *= is_lost and backup is None  # with a backup that is told by itself
    done = f"written anew: {told}; requests of the last day count as spent{again}"
    return [Finding(str(workspace.ledger), what, done)]


def _old_ledger(workspace: Workspace, clock: Callable[[], datetime]) -> Path | None:
    """What there is to read of the ledger as it was, put aside; None where nothing is."""
    path = workspace.ledger_file
    if not isinstance(workspace.ledger, ServerLedger):
        return put_aside(workspace, path, clock) if path.exists() else None
    with closing(Ledger(workspace.ledger, clock)) as ledger:
        if path.exists() and not ledger.read("SELECT 1 FROM runs LIMIT 1"):
            return path  # it was in a file until now
    target = workspace.root / ASIDE / f"{clock():%Y%m%dT%H%M%S}" / path.name
    with explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    into_file(workspace.ledger, target)
    return target


def _ledger_fault(workspace: Workspace, clock: Callable[[], datetime]) -> str:
    """What is wrong with the ledger; empty when nothing is, or there is nothing it could have known."""
    path = workspace.ledger_file
    if isinstance(workspace.ledger, ServerLedger):
        with closing(Ledger(workspace.ledger, clock)) as ledger:
            return _commits_lost(workspace, ledger)
    if not path.exists():
        found = find_files(workspace, set()) or any(map(is_volume, truth_files(workspace)))
        return "is missing" if found or newest_generation(workspace) else ""
    try:
        with closing(read_only(path)) as connection:
            told = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                all(connection.execute(f'SELECT * FROM "{table}"'))  # texts that are none it does not look at
    except DAMAGES as error:
        told = str(error)
        if shutil.disk_usage(workspace.root).free < LEAST_FREE:  # for its log: who cannot read it has not seen damage
            raise DiskFull(f"{path} cannot be read ({told}). Free some space and run again; nothing changed.") from None
    if told != "ok":
        return f"{DAMAGED} ({told.splitlines()[-1]})"
    with closing(Ledger(path, clock)) as ledger:
        return _commits_lost(workspace, ledger)


def _commits_lost(workspace: Workspace, ledger: Ledger) -> str:
    """Whether files or the newest generation tell of commits that the ledger has never heard of."""
    take_over(workspace, ledger)
    runs = known_runs(ledger)
    strangers = [file for file in find_files(workspace, runs) if file.run_id not in runs]
    if strangers:
        return f"knows nothing of {len(strangers)} files, for one {strangers[0].path}"
    there = truth_files(workspace)
    if unheard := find_unheard(ledger, there):
        return f"knows nothing of the answers of {len(unheard)} batches, for one {unheard[0]}"
    if volumes := unheard_volumes(workspace, ledger, there):
        return f"knows nothing of {len(volumes)} volumes, for one {volumes[0]}"
    return _differs(workspace, ledger, there)


def _differs(workspace: Workspace, ledger: Ledger, there: Iterable[Path]) -> str:
    """Whether files or the newest generation contradict what the ledger tells of commits: it has no checksums."""
    if strayed := find_strayed(workspace, ledger, there):
        return f"{DAMAGED} (it lists {len(strayed)} files under names where nothing is, for one {strayed[0]})"
    generation = newest_generation(workspace)
    if generation is None or ledger.meta(REBUILD_DUE) == "1":
        return ""
    shown = {row[:3]: row for row in generation.rows(f"SELECT {_FACTS} FROM state_parts")}
    known = {(row := tuple(each.values()))[:3]: row for each in ledger.read(f"SELECT {_FACTS} FROM parts")}
    if missing := shown.keys() - known.keys():
        return f"knows nothing of {len(missing)} parts that generation {generation.number} shows"
    if any(generation.meta(key) != (ledger.meta(key) or "") for key in (EXCHANGED, BOUND)):
        return ""  # the ledger has got further
    wrong = sorted(key for key, facts in shown.items() if known[key] != facts)  # a database looks at its checksums
    told = f"it tells of {len(wrong)} parts otherwise than generation {generation.number}, for one"
    return f"{DAMAGED} ({told} {' '.join(wrong[0])})" if wrong else ""


_FACTS = "run_id, batch_id, table_name, seq, path, sha256, rows, day"


def _mend_derived(workspace: Workspace, ledger: Ledger, *, lost: bool) -> list[Finding]:
    """History files and generations: removed where damaged, and made anew from the parts."""
    findings = []
    for path in history_files(workspace.root):
        if is_hidden(path):
            remove_files([path])
        elif not is_whole(path):
            path.unlink()
            findings.append(Finding(str(path), "is not what its name says", "removed; it is made anew when needed"))
    fault = _generation_fault(workspace, ledger)
    if lost and not findings and fault != "is missing":
        return findings  # what is published may be the last to hold what the parts have lost
    if fault or findings:
        settle(workspace, ledger, force=True)
        said = Finding(str(workspace.db), f"the current generation {fault}", "built anew from the parts")
        findings += [said] * bool(fault)
    elif not settle(workspace, ledger) and current_number(workspace) is not None:
        publish(workspace, ledger)  # what waited, and what was found again
    return findings


def _generation_fault(workspace: Workspace, ledger: Ledger) -> str:
    try:
        number = current_number(workspace)
    except DamagedFile:
        if (pointer := workspace.db / "CURRENT").is_dir():  # which no file can replace
            pointer.rename(hidden(pointer.with_name(f"{pointer.name}-{pointer.stat().st_ino}")))
        return "cannot be told: CURRENT is damaged"
    if number is None:
        return "is missing" if ledger.read("SELECT 1 FROM parts LIMIT 1") else ""
    return _fault_of(workspace, ledger, number)


def _fault_of(workspace: Workspace, ledger: Ledger, number: int) -> str:
    """What is wrong with the generation that is current."""
    try:
        if not has_todays_tables(current := open_generation(workspace)):
            return "is of another version of the program"
        if not current.has_history():
            return "shows history files that are gone"
    except DamagedFile:
        return "cannot be opened, or is not the one that CURRENT tells of"
    whole = newest_generation(workspace)
    if whole is None or whole.number != number:
        return "cannot be read"
    shown = whole.rows("SELECT seq, sha256 FROM state_parts ORDER BY seq")
    last = max((row[0] for row in shown), default=0)
    known = [(each.seq, each.sha256) for each in ledger.parts() if each.seq <= last]
    return "" if shown == known else "is not made of what the ledger lists"
