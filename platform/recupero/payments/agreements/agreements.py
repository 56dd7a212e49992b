"""What holds between a debtor and the creditor on a payment link now: the running plan, offers to settle."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from recupero.payments.agreements import plans, settlement_queries
from recupero.payments.gateways import charges
from recupero.payments.offers import hardship
from recupero.payments.offers.hardship import Pause
from recupero.payments.offers.offer_tables import Plan, PlanInstalment, Settlement


@dataclass(frozen=True, slots=True)
class Agreements:
    """The running plan with the pause it is in and the instalment that is due next, and offers that can be
    taken or paid, each with what is still to be paid of it (minor units)."""

    plan: Plan | None
    pause: Pause | None
    due: PlanInstalment | None
    offers: tuple[tuple[Settlement, int], ...]


def agreements(session: Session, link_id: int) -> Agreements:
    """What holds on the accounts of a link of the tenant in scope. Raises NotFound."""
    accounts = charges.accounts_of(session, link_id)
    plan = next((one for one in plans.plans_of(session, accounts) if one.state == "running"), None)
    rows = plans.instalments_of(session, [plan.id])[plan.id] if plan else []
    return Agreements(
        plan=plan,
        pause=hardship.pause_of(session, plan) if plan else None,
        due=next((one for one in rows if one.state in ("open", "late")), None),
        offers=tuple(
            (one, settlement_queries.rest_minor(session, one))
            for one in settlement_queries.standing(session, accounts)
        ),
    )
