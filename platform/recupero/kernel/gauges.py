"""What the machine room shows of the jobs: how many wait, for how long, and how many were given up."""

from collections.abc import Mapping

from redis import Redis
from sqlalchemy import func, select

from recupero.kernel import clock, jobs
from recupero.kernel.database import PLATFORM, Database
from recupero.kernel.job_requests import JobRequest
from recupero.kernel.telemetry import Gauge


def of_jobs(database: Database, redis: Redis) -> list[Gauge]:
    """Gauges over the requests in PostgreSQL (the truth) and the queues in Redis (what was sent)."""

    def open_requests() -> Mapping[tuple[str, ...], float]:
        counted = select(JobRequest.queue, JobRequest.status, func.count()).group_by(
            JobRequest.queue, JobRequest.status
        )
        with database.transaction(PLATFORM) as session:
            rows = session.execute(counted.where(JobRequest.status != "done")).all()
        return {(queue, status): float(number) for queue, status, number in rows}

    def longest_wait() -> float:
        oldest = select(func.min(JobRequest.run_at)).where(JobRequest.status == "queued")
        with database.transaction(PLATFORM) as session:
            due = session.execute(oldest).scalar_one()
        return 0.0 if due is None else max(0.0, (clock.now() - due).total_seconds())

    def sent() -> Mapping[tuple[str, ...], float]:
        return {(name,): float(jobs.rq_queue(name, redis).count) for name in jobs.QUEUES}

    return [
        Gauge("recupero_jobs", "Job requests that are not done", open_requests, ("queue", "status")),
        Gauge("recupero_job_longest_wait_seconds", "Age of the oldest due request", longest_wait),
        Gauge("recupero_queue_depth", "Jobs sent to Redis and not yet taken", sent, ("queue",)),
    ]
