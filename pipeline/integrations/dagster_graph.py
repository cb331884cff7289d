"""The graph of a run as ops of Dagster; `dagster.py` makes assets of what it publishes.

Each step of ours is one of Dagster's, tried again as `Task.retry` says and by nobody else, an item a mapped one under
its name. What is re-executed goes on with the same run of ours, and asks only what was not answered.
"""

from typing import Any

import dagster as dg

from pipeline.integrations import steps
from pipeline.runs.dag import DAG, Task
from pipeline.runs.external import Owner, is_worth_retrying

__all__ = ["ask", "walk"]


def ask(context: Any, call: str, *asked: Any, retry: Any = steps.USUAL, **named: Any) -> Any:
    """What a step returns. One that failed for good ends the run of ours, but for an item: that fails alone."""
    try:
        return steps.ask(call, *asked, reopen=bool(context.run.parent_run_id and call != "begin_run"), **named)
    except Exception as error:
        again, tried = is_worth_retrying(error), context.retry_number + 1
        if again and tried < retry.attempts:
            raise dg.RetryRequested(retry.attempts - 1, retry.wait_s(tried)) from error
        if again and call == "collect_item":
            context.log.warning(str(error))
            return {"state": "failed", "message": str(error)}
        steps.stop(str(asked[0]))
        raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error


@dg.op(config_schema={"genres": dg.Field([str], is_required=False), "max_requests": dg.Field(int, is_required=False)})  # type: ignore[untyped-decorator]
def begin(context: dg.OpExecutionContext) -> Any:
    """Hold the workspace for a run over these genres, with at most so many requests; else as the settings say."""
    return ask(context, "begin_run", Owner("dagster", context.run.root_run_id or context.run_id), **context.op_config)


def _op(task: Task, call: str, out: Any = None) -> Any:
    @dg.op(name=steps.step_name(task, call), description=task.doc, out=out)  # type: ignore[untyped-decorator]
    def step(context: dg.OpExecutionContext, given: Any, ended: Any = None) -> Any:  # noqa: ARG001  to come after it
        facts = ask(context, call, *(given if isinstance(given, list) else [given, task.name]), retry=task.retry)
        if isinstance(facts, list):
            yield from (dg.DynamicOutput([given, item["item_id"]], steps.item_key(item)) for item in facts)
        else:
            yield dg.Output(given, metadata={key: str(fact) for key, fact in facts.items()})

    return step


def walk() -> Any:
    """Every step in order, for the body of a graph: the run of ours, of which nothing but the end is left."""
    last = begin()
    for task in DAG:
        if task.run is None:
            ended = _op(task, "expand_task", dg.DynamicOut())(last).map(_op(task, "collect_item")).collect()
            last = _op(task, "close_task")(last, ended)
        else:
            last = _op(task, "run_task")(last)
    return last
