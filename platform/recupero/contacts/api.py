"""Contacts, messages and the law, for machines. The law itself is pure, so its endpoints stand here."""

from typing import Any

from recupero.contacts import queries, schemas
from recupero.kernel import clock, rest
from recupero.kernel.errors import NotFound
from recupero.law import queries as law
from recupero.placements import browse
from recupero.tenancy.guard import requires, transaction
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
        return {"items": queries.messages(session, **query)}


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


@blueprint.get("/accounts/<int:account_id>/law")
@requires(Permission.LAW_READ)
@blueprint.arguments(schemas.JudgeQuerySchema, location="query")
@blueprint.response(200, schemas.VerdictSchema)
def judge(query: dict[str, Any], account_id: int) -> dict[str, Any]:
    """Whether the account may be contacted, why not, and when next"""
    with transaction() as session:
        browse.account(session, account_id)
        verdict = queries.judge_now(session, account_id, query["channel"], query.get("at") or clock.now())
    return verdict.to_json()
