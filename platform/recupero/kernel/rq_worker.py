"""RQ's worker without the books that RQ keeps of each job.

For every job RQ writes into Redis who runs it, since when, that it still does and how it ended: fifty
commands in eighteen round trips, several times what a short job takes. All of that stands in `job_requests`
already, which outlives Redis. So a job is forgotten in Redis as soon as it is taken, and the worker shows
itself there only now and then.
"""

import logging
from datetime import timedelta
from time import monotonic
from typing import Any

from rq import Queue, SimpleWorker
from rq.job import Job
from rq.timeouts import JobTimeoutException
from rq.worker import WorkerStatus

log = logging.getLogger(__name__)

#: How often a worker that is at work shows itself, and for how long it is taken for alive after that: longer
#: than any job lasts.
_SHOWS = 30.0
_SHOWN = timedelta(minutes=20)


class Worker(SimpleWorker):
    """Runs jobs in its own process, one after the other; signals and time limits are RQ's own. A job whose
    worker dies is found again by its lease."""

    _shown = float("-inf")

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Take the job out of Redis, and run it."""
        self.set_state(WorkerStatus.BUSY)  # from here on a signal to stop waits for the end of the job
        self.connection.delete(job.key)
        if len(self.queues) == 1:  # RQ put it aside when it took it from the only queue
            self.connection.lrem(queue.intermediate_queue_key, 1, job.id)
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
