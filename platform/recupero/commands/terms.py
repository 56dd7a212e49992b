"""`recupero terms …`: the terms of a creditor's portfolios, such as what the agency earns on them."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from recupero.commands.acting import actor_of, by_option
from recupero.kernel import command
from recupero.kernel.errors import UserError
from recupero.placements import browse
from recupero.placements import service as placements
from recupero.placements.tables import Portfolio
from recupero.placements.terms import needed
from recupero.tenancy import queries as tenancy
from recupero.tenancy.permissions import Permission


@click.group()
def terms() -> None:
    """What a creditor's portfolios are worked under: commission, interest, offers."""


@terms.command()
@click.argument("tenant")
@click.argument("portfolio", required=False)
@command.data_dir_option
@command.json_option
@command.answers
def show(tenant: str, portfolio: str | None, data_dir: Path | None, as_json: bool) -> None:
    """The terms of the portfolios of TENANT, or of one of them, by name or number."""
    with command.opened(data_dir) as platform:
        scope = tenancy.tenant_scope(platform.database, tenant)
        with platform.database.transaction(scope) as session:
            chosen = [_portfolio(session, portfolio)] if portfolio else _all(session)
            shown = [_shown(one) for one in chosen]
    command.finish({"portfolios": shown}, as_json=as_json)


@terms.command("set")
@click.argument("tenant")
@click.argument("portfolio")
@click.argument("changes", nargs=-1, required=True, metavar="NAME=VALUE…")
@click.option(
    "--from",
    "since",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="From which day interest and the order of payment hold; today by default.",
)
@by_option
@command.data_dir_option
@command.json_option
@command.answers
def set_(
    tenant: str, portfolio: str, changes: tuple[str, ...], since: datetime | None, by: str,
    data_dir: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Change terms of a PORTFOLIO of TENANT, others stay: commission_rate=1500 (basis points),
    'commission={"minimum_minor": 500, "tax_rate": 1900}'. A name without a value takes the term out."""
    with command.opened(data_dir) as platform:
        scope = tenancy.tenant_scope(platform.database, tenant)
        stated = dict(_read(change) for change in changes)
        with platform.database.transaction(scope) as session:
            before = _portfolio(session, portfolio).terms
        actor = actor_of(platform, scope, by, Permission.TERMS_MANAGE)
        for permission in needed(before, {**before, **stated}):
            actor_of(platform, scope, by, permission)
        with platform.database.transaction(scope) as session:
            found = _portfolio(session, portfolio)
            wanted = {**found.terms, **stated}
            placements.set_terms(
                session, found.id, {name: value for name, value in wanted.items() if value is not None},
                actor=actor, holds_from=since.date() if since else None,
            )  # fmt: skip
            answer = _shown(found)
    command.finish(answer, as_json=as_json)


def _read(change: str) -> tuple[str, Any]:
    name, equals, value = change.partition("=")
    if not equals:
        raise UserError("'%(change)s': write NAME=VALUE", field="changes", change=change)
    try:
        return name.strip(), json.loads(value) if value.strip() else None
    except json.JSONDecodeError:
        if value.strip().isidentifier():  # a word, such as supervisor
            return name.strip(), value.strip()
        raise UserError("'%(change)s': the value is no JSON", field=name.strip(), change=change) from None


def _all(session: Session) -> list[Portfolio]:
    return browse.portfolios(session)


def _portfolio(session: Session, asked: str) -> Portfolio:
    named = [one for one in _all(session) if asked in (one.name, str(one.id))]
    if len(named) != 1:
        raise UserError(
            "there is no portfolio '%(name)s' of this creditor, or several: give its number",
            field="portfolio", name=asked,
        )  # fmt: skip
    return named[0]


def _shown(one: Portfolio) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "currency": one.currency, "terms": one.terms}
