"""A run in a process of its own: Ray's library ends the process that holds it when its head is gone for good."""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.runs.runner import run_pipeline
from pipeline.settings import Settings
from tests.integrations.far import SECRET

api_url, token_url, data, backend = sys.argv[1:]
result = run_pipeline(
    Settings.model_validate({
        "api_url": api_url, "token_url": token_url, "data": Path(data), "client_id": "garimpo", "client_secret": SECRET,
        "backend": backend, "genres": "jazz,mpb,samba", "window_requests": 45, "max_requests": 10_000,
    })
)  # fmt: skip
sys.stdout.write(f"{result.state} {result.message}\n")
