"""What may be agreed while talking, for machines: computed live within policy, agreed in one request."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from recupero.decisions.advice import negotiation
from recupero.decisions.advice import negotiation_schemas as schemas
from recupero.decisions.advice.negotiation import Asked, Part, Shown, Whole
from recupero.kernel import clock, rest
from recupero.kernel.errors import UserError
from recupero.outreach.desk import relay
from recupero.outreach.desk.relay import Agent
from recupero.outreach.desk_tables import Sitting
from recupero.payments.offers.plan_schedule import Choice
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("negotiation", "Agent's desk: what may be agreed")
#: When a plan begins that names no day.
SOON = timedelta(days=7)


@blueprint.get("/desk/sittings/<int:sitting_id>/offers")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(200, schemas.OptionsSchema)
def options(sitting_id: int) -> dict[str, Any]:
    """What may be offered now: limits, and a few agreements that need nobody's leave; 409 before the proof"""
    with relay.looking(sitting_id) as (session, held, agent):
        relay.check_proven(session, held)
        room = negotiation.room(session, held.account_id, agent.offerer)
        found = negotiation.options(session, held.account_id, agent.offerer)
        return {
            "kinds": room.kinds, "limits": room.own, "options": [_shown(one) for one in found],
            "account_ids": [one.account_id for one in negotiation.together(session, held.account_id)],
        }  # fmt: skip


@blueprint.post("/desk/sittings/<int:sitting_id>/offers/preview")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.AskedOfferSchema)
@blueprint.response(200, schemas.OfferSchema)
def preview(data: dict[str, Any], sitting_id: int) -> dict[str, Any]:
    """An agreement before it is agreed: dates, the total, and who has to allow it; 409 before the proof"""
    with relay.looking(sitting_id) as (session, held, agent):
        relay.check_proven(session, held)
        return _shown(negotiation.shown(session, held.account_id, _asked(session, data), agent.offerer))


@blueprint.post("/desk/sittings/<int:sitting_id>/offers")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.AgreeSchema)
@blueprint.keyed()
@blueprint.response(201, schemas.AgreedSchema)
def agree(data: dict[str, Any], sitting_id: int) -> dict[str, Any]:
    """Agree it

    It holds at once, or waits (`asked`) for whoever has to allow an exception; that needs `why`."""

    def made(session: Session, held: Sitting, agent: Agent) -> dict[str, Any]:
        relay.check_proven(session, held)
        agreed = negotiation.agree(
            session, held.account_id, _asked(session, data), agent.offerer, why=data["why"],
            contact_id=held.contact_id,
        )  # fmt: skip
        return asdict(agreed)

    return relay.step(sitting_id, "agree", made)


def _asked(session: Session, data: dict[str, Any]) -> Asked:
    """What the body asks for. Raises UserError at the field that its kind needs."""
    if data["kind"] == "plan":
        today = clock.today(tenancy.tenant(session).timezone)
        return Choice(
            data["first_on"] or today + SOON, data["every"], data["instalments"], data["at_most_minor"],
            data["down_payment_minor"], data["pay_day"], data["step_percent"],
        )  # fmt: skip
    amount = _needed(data, "amount_minor")
    if data["kind"] == "settlement":
        return Part(amount, data["parts"])
    return Whole(amount, _needed(data, "due"))


def _needed(data: dict[str, Any], name: str) -> Any:
    if data[name] is None:
        raise UserError("Please fill this in.", field=name)
    return data[name]


def _shown(found: Shown) -> dict[str, Any]:
    return {
        "kind": found.kind, "currency": found.currency, "total_minor": found.total_minor,
        "saved_minor": found.saved_minor, "beyond": found.leave.beyond, "approver": found.leave.approver,
        "may_agree": found.mine, "kept": None if found.held is None else round(found.held.said.chance, 4),
        "rows": [{"due_date": day, "amount_minor": amount} for day, amount in found.rows],
    }  # fmt: skip
