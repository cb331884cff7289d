"""Where settings come from and how a wrong one is explained."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.settings import Settings, describe_settings, list_settings, load_settings

SECRET = "f00dfeedf00dfeedf00dfeedf00dfeed"


def refusal(folder: Path, **overrides: object) -> str:
    """The message with which these settings are refused."""
    with pytest.raises(SettingsError) as raised:
        load_settings(folder, **overrides)
    return str(raised.value)


def origin_of(name: str, folder: Path) -> tuple[str, str]:
    """Value and origin of one setting as the doctor shows them."""
    row = next(row for row in describe_settings(folder) if row["name"] == name)
    return row["value"], row["origin"]


def write_secrets(folder: Path, text: str) -> None:
    """Write a secrets file as Streamlit keeps it."""
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "secrets.toml").write_text(text, encoding="utf-8")


def test_nothing_said_means_demo(tmp_path: Path) -> None:
    """Without any setting the program runs, on synthetic data, in a folder of its own."""
    settings = load_settings(tmp_path)
    assert (settings.workspace_name, settings.has_credentials, settings.data) == ("demo", False, Path("data"))


def test_credentials_mean_spotify(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With both credentials the data go to the workspace of real artists; blanks around them do not matter."""
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", f" {SECRET}\n")
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", SECRET)
    settings = load_settings(tmp_path)
    assert (settings.workspace_name, settings.client_id.get_secret_value()) == ("spotify", SECRET)


def test_other_api_means_simulator(tmp_path: Path) -> None:
    """Any API but Spotify's fills a third workspace, even with credentials."""
    local = {"api_url": "http://127.0.0.1:9/v1/", "token_url": "http://127.0.0.1:9/api/token"}
    assert load_settings(tmp_path, **local, client_id="a", client_secret="b").workspace_name == "simulator"


def test_strongest_origin_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Environment beats the secrets file, which beats garimpo.toml, which beats the default; each is named."""
    (tmp_path / "garimpo.toml").write_text("max_requests = 1\ntimeout_s = 1\nlog_level = 'debug'\n", encoding="utf-8")
    write_secrets(tmp_path, "GARIMPO_MAX_REQUESTS = 2\ntimeout_s = 2\n[auth]\ncookie_secret = 'not ours'\n")
    monkeypatch.setenv("GARIMPO_MAX_REQUESTS", "3")
    assert [origin_of(name, tmp_path) for name in ("max_requests", "timeout_s", "log_level", "language")] == [
        ("3", "environment"),
        ("2.0", ".streamlit/secrets.toml"),
        ("DEBUG", "garimpo.toml"),
        ("auto", "default"),
    ]


def test_what_streamlit_sets_is_of_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Streamlit makes variables of what the secrets file says, so the same value is told to be of the file."""
    write_secrets(tmp_path, "GARIMPO_MAX_REQUESTS = 2\n")
    monkeypatch.setenv("GARIMPO_MAX_REQUESTS", "2")
    assert origin_of("max_requests", tmp_path) == ("2", ".streamlit/secrets.toml")


def test_argument_beats_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is typed on the command line beats everything."""
    monkeypatch.setenv("GARIMPO_MAX_REQUESTS", "3")
    assert load_settings(tmp_path, max_requests=7).max_requests == 7


def test_construction_ignores_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings made by hand are what was given, whatever the environment says."""
    monkeypatch.setenv("GARIMPO_MAX_REQUESTS", "3")
    assert Settings().max_requests == 500


def test_unprefixed_variables_are_not_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """CLIENT_ID and DATA of some other program are never sent or used."""
    for name in ("CLIENT_ID", "CLIENT_SECRET", "DATA", "WORKSPACE"):
        monkeypatch.setenv(name, "foreign")
    assert (load_settings(tmp_path).workspace_name, load_settings(tmp_path).data) == ("demo", Path("data"))


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("GARIMPO_GENRE", "did you mean GARIMPO_GENRES?"),
        ("GARIMPO_CLIENT_ID", "did you mean SPOTIPY_CLIENT_ID?"),
        ("GARIMPO_XYZZY", "the README lists them."),
    ],
)
def test_unknown_variable_is_refused(variable: str, hint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A misspelt variable stops the start: its default might spend a day's quota."""
    monkeypatch.setenv(variable, "mpb")
    assert refusal(tmp_path) == f"{variable} (from environment) is not a setting; {hint} Nothing was started."


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("genre", "genre (from garimpo.toml) is not a setting; did you mean genres?"),
        ("GARIMPO_TIME_ZONE", "time_zone (from garimpo.toml) is not a setting; did you mean timezone?"),
        ("SPOTIPY_CLIENTID", "spotipy_clientid (from garimpo.toml) is not a setting; did you mean client_id?"),
        ("xyzzy", "xyzzy (from garimpo.toml) is not a setting; the README lists them."),
    ],
)
def test_unknown_key_is_refused(key: str, said: str, tmp_path: Path) -> None:
    """So does a misspelt key in the settings file, with the setting that is nearest, if any is near."""
    (tmp_path / "garimpo.toml").write_text(f"{key} = 'mpb'\n", encoding="utf-8")
    assert refusal(tmp_path) == f"{said} Nothing was started."


def test_secrets_file_is_shared(tmp_path: Path) -> None:
    """What others keep in Streamlit's file is theirs, but a name that begins as ours is a misspelt one of ours."""
    write_secrets(tmp_path, "xyzzy = 1\n[auth]\ncookie_secret = 'not ours'\n[connections.sql]\nurl = 'x'\n")
    assert load_settings(tmp_path).workspace_name == "demo"
    (tmp_path / ".streamlit" / "secrets.toml").write_text("GARIMPO_GENRE = 'mpb'\n", encoding="utf-8")
    assert "genre (from .streamlit/secrets.toml) is not a setting; did you mean genres?" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"genres = [mpb\n", b"genres = '\xff'\n", b"\x00\x01\x02"])
def test_corrupt_file_is_named(content: bytes, tmp_path: Path) -> None:
    """A settings file that is no TOML is named, with what to do."""
    (tmp_path / "garimpo.toml").write_bytes(content)
    said = refusal(tmp_path)
    assert said.startswith(f"{tmp_path / 'garimpo.toml'} cannot be read as TOML: ")
    assert said.endswith(". Mend or remove the file; nothing was started.")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("max_requests", "many", "max_requests = 'many' (from the command line): Input should be a valid integer"),
        ("max_requests", 0, "max_requests = 0 (from the command line): Input should be greater than or equal to 1."),
        ("timeout_s", float("inf"), "timeout_s = inf (from the command line): Input should be a finite number."),
        ("genres", " , ", "genres = ' , ' (from the command line): names no genre."),
        ("genres", 5, "genres = 5 (from the command line): is not a list of names in quotes, nor one text with commas"),
        ("genres", ["mpb", 5], "genres = ['mpb', 5] (from the command line): is not a list of names in quotes"),
        ("operators", 5, "operators = 5 (from the command line): is not a list of names in quotes"),
        ("data", " ", "data = ' ' (from the command line): names no folder."),
        ("workspace", "../x", "workspace = '../x' (from the command line): is no name of a workspace: small letters"),
        ("workspace", "Meu acervo", "workspace = 'Meu acervo' (from the command line): is no name of a workspace"),
        ("schedule", "9 9", "schedule = '9 9' (from the command line): is no crontab line: it needs five fields"),
        ("schedule", "0 6 30 2 *", "schedule = '0 6 30 2 *' (from the command line): is no crontab line: that day"),
        ("timezone", "Mars/Olympus", "timezone = 'Mars/Olympus' (from the command line): is not a time zone"),
        ("timezone", "America", "timezone = 'America' (from the command line): is not a time zone"),
        ("language", "fr", "language = 'fr' (from the command line): Input should be 'auto', 'en' or 'pt_BR'."),
        ("api_url", "ftp://x", "api_url = 'ftp://x' (from the command line): is not an http address."),
        ("api_url", "http://127.0.0.1:x/", "api_url = 'http://127.0.0.1:x/' (from the command line): Port could not"),
        ("api_url", "https://x/v1?k=1", "api_url = 'https://x/v1?k=1' (from the command line): carries more than"),
    ],
)  # fmt: skip
def test_wrong_value_is_explained(name: str, value: object, said: str, tmp_path: Path) -> None:
    """The message says which setting, which value, from where and why, and that nothing happened."""
    message = refusal(tmp_path, **{name: value})
    assert message.startswith(said)
    assert message.endswith("Nothing was started.")


def test_variable_is_named_as_typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wrong value from the environment is named by its variable."""
    monkeypatch.setenv("GARIMPO_MAX_REQUESTS", "-1")
    assert refusal(tmp_path).startswith("GARIMPO_MAX_REQUESTS = '-1' (from environment): ")


def test_all_wrong_values_come_at_once(tmp_path: Path) -> None:
    """Two mistakes are two sentences of one message."""
    assert refusal(tmp_path, max_requests=0, demo_days=0).count("Input should be greater than or equal to 1") == 2


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000/v1/", "http://localhost/v1/", "http://[::1]:8000/v1/"])
def test_plain_http_stays_at_home(address: str, tmp_path: Path) -> None:
    """Unencrypted addresses are for this machine."""
    assert load_settings(tmp_path, api_url=address, token_url=address).api_url == address


def test_plain_http_elsewhere_is_refused(tmp_path: Path) -> None:
    """Credentials never leave this machine unencrypted."""
    assert "is not encrypted: use https" in refusal(tmp_path, token_url="http://accounts.spotify.com/api/token")


@pytest.mark.parametrize("name", ["api_url", "token_url"])
def test_services_are_not_mixed(name: str, tmp_path: Path) -> None:
    """A token of one service never goes to the other: both addresses are Spotify's, or neither."""
    assert "belong to different services" in refusal(tmp_path, **{name: "http://127.0.0.1:9/"})


@pytest.mark.parametrize(("given", "missing"), [("client_id", "SECRET"), ("client_secret", "ID")])
def test_half_credentials_are_refused(given: str, missing: str, tmp_path: Path) -> None:
    """Half of the credentials is a mistake, not a wish for the demo."""
    assert f"SPOTIPY_CLIENT_{missing} is not: set both, or neither for the demo" in refusal(tmp_path, **{given: SECRET})


@pytest.mark.parametrize(
    "mixed",
    [{"workspace": "spotify"}, {"workspace": "demo", "client_id": "a", "client_secret": "b"}],
    ids=["demo", "real"],
)
def test_synthetic_and_real_never_mix(mixed: dict[str, str], tmp_path: Path) -> None:
    """The demo cannot be told to fill the real workspace, nor the other way round."""
    assert "would mix synthetic and real data" in refusal(tmp_path, **mixed)


def test_secrets_never_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither printing, nor the doctor, nor an error about other settings shows a credential."""
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", SECRET)
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", SECRET)
    settings = load_settings(tmp_path)
    said = refusal(tmp_path, max_requests=0)
    shown = f"{settings!r} {settings} {settings.model_dump()} {describe_settings(tmp_path)} {said}"
    assert (SECRET in shown, origin_of("client_secret", tmp_path)) == (False, ("set (hidden)", "environment"))


@pytest.mark.parametrize("text", [f"SPOTIPY_CLIENT_ID = ['{SECRET}']", f"api_url = 'https://me:{SECRET}@host/v1/'"])
def test_wrong_secret_is_not_quoted(text: str, tmp_path: Path) -> None:
    """A secret that is refused is refused without being repeated, in the whole traceback."""
    write_secrets(tmp_path, text)
    with pytest.raises(SettingsError) as raised:
        load_settings(tmp_path)
    assert (SECRET in "".join(traceback.format_exception(raised.value)), "(hidden)" in str(raised.value)) == (
        False,
        True,
    )


def test_genres_are_cleaned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Genres are lower case, single-spaced and unique, in the order given."""
    monkeypatch.setenv("GARIMPO_GENRES", " MPB,bossa   nova,,mpb ,Forró")
    assert load_settings(tmp_path).genres == ("mpb", "bossa nova", "forró")


def test_empty_count_means_unsaid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A budget left empty is the program's to choose."""
    monkeypatch.setenv("GARIMPO_QUOTA_REQUESTS", "")
    assert load_settings(tmp_path).quota_requests is None


def test_home_is_expanded(tmp_path: Path) -> None:
    """A data folder may be written with a tilde."""
    assert load_settings(tmp_path, data="~/garimpo").data == Path.home() / "garimpo"


def test_settings_stay_as_loaded(tmp_path: Path) -> None:
    """Nobody changes a setting in passing."""
    with pytest.raises(ValueError, match="frozen"):
        load_settings(tmp_path).max_requests = 5  # type: ignore[misc]


def test_every_setting_has_help() -> None:
    """Each setting has a variable of its own and a sentence of help."""
    rows = list_settings()
    assert [row["name"] for row in rows if not row["help"]] == []
    assert len({row["variable"] for row in rows}) == len(Settings.model_fields)
