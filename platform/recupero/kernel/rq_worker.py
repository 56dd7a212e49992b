"""RQ's worker without the books that RQ keeps of each job.

For every job RQ writes into Redis who runs it, since when, that it still does and how it ended: fifty
commands in eighteen round trips, several times what a short job takes. All of that stands in `job_requests`
already, which outlives Redis. So a job is forgotten in Redis as it is taken, in one round trip, and the
worker shows itself there, and asks whether it is to pause, only now and then.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta
from time import monotonic
from typing import Any

from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.timeouts import JobTimeoutException
from rq.worker import WorkerStatus

log = logging.getLogger(__name__)

#: How often a worker that is at work shows itself, and for how long it is taken for alive after that: longer
#: than any job lasts.
_SHOWS = 30.0
_SHOWN = timedelta(minutes=20)
#: How often it asks whether RQ's workers are to pause (`rq suspend`).
_ASKS = 1.0

# The first job of the first of the queues that has one, which Redis forgets with that. What has lost its call
# (RQ leaves such rests of jobs that ended) is passed over. Of the job comes what running it takes (`_TOLD`).
_TAKE = """
for _, queue in ipairs(KEYS) do
    local id = redis.call('LPOP', queue)
    while id do
        local job = redis.call('HMGET', ARGV[1] .. id, unpack(ARGV, 2))
        redis.call('DEL', ARGV[1] .. id)
        if job[1] then return {queue, id, job} end
        id = redis.call('LPOP', queue)
    end
end
return false"""
_TOLD = ("data", "timeout", "description", "origin")


class TakingQueue(Queue):
    """A queue whose jobs are taken out of Redis whole."""

    @classmethod
    def dequeue_any(
        cls,
        queues: Iterable[Queue],
        timeout: int | None,
        connection: Redis,
        *more: Any,
        **named: Any,
    ) -> tuple[Job, Queue] | None:
        """As RQ's own: the next job with its queue. Where none waits: None, or with `timeout`, in seconds,
        the first that comes; raises DequeueTimeout where none does."""
        known = {queue.key: queue for queue in queues}
        found = connection.eval(_TAKE, len(known), *known, Job.redis_job_namespace_prefix, *_TOLD)
        if found is not None:
            key, job_id, told = found
            queue = known[key.decode()]
            job = Job(job_id.decode(), connection=connection, serializer=queue.serializer)
            job.restore(dict(zip(_TOLD, told, strict=True)))
            return job, queue
        if timeout is None:
            return None
        come = super().dequeue_any(known.values(), timeout, connection, *more, **named)
        if come is not None:
            job, queue = come
            connection.delete(job.key)
            if len(known) == 1:  # RQ put it aside when it took it from the only queue
                connection.lrem(queue.intermediate_queue_key, 1, job.id)
        return come


class Worker(SimpleWorker):
    """Runs jobs in its own process, one after the other; signals and time limits are RQ's own. A job whose
    worker dies is found again by its lease."""

    queue_class = TakingQueue
    _shown = _asked = float("-inf")

    def check_for_suspension(self, burst: bool) -> None:
        """Pause while RQ's workers are suspended; asked now and then."""
        if monotonic() - self._asked >= _ASKS:
            self._asked = monotonic()
            super().check_for_suspension(burst)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run the job, which Redis has forgotten."""
        self.set_state(WorkerStatus.BUSY)  # from here on a signal to stop waits for the end of the job
        seconds = int(job.timeout or queue.DEFAULT_TIMEOUT)
        try:
            with self.death_penalty_class(seconds, JobTimeoutException, job_id=job.id):
                job.perform()
        except Exception:
            # A handler's own errors end in its request's row. The row of this one is still leased.
            log.exception("a job failed outside of its handler")
        self.set_state(WorkerStatus.IDLE)

    def set_state(self, state: str, pipeline: Any = None) -> None:
        """Known here, where a signal asks for it."""
        self._state = state

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Show that the worker lives, unless it did so a moment ago."""
        if monotonic() - self._shown >= _SHOWS:
            self._shown = monotonic()
            super().heartbeat(timeout or int(_SHOWN.total_seconds()), pipeline)
