"""Urgent actions have a job each; one that finds others waiting behind it carries them out with its own."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from recupero.kernel import jobs, runtime
from recupero.outreach.actions.kinds import CALL
from recupero.outreach.channels.connectors import connectors
from recupero.outreach.channels.pacing import HELD, limits_of

#: How many at once: the last of them waits for hardly longer than the first would alone.
MOST = 100
_CLAIMED = "SELECT id FROM actions WHERE tenant_id = %(tenant)s AND id = %(id)s AND state = 'claimed'"


def with_others(
    context: jobs.JobContext, action_id: int, ids_of: Callable[[dict[str, Any]], list[int]]
) -> list[int]:
    """The action of a job, and those of the jobs of its kind that wait behind it; nothing where an earlier
    one has taken it along. `ids_of` reads the actions in a job's arguments.

    What is taken along stays with its own job, too, which does it where this worker dies. That of the last of
    them is looked at as it is carried out.
    """
    if not context.in_company:
        return [action_id]
    asked = {"tenant": context.scope.tenant(), "id": action_id}
    if not runtime.current().database.read_at_once(context.scope, _CLAIMED, asked):
        return []
    waiting = jobs.waiting_behind(context, MOST)
    if not waiting:
        return [action_id]
    with context.transaction() as session:
        most = _most(session)
    ids = [action_id]
    for arguments in waiting:
        more = ids_of(arguments)
        if len(ids) + len(more) > most:
            break
        ids += more
    return ids


def _most(session: Session) -> int:
    """As many as the slowest account of the creditor's connectors takes while a worker may be kept by it:
    what is reserved now goes out now."""
    speeds = [
        limits_of(one.loaded(), one.config).per_second
        for channel, one in connectors(session).items()
        if channel != CALL and one.channel is not None
    ]
    slowest = min((speed for speed in speeds if speed), default=None)
    return MOST if slowest is None else min(MOST, max(1, int(slowest * HELD)))
