"""Plans and decisions, for machines. A plan is asked for here and made by a worker."""

from dataclasses import asdict
from typing import Any

from flask import Response

from recupero.contacts.grounds import grounds
from recupero.decisions import advice_schemas, schemas, telling
from recupero.decisions.history import control
from recupero.decisions.learning import looks, promotion, registry
from recupero.decisions.planning import because, prospects
from recupero.decisions.planning.explaining import explained
from recupero.decisions.tables import Decision, PlanRun
from recupero.kernel import audit, rest, runtime
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.kernel.jobs import enqueue
from recupero.outreach import queries as outreach
from recupero.outreach.schemas import NextStepSchema
from recupero.payments.offers.policy import offerer_of
from recupero.placements import browse
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import page_of, requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("decisions", "Plans and decisions")


@blueprint.get("/plans")
@requires(Permission.DECISIONS_READ)
@blueprint.arguments(schemas.PlanQuerySchema, location="query")
@blueprint.response(200, rest.paged(schemas.PlanSchema))
def plans(query: dict[str, Any]) -> Response:
    """Plans made, oldest first"""
    return page_of(PlanRun, schemas.PlanSchema, query)


@blueprint.post("/plans")
@requires(Permission.DECISIONS_PLAN)
@blueprint.arguments(schemas.NewPlanSchema)
@blueprint.response(202, schemas.AskedSchema)
def plan(data: dict[str, Any]) -> dict[str, Any]:
    """Ask for a plan of a creditor's accounts; a worker makes it"""
    tenant_id = data["tenant_id"]
    with tenant_transaction(tenant_id) as session:
        asked = enqueue(session, "decisions.plan", queue="default", unique_key=f"plan:{tenant_id}")
        audit.record(
            session,
            "decisions.ask_plan",
            f"tenant:{tenant_id}",
            actor=the_caller().actor,
            tenant_id=tenant_id,
        )
    return {"asked": asked is not None}


@blueprint.get("/accounts/<int:account_id>/decisions")
@requires(Permission.DECISIONS_READ)
@blueprint.arguments(rest.Page, location="query")
@blueprint.response(200, rest.paged(schemas.DecisionSchema))
def decisions(query: dict[str, Any], account_id: int) -> Response:
    """Decisions on an account, oldest first, with their reasons"""
    with transaction() as session:
        currency = browse.account(session, account_id).account.currency
        of_account = {**query, "account_id": account_id}
        page = rest.keyset(session, Decision, schemas.KeptDecisionSchema, of_account)
        kept = [Decision(**row) for row in page["items"]]
        because.tell(session, kept)
    for row, decision in zip(page["items"], kept, strict=True):
        said = telling.words(decision, currency)
        row |= {
            "reasons": decision.reasons, "explanation": {**asdict(explained(decision)), "words": said}
        }  # fmt: skip
    return rest.answer(page)


@blueprint.get("/accounts/<int:account_id>/next")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, schemas.OutlookSchema)
def next_step(account_id: int) -> dict[str, Any]:
    """Why nothing is sent to an account now, and what comes next"""
    with transaction() as session:
        browse.account(session, account_id)
        on = grounds(session, [account_id])
        step = outreach.why_silent(session, account_id, on)
        found = prospects.prospect(session, account_id, on, step)
        names = NextStepSchema._declared_fields
        return {name: getattr(step, name) for name in names} | {
            "left_alone": found.left, "strategy_channels": found.channels, "looked_at": found.looked_at,
        }  # fmt: skip


@blueprint.get("/accounts/<int:account_id>/offers/advised")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, advice_schemas.AdviceSchema)
def advised_offers(account_id: int) -> Any:
    """What to offer on an account, the best first

    Within the creditor's terms, the key's own limits and what the debtor told they can pay; with the chance
    that each is taken and kept, and what is to be expected of it."""
    from recupero.decisions.advice import offers

    with transaction() as session:
        tenant_id = browse.account(session, account_id).account.tenant_id
    with tenant_transaction(tenant_id) as session:
        found = offers.advise(session, [account_id], offerer_of(the_caller()))
    if found is None:
        raise NotFound("there is nothing to offer on this account")
    return found


@blueprint.get("/tenants/<int:tenant_id>/control")
@requires(Permission.TENANCY_READ)
@blueprint.response(200, schemas.ControlSchema)
def control_group(tenant_id: int) -> Any:
    """The share of a creditor's people who are left alone on purpose"""
    with tenant_transaction(tenant_id) as session:
        return control.Group.of(tenancy.tenant(session).settings)


@blueprint.put("/tenants/<int:tenant_id>/control")
@requires(Permission.TENANCY_MANAGE)
@blueprint.arguments(schemas.NewControlSchema)
@blueprint.response(200, schemas.ControlSchema)
def set_control_group(data: dict[str, Any], tenant_id: int) -> Any:
    """Change that share from now on

    Who is in a smaller group is in every larger one. A comparison begins anew with a change."""
    with tenant_transaction(tenant_id) as session:
        return control.set_share(session, data["share"], actor=the_caller().actor)


@blueprint.get("/tenants/<int:tenant_id>/uplift")
@requires(Permission.REPORTS_READ)
@blueprint.arguments(schemas.UpliftQuerySchema, location="query")
@blueprint.response(200, schemas.UpliftSchema)
def uplift(query: dict[str, Any], tenant_id: int) -> Any:
    """What was recovered beside the control group, with 95 % intervals"""
    from recupero.decisions.evidence.uplift import uplift as measure

    with tenant_transaction(tenant_id) as session:
        return measure(session, query.get("start"), query.get("end"), query.get("portfolio_id"))


@blueprint.get("/models")
@requires(Permission.DECISIONS_READ)
@blueprint.response(200, schemas.ModelListSchema)
def models() -> dict[str, Any]:
    """Versions of models, newest first within each

    Those of the agency and of the creditors that the caller may see, with what speaks for each."""
    with transaction() as session:
        found = registry.versions(scope=scope_of(session))
        serving = registry.serving_among(found, scope_of(session))
        return {"items": [_version(each, serving.get(each.name)) for each in found]}


@blueprint.get("/models/<name>/looks")
@requires(Permission.DECISIONS_READ)
@blueprint.response(200, schemas.LookListSchema)
def model_looks(name: str) -> dict[str, Any]:
    """What was seen of a model day by day: drift, and its challenger in shadow, oldest first"""
    with transaction() as session:
        if not registry.versions(name, scope_of(session)):
            raise NotFound("there is no such model")
        return {
            "items": [*looks.history(session, name, looks.DRIFT), *looks.history(session, name, looks.SHADOW)]
        }


@blueprint.post("/models/<name>/versions/<version>/promote")
@requires(Permission.MODELS_PROMOTE)
@blueprint.response(200, schemas.ModelVersionSchema)
def promote_model(name: str, version: str) -> dict[str, Any]:
    """Let a version serve, where a measured win stands behind it or it served before"""
    with transaction() as session:
        scope = scope_of(session)
    promotion.promote(runtime.current().database, scope, name, version, actor=the_caller().actor)
    return _version(promotion.version_of(scope, name, version), registry.serving(scope, name))


@blueprint.post("/models/<name>/retire")
@requires(Permission.MODELS_PROMOTE)
@blueprint.response(200, schemas.ModelVersionSchema)
def retire_model(name: str) -> dict[str, Any]:
    """Take a creditor's own champion out of service; the agency's serves it again"""
    with transaction() as session:
        scope = scope_of(session)
    retired = promotion.retire(runtime.current().database, scope, name, actor=the_caller().actor)
    return _version(promotion.version_of(scope, name, retired.version), registry.serving(scope, name))


def _version(found: registry.Version, serving: registry.Version | None) -> dict[str, Any]:
    kind, tenant_id = registry.parts_of(found.name)
    return {
        "name": found.name, "version": found.version, "kind": kind, "tenant_id": tenant_id,
        "aliases": list(found.aliases), "trained_at": found.notes.get(registry.TRAINED_AT),
        "metrics": found.metrics, "evidence": promotion.evidence(found, serving),
    }  # fmt: skip
