"""Actions, for machines: what is scheduled, what was done, and why nothing is sent."""

from dataclasses import asdict
from typing import Any

from recupero.kernel import rest
from recupero.outreach import queries, schemas
from recupero.placements import browse
from recupero.tenancy.guard import requires, transaction
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("outreach", "Actions")


@blueprint.get("/actions")
@requires(Permission.OUTBOX_READ)
@blueprint.response(200, schemas.ActionCountsSchema)
def actions() -> dict[str, Any]:
    """How many actions are in each state"""
    with transaction() as session:
        return {"counts": queries.count_by_state(session)}


@blueprint.get("/accounts/<int:account_id>/actions")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, schemas.ActionsSchema)
def actions_of(account_id: int) -> dict[str, Any]:
    """The newest fifty actions of an account with their history"""
    with transaction() as session:
        browse.account(session, account_id)
        return {"items": [_shown(line) for line in queries.actions_of(session, account_id)]}


def _shown(line: queries.ActionLine) -> dict[str, Any]:
    events = [{"at": at, "state": state, "reason": reason} for at, state, reason, _details in line.events]
    return {**asdict(line), "events": events}


@blueprint.get("/accounts/<int:account_id>/next")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, schemas.NextStepSchema)
def next_step(account_id: int) -> Any:
    """Why nothing is sent to an account now, and what comes next"""
    with transaction() as session:
        browse.account(session, account_id)
        return queries.why_silent(session, account_id)
