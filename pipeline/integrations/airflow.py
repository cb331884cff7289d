"""The graph of a run as a DAG of Airflow: `dag = garimpo_dag()` in a file of the dags folder. Group: `airflow`.

Airflow owns the run: each step is a process, tried again as `Task.retry` says and by nobody else; an item is a mapped
instance under its name. Clearing one clears begin and end of its run, expand and close of its task, and no sibling.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, Param, TaskGroup, chain, exceptions, task

from pipeline.errors import GarimpoError
from pipeline.integrations import steps
from pipeline.runs import dag, external
from pipeline.settings import load_settings

__all__ = ["garimpo_dag"]


def step(folder: str, call: str, run: str, name: str = "", item: Any = None, params: Any = None) -> Any:
    """What a step returns; an item put off or left out shows as skipped, what no attempt would mend fails at once."""
    given = {**params, "go_on": True} if call == "begin_run" else {}
    asked = [external.Owner("airflow", run)] if given else [run, item["item_id"] if item else name]
    try:
        facts = steps.ask(call, *filter(None, asked), folder=Path(folder), **given)
    except GarimpoError as error:
        if external.is_worth_retrying(error):
            raise
        raise exceptions.AirflowFailException(f"{type(error).__name__}: {error}") from error
    if (state := steps.ended(facts)) == "failed" or (item and state != "succeeded"):
        raise (exceptions.AirflowSkipException if item else exceptions.AirflowFailException)(facts["message"])
    return facts


def _step(task_id: str, retry: dag.Retry, **more: Any) -> Any:
    waits = {"retry_delay": retry.first_wait_s, "max_retry_delay": retry.cap_s, "retry_exponential_backoff": 2.0}
    return task(task_id=task_id, retries=retry.attempts - 1, **waits, **more)(step)


def _steps_of(each: dag.Task, asked: dict[str, str]) -> list[Any]:
    if each.run is not None:
        return [_step(each.name, each.retry, doc_md=each.doc)(call="run_task", name=each.name, **asked)]
    with TaskGroup(each.name, tooltip=each.doc):
        listed = _step("expand", each.retry)(call="expand_task", name=each.name, **asked).as_setup()
        item = _step("collect", each.retry, map_index_template="{{ task.op_kwargs['item']['label'] }}")
        closed = _step("close", each.retry)(call="close_task", name=each.name, **asked).as_teardown(setups=listed)
        return [listed, item.partial(call="collect_item", **asked).expand(item=listed), closed]


def garimpo_dag(folder: Path = Path(__file__).parents[2], dag_id: str = "garimpo") -> DAG:
    """The graph, scheduled as the settings of a folder say; a relative GARIMPO_DATA is in that folder, too."""
    settings, asked = load_settings(folder), {"folder": str(folder), "run": "{{ ti.xcom_pull(task_ids='begin') }}"}
    cron = None
    if settings.schedule:  # what was just missed is left: with False Airflow makes up for it
        cron = CronTriggerTimetable(settings.schedule, timezone=settings.timezone, run_immediately=timedelta(0))
    genres = Param(list(settings.genres), type="array", items={"type": "string"})
    params = {"genres": genres, "max_requests": Param(settings.max_requests, type="integer", minimum=1)}
    with DAG(dag_id, schedule=cron, catchup=False, max_active_runs=1, params=params, doc_md=__doc__) as made:
        begun = _step("begin", steps.USUAL)(**asked | {"call": "begin_run", "run": "{{ dag.dag_id }} {{ run_id }}"})
        end = _step("end", steps.USUAL)(call="end_run", **asked).as_teardown(setups=begun, on_failure_fail_dagrun=True)
        chain(begun.as_setup(), *(made for each in dag.DAG for made in _steps_of(each, asked)), end)
    return made
