"""AWS Lambda: `handler` collects one batch, `orchestrate` turns a list of genres and artists into one invocation each.

Credentials come from the function's own environment. Answers keep below what an invocation may return.
"""

from __future__ import annotations

from typing import Any

from pipeline.integrations.orchestrate import Invoke, results
from pipeline.integrations.wire import LAMBDA_BYTES, answer

__all__ = ["handler", "orchestrate"]


def handler(event: dict[str, Any], context: object = None) -> dict[str, Any]:  # noqa: ARG001  Lambda's signature
    """What one batch brought: see `wire`. A failure inside travels as a value, so that Lambda does not run it again."""
    return answer(event, LAMBDA_BYTES)


def orchestrate(event: dict[str, Any], context: object = None, invoke: Invoke = handler) -> dict[str, Any]:
    """One invocation of `handler` for every genre and artist of the event; see `orchestrate.results`.

    Inside AWS the event's `worker` names the function that has `handler`: that one is invoked, side by side.
    """
    name = str(event.get("worker", ""))
    if name and context is not None:
        from pipeline.integrations.lambda_client import invoker

        invoke = invoker(name)
    return results(event, invoke)
