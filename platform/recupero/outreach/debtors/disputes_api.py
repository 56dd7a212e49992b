"""What debtors dispute and complain about, for machines; a creditor's system may answer disputes."""

from typing import Any

from recupero.kernel import clock, rest
from recupero.kernel.listing import Part
from recupero.outreach.answer_tables import DisputeAnswer
from recupero.outreach.debtors import dispute_answers
from recupero.outreach.debtors import disputes_schemas as schemas
from recupero.outreach.debtors.dispute_answers import Answer
from recupero.placements import cases, disputes
from recupero.placements.disputes import Disputed
from recupero.tenancy.guard import recorded_of, requires, the_caller, transaction
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("disputes", "Disputes and complaints")
MOST = 500


@blueprint.get("/disputes")
@requires(Permission.PLACEMENTS_READ)
@blueprint.response(200, schemas.DisputesSchema)
def disputes_of() -> dict[str, Any]:
    """What is disputed now, the oldest first, then the last 500 that were answered

    A dispute of everything of a debtor has a line for each account while it is open, one once answered."""
    with transaction() as session:
        given = dispute_answers.latest(session, MOST)
        ended = disputes.ended(session, [one.hold_id for one in given])
        return {
            "items": [_line(one, None) for one in disputes.waiting(session)]
            + [_line(ended[one.hold_id], one) for one in given]
        }


def _line(one: Disputed, given: DisputeAnswer | None) -> dict[str, Any]:
    return {
        "id": one.hold_id, "account_id": one.account_id, "client_account": one.client_account,
        "portfolio_id": one.portfolio_id, "currency": one.currency, "balance_minor": one.balance_minor,
        "whole": one.whole, "why": one.why, "began_at": one.began_at, "days": one.days, "answer": given,
    }  # fmt: skip


@blueprint.post("/disputes/<int:dispute_id>/answer")
@requires(Permission.PLACEMENTS_IMPORT)
@blueprint.arguments(schemas.NewAnswerSchema)
@blueprint.response(201, schemas.AnswerSchema)
def answer(data: dict[str, Any], dispute_id: int) -> DisputeAnswer:
    """Decide a dispute; it takes effect at once

    `owed`: work goes on. `corrected`: the balance becomes `balance_minor`. `not_owed`: the accounts are
    closed. The debtor reads `words` on their page and hears them from a person at the agency."""
    with recorded_of(lambda session: disputes.tenant_of(session, dispute_id)) as session:
        return dispute_answers.answer(session, dispute_id, Answer(**data), actor=the_caller().actor)


@blueprint.get("/complaints")
@requires(Permission.PLACEMENTS_READ)
@blueprint.arguments(schemas.ComplaintQuerySchema, location="query")
@blueprint.response(200, schemas.ComplaintsSchema)
def complaints(query: dict[str, Any]) -> dict[str, Any]:
    """Complaints, the newest 500 first, with the day by which each is answered"""
    with transaction() as session:
        found = cases.complaints(session, Part(limit=MOST), state=query["state"])
        return {"items": [_complaint(one) for one in found]}


def _complaint(one: cases.Complained) -> dict[str, Any]:
    return {
        "id": one.hold_id, "account_id": one.account_id, "client_account": one.client_account,
        "portfolio_id": one.portfolio_id, "since": one.since, "due": one.due, "ended": one.ended,
        "state": one.state(clock.now()),
    }  # fmt: skip
