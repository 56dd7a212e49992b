"""The machine room's figures follow the jobs."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from recupero.kernel import clock, gauges, jobs, runtime
from recupero.kernel.database import PLATFORM
from recupero.kernel.jobs import JobContext


@jobs.job("gauges.test")
def _nothing(context: JobContext) -> None:
    """A job that has nothing to do."""


def test_waiting_jobs_are_counted_by_queue_with_the_age_of_the_oldest(
    platform: runtime.Runtime, noon: datetime
) -> None:
    with platform.database.transaction(PLATFORM) as session:
        jobs.enqueue(session, "gauges.test", queue="bulk")
        jobs.enqueue(session, "gauges.test", queue="urgent", run_at=noon + timedelta(hours=1))
    clock.advance(timedelta(seconds=90))
    figures = {gauge.name: gauge.measure() for gauge in gauges.of_jobs(platform.database, platform.redis)}
    assert figures["recupero_jobs"] == {("bulk", "queued"): 1, ("urgent", "queued"): 1}
    assert figures["recupero_job_longest_wait_seconds"] == 90
    queues = figures["recupero_queue_depth"]
    assert isinstance(queues, Mapping)
    assert queues == {("urgent",): 0, ("early",): 0, ("default",): 0, ("bulk",): 1}


def test_nothing_waiting_is_no_wait(platform: runtime.Runtime) -> None:
    figures = {gauge.name: gauge.measure() for gauge in gauges.of_jobs(platform.database, platform.redis)}
    assert figures["recupero_jobs"] == {}
    assert figures["recupero_job_longest_wait_seconds"] == 0
