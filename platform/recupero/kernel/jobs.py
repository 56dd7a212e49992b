"""Work done later: one enqueue function, JSON arguments, ids and a tenant scope.

A job request is a row in PostgreSQL, written in the transaction that wants it done, and its id goes to Redis
after the commit. Redis only carries ids: what is lost there (a crash between commit and send, an emptied
server, a killed worker) is sent again by `sweep`. A handler must therefore be safe to run twice.
"""

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import delete, or_, select, text, update
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.kernel import clock, events, runtime
from recupero.kernel.database import PLATFORM, Scope, scope_of
from recupero.kernel.job_requests import JobRequest
from recupero.kernel.rq_worker import TakingQueue, Worker
from recupero.kernel.statements import Parameters, Statement

log = logging.getLogger(__name__)

#: In the order in which workers take from them; `early` is what each creditor has first.
QUEUES = ("urgent", "early", "default", "bulk")
LEASE = timedelta(minutes=15)
RESEND_AFTER = timedelta(minutes=2)
MAX_ATTEMPTS = 5


@dataclass
class JobContext:
    """What a handler gets beside its arguments. `in_company`: whether requests like this one (name, queue and
    scope) waited as it was taken, asked of those that are urgent or a creditor's first."""

    request_id: int
    scope: Scope
    attempt: int
    in_company: bool = False
    booked: bool = False

    def ask_done(self) -> tuple[Statement, Parameters]:
        """What books the job as done, to be asked (`statements.ask`) in the last transaction of a handler
        that does nothing after it: then neither stands without the other, and nothing is booked once more."""
        self.booked = True
        return _DONE_WITH, {"id": self.request_id, "now": clock.now()}

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction in the job's scope."""
        with runtime.current().database.transaction(self.scope) as session:
            yield session


Handler = Callable[..., Any]
_handlers: dict[str, Handler] = {}
_periodic: dict[str, timedelta] = {}


def job(name: str) -> Callable[[Handler], Handler]:
    """Register `handler(context, **arguments)` under `room.verb`."""

    def register(handler: Handler) -> Handler:
        if _handlers.setdefault(name, handler) is not handler:
            raise ValueError(f"two handlers claim the job {name}")
        return handler

    return register


def periodic(name: str, every: timedelta) -> Callable[[Handler], Handler]:
    """Register a job that the scheduler asks for again and again, in the platform scope."""

    def register(handler: Handler) -> Handler:
        _periodic[name] = every
        return job(name)(handler)

    return register


def _known() -> dict[str, Handler]:
    events.wired()
    return _handlers


def periodic_jobs() -> dict[str, timedelta]:
    """Name and interval of each periodic job."""
    events.wired()
    return dict(_periodic)


def enqueue(
    session: Session,
    name: str,
    *,
    queue: str = "default",
    scope: Scope | None = None,
    run_at: datetime | None = None,
    unique_key: str | None = None,
    **arguments: Any,
) -> int | None:
    """Ask for `name(**arguments)` once this transaction has committed.

    Arguments are JSON (ids, not objects, no personal data). With `unique_key`, nothing is added while a
    request with that key waits or runs, and None is returned. `scope` defaults to the session's.
    """
    if name not in _known():
        raise ValueError(f"no handler is registered for the job {name!r}")
    if queue not in QUEUES:
        raise ValueError(f"unknown queue {queue!r}: one of {', '.join(QUEUES)}")
    scope, now = scope or scope_of(session), clock.now()
    due = run_at or now
    request_id = session.execute(
        insert(JobRequest)
        .values(
            name=name, queue=queue, arguments=arguments, agency_id=scope.agency_id,
            tenant_ids=list(scope.tenant_ids), unique_key=unique_key, status="queued", attempts=0,
            created_at=now, run_at=due,
            sent_at=now if due <= now else None,  # a send that is then lost is found by the sweep
        )
        .on_conflict_do_nothing()
        .returning(JobRequest.id)
    ).scalar_one_or_none()  # fmt: skip
    if request_id is not None and due <= now:
        _send_after_commit(session, request_id, queue)
    return request_id


# What `enqueue` does, as part of a larger statement (parameters: `ask_parameters`); `when` is a condition. It
# returns the request's id, which `send_asked` takes after the commit.
ASK = """INSERT INTO job_requests
        (name, queue, arguments, agency_id, tenant_ids, unique_key, status, attempts, created_at, run_at,
         sent_at)
    SELECT %(job)s, %(queue)s, '{{}}', %(job_agency)s, %(job_tenants)s::bigint[], %(unique_key)s, 'queued', 0,
           %(asked_at)s, %(asked_at)s, %(asked_at)s
    WHERE {when}
    ON CONFLICT DO NOTHING
    RETURNING id"""


def ask_parameters(name: str, *, queue: str, scope: Scope, unique_key: str) -> dict[str, Any]:
    """The parameters of `ASK`: a job without arguments, now, once while one with its key waits or runs."""
    return {
        "job": name, "queue": queue, "job_agency": scope.agency_id, "job_tenants": list(scope.tenant_ids),
        "unique_key": unique_key, "asked_at": clock.now(),
    }  # fmt: skip


def _send_after_commit(session: Session, request_id: int, queue: str) -> None:
    waiting: list[tuple[int, str]] | None = session.info.get("jobs")
    if waiting is None:
        waiting = session.info["jobs"] = []
        sqlalchemy_event.listen(session, "after_commit", _send_waiting)
        sqlalchemy_event.listen(session, "after_rollback", _forget_waiting)
    waiting.append((request_id, queue))


def _forget_waiting(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info["jobs"].clear()


def _send_waiting(session: Session) -> None:
    """Hand over what was asked for. Not at the end of a savepoint, which is told as a commit: a worker
    would look for what nobody else sees yet, and the sweep would find it minutes later."""
    if session.in_nested_transaction():
        return
    waiting, session.info["jobs"] = session.info["jobs"], []
    for request_id, queue in waiting:
        if not send_asked(request_id, queue):
            return


def send_asked(request_id: int, queue: str) -> bool:
    """Hand over a request that is committed. False where Redis is away: then the sweep sends it."""
    try:
        send(request_id, queue)
    except RedisConnectionError:
        log.warning("redis is away: job request %s stays in PostgreSQL for the sweep", request_id)
        return False
    return True


def send(request_id: int, queue: str) -> None:
    """Hand the id to RQ."""
    rq_queue(queue).enqueue(
        "recupero.kernel.jobs.run",
        request_id,
        result_ttl=0,
        failure_ttl=0,
        job_timeout=int(LEASE.total_seconds()),
    )


def rq_queue(name: str, connection: "Redis | None" = None) -> Queue:
    return TakingQueue(name, connection=connection or runtime.current().redis, serializer=JSONSerializer)


def run(request_id: int) -> None:
    """What an RQ worker calls: claim the request, run its handler, book the result."""
    claimed = _claim(request_id)
    if claimed is None:
        return
    name, arguments, context = claimed
    try:
        _known()[name](context, **arguments)
    except Exception as error:  # noqa: BLE001 - whatever a handler raises ends in the request's row
        _book_failure(context, name, error)
    else:
        if not context.booked:
            runtime.current().database.at_once(_DONE, {"id": request_id, "now": clock.now()})


# A claim and the end of a job do not wait for the disk: where the server's machine dies within the next
# moments they are forgotten, and the job runs again, which handlers bear. Each is one round trip.
_CLAIM = """
WITH claimed AS (
    UPDATE job_requests SET status = 'running', leased_until = %(leased_until)s, attempts = attempts + 1
    WHERE id = %(id)s AND (status = 'queued' OR status = 'running' AND leased_until < %(now)s)
    RETURNING name, arguments, agency_id, tenant_ids, attempts, id, queue,
              set_config('synchronous_commit', 'off', true))
SELECT name, arguments, agency_id, tenant_ids, attempts,
       queue IN ('urgent', 'early') AND EXISTS (
           SELECT FROM job_requests o
           WHERE o.status = 'queued' AND o.run_at <= %(now)s AND o.id <> m.id AND o.name = m.name
               AND o.queue = m.queue AND o.tenant_ids = m.tenant_ids
               AND o.agency_id IS NOT DISTINCT FROM m.agency_id)
FROM (SELECT) AS one LEFT JOIN claimed m ON true"""
_BOOK = """
UPDATE job_requests SET status = 'done', finished_at = {now}, leased_until = NULL, error = NULL
WHERE id = {id}"""
_DONE = _BOOK.format(now="%(now)s", id="%(id)s") + " RETURNING set_config('synchronous_commit', 'off', true)"
_DONE_WITH = Statement(text(_BOOK.format(now=":now", id=":id")))


def _claim(request_id: int) -> tuple[str, dict[str, Any], JobContext] | None:
    """Take the request if it waits, or if its worker died holding it. None where somebody else has it."""
    now = clock.now()
    row = runtime.current().database.at_once(
        _CLAIM, {"id": request_id, "now": now, "leased_until": now + LEASE}
    )
    name, arguments, agency_id, tenant_ids, attempt, in_company = row
    if name is None:
        return None
    scope = Scope(agency_id, tuple(tenant_ids), platform=agency_id is None)
    return name, arguments, JobContext(request_id, scope, attempt, in_company)


def _book_failure(context: JobContext, name: str, error: Exception) -> None:
    """Back off 2, 4, 8, 16 minutes, then the dead-letter list. The text names the error's class only."""
    log.exception("job %s failed", name, extra={"job_request": context.request_id})
    reason = f"{type(error).__module__}.{type(error).__name__}"
    if context.attempt >= MAX_ATTEMPTS:
        _book(context.request_id, status="dead", finished_at=clock.now(), leased_until=None, error=reason)
        return
    again = clock.now() + timedelta(minutes=2**context.attempt)
    _book(context.request_id, status="queued", run_at=again, sent_at=None, leased_until=None, error=reason)


def _book(request_id: int, **values: Any) -> None:
    with runtime.current().database.transaction(PLATFORM) as session:
        session.execute(update(JobRequest).where(JobRequest.id == request_id).values(**values))


def sweep(limit: int = 5000) -> int:
    """Send what is due and was never sent, was lost in Redis, or whose worker died. Returns how many."""
    now = clock.now()
    lost = or_(JobRequest.sent_at.is_(None), JobRequest.sent_at < now - RESEND_AFTER)
    due = select(JobRequest.id).where(
        or_(
            (JobRequest.status == "queued") & (JobRequest.run_at <= now) & lost,
            (JobRequest.status == "running") & (JobRequest.leased_until < now) & lost,
        )
    )
    with runtime.current().database.transaction(PLATFORM) as session:
        rows = session.execute(
            update(JobRequest)
            .where(
                JobRequest.id.in_(
                    due.order_by(JobRequest.run_at).limit(limit).with_for_update(skip_locked=True)
                )
            )
            .values(sent_at=now)
            .returning(JobRequest.id, JobRequest.queue)
        ).all()
    for request_id, queue in rows:
        send(request_id, queue)
    return len(rows)


def release_key(context: JobContext) -> None:
    """Let the same `unique_key` be asked for again while this request runs: a handler that looks for its work
    calls this first, so that work which comes later has a request of its own."""
    _book(context.request_id, unique_key=None)


_OTHERS = """
SELECT coalesce(jsonb_agg(arguments ORDER BY id), '[]') FROM (
    SELECT o.id, o.arguments FROM job_requests m JOIN job_requests o
        ON o.name = m.name AND o.queue = m.queue AND o.tenant_ids = m.tenant_ids
        AND o.agency_id IS NOT DISTINCT FROM m.agency_id
    WHERE m.id = %(id)s AND o.status = 'queued' AND o.run_at <= %(now)s
    ORDER BY o.id LIMIT %(most)s) AS waiting"""


def waiting_behind(context: JobContext, most: int) -> list[dict[str, Any]]:
    """The arguments of requests like this one (name, queue and scope) that wait now, the oldest first. A
    handler may do their work together with its own, where they find it done and do nothing."""
    asked = {"id": context.request_id, "now": clock.now(), "most": most}
    found: list[dict[str, Any]] = runtime.current().database.at_once(_OTHERS, asked)[0]
    return found


def worker(queues: tuple[str, ...] = QUEUES, of: type[SimpleWorker] = Worker) -> SimpleWorker:
    """An RQ worker in this process; it does not fork per job (a fork costs five times the job itself)."""
    events.wired()
    gc.freeze()  # what is loaded by now stays: to look through it again and again takes a tenth of the time
    connection = runtime.current().redis
    return of(
        [rq_queue(name, connection) for name in queues], connection=connection, serializer=JSONSerializer
    )


def drain() -> None:
    """Run everything that is due now in this process, until nothing is left. For simulations and tests.

    The jobs come from RQ's queues; only the worker around them is left out, whose start and end would take
    longer than the jobs.
    """
    connection = runtime.current().redis
    queues = [rq_queue(name, connection) for name in QUEUES]
    while True:
        sent = sweep()
        while (found := _take(queues, connection)) is not None:
            found.perform()
            sent += 1
        if not sent:
            return


def _take(queues: Sequence[Queue], connection: Redis) -> Job | None:
    found = TakingQueue.dequeue_any(queues, None, connection)
    return None if found is None else found[0]


@periodic("kernel.prune_jobs", every=timedelta(days=1))
def prune(context: JobContext) -> None:
    """Forget requests that were done more than a week ago; dead letters stay until somebody decides."""
    with context.transaction() as session:
        session.execute(
            delete(JobRequest).where(
                JobRequest.status == "done", JobRequest.finished_at < clock.now() - timedelta(days=7)
            )
        )
