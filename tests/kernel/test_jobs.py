"""Jobs: sent after commit, found again when Redis forgets, retried, then visible as dead letters."""

import threading
from datetime import timedelta

import pytest
from rq.exceptions import DequeueTimeout
from rq.serializers import JSONSerializer
from sqlalchemy import select

from recupero.kernel import clock, job_requests, jobs, runtime
from recupero.kernel.database import PLATFORM
from recupero.kernel.job_requests import JobRequest
from recupero.kernel.rq_worker import TakingQueue

ran: list[int] = []


@jobs.job("tests.note")
def _note(context: jobs.JobContext, number: int) -> None:
    ran.append(number)


@jobs.job("tests.fail")
def _fail(context: jobs.JobContext) -> None:
    raise RuntimeError("as it should")


@pytest.fixture(autouse=True)
def _clean() -> None:
    ran.clear()


def _ask(platform: runtime.Runtime, name: str = "tests.note", **arguments: object) -> int | None:
    with platform.database.transaction(PLATFORM) as session:
        return jobs.enqueue(session, name, **arguments)  # type: ignore[arg-type]


def test_a_job_runs_once_after_its_transaction_committed(platform: runtime.Runtime) -> None:
    _ask(platform, number=7)
    jobs.drain()
    jobs.drain()
    assert ran == [7]


def test_a_rolled_back_transaction_sends_nothing(platform: runtime.Runtime) -> None:
    with pytest.raises(RuntimeError, match="no"), platform.database.transaction(PLATFORM) as session:
        jobs.enqueue(session, "tests.note", number=1)
        raise RuntimeError("no")
    jobs.drain()
    assert ran == []


def test_a_savepoint_within_neither_sends_early_nor_forgets(platform: runtime.Runtime) -> None:
    with platform.database.transaction(PLATFORM) as session:
        jobs.enqueue(session, "tests.note", number=1)
        with session.begin_nested():
            session.execute(select(1))
        assert jobs.rq_queue("default").count == 0
        with pytest.raises(RuntimeError, match="no"), session.begin_nested():
            raise RuntimeError("no")
    assert jobs.rq_queue("default").count == 1
    jobs.drain()
    assert ran == [1]


def test_a_job_lost_with_redis_is_swept_up(platform: runtime.Runtime, noon: object) -> None:
    _ask(platform, number=3)
    platform.redis.flushdb()
    clock.advance(jobs.RESEND_AFTER + timedelta(seconds=1))
    jobs.drain()
    assert ran == [3]


def test_a_later_job_waits_for_its_time(platform: runtime.Runtime, noon: object) -> None:
    _ask(platform, number=4, run_at=clock.now() + timedelta(hours=1))
    jobs.drain()
    assert ran == []
    clock.advance(timedelta(hours=1))
    jobs.drain()
    assert ran == [4]


def test_a_unique_key_is_asked_for_once_while_it_waits(platform: runtime.Runtime) -> None:
    assert _ask(platform, number=5, unique_key="one") is not None
    assert _ask(platform, number=5, unique_key="one") is None
    jobs.drain()
    assert ran == [5]
    assert _ask(platform, number=5, unique_key="one") is not None


def test_a_failing_job_backs_off_and_ends_as_a_dead_letter(platform: runtime.Runtime, noon: object) -> None:
    request_id = _ask(platform, "tests.fail")
    for _ in range(jobs.MAX_ATTEMPTS):
        jobs.drain()
        clock.advance(timedelta(minutes=40))
    with platform.database.transaction(PLATFORM) as session:
        row = session.execute(select(JobRequest).where(JobRequest.id == request_id)).scalar_one()
    assert (row.status, row.attempts, row.error) == ("dead", jobs.MAX_ATTEMPTS, "builtins.RuntimeError")
    assert job_requests.requeue_dead(row.id)
    assert not job_requests.requeue_dead(row.id)


def test_a_job_without_handler_is_refused_at_once(platform: runtime.Runtime) -> None:
    with pytest.raises(ValueError, match="no handler"):
        _ask(platform, "tests.unknown")


def test_a_job_that_is_taken_leaves_nothing_in_redis(platform: runtime.Runtime) -> None:
    _ask(platform, queue="default", number=8)
    _ask(platform, queue="urgent", number=9)
    queues = [jobs.rq_queue(name) for name in jobs.QUEUES]
    found = TakingQueue.dequeue_any(queues, None, platform.redis)
    assert found is not None
    job, queue = found
    assert queue.name == "urgent"
    assert not platform.redis.exists(job.key)
    job.perform()
    assert ran == [9]
    jobs.drain()
    assert ran == [9, 8]
    assert platform.redis.keys("rq:job:*") == []


def test_what_redis_has_half_forgotten_is_passed_over(platform: runtime.Runtime) -> None:
    _ask(platform, number=1)
    _ask(platform, number=2)
    first, *_others = jobs.rq_queue("default").job_ids
    platform.redis.hdel(f"rq:job:{first}", "data")
    jobs.drain()
    assert ran == [2]


@pytest.mark.parametrize("names", [("urgent",), jobs.QUEUES])
def test_a_worker_that_has_nothing_to_do_waits_for_what_comes(
    platform: runtime.Runtime, names: tuple[str, ...]
) -> None:
    queues = [jobs.rq_queue(name) for name in names]
    with pytest.raises(DequeueTimeout):
        TakingQueue.dequeue_any(queues, 1, platform.redis)  # seconds
    later = threading.Timer(0.2, _ask, [platform], {"queue": "urgent", "number": 6})
    later.start()
    found = TakingQueue.dequeue_any(queues, 30, platform.redis, serializer=JSONSerializer)
    later.join()
    assert found is not None
    found[0].perform()
    assert ran == [6]
    assert platform.redis.keys("rq:job:*") == []
    assert platform.redis.keys("rq:queue:urgent*") == []
