"""The declared graph, pinned in one screen."""

from __future__ import annotations

from pipeline.runs.dag import DAG, render_mermaid, render_text


def test_graph_is_pinned():
    """Names, order, predecessors, mapping, bucket and share of every task: a change here is a decision."""
    assert [(t.name, t.after, t.mapped_over, t.bucket, t.share) for t in DAG] == [
        ("probe", (), "", "", 1.0),
        ("plan", ("probe",), "", "", 1.0),
        ("discover", ("plan",), "genre × page range", "search", 0.4),
        ("refresh_artists", ("discover",), "artists", "artist", 0.5),
        ("refresh_releases", ("refresh_artists",), "artists", "albums", 0.8),
        ("refresh_tracks", ("refresh_releases",), "releases", "albums", 1.0),
        ("publish", ("refresh_tracks",), "", "", 1.0),
        ("check", ("publish",), "", "", 1.0),
        ("send", ("check",), "", "", 1.0),
    ]


def test_graph_prints_as_text():
    """One line a task: what it does, what it is mapped over, what it comes after."""
    line = render_text().splitlines()[2]
    assert (
        line
        == "discover          search pages of each genre, from the kept offset [one per genre × page range] after plan"
    )


def test_graph_prints_as_mermaid():
    """Mapped tasks are double-framed, every edge is drawn."""
    text = render_mermaid()
    assert "    discover[[discover]]" in text
    assert text.count("-->") == 8


def test_graph_can_be_executed():
    """No name stands twice, each task comes after earlier rows alone, and either runs once or is expanded."""
    names = [task.name for task in DAG]
    assert len(set(names)) == len(names)
    assert [task.name for place, task in enumerate(DAG) if not set(task.after) <= set(names[:place])] == []
    assert [task.name for task in DAG if (task.run is None) == (task.expand is None)] == []
