"""Contacts, messages and the law, for machines. The law itself is pure, so its endpoints stand here."""

from typing import Any

from recupero.contacts import judging, law_words, policies, proving, queries, schemas, standing, stating, told
from recupero.contacts import messages as contact_messages
from recupero.kernel import clock, rest
from recupero.kernel.errors import Forbidden, NotFound
from recupero.law import queries as law
from recupero.placements import browse
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("contacts", "Contacts, messages, law")


@blueprint.get("/accounts/<int:account_id>/contacts")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, schemas.ContactsSchema)
def contacts(account_id: int) -> dict[str, Any]:
    """The newest hundred contacts of an account, each with its verdict"""
    with transaction() as session:
        browse.account(session, account_id)
        return {"items": queries.timeline(session, account_id)}


@blueprint.get("/messages")
@requires(Permission.OUTBOX_READ)
@blueprint.arguments(schemas.MessageQuerySchema, location="query")
@blueprint.response(200, schemas.MessagesSchema)
def messages(query: dict[str, Any]) -> dict[str, Any]:
    """Messages sent and received, newest first, word for word"""
    with transaction() as session:
        return {"items": contact_messages.messages(session, **query)}


@blueprint.get("/law/packs")
@requires(Permission.LAW_READ)
@blueprint.response(200, schemas.PacksSchema)
def packs() -> dict[str, Any]:
    """Regulation packs, and countries closed to contact"""
    return {"items": law.list_packs(queries.packs())}


@blueprint.get("/law/packs/<country>/rules")
@requires(Permission.LAW_READ)
@blueprint.arguments(schemas.RulesQuerySchema, location="query")
@blueprint.response(200, schemas.PacksSchema)
def rules(query: dict[str, Any], country: str) -> dict[str, Any]:
    """The rules of a country with their sources"""
    known = queries.packs()
    if country.upper() not in known.by_country:
        raise NotFound("no pack is installed for this country")
    return {"items": law.show_rules(known, country.upper(), query.get("on"))}


@blueprint.get("/contacts/<int:contact_id>/proof")
@requires(Permission.LAW_READ)
@blueprint.arguments(schemas.WordsQuerySchema, location="query")
@blueprint.response(200, schemas.ProofSchema)
def proof(query: dict[str, Any], contact_id: int) -> dict[str, Any]:
    """Every rule that was consulted for a contact, with words and sources, and the same judged again"""
    with transaction() as session:
        return law_words.proof_to_json(proving.prove(session, contact_id), query["language"])


@blueprint.get("/accounts/<int:account_id>/law/week")
@requires(Permission.LAW_READ)
@blueprint.arguments(schemas.WeekQuerySchema, location="query")
@blueprint.response(200, schemas.WeekSchema)
def week(query: dict[str, Any], account_id: int) -> dict[str, Any]:
    """An account's coming days by channel: what is open, what is used up and by what, what opens when"""
    with transaction() as session:
        found = proving.account_week(session, account_id, clock.now(), query["days"])
    return law_words.week_to_json(found, query["language"])


@blueprint.get("/law/policies")
@requires(Permission.LAW_READ)
@blueprint.response(200, schemas.PoliciesSchema)
def house_rules() -> dict[str, Any]:
    """Every version of the house rules of the agency and of the creditors in reach, in order of start"""
    with transaction() as session:
        return {"items": [law_words.version_to_json(one) for one in policies.versions(session)]}


@blueprint.post("/law/policies")
@requires(Permission.LAW_MANAGE)
@blueprint.arguments(schemas.NewPolicySchema)
@blueprint.response(201, schemas.PolicySchema)
def set_house_rules(body: dict[str, Any]) -> dict[str, Any]:
    """Put house rules above the law, in place of those that hold; they can only be stricter"""
    tenant_id = body.get("tenant_id")
    with transaction() as session:
        if tenant_id is None and not tenancy.whole_agency(session):
            raise Forbidden("house rules of the whole agency are for those who see all of its creditors")
        house = policies.house_rules(tenant_id, body["limits"], body["document"])
        made = policies.set_policy(
            session, tenant_id=tenant_id, house=house, starts_on=body.get("starts_on"), note=body["note"],
            actor=the_caller().actor,
        )  # fmt: skip
    return law_words.version_to_json(made)


@blueprint.get("/law/facts")
@requires(Permission.LAW_READ)
@blueprint.response(200, schemas.AgencyStatedSchema)
def agency_facts() -> dict[str, Any]:
    """What the law is told of the agency"""
    with transaction() as session:
        return tenancy.agency(session).law


@blueprint.put("/law/facts")
@requires(Permission.LAW_MANAGE)
@blueprint.arguments(schemas.AgencyStatedSchema)
@blueprint.response(204)
def state_agency(body: dict[str, Any]) -> None:
    """State, whole, what the law is told of the agency"""
    with transaction() as session:
        if not tenancy.whole_agency(session):
            raise Forbidden("what is said of the whole agency is for those who see all of its creditors")
        standing.state_agency(
            session, body.get("region", ""), body.get("numbers", {}), actor=the_caller().actor
        )


@blueprint.get("/tenants/<int:tenant_id>/law-facts")
@requires(Permission.LAW_READ)
@blueprint.response(200, schemas.CreditorStatedSchema)
def creditor_facts(tenant_id: int) -> dict[str, Any]:
    """What the law is told of all debts of a creditor"""
    with tenant_transaction(tenant_id) as session:
        stated: dict[str, Any] = tenancy.tenant(session).settings.get("law", {})
        return stated


@blueprint.put("/tenants/<int:tenant_id>/law-facts")
@requires(Permission.LAW_MANAGE)
@blueprint.arguments(schemas.CreditorStatedSchema)
@blueprint.response(204)
def state_creditor(body: dict[str, Any], tenant_id: int) -> None:
    """State, whole, what the law is told of all debts of a creditor"""
    numbers = body.pop("numbers", {})
    with tenant_transaction(tenant_id) as session:
        standing.state_creditor(session, body, numbers, actor=the_caller().actor)


@blueprint.put("/tenants/<int:tenant_id>/portfolios/<int:portfolio_id>/law-facts")
@requires(Permission.LAW_MANAGE)
@blueprint.arguments(schemas.StatedSchema)
@blueprint.response(204)
def state_portfolio(body: dict[str, Any], tenant_id: int, portfolio_id: int) -> None:
    """State, whole, where the debts of a portfolio differ from the creditor's others"""
    with tenant_transaction(tenant_id) as session:
        standing.state_portfolio(session, portfolio_id, body, actor=the_caller().actor)


@blueprint.get("/accounts/<int:account_id>/law-facts")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, schemas.FactsSchema)
def account_facts(account_id: int) -> dict[str, Any]:
    """What is stated of an account and its debtor for the law, and the payments in the books"""
    with transaction() as session:
        found = browse.account(session, account_id).account
        return {"items": told.told_of_account(session, found.debtor_id, account_id)}


@blueprint.post("/accounts/<int:account_id>/law-facts")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.NewFactSchema)
@blueprint.response(201, rest.MadeSchema)
def state_fact(body: dict[str, Any], account_id: int) -> dict[str, Any]:
    """State an event, a situation or a permission that the law asks for"""
    whole = body.pop("whole_debtor")
    with transaction() as session:
        found = browse.account(session, account_id).account
    with tenant_transaction(found.tenant_id) as session:
        fact_id = stating.state(
            session, told.NewFact(**body), debtor_id=found.debtor_id,
            account_id=None if whole else account_id, actor=the_caller().actor,
        )  # fmt: skip
    return {"id": fact_id}


@blueprint.delete("/accounts/<int:account_id>/law-facts/<int:fact_id>")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(204)
def end_fact(account_id: int, fact_id: int) -> None:
    """What was stated is not so any more, or never was"""
    with transaction() as session:
        found = browse.account(session, account_id).account
        stated = {one.id for one in told.told_of_account(session, found.debtor_id, account_id)}
    if fact_id not in stated:
        raise NotFound("no such fact stands of this account")
    with tenant_transaction(found.tenant_id) as session:
        stating.end(session, fact_id, actor=the_caller().actor)


@blueprint.get("/accounts/<int:account_id>/law")
@requires(Permission.LAW_READ)
@blueprint.arguments(schemas.JudgeQuerySchema, location="query")
@blueprint.response(200, schemas.VerdictSchema)
def judge(query: dict[str, Any], account_id: int) -> dict[str, Any]:
    """Whether the account may be contacted, why not, and when next"""
    with transaction() as session:
        browse.account(session, account_id)
        verdict = judging.judge_now(session, account_id, query["channel"], query.get("at") or clock.now())
    return verdict.to_json()
