from __future__ import annotations

import os
import signal
import time

import pytest

from tests.integrations.systems import TO_END_S, names, tried, turned

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the systems are set up by bash")

SCRIPTS = {
    "a-well": "touch $WORK/installed; until [ -e $WORK/turn ]; do sleep 0.01; done; echo fine",
    "b-away": "echo no java on the path; exit 77",
    "c-broken": "echo one test failed; exit 1",
}


@pytest.fixture
def folders(tmp_path):
    """Three systems: one that runs, one that is not to be had, one that fails."""
    for name, script in SCRIPTS.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.sh").write_text(script + "\n", encoding="utf-8")
    return [tmp_path / name for name in names(tmp_path)]


def ends(folders, limit_s: float = 30, deadline_s: float = 60) -> list[tuple[str, str, str]]:
    """Name, state and reason of each."""
    found = tried(folders, limit_s, time.monotonic() + deadline_s)
    return sorted((each.name, each.state, each.reason) for each in found)


def test_each_end_stated(folders):
    """What runs, what cannot be had and what fails are told apart, each with its last word."""
    assert ends(folders) == [
        ("a-well", "ran", "fine"),
        ("b-away", "not run", "no java on the path"),
        ("c-broken", "FAILED", "at the second try: one test failed"),
    ]


def test_little_is_shown_of_success(folders, capsys):
    """Of what a system says that ran, its figures and the end of its tests are shown, and none of its own log."""
    said = "FIGURES {}\\n3 passed in 1.00s\\nDEBUG check passed (ours)\\n3 rows"
    (folders[0] / "run.sh").write_text(f"printf '{said}'\n", encoding="utf-8")
    ends(folders[:1])
    assert capsys.readouterr().out.splitlines() == ["== a-well: ran", "FIGURES {}", "3 passed in 1.00s"]


def test_stumble_gets_second_try(folders, tmp_path):
    """A system that fails once is tried again after the others, and what it says tells so."""
    (folders[0] / "run.sh").write_text(f"mkdir {tmp_path}/been || exec echo fine; exit 1", encoding="utf-8")
    assert ends(folders[:2])[0] == ("a-well", "ran", "at the second try: fine")


def test_failure_outlives_the_time(folders):
    """A system that failed, and has no time left for its second try, has failed."""
    (folders[0] / "run.sh").write_text("sleep 1; echo it broke; exit 1", encoding="utf-8")
    assert ends(folders[:1], deadline_s=20.5) == [("a-well", "FAILED", "it broke")]


def test_no_time_names_them(folders):
    """What the deadline leaves no time for is named, and is no failure."""
    assert ends(folders, deadline_s=1) == [(folder.name, "not run", "no time left") for folder in folders]


def test_hanging_system_fails(folders):
    """A system that does not end within its own limit failed, and is told to end, in the background, too."""
    (folders[0] / "run.sh").write_text("sleep 60", encoding="utf-8")
    began, before = time.monotonic(), signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert ends(folders[:1], limit_s=0.3) == [("a-well", "FAILED", "at the second try: took too long")]
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < TO_END_S


@pytest.mark.parametrize(("beside", "most"), [("", 2), (str(os.getpid()), 1)], ids=["alone", "beside"])
def test_two_lanes_one_beside(tmp_path, monkeypatch, beside, most):
    """Two systems are tried at a time, while a third installs; one, while another process is at work."""
    monkeypatch.setenv("BESIDE", beside)
    busy, seen = tmp_path / "busy", tmp_path / "seen"
    for name in "abcd":
        (tmp_path / name).mkdir()
        lane = f"mkdir -p {busy}/{name}; sleep 0.5; ls {busy} | wc -w >>{seen}; rmdir {busy}/{name}"
        (tmp_path / name / "run.sh").write_text(f"{SCRIPTS['a-well']}; {lane}\n", encoding="utf-8")
    assert {state for _, state, _ in ends([tmp_path / name for name in "abcd"])} == {"ran"}
    assert max(map(int, seen.read_text(encoding="utf-8").split())) == most


def test_longest_first_others_in_turn():
    """What takes longest begins; from one start to the next every other one is the last once."""
    listed = ["a", "airflow", "b", "c", "spark"]
    assert [turned(listed, by) for by in range(2)] == [
        ["airflow", "spark", "a", "b", "c"],
        ["airflow", "spark", "b", "c", "a"],
    ]
