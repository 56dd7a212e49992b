"""What models advise an agent who talks to somebody, for machines: what to offer, when to call back."""

from typing import Any
from zoneinfo import ZoneInfo

from recupero.contacts.proving import account_week
from recupero.decisions import advice_schemas
from recupero.decisions.advice import negotiation
from recupero.decisions.planning import best_time
from recupero.kernel import clock, rest
from recupero.kernel.errors import NotFound
from recupero.outreach.calls import call_backs
from recupero.outreach.desk import relay
from recupero.tenancy.guard import requires
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("desk_advice", "Agent's desk: what models advise")


@blueprint.get("/desk/sittings/<int:sitting_id>/offers/advised")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(200, advice_schemas.AdviceSchema)
def advised(sitting_id: int) -> Any:
    """What to offer over everything that the call names, the best first; 409 before the proof

    Within the agent's own limits and what the debtor told they can pay; each with the chance that it is taken
    and kept, and what is to be expected of it."""
    from recupero.decisions.advice import offers  # its libraries are for those who ask a model

    with relay.looking(sitting_id) as (session, held, agent):
        relay.check_proven(session, held)
        owed = negotiation.together(session, held.account_id)
        found = offers.advise(session, [one.account_id for one in owed], agent.offerer)
        if found is None:
            raise NotFound("there is nothing to offer on this account")
        return found


@blueprint.get("/desk/sittings/<int:sitting_id>/call-backs/best")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(200, advice_schemas.BestMomentSchema)
def best_moment(sitting_id: int) -> dict[str, Any]:
    """Of the lawful moments for a call-back, the one at which the person is reached best"""
    with relay.looking(sitting_id) as (session, held, _agent):
        now = clock.now()
        zone = ZoneInfo(account_week(session, held.account_id, now, 1).zone)
        moments = [("call", at) for at in call_backs.slots(session, held.account_id, days=10)]
        best = best_time.best_of(session, held.debtor_id, zone, moments, now)
        return {"best": best[0] if best else None}
