"""Periodic jobs are asked for once an interval, whatever became of what was asked for."""

from datetime import timedelta

from sqlalchemy import delete, select

from recupero.kernel import clock, jobs, periodic, runtime
from recupero.kernel.database import PLATFORM
from recupero.kernel.job_requests import JobRequest

NAME = "kernel.prune_jobs"  # once a day


def _waiting(platform: runtime.Runtime) -> int:
    with platform.database.transaction(PLATFORM) as session:
        return len(session.execute(select(JobRequest).where(JobRequest.name == NAME)).all())


def test_a_job_is_asked_for_when_its_interval_has_passed(platform: runtime.Runtime) -> None:
    noon = clock.now()
    with clock.simulated(noon):
        assert periodic.ask_due([NAME]) == [NAME]
        jobs.drain()
        clock.set_to(noon + timedelta(hours=23))
        assert periodic.ask_due([NAME]) == []
        clock.set_to(noon + timedelta(hours=24))
        assert periodic.ask_due([NAME]) == [NAME]


def test_what_still_waits_is_not_asked_for_twice_and_again_as_soon_as_it_is_done(
    platform: runtime.Runtime,
) -> None:
    noon = clock.now()
    with clock.simulated(noon):
        periodic.ask_due([NAME])
        clock.set_to(noon + timedelta(days=2))
        assert periodic.ask_due([NAME]) == []
        assert _waiting(platform) == 1
        jobs.drain()
        assert periodic.ask_due([NAME]) == [NAME]


def test_it_is_remembered_where_the_request_is_forgotten(platform: runtime.Runtime) -> None:
    periodic.ask_due([NAME])
    with platform.database.transaction(PLATFORM) as session:
        session.execute(delete(JobRequest))
    assert periodic.ask_due([NAME]) == []
    assert set(periodic.ask_due()) == set(jobs.periodic_jobs()) - {NAME}
