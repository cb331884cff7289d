"""The published tables as assets of Dagster: `dagster dev -m pipeline.integrations.dagster`. Needs the group `dagster`.

What makes them is the graph of a run (`dagster_graph`); how fresh they should be the settings say; what checks found is
shown beside each. Settings are read in the folder where Dagster is started.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg

from pipeline.integrations import steps
from pipeline.integrations.dagster_graph import ask, walk
from pipeline.integrations.published_tables import check_results, checked_table, table_rows
from pipeline.published.checks import BLOCKING, CHECKS
from pipeline.runs.external import Owner
from pipeline.schema import PUBLISHED

__all__ = ["definitions"]

FRESH_DAYS = 7  # unless GARIMPO_FRESH_DAYS says otherwise
GOING = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
SPECS = [dg.AssetCheckSpec(check.name, asset=checked_table(check), description=check.promise) for check in CHECKS]


@dg.op(out={name: dg.Out(dg.Nothing) for name in PUBLISHED})  # type: ignore[untyped-decorator]
def end(context: dg.OpExecutionContext, run_id: str) -> Iterator[Any]:
    """How the run ended, and of each table how many rows it has."""
    ask(context, "end_run", run_id)
    for name, facts in table_rows().items():
        yield dg.Output(None, name, metadata={"dagster/row_count": facts["rows"], "generation": facts["generation"]})


@dg.graph_multi_asset(outs={name: dg.AssetOut(description=each.grain) for name, each in PUBLISHED.items()})  # type: ignore[untyped-decorator]
def run() -> Any:
    """One run."""
    return end(walk())


@dg.multi_asset_check(specs=SPECS)  # type: ignore[untyped-decorator]
def checks() -> Iterator[dg.AssetCheckResult]:
    """What each check found when the tables were published."""
    results, severities = check_results(), dg.AssetCheckSeverity
    for asset_key, name in ((spec.asset_key, spec.name) for spec in SPECS):
        severity = severities.ERROR if results[name]["severity"] == BLOCKING else severities.WARN
        facts, passed = {key: str(fact) for key, fact in results[name].items()}, results[name]["violations"] == 0
        yield dg.AssetCheckResult(
            passed=passed, asset_key=asset_key, check_name=name, severity=severity, metadata=facts
        )


@dg.run_status_sensor(dg.DagsterRunStatus.CANCELED, default_status=dg.DefaultSensorStatus.RUNNING)  # type: ignore[untyped-decorator]
def cancelled(context: dg.RunStatusSensorContext) -> None:
    """A run that was terminated lets go of the workspace: its own process may be interrupted between two steps.

    Unless it has been re-executed since: then the same run of ours goes on.
    """
    root = context.dagster_run.root_run_id or context.dagster_run.run_id
    going = dg.RunsFilter(tags={"dagster/root_run_id": root}, statuses=GOING)
    if not context.instance.get_runs(going, limit=1):
        steps.ask("cancel_run", Owner("dagster", root))


settings = steps.settings_of()
policy = dg.FreshnessPolicy.time_window(timedelta(days=settings.fresh_days or FRESH_DAYS))
tables = run.map_asset_specs(lambda spec: spec.replace_attributes(freshness_policy=policy))
job = dg.define_asset_job("garimpo", selection=[*PUBLISHED], config={"execution": {"config": {"in_process": {}}}})
running = dg.DefaultScheduleStatus.RUNNING
when = {"cron_schedule": settings.schedule, "execution_timezone": settings.timezone, "default_status": running}
times = [dg.ScheduleDefinition(job=job, **when)] if settings.schedule else []
definitions = dg.Definitions([tables], asset_checks=[checks], jobs=[job], schedules=times, sensors=[cancelled])
