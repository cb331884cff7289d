"""The commands that move data: what people read, what programs read, and how bad input ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli.commands import main
from tests.conftest import SERVER
from tests.receipts import BANDA, VIOLA

ENTRY = {"id": BANDA, "name": "Banda Um", "followers": {"total": 70}, "popularity": 31}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with an old file in it, and a workspace of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GARIMPO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GARIMPO_WORKSPACE", "mine")
    (tmp_path / "mpb_2024-05-01.json").write_text(json.dumps([ENTRY, {"id": "no"}]), encoding="utf-8")
    return tmp_path


@pytest.fixture
def imported(place: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]) -> None:
    """That file is imported, and what was said of it has been read: once, then the folder is copied."""
    if _imported and not SERVER:
        shutil.copytree(_imported[0], place / "data")
    else:
        main(["import", "mpb_2024-05-01.json"])
        capsys.readouterr()
        _imported.append(shutil.copytree(place / "data", tmp_path_factory.mktemp("imported") / "data"))


_imported: list[Path] = []


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    code = main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def test_two_commands_move_history(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run tells what the import then does, in words and as JSON."""
    code, out, err = said(capsys, "import", "mpb_2024-05-01.json", "--dry-run")
    assert (code, err, (place / "data" / "mine").exists()) == (0, "", False)
    assert out.splitlines() == [
        "mpb_2024-05-01.json: JSON, entries: 2, dates: 2024-05-01",
        "  id → artist_id, name → name, followers → followers, popularity → popularity",
        "rejected mpb_2024-05-01.json line 1: 'no' is no artist's id or link",
        "would be added: observations 1 from 2024-05-01 to 2024-05-01, ids to ask about 0",
        "artists that are new 1; entries known already 0, repeated 0, rejected 1",
    ]
    code, out, err = said(capsys, "import", "mpb_2024-05-01.json", "--json")
    told = json.loads(out)
    assert (code, told["observations"], told["rows"], told["dry_run"], told["first_day"]) == (
        0,
        1,
        2,
        False,
        "2024-05-01",
    )


def test_list_goes_in_and_out(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A list of names and links is told before and after it is kept; the export of it is such a list again.

    Who was never asked for has the name that the list had, or none.
    """
    main(["import", "mpb_2024-05-01.json"])
    lines = ("name,link", f"Banda Um,{BANDA}", f"Viola,spotify:artist:{VIOLA}")
    (place / "list.csv").write_text("\n".join(lines), encoding="utf-8")
    capsys.readouterr()
    tries = [said(capsys, "import", "list.csv", *options)[1].splitlines() for options in (["--dry-run"], [], [])]
    assert [line for told in tries for line in told if line.startswith("artists to follow")] == [
        "artists to follow: 2 would be put on the list, 0 on it already",
        "artists to follow: 2 put on the list, 0 on it already",
        "artists to follow: 0 put on the list, 2 on it already",
    ]
    never = "0Nunca0000000000000000"
    assert said(capsys, "follow", never)[0] == 0
    assert said(capsys, "export", "followed", "--to", "out.csv")[:2] == (0, "3 rows in out.csv\n")
    rows = [line.rsplit(",", 1) for line in (place / "out.csv").read_text(encoding="utf-8").splitlines()]
    links = [f"https://open.spotify.com/artist/{each}" for each in (BANDA, VIOLA, never)]
    assert [known for known, _ in rows] == [
        "artist_id,name,spotify_url", f"{BANDA},Banda Um,{links[0]}", f"{VIOLA},Viola,{links[1]}",
        f"{never},,{links[2]}",
    ]  # fmt: skip
    assert rows[0][1] == "followed_at"
    assert json.loads(said(capsys, "import", "out.csv", "--json")[1])["followed"] == 3


def test_select_knows_the_list(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A SELECT can be about those who are followed; a bundle, which others read too, holds no list."""
    (place / "list.txt").write_text(VIOLA, encoding="utf-8")
    main(["import", "mpb_2024-05-01.json"]), main(["import", "list.txt"])
    capsys.readouterr()
    select = "SELECT artist_id FROM artists WHERE artist_id IN (SELECT artist_id FROM followed)"
    assert said(capsys, "export", select, "--to", "mine.csv")[0] == 0
    assert (place / "mine.csv").read_bytes() == f"artist_id\r\n{VIOLA}\r\n".encode()
    said(capsys, "export", "--bundle", "b")
    code, _, err = said(capsys, "export", "followed", "--from", "b", "--to", "no.csv")
    assert (code, "There is no table 'followed'" in err.replace("\n", " ")) == (2, True)


@pytest.mark.parametrize("options", [("--dry-run",), (), ("--json",)])
def test_import_of_nothing_but_rejects(capsys: pytest.CaptureFixture[str], place: Path, options: tuple[str, ...]):
    """An import of which every entry is rejected says so by its exit code, too."""
    (place / "x.csv").write_text("artist_id,followers\nno-id,12\n", encoding="utf-8")
    code, out, _ = said(capsys, "import", "x.csv", *options)
    assert (code, "no artist's id or link" in out) == (1, True)


def test_trace_is_told(imported: None, capsys: pytest.CaptureFixture[str]) -> None:
    """A number's origin in lines for people, whole as JSON; nothing known is said."""
    code, out, _ = said(capsys, "trace", "artist", BANDA, "--on", "2024-05-01")
    lines = out.splitlines()
    assert (code, lines[0]) == (
        0, f"artist_id {BANDA}, observed_on 2024-05-01, followers 70, popularity 31; decides followers, popularity",
    )  # fmt: skip
    assert re.search(r"task \w+, kept with item .+, attempt 1$", lines[1])  # others' rows are in the same part
    assert lines[3].endswith("line 1: artists, imported_from mpb_2024-05-01.json, at 2024-05-01T00:00:00Z")
    assert json.loads(lines[4]) == {"file": "mpb_2024-05-01.json", "line": 1, "values": ENTRY}
    _, out, _ = said(capsys, "trace", "artist", BANDA, "--json")
    assert json.loads(out)[0]["row"] == {
        "artist_id": BANDA, "observed_on": "2024-05-01", "followers": 70, "popularity": 31,
    }  # fmt: skip
    code, out, err = said(capsys, "trace", "release", "x")
    assert (code, out, err) == (1, "", "nothing is known of release x in workspace mine\n")
    code, out, _ = said(capsys, "trace", "release", "x", "--json")
    assert (code, json.loads(out)) == (1, [])


@pytest.mark.parametrize("written", [f"{BANDA}\r", f"spotify:artist:{BANDA}",
                                     f"https://open.spotify.com/intl-pt/artist/{BANDA}?si=abc"])  # fmt: skip
def test_links_can_be_traced(imported: None, capsys: pytest.CaptureFixture[str], written: str) -> None:
    """An artist is found by whatever one copies: an id with what stands around it, a URI, a link."""
    code, out, _ = said(capsys, "trace", "artist", written, "--json")
    assert (code, json.loads(out)[0]["row"]["artist_id"]) == (0, BANDA)


def test_other_links_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A link to an album is no artist: nothing is looked for, let alone deleted."""
    for words in (["trace", "artist"], ["purge", "--dry-run", "--artist"]):
        code, _, err = said(capsys, *words, f"spotify:album:{BANDA}")
        assert (code, "is a link of the kind album, not artist" in err.replace("\n", " ")) == (2, True)


def test_export_writes_everywhere(imported: None, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To a file, as a bundle, and from one."""
    assert said(capsys, "export", "SELECT name FROM artists", "--to", "a.csv") == (0, "1 rows in a.csv\n", "")
    assert (place / "a.csv").read_bytes() == b"name\r\nBanda Um\r\n"
    assert said(capsys, "export", "--bundle", "b.zip", "--since", "2024-05-01") == (0, "6 rows in b.zip\n", "")
    code, out, _ = said(capsys, "export", "artist_snapshots", "--from", "b.zip", "--to", "s.jsonl", "--json")
    assert (code, json.loads(out)) == (0, {"file": "s.jsonl", "rows": 1})


def test_log_without_lines_says_so(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An import that took all logs nothing, a filter may leave nothing: standard output stays empty, it is said why."""
    (place / "list.txt").write_text(f"{BANDA}\n", encoding="utf-8")
    main(["import", "list.txt", "--json"])
    run_id = json.loads(capsys.readouterr().out)["run_id"]
    assert said(capsys, "logs") == (0, "", f"there is no line in the log of run {run_id}\n")
    told = f"there is no line that fits in the log of run {run_id}\n"
    assert said(capsys, "logs", "--task", "discover", "--json") == (0, "", told)


def test_schedule_tells_all_it_was_given(capsys: pytest.CaptureFixture[str]) -> None:
    """Its priority and when a missed time is dropped stand in words, too."""
    given = ("--cron", "0 13 * * *", "--genres", "mpb", "--max-requests", "9", "--priority", "2", "--grace-s", "3600")
    code, out, _ = said(capsys, "schedule", "add", "noon", *given)
    asked = "mpb, at most 9 requests, priority 2, dropped when 3,600 s late"
    assert (code, f"noon: cron 0 13 * * * (America/Sao_Paulo), {asked}: " in out) == (0, True)


def test_rows_as_json_alone(imported: None, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json the rows on standard output are JSON, one object a line; another format there is refused."""
    code, out, _ = said(capsys, "export", "SELECT artist_id, followers FROM artists", "--json")
    assert (code, [json.loads(line) for line in out.splitlines()]) == (0, [{"artist_id": BANDA, "followers": 70}])
    code, out, err = said(capsys, "export", "artists", "--json", "--format", "csv")
    assert (code, json.loads(out)["error"]) == (2, "SettingsError")
    assert "name a file for csv with --to" in err


def test_unknown_genre_fills_no_bundle(imported: None, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bundle of a genre that nobody collected is refused by name; nothing is written."""
    code, out, err = said(capsys, "export", "--bundle", "b", "--genres", "Polka")
    assert (code, out, (place / "b").exists()) == (2, "", False)
    assert "Nothing is known of polka; genres are: none. Nothing was written." in err


@pytest.mark.slow
def test_export_streams_to_a_pipe(place: Path) -> None:
    """Without a file, rows alone are on standard output; a reader that has seen enough ends it quietly."""
    main(["import", "mpb_2024-05-01.json"])
    line = [sys.executable, "-m", "pipeline", "export"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    asked = [*line, "SELECT name FROM artists", "--format", "jsonl"]
    ended = subprocess.run(asked, env=environment, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b'{"name":"Banda Um"}\n', b"")
    endless = [*line, "SELECT range FROM range(3000000)"]
    with subprocess.Popen(endless, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"range\r\n"
        process.stdout.close()
        assert (process.wait(timeout=60), process.stderr.read()) == (0, b"")


def test_backup_and_restore(imported: None, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Out and back by two commands; over data only with force."""
    code, out, err = said(capsys, "backup", "copy")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"3 files, 0\.0 MB and the ledger as of 20\S+Z in copy, 3 of them new\n", out)
    assert said(capsys, "restore", "copy")[0] == 2
    code, out, _ = said(capsys, "restore", "copy", "--force", "--json")
    assert (code, json.loads(out)["files"], (Path(json.loads(out)["replaced"]) / "lake").is_dir()) == (0, 3, True)
    code, out, _ = said(capsys, "restore", "copy", "--force")
    assert re.search(r"; what was there is in (\S+)\n", out)
    assert said(capsys, "export", "SELECT followers FROM artists", "--to", "after.csv")[0] == 0
    assert (place / "after.csv").read_bytes() == b"followers\r\n70\r\n"


def test_folder_of_a_file_is_made(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An export makes the folder it goes to, as a bundle and a backup do; one that fails leaves none behind."""
    said(capsys, "import", "mpb_2024-05-01.json")
    code, out, err = said(capsys, "export", "artists", "--to", "of/may/artists.csv")
    assert (code, out, err) == (0, f"1 rows in {Path('of/may/artists.csv')}\n", "")
    assert said(capsys, "export", "SELECT nope", "--to", "of/june/2026/x.csv")[0] == 2
    assert sorted(path.name for path in (place / "of").rglob("*")) == ["artists.csv", "may"]
    code, _, err = said(capsys, "export", "artists", "--to", "of/may/artists.csv/x.csv")
    assert (code, "Not a directory. Name another place; what was committed is kept." in err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["trace", "song", "x"], "'song' cannot be traced"),
        (["trace", "artist", "x", "--on", "today"], "--on 'today' is no day"),
        (["trace", "artist", "x", "--table", "runs"], "Table runs cannot be traced"),
        (["import", "none.json"], "none.json is not there"),
        (["export"], "Say a table, such as artists, or a SELECT"),
        (["export", "artists", "--bundle", "b"], "Say a table, such as artists, or a SELECT"),
        (["export", "artists", "--from", "none"], "none is no bundle"),
        (["export", "artists", "--genres", "mpb"], "are for --bundle"),
        (["export", "--bundle", "-"], "name one instead of -"),
        (["export", "--bundle", "b", "--since", "2024-05-02", "--until", "2024-05-01"], "is later than --until"),
        (["purge", "--artist", "", "--yes"], "Say --artist with an id"),
        (["recover", "--backup", "none"], "none is no backup"),
        (["checks", "--history", "none"], "There is no check 'none': artists_unique"),
        (["colect"], "There is no command 'colect'"),
        (["export", "artists"], "Nothing is published"),
        (["backup", "."], "lie within one another"),
        (["restore", "none"], "none is no backup"),
        (["trace", "artist"], "Missing argument"),
        (["trace", "artist", "Banda Um"], "'Banda Um' is no artist's id or link: `python -m pipeline export artists`"),
        (["logs"], "No run yet in mine"),
        (["logs", "none"], "none is not a run of workspace"),
        (["retry", "none"], "none is not a run of this workspace"),
        (["schedule", "next", "none"], "none is not a schedule"),
        (["schedule", "pause", "none"], "none"),
        (["freshness", "polka"], "polka is not collected"),
        (["follow", "https://open.spotify.com/track/x"], "x"),
        (["purge", "--artist", "nope", "--yes"], "Nothing is known of artist nope"),
        (["publish-to", "none"], "none"),
        (["simulator", "--artists", "none"], "'--artists': a whole number belongs there"),
        (["run", "--wait-s", "long"], "'--wait-s': a number belongs there"),
        (["schedule", "next", "--count", "2000"], "'--count': 1000 is the most"),
        (["purge", "--dry-run", "true"], "Nothing is expected where it says: true. What has spaces in it needs quotes"),
        (["purge", "--import"], "'--import' needs a value after it. See --help"),
    ],
)
def test_bad_input_is_one_sentence(capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str) -> None:
    """What cannot be done ends in one message that names it, never in a traceback."""
    code, out, err = said(capsys, *arguments)
    assert (code in (1, 2), out, expected in err, "Traceback" in err) == (True, "", True, False)
    assert re.search(r"[Nn]othing (is|was) [a-z]+\W", err)  # the state left behind
