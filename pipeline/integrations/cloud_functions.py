"""Google Cloud Functions: `collect` answers a POST of one batch, `orchestrate` a list of genres and artists.

Credentials come from the function's own environment; who may call it the platform says (`--no-allow-unauthenticated`).
"""

from __future__ import annotations

from typing import Any

import functions_framework

from pipeline.integrations import orchestrate as orchestration
from pipeline.integrations.wire import FUNCTION_BYTES, answer

__all__ = ["collect", "orchestrate"]


@functions_framework.http  # type: ignore[untyped-decorator]
def collect(request: Any) -> Any:
    """What one batch brought: see `wire`; 400 for anything that is no batch."""
    event = request.get_json(silent=True)
    if not isinstance(event, dict) or not {"batch", "allowance"} <= event.keys():
        return {"error": "not a batch with its allowance"}, 400
    return answer(event, FUNCTION_BYTES)


@functions_framework.http  # type: ignore[untyped-decorator]
def orchestrate(request: Any) -> Any:
    """One call of the function at `worker` for every genre and artist: see `orchestrate.results`."""
    event = request.get_json(silent=True)
    if not isinstance(event, dict) or not {"worker", "run_id", "on"} <= event.keys():
        return {"error": "worker, run_id and on are needed"}, 400
    from pipeline.integrations.functions_client import poster

    return orchestration.results(event, poster(str(event["worker"])))
