"""How long the questions of pages take on a store of a hundred million rows: idle, while publishing, among readers.

Run as a program it is one of the other processes: a reader that asks at random, or a writer that commits and publishes.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline import queries
from pipeline.priority import give_way
from pipeline.published.generations import Generation, open_generation
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from pipeline.workspace import Workspace, open_workspace
from tests.benchmarks.figures import Figure, load
from tests.benchmarks.store_world import World, add_day

__all__ = ["measure_reading", "opened", "quantile"]

READERS = 8
WRITTEN = 10_000  # artists that the writer adds at a time
Ask = Callable[[Generation, random.Random], object]
Took = tuple[float, float]  # milliseconds: of the clock, and of the processor, which a loaded machine does not change


def measure_reading(root: Path, world: World, rounds: int, seconds: float) -> Iterator[Figure]:
    """p95 of every question on the store of a world in `root`."""
    workspace, told = opened(root)[0], f"{world.artists:,} × {world.days:,} days"
    questions = _questions(open_generation(workspace))
    idle = {name: _timed(workspace, ask, rounds) for name, ask in questions.items()}
    for name, took in idle.items():
        yield _figure(f"{name}, {told}", took, _goal(name), load())
    with _beside(root, "write", 1, world, seconds * len(questions)):
        busy = {name: _timed(workspace, ask, rounds) for name, ask in questions.items()}
    for name, took in busy.items():
        yield _figure(f"{name}, while publishing", took, max(100, _goal(name)), load())
    with _beside(root, "write", 1, world, seconds) as writer, _beside(root, "read", READERS, world, seconds) as readers:
        answers = [json.loads(each.communicate()[0]) for each in readers]
        published = json.loads(writer[0].communicate()[0])
    took = [(wall, cpu) for each in answers for wall, cpu in each["ms"]]
    errors = [text for each in answers for text in each["errors"]]
    note = f"{len(took):,} questions, {len(errors)} errors, {published['published']} publishes; {load()}"
    yield _figure(f"any question, {READERS} reading processes and one publishing", took, 100, note)
    yield Figure("errors among them", str(len(errors)), "0", not errors, next(iter(errors), ""))


def _figure(what: str, took: Sequence[Took], goal: float, note: str) -> Figure:
    wall, cpu = [each[0] for each in took], [each[1] for each in took]
    p50, p95 = quantile(wall, 0.5), quantile(wall, 0.95)
    processor = f"CPU p50 {quantile(cpu, 0.5):.1f}, p95 {quantile(cpu, 0.95):.1f} ms"
    return Figure(
        f"{what}: p95", f"{p95:.0f} ms", f"< {goal:.0f} ms", p95 < goal, f"p50 {p50:.1f} ms; {processor}; {note}"
    )


def _goal(name: str) -> float:
    return {"history of an artist": 80.0, "search by name": 20.0}.get(name, 50.0)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of all is below."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


def _timed(workspace: Workspace, ask: Ask, rounds: int) -> list[Took]:
    """What each round took, the generation looked up as pages do; the first two, which warm up, left out."""
    rng = random.Random(1)
    return [_once(lambda: ask(open_generation(workspace), rng)) for _ in range(rounds + 2)][2:]


def _once(ask: Callable[[], object]) -> Took:
    wall, cpu = time.perf_counter(), time.process_time()
    ask()
    return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


def _questions(generation: Generation) -> Mapping[str, Ask]:
    """The questions, each about something that is there."""
    known = generation.rows("SELECT artist_id, name FROM artists USING SAMPLE reservoir(2000 ROWS) REPEATABLE (1)")
    ids, names = [row[0] for row in known], [row[1] for row in known]
    genres = [row[0] for row in generation.rows("SELECT genre FROM genre_coverage ORDER BY genre")]
    followed = "SELECT artist_id FROM artists ORDER BY hash(artist_id) LIMIT 5000"
    mine = tuple(row[0] for row in generation.rows(followed))

    def search(found: Generation, rng: random.Random) -> object:
        words = rng.choice(names).split()
        chosen = rng.sample(words, rng.randint(1, len(words)))
        return queries.artists(found, search=" ".join(word[: rng.randint(3, 8)] for word in chosen))

    return {
        "history of an artist": lambda found, rng: queries.artist_history(found, rng.choice(ids)),
        "growth ranking in a genre": lambda found, rng: queries.genre_leaders(found, rng.choice(genres)),
        "who entered a genre": lambda found, rng: _newcomers(found, rng.choice(genres)),
        "growth ranking of all": lambda found, _: queries.growth_leaders(found, 30, 25),
        "genre totals by day": lambda found, rng: queries.followers_over_time(found, rng.choice(genres)),
        "top 25 by followers": lambda found, _: queries.artists(found),
        "top 25 of a genre": lambda found, rng: queries.artists(found, genre=rng.choice(genres)),
        "top 25 of 5,000 followed": lambda found, _: queries.artists(found, among=mine),
        "release radar": lambda found, _: queries.newest_releases(found, 24),
        "release radar of 5,000 followed": lambda found, _: queries.newest_releases(found, 24, mine),
        "search by name": search,
    }


def _newcomers(found: Generation, genre: str) -> object:
    return queries.genre_turnover(found, genre), queries.genre_newcomers(found, genre)


@contextmanager
def _beside(root: Path, role: str, many: int, world: World, seconds: float) -> Iterator[list[subprocess.Popen[bytes]]]:
    command = [sys.executable, "-m", "tests.benchmarks.reading", role, str(root)]
    rest = [str(world.artists), str(world.days), str(seconds)]
    started = [subprocess.Popen([*command, str(n), *rest], stdout=subprocess.PIPE) for n in range(many)]
    try:
        yield started
    finally:
        for each in started:
            each.kill()
            with suppress(ValueError):
                each.communicate()


def read(workspace: Workspace, seed: int, seconds: float) -> dict[str, object]:
    """Ask at random for so long; milliseconds of each question, and what went wrong."""
    rng, took, errors = random.Random(seed), list[Took](), list[str]()
    questions = list(_questions(open_generation(workspace)).values())
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            took.append(_once(lambda: rng.choice(questions)(open_generation(workspace), rng)))
        except Exception as error:  # noqa: BLE001  whatever a reader meets is what is counted
            errors.append(repr(error))
        time.sleep(0.5)  # eight people who look, not eight that do nothing else
    return {"ms": took, "errors": errors}


def write(workspace: Workspace, ledger: Ledger, world: World, seconds: float) -> dict[str, object]:
    """Commit and publish days for some artists for so long; how often, and the seconds of each publish."""
    took, until = list[float](), time.monotonic() + seconds
    while time.monotonic() < until:
        age = world.days + int(ledger.meta("added") or 0)
        add_day(workspace, ledger, world, age, artists=min(WRITTEN, world.artists), parts=4)
        ledger.set_meta("added", str(age - world.days + 1))
        took.append(publish(workspace, ledger).seconds)
    return {"published": len(took), "seconds": took}


def opened(root: Path) -> tuple[Workspace, Ledger]:
    """The workspace in a folder, and its ledger."""
    workspace = open_workspace(Settings(data=root.parent, workspace=root.name))
    return workspace, Ledger(workspace.ledger)


if __name__ == "__main__":
    role, path, number, artists, days, for_s = sys.argv[1:]
    opened, books = opened(Path(path))
    amount = World(int(artists), int(days))
    if role == "write":
        give_way()  # as programs do that publish
    done = read(opened, int(number), float(for_s)) if role == "read" else write(opened, books, amount, float(for_s))
    sys.stdout.write(json.dumps(done))
