"""`recupero ledger …`."""

from pathlib import Path
from typing import Any

import click

from recupero.kernel import command
from recupero.ledger import queries
from recupero.ledger.trust import Position, positions
from recupero.tenancy.queries import agency_scopes, tenants


@click.group()
def ledger() -> None:
    """The books."""


@ledger.command()
@command.data_dir_option
@command.json_option
@command.answers
def check(data_dir: Path | None, as_json: bool) -> None:
    """Prove that the books balance, allocations equal payments and trust equals cash, for each tenant."""
    problems: list[str] = []
    with command.opened(data_dir) as platform:
        for agency in agency_scopes(platform.database):
            for tenant_id in agency.tenant_ids:
                with platform.database.transaction(agency.of_tenant(tenant_id)) as session:
                    problems += queries.check(session)
    command.finish({"problems": problems}, as_json=as_json, ok=not problems)


_FLOWS = (
    "received_minor", "remitted_minor", "fees_taken_minor", "gateway_fees_minor", "refunded_minor",
    "charged_back_minor", "advanced_minor", "balance_minor",
)  # fmt: skip
_WHOSE = ("suspense_minor", "creditor_minor", "issued_minor", "agency_minor", "advances_minor")


@ledger.command()
@command.data_dir_option
@command.json_option
@command.answers
def trust(data_dir: Path | None, as_json: bool) -> None:
    """What lies in trust for each creditor and currency, how it came there, and whose it is."""
    found: list[dict[str, Any]] = []
    with command.opened(data_dir) as platform:
        for agency in agency_scopes(platform.database):
            with platform.database.transaction(agency.scope()) as session:
                slugs = {tenant.id: tenant.slug for tenant in tenants(session)}
                found += [_position(slugs[one.tenant_id], one) for one in positions(session)]
    short = any(one["balance_minor"] < 0 for one in found)
    command.finish({"positions": found}, as_json=as_json, ok=not short)


def _position(tenant: str, held: Position) -> dict[str, Any]:
    sums = {name: getattr(held, name) for name in (*_FLOWS, *_WHOSE)}
    return {"tenant": tenant, "currency": held.currency, **sums}
