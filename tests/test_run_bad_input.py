"""What can be wrong before a run or in it ends in one clear message, the right exit code, and nothing half-written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.simulator.server import Running
from tests.commands import command, environment
from tests.harm import resize, small_disk_at
from tests.worlds import running_world


@pytest.fixture(scope="module")
def world():
    """Serve twenty synthetic artists on a fixed day."""
    with running_world(artists=20, client_secret="right") as simulator:
        yield simulator


@pytest.fixture
def cli(inside: Any) -> Any:
    """`python -m pipeline …` on a data folder; beside it, unless told otherwise, is the folder it is started in."""

    def command(data: Path, *arguments: str, cwd: Path | None = None, **variables: str) -> tuple[int, str, str]:
        return inside({"GARIMPO_DATA": str(data), **variables}, cwd or data.parent, *arguments)

    return command


def pointed_at(world: Running, **changes: str) -> dict[str, str]:
    """Variables that point at the simulator."""
    addresses = {"GARIMPO_API_URL": world.api_url, "GARIMPO_TOKEN_URL": world.token_url}
    return {**addresses, "SPOTIPY_CLIENT_ID": "simulator", "SPOTIPY_CLIENT_SECRET": "right", **changes}


def test_no_credentials(cli: Any, tmp_path: Path):
    """Without credentials a run says which variables to set and where they come from; nothing was started."""
    code, out, err = cli(tmp_path / "data", "run")
    assert (code, out) == (2, "")
    assert "SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET" in err
    assert "Nothing was started" in err


def test_wrong_credentials(cli: Any, world: Running, tmp_path: Path):
    """Refused credentials end the run with exit code 2 and never stand in the message."""
    code, _, err = cli(tmp_path / "data", "run", **pointed_at(world, SPOTIPY_CLIENT_SECRET="wrong-secret-value"))
    assert code == 2
    assert "SPOTIPY_CLIENT_SECRET" in err
    assert "wrong-secret-value" not in err


@pytest.mark.usefixtures("impatient")
def test_unreachable_source(cli: Any, tmp_path: Path):
    """A source that refuses connections ends the run with exit code 1, naming the host."""
    variables = {"GARIMPO_API_URL": "http://127.0.0.1:9/v1/", "GARIMPO_TOKEN_URL": "http://127.0.0.1:9/api/token"}
    code, _, err = cli(tmp_path / "data", "run", SPOTIPY_CLIENT_ID="a", SPOTIPY_CLIENT_SECRET="b", **variables)
    assert code == 1
    assert "127.0.0.1" in err
    assert "Traceback" not in err


def test_unknown_genre_finds_nothing(cli: Any, world: Running, tmp_path: Path):
    """A genre that does not exist is an empty page: the run succeeds with no artist, and names the genre."""
    code, out, _ = cli(tmp_path / "data", "run", "--genres", "no such genre", "--json", **pointed_at(world))
    assert (code, json.loads(out)["state"]) == (0, "succeeded")
    assert "finds somebody, is broken by 1 (no such genre)" in json.loads(out)["message"]
    code, out, _ = cli(tmp_path / "data", "status", "--json", **pointed_at(world))
    assert json.loads(out)["rows"]["artists"] == 0


def test_empty_catalogue(cli: Any, tmp_path: Path):
    """A source without a single artist ends well, with empty tables."""
    with running_world(artists=0, seed=1) as empty:
        code, out, _ = cli(tmp_path / "data", "run", "--json", **pointed_at(empty))
    assert (code, json.loads(out)["state"]) == (0, "succeeded")


@pytest.mark.parametrize("place", ["spotify", "spotify/raw", "spotify/db"])
def test_file_in_a_folders_place_is_named(cli: Any, place: str, tmp_path: Path):
    """A file that stands where a folder of the workspace belongs is named itself: the data folder is well."""
    in_the_way = tmp_path / "data" / place
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("in the way", encoding="utf-8")
    code, out, err = cli(tmp_path / "data", "run", SPOTIPY_CLIENT_ID="a", SPOTIPY_CLIENT_SECRET="b")
    said = f"{in_the_way} is a file where a folder belongs. Move it away"
    assert (code, out, said in " ".join(err.split())) == (2, "", True)


@pytest.mark.parametrize("kind", ["a file", "a read-only file system"])
def test_data_folder_cannot_be_written(cli: Any, kind: str, tmp_path: Path):
    """A data folder that cannot be written is named, with the setting to change."""
    data = tmp_path / "data"
    if kind == "a file":
        data.write_text("in the way", encoding="utf-8")
    elif sys.platform == "linux":
        data = Path("/proc/garimpo")
    else:
        pytest.skip("no file system here that refuses everybody")
    code, out, err = cli(data, "run", cwd=tmp_path, SPOTIPY_CLIENT_ID="a", SPOTIPY_CLIENT_SECRET="b")
    assert (code, out) == (2, "")
    assert str(data) in err
    assert "GARIMPO_DATA" in err


@pytest.mark.parametrize(
    ("text", "expected"),
    [("genres = [", "TOML"), ("colour = 'red'", "colour"), ("timeout_s = 'soon'", "timeout_s"), ("\x00\xff", "TOML")],
)
def test_corrupt_settings_file(cli: Any, text: str, expected: str, tmp_path: Path):
    """A settings file that cannot be read, or says what is no setting, is named with what is wrong in it."""
    (tmp_path / "garimpo.toml").write_text(text, encoding="latin-1")
    code, out, err = cli(tmp_path / "data", "run")
    assert (code, out) == (2, "")
    assert expected.lower() in err.lower()
    assert "garimpo.toml" in err


@pytest.mark.slow
def test_full_disk_loses_nothing(inside: Any, world: Running, tmp_path: Path):
    """A disk that fills up ends the run with a message; with space again the next run completes what is missing."""
    settings = environment(world, tmp_path / "data", SPOTIPY_CLIENT_SECRET="right")
    with small_disk_at(tmp_path / "data", "420k") as disk:
        code, _, err = command(settings, tmp_path, "run")
        assert code == 1
        assert "space" in err
        assert "Traceback" not in err
        resize(disk, "64m")
        assert inside(settings, tmp_path, "run")[0] == 0
        assert json.loads(inside(settings, tmp_path, "status", "--json")[1])["rows"]["artists"] > 0
