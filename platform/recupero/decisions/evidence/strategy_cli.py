"""`recupero decisions try` and `what-if`: a strategy before it is used; `arms`: what its arms brought."""

import json
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from recupero.kernel import clock, command
from recupero.kernel.errors import UserError
from recupero.placements import strategies
from recupero.tenancy.queries import tenant_scope


def moment_of(text: str | None) -> datetime | None:
    """A moment as it was typed. Raises UserError."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            "'%(text)s' is no moment: write it like 2026-03-10T09:00:00-03:00", field="--at", text=text
        ) from None
    if at.tzinfo is None:
        raise UserError("a moment needs its zone, like 2026-03-10T09:00:00-03:00", field="--at")
    return at


@click.command("try")
@click.option("--tenant", required=True, help="Slug, agency/slug or id of one creditor.")
@click.option("--portfolio", required=True, type=int, help="Id of one of its portfolios.")
@click.option("--strategy", "file", type=click.Path(path_type=Path, dir_okay=False, exists=True),
              help="A strategy as JSON; the portfolio's draft by default.")  # fmt: skip
@command.data_dir_option
@command.json_option
@command.answers
def try_strategy(
    tenant: str, portfolio: int, file: Path | None, data_dir: Path | None, as_json: bool
) -> None:
    """What the next plan would do by a strategy, beside the one in force, and what is amiss with it."""
    from recupero.decisions.evidence.trying import try_out

    with (
        command.opened(data_dir) as running,
        running.database.transaction(tenant_scope(running.database, tenant)) as session,
    ):
        data = _strategy(session, portfolio, file)
        found = try_out(session, portfolio, data, clock.now(), most=sys.maxsize).to_json()
    command.finish(found, as_json=as_json, ok=not any(each["grave"] for each in found["findings"]))


def _strategy(session: Session, portfolio_id: int, file: Path | None) -> Mapping[str, Any]:
    if file is None:
        draft = strategies.draft(session, portfolio_id)
        if draft is None:
            raise UserError("the portfolio has no draft: name a file", field="--strategy")
        return draft.strategy
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError("%(file)s is no JSON: %(why)s", field="--strategy", file=file, why=error) from error
    if not isinstance(data, dict):
        raise UserError("%(file)s must hold one JSON object", field="--strategy", file=file)
    return data


@click.command("what-if")
@click.option("--tenant", required=True, help="Slug, agency/slug or id of one creditor.")
@click.option("--portfolio", required=True, type=int, help="Id of one of its portfolios.")
@click.option("--strategy", "file", type=click.Path(path_type=Path, dir_okay=False, exists=True),
              help="A strategy as JSON; the portfolio's draft by default.")  # fmt: skip
@click.option("--from", "begin", help="Moment (ISO 8601 with zone); 90 days before the end by default.")
@click.option("--to", "end", help="Moment (ISO 8601 with zone); now by default.")
@command.data_dir_option
@command.json_option
@command.answers
def what_if(
    tenant: str,
    portfolio: int,
    file: Path | None,
    begin: str | None,
    end: str | None,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """What a strategy would have chosen in a past window, and what it would have brought."""
    from recupero.decisions.evidence.what_if import what_if as ask

    with (
        command.opened(data_dir) as running,
        running.database.transaction(tenant_scope(running.database, tenant)) as session,
    ):
        data = _strategy(session, portfolio, file)
        found = ask(session, portfolio, data, moment_of(begin), moment_of(end), most=sys.maxsize)
    command.finish(found.to_json(), as_json=as_json)


@click.command()
@click.option("--tenant", required=True, help="Slug, agency/slug or id of one creditor.")
@click.option("--portfolio", required=True, type=int, help="Id of one of its portfolios.")
@click.option("--days", type=int, default=30, show_default=True,
              help="Days that are counted of each person: 30, 60 or 90.")  # fmt: skip
@command.data_dir_option
@command.json_option
@command.answers
def arms(tenant: str, portfolio: int, days: int, data_dir: Path | None, as_json: bool) -> None:
    """What the arms of a strategy brought beside the people in none, with 95% intervals."""
    from recupero.decisions.evidence.arms import arms as measure

    with (
        command.opened(data_dir) as running,
        running.database.transaction(tenant_scope(running.database, tenant)) as session,
    ):
        found = measure(session, portfolio, days)
    command.finish(found.to_json(), as_json=as_json)
