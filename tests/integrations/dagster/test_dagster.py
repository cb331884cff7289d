"""Dagster's own executor on an instance with files of its own: assets, mapped steps, retries, re-execution."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from pipeline.published.checks import CHECKS
from pipeline.records.lock import is_run_locked
from pipeline.runs.external import Owner, begin_run
from pipeline.schema import PUBLISHED
from pipeline.settings import load_settings
from pipeline.workspace import open_workspace
from tests.integrations import far

GENRES = 5  # in one process steps come one after the other
LAPSED = {"rules": [{"what": "premium_lapsed", "where": "*", "from_request": 12}]}  # once genres have been searched
IN_PROCESS = {"execution": {"config": {"in_process": {}}}}


def garimpo() -> Any:
    """The job, with the settings of the environment."""
    from pipeline.integrations.dagster import definitions

    return definitions.resolve_job_def("garimpo")


@pytest.fixture(scope="module")
def instance(tmp_path_factory) -> Iterator[dg.DagsterInstance]:
    """A place for what Dagster keeps."""
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as made:
        yield made


def execute(instance: dg.DagsterInstance, failed: str = "", **config: Any) -> Any:
    """A run, or a re-execution of one from where it failed."""
    options = dg.ReexecutionOptions.from_failure(failed, instance) if failed else None
    asked = IN_PROCESS | ({"ops": {"run": {"ops": {"begin": {"config": config}}}}} if config else {})
    job = dg.reconstructable(garimpo)
    return dg.execute_job(job, instance, run_config=asked, reexecution_options=options)


def steps(instance: dg.DagsterInstance, run_id: str, kind: dg.DagsterEventType) -> list[str]:
    """The steps of a run that had such an event, in order."""
    return [entry.dagster_event.step_key for entry in instance.all_logs(run_id, of_type=kind)]


def test_same_database(instance, simulated, wanted, data):
    """A run publishes what threads publish, by as many requests; genres name mapped steps; each check is evaluated."""
    result = execute(instance, max_requests=5_000)
    assert result.success
    assert far.published(data) == wanted
    assert far.last_run()["requests"] == simulated.counts()["total"]
    ended = steps(instance, result.run_id, dg.DagsterEventType.STEP_SUCCESS)
    names = {name.rstrip("0123456789]_") for name in ended if name.startswith("run.discover[")}
    assert {"run.discover[bossa_nova", "run.discover[mpb"} <= names
    assert steps(instance, result.run_id, dg.DagsterEventType.STEP_UP_FOR_RETRY) == []
    made = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    assert {entry.dagster_event.asset_key.path[0] for entry in made} == set(PUBLISHED)
    evaluated = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    found = {entry.dagster_event.asset_check_evaluation_data.check_name: entry for entry in evaluated}
    assert found.keys() == {check.name for check in CHECKS}
    assert all(entry.dagster_event.asset_check_evaluation_data.passed for entry in found.values())


def test_declared_as_assets(data):
    """Every published table is an asset with its freshness; the job has the settings' schedule and time zone."""
    from pipeline.integrations.dagster import definitions

    dg.Definitions.validate_loadable(definitions)
    specs = {spec.key.path[0]: spec for spec in definitions.resolve_all_asset_specs()}
    assert specs.keys() == set(PUBLISHED)
    assert specs["artists"].freshness_policy == dg.FreshnessPolicy.time_window(timedelta(days=7))
    times = definitions.resolve_schedule_def("garimpo_schedule")
    assert (times.cron_schedule, times.execution_timezone) == ("0 6 * * *", "America/Sao_Paulo")


def test_failed_item_alone_is_retried(instance, simulated, wanted, data):
    """An item that fails is tried again by Dagster, which asks what it was not answered; its siblings are not."""
    artist = next(artist_id for artist_id, *_ in wanted["artists"])
    # Four answers to one call are what a source is given before an attempt has failed.
    simulated.restart({"rules": [{"what": "server_error", "where": f"/v1/artists/{artist}/albums", "times": 4}]})
    result = execute(instance)
    [tried] = steps(instance, result.run_id, dg.DagsterEventType.STEP_UP_FOR_RETRY)
    assert tried.startswith("run.refresh_releases[")
    assert result.success
    assert far.published(data) == wanted
    assert far.last_run()["requests"] == simulated.counts()["total"]


def test_fatal_error_is_not_retried(instance, simulated, wanted, data):
    """What no attempt can mend ends the run at once; re-executed from failure it goes on, and asks nothing twice."""
    simulated.restart(LAPSED)
    result = execute(instance)
    failed = steps(instance, result.run_id, dg.DagsterEventType.STEP_FAILURE)
    assert (result.success, steps(instance, result.run_id, dg.DagsterEventType.STEP_UP_FOR_RETRY)) == (False, [])
    assert {name.partition("[")[0] for name in failed} == {"run.refresh_releases"}
    run = far.last_run()
    assert (run["state"], "Premium" in run["message"]) == ("failed", True)
    simulated.restart()
    again = execute(instance, failed=result.run_id)
    assert again.success
    assert "search" not in simulated.counts()["by_bucket"]
    assert (far.last_run()["run_id"], far.last_run()["state"]) == (run["run_id"], "succeeded")
    assert far.published(data) == wanted


def test_broken_source_ends_run(instance, simulated, wanted, data):
    """A source that breaks in the middle ends the run in a stated way, after Dagster's retries; the next completes."""
    simulated.restart({"rules": [{"what": "reset", "where": "*", "from_request": 12}]})
    result = execute(instance)
    assert (result.success, far.last_run()["state"]) == (False, "failed")
    tried = steps(instance, result.run_id, dg.DagsterEventType.STEP_UP_FOR_RETRY)
    assert {tried.count(name) for name in tried} == {2}
    simulated.restart()
    assert execute(instance).success
    assert far.published(data) == wanted


def test_terminated_run_is_cancelled(instance, data):
    """A run that somebody terminates ends ours as cancelled once Dagster has said so, and the workspace is free."""
    from pipeline.integrations.dagster import cancelled

    settings = load_settings()
    run = instance.create_run_for_job(garimpo())
    begin_run(settings, Owner("dagster", run.run_id))
    instance.report_run_canceled(run)
    event = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_CANCELED)[0].dagster_event
    cancelled(dg.build_run_status_sensor_context("cancelled", event, instance, instance.get_run_by_id(run.run_id)))
    assert far.last_run()["state"] == "cancelled"
    assert not is_run_locked(open_workspace(settings))


def test_terminated_run_that_goes_on_is_left_alone(instance, data):
    """Whoever re-executes a run before Dagster tells that it was terminated keeps ours: it is the same one."""
    from pipeline.integrations.dagster import cancelled

    run = instance.create_run_for_job(garimpo())
    begin_run(load_settings(), Owner("dagster", run.run_id))
    instance.report_run_canceled(run)
    tags = {"dagster/root_run_id": run.run_id, "dagster/parent_run_id": run.run_id}
    again = {"root_run_id": run.run_id, "parent_run_id": run.run_id, "tags": tags}
    instance.create_run_for_job(garimpo(), status=dg.DagsterRunStatus.STARTED, **again)
    event = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_CANCELED)[0].dagster_event
    cancelled(dg.build_run_status_sensor_context("cancelled", event, instance, instance.get_run_by_id(run.run_id)))
    assert far.last_run()["state"] == "running"


def test_one_run_at_a_time(tmp_path):
    """The file that the documents have copied lets a second run wait."""
    shutil.copy("docs/integrations/deploy/dagster.yaml", tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        assert made.get_concurrency_config().run_queue_config.max_concurrent_runs == 1
