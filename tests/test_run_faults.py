"""A run against a faulty network: whatever breaks on the way, all the simulator holds arrives, exactly once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.simulator.config import SimulatorConfig
from pipeline.simulator.server import running
from tests.worlds import collect, database, genre_names, held, stable_tables

NOON = "2026-03-10T12:00:00Z"
MIXED = {"seed": 11, "rules": [{"what": "mixed", "share": 0.01}]}  # 1 % each of the eight faults


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["development", "legacy", "extended"])
def test_faults_lose_nothing(profile: str, tmp_path: Path):
    """With 1 % each of 429, 500, 502, 503, timeout, reset, truncated and broken JSON the database equals the truth."""
    artists = 60 if profile == "development" else 200
    config = SimulatorConfig(profile=profile, artists=artists, seed=8, now=NOON, scenario=MIXED, clock_speed=60)
    with running(config) as simulator:
        results = [collect(simulator, tmp_path, timeout_s=0.4)]
        while results[-1].state != "succeeded" or results[-1].requests:
            results.append(collect(simulator, tmp_path, timeout_s=0.4))
        counts, truth = simulator.counts(), simulator.truth(on="2026-03-10", genres=genre_names(simulator))
    assert sum(counts["faults"].values()) > 20
    found = stable_tables(database(tmp_path))
    assert found == held(truth, numbers=profile != "development")
