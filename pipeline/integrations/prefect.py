"""The graph of a run as a flow of Prefect, `garimpo`, which `serve()` keeps on its schedule. Needs the group `prefect`.

Prefect owns the run: each step is a task run, tried again as `Task.retry` says and by nobody else; an item is one under
its name. A flow run that is started again begins another run, which asks what the last one left.
"""

from __future__ import annotations

from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import TerminationSignal
from prefect.runtime import flow_run
from prefect.schedules import Cron
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.annotations import allow_failure, quote

from pipeline.integrations import steps
from pipeline.runs.external import Owner, is_worth_retrying
from pipeline.settings import load_settings

__all__ = ["garimpo", "serve"]


@task(cache_policy=NO_CACHE, retry_condition_fn=lambda _task, _run, state: is_worth_retrying(state.data))  # type: ignore[untyped-decorator]
def step(call: str, asked: list[Any], **named: Any) -> Any:
    """What a step of a run returns, as a state called as it ended where that is not simply well."""
    facts = steps.ask(call, *asked, **named)
    if (state := steps.ended(facts)) == "succeeded":
        return facts
    return (Failed if state == "failed" else Completed)(data=facts, name=state.title(), message=facts["message"])


def _submit(name: str, call: str, asked: Any, retry: Any = steps.USUAL, after: Any = (), **named: Any) -> Any:
    waits, kind = steps.waits_s(retry), name.partition(":")[0]
    tried = step.with_options(name=kind, task_run_name=name, retries=len(waits), retry_delay_seconds=waits)
    return tried.submit(call, quote(asked), wait_for=[allow_failure(each) for each in after], **named)


@flow(task_runner=ThreadPoolTaskRunner(max_workers=8))  # type: ignore[untyped-decorator]  # they wait for answers
def garimpo(genres: list[str] | None = None, max_requests: int | None = None) -> Any:
    """One run over these genres, with at most so many requests; the settings say what is not given."""
    asked: dict[str, Any] = {"genres": tuple(genres or ()), "max_requests": max_requests}
    owner = Owner("prefect", str(flow_run.id))
    last = begun = _submit("begin", "begin_run", [owner], **asked)
    run_id = begun.result()
    try:
        last = steps.walk(_submit, run_id, begun)
    except (KeyboardInterrupt, TerminationSignal):  # as a cancelled flow run's process is told
        steps.ask("cancel_run", owner)
        raise
    finally:
        facts = _submit("end", "end_run", [run_id], after=[last]).result()
    return Completed(name=facts["state"].title(), message=facts["message"] or run_id)


def serve() -> None:
    """Start runs when the settings' schedule says so, and when somebody asks Prefect to, until interrupted."""
    settings = load_settings()
    times = [Cron(settings.schedule, timezone=settings.timezone)] if settings.schedule else []
    garimpo.serve("garimpo", schedules=times, limit=1, entrypoint_type=EntrypointType.MODULE_PATH)
