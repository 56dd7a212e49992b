"""Plans, settlements and hardship, for machines: within the creditor's policy or by its leave."""

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from recupero.kernel import clock, rest
from recupero.kernel.database import Scope
from recupero.kernel.errors import NotFound
from recupero.kernel.runtime import current
from recupero.payments import offers_schemas as schemas
from recupero.payments.agreements import plans, settlement_queries, settlements
from recupero.payments.charging import mandates
from recupero.payments.offers import hardship
from recupero.payments.offers.offer_tables import Plan, Settlement
from recupero.payments.offers.plan_schedule import Choice
from recupero.payments.offers.policy import offer_policy, offerer_of
from recupero.placements import reach
from recupero.placements.debts import OpenDebt, debts_by_id
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("offers", "Plans, settlements, hardship")


@blueprint.get("/accounts/<int:account_id>/offer-policy")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, schemas.OfferPolicySchema)
def policy(account_id: int) -> Any:
    """What may be offered on an account, by the creditor's terms and the key's own limits"""
    with transaction() as session:
        _debt(session, account_id)
        return offer_policy(session, [account_id]).of(offerer_of(the_caller()))


@blueprint.post("/payment-plans/preview")
@requires(Permission.ACCOUNTS_READ)
@blueprint.arguments(schemas.PlanChoiceSchema)
@blueprint.response(200, schemas.PreviewSchema)
def preview(data: dict[str, Any]) -> dict[str, Any]:
    """A plan before it is agreed: its instalments, and whether somebody has to allow it"""
    with tenant_transaction(_tenant_of(data["account_ids"])) as session:
        found = plans.propose(session, data["account_ids"], _choice(session, data), offerer_of(the_caller()))
        return {
            "total_minor": found.schedule.total_minor, "currency": found.policy.currency,
            "instalments": found.schedule.instalments, "beyond": found.leave.beyond,
            "approver": found.leave.approver,
        }  # fmt: skip


@blueprint.post("/payment-plans")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.NewPaymentPlanSchema)
@blueprint.response(201, schemas.InstalmentPlanSchema)
def agree(data: dict[str, Any]) -> dict[str, Any]:
    """Agree a plan

    It runs at once, or waits (`asked`) for whoever has to allow an exception; that needs `why`."""
    with tenant_transaction(_tenant_of(data["account_ids"])) as session:
        made = plans.agree_plan(
            session, account_ids=data["account_ids"], choice=_choice(session, data),
            offerer=offerer_of(the_caller()), why=data["why"],
        )  # fmt: skip
        return _plan(session, made)


@blueprint.get("/accounts/<int:account_id>/plans")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, schemas.InstalmentPlansSchema)
def plans_of(account_id: int) -> dict[str, Any]:
    """Plans of an account with their instalments, newest first"""
    with transaction() as session:
        _debt(session, account_id)
        return {"items": [_plan(session, one) for one in plans.plans_of(session, [account_id])]}


@blueprint.get("/payment-plans/<int:plan_id>")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, schemas.InstalmentPlanSchema)
def plan(plan_id: int) -> dict[str, Any]:
    """A plan and how it stands"""
    with transaction() as session:
        return _plan(session, plans.find(session, plan_id))


@blueprint.post("/payment-plans/<int:plan_id>/cancel")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.WhySchema)
@blueprint.response(200, schemas.InstalmentPlanSchema)
def cancel(data: dict[str, Any], plan_id: int) -> dict[str, Any]:
    """End a plan; work on its accounts goes on"""
    with transaction() as session:
        tenant_id = plans.find(session, plan_id).tenant_id
    with tenant_transaction(tenant_id) as session:
        plans.cancel_plan(session, plan_id, actor=the_caller().actor, why=data["why"])
        return _plan(session, plans.find(session, plan_id))


@blueprint.post("/payment-plans/<int:plan_id>/automatic/end")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(200, schemas.InstalmentPlanSchema)
def end_automatic(plan_id: int) -> dict[str, Any]:
    """The debtor wants no more automatic payments; the plan goes on"""
    with transaction() as session:
        tenant_id = plans.find(session, plan_id).tenant_id
    with tenant_transaction(tenant_id) as session:
        found = mandates.latest(session, plan_id)
        if found is None:
            raise NotFound("nothing is paid automatically on this plan")
        mandates.revoke(session, found.id, actor=the_caller().actor)
        return _plan(session, plans.find(session, plan_id))


@blueprint.post("/payment-plans/<int:plan_id>/decision")
@requires(Permission.OFFERS_APPROVE)
@blueprint.arguments(schemas.OfferDecisionSchema)
@blueprint.response(200, schemas.InstalmentPlanSchema)
def decide_plan(data: dict[str, Any], plan_id: int) -> dict[str, Any]:
    """Allow or refuse a plan beyond the limits; a key speaks for the creditor only with `offers.grant`"""
    with transaction() as session:
        tenant_id = plans.find(session, plan_id).tenant_id
    with _as_agency(tenant_id) as session:
        made = plans.decide(
            session, plan_id, offerer_of(the_caller()), allow=data["allow"], note=data["note"]
        )
        return _plan(session, made)


@blueprint.post("/settlements")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.NewSettlementSchema)
@blueprint.response(201, schemas.SettlementSchema)
def offer(data: dict[str, Any]) -> Settlement:
    """Offer to settle for less than is owed

    The offer stands at once, or waits (`asked`) for whoever has to allow an exception; that needs `why`."""
    with tenant_transaction(_tenant_of(data["account_ids"])) as session:
        today, count = clock.today(tenancy.tenant(session).timezone), data["instalments"]
        return settlements.offer_settlement(
            session, account_ids=data["account_ids"], amount_minor=data["amount_minor"],
            valid_until=data["valid_until"], offerer=offerer_of(the_caller()), why=data["why"],
            choice=plans.monthly(today, count) if count > 1 else None,
        )  # fmt: skip


@blueprint.get("/accounts/<int:account_id>/settlements")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, schemas.SettlementsSchema)
def settlements_of(account_id: int) -> dict[str, Any]:
    """Settlements of an account, newest first"""
    with transaction() as session:
        _debt(session, account_id)
        return {"items": settlement_queries.settlements_of(session, [account_id])}


@blueprint.get("/settlements/<int:settlement_id>")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, schemas.SettlementSchema)
def settlement(settlement_id: int) -> Settlement:
    """A settlement and what came of it"""
    with transaction() as session:
        return settlement_queries.find(session, settlement_id)


@blueprint.post("/settlements/<int:settlement_id>/accept")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(200, schemas.SettlementSchema)
def accept(settlement_id: int) -> Settlement:
    """The debtor took the offer; accepting twice is once"""
    with tenant_transaction(_tenant_of_settlement(settlement_id)) as session:
        return settlements.accept(session, settlement_id, accepted_with="api")


@blueprint.post("/settlements/<int:settlement_id>/withdraw")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(200, schemas.SettlementSchema)
def withdraw(settlement_id: int) -> Settlement:
    """Take an offer back that was not accepted yet"""
    with tenant_transaction(_tenant_of_settlement(settlement_id)) as session:
        settlements.withdraw(session, settlement_id, actor=the_caller().actor)
        return settlement_queries.find(session, settlement_id)


@blueprint.post("/settlements/<int:settlement_id>/decision")
@requires(Permission.OFFERS_APPROVE)
@blueprint.arguments(schemas.OfferDecisionSchema)
@blueprint.response(200, schemas.SettlementSchema)
def decide_settlement(data: dict[str, Any], settlement_id: int) -> Settlement:
    """Allow or refuse an offer beyond the limits; a key speaks for the creditor only with `offers.grant`"""
    with _as_agency(_tenant_of_settlement(settlement_id)) as session:
        return settlements.decide(
            session, settlement_id, offerer_of(the_caller()), allow=data["allow"], note=data["note"]
        )


@blueprint.post("/accounts/<int:account_id>/hardship")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.NewHardshipSchema)
@blueprint.response(201, schemas.HardshipSchema)
def open_hardship(data: dict[str, Any], account_id: int) -> Any:
    """Let everything that the account's debtor owes rest"""
    with tenant_transaction(_tenant_of([account_id])) as session:
        return hardship.open_case(
            session, debtor_id=_debt(session, account_id).debtor_id, opened_with="api",
            opened_by=the_caller().actor, **data,
        )  # fmt: skip


@blueprint.post("/accounts/<int:account_id>/hardship/<int:case_id>/close")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.OutcomeSchema)
@blueprint.response(204)
def close_hardship(data: dict[str, Any], account_id: int, case_id: int) -> None:
    """End a hardship case; work goes on"""
    with tenant_transaction(_tenant_of([account_id])) as session:
        debtor_id = _debt(session, account_id).debtor_id
        if case_id not in {one.id for one in hardship.cases_of(session, debtor_id)}:
            raise NotFound("no such hardship case")
        hardship.close_case(session, case_id, actor=the_caller().actor, outcome=data["outcome"])


def _choice(session: Session, data: dict[str, Any]) -> Choice:
    today = clock.today(tenancy.tenant(session).timezone)
    return Choice(
        first_on=data["first_on"] or today + timedelta(days=7), every=data["every"],
        instalments=data["instalments"], at_most_minor=data["at_most_minor"],
        down_payment_minor=data["down_payment_minor"], pay_day=data["pay_day"],
        step_percent=data["step_percent"],
    )  # fmt: skip


def _plan(session: Session, made: Plan) -> dict[str, Any]:
    shown = {
        name: getattr(made, name)
        for name in schemas.InstalmentPlanSchema._declared_fields
        if name not in ("instalments", "automatic", "paused", "paused_until")
    }
    pause = hardship.pause_of(session, made) if made.state == "running" else None
    return shown | {
        "paused": pause is not None,
        "paused_until": pause and pause.until,
        "instalments": plans.instalments_of(session, [made.id])[made.id],
        "automatic": mandates.latest(session, made.id),
    }


def _as_agency(tenant_id: int) -> Any:
    """A key of the creditor's decides in the agency's audit chain."""
    return current().database.transaction(Scope(the_caller().agency_id, (tenant_id,)))


def _debt(session: Session, account_id: int) -> OpenDebt:
    found = debts_by_id(session, [account_id])
    if not found:
        raise NotFound("no such account", field="account_id")
    return found[0]


def _tenant_of(account_ids: list[int]) -> int:
    with transaction() as session:
        tenants = {one.tenant_id for one in reach.reachable(session, account_ids).values()}
    if len(tenants) != 1:
        raise NotFound("no such account", field="account_ids")
    return tenants.pop()


def _tenant_of_settlement(settlement_id: int) -> int:
    with transaction() as session:
        return settlement_queries.find(session, settlement_id).tenant_id
