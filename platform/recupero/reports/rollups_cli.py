"""`recupero reports …`: the roll-ups, rebuilt and proven."""

from collections.abc import Iterator
from pathlib import Path

import click

from recupero.kernel import command, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.reports import rollups
from recupero.tenancy import queries as tenancy

_tenant = click.option(
    "--tenant", default=None, metavar="T", help="One creditor: its short name, or agency/name."
)
_all = click.option("--all", "every", is_flag=True, help="All creditors.")


@click.group("reports")
def reports() -> None:
    """The roll-ups that reports read."""


@reports.command()
@_tenant
@_all
@command.data_dir_option
@command.json_option
@command.answers
def rebuild(tenant: str | None, every: bool, data_dir: Path | None, as_json: bool) -> None:
    """Make the roll-ups anew from the raw rows. The figures stay as they are."""
    done = 0
    with command.opened(data_dir) as platform:
        for scope in _scopes(platform, tenant, every):
            with platform.database.transaction(scope) as session:
                rollups.rebuild(session)
            done += 1
    command.finish({"tenants": done}, as_json=as_json)


@reports.command()
@_tenant
@_all
@command.data_dir_option
@command.json_option
@command.answers
def check(tenant: str | None, every: bool, data_dir: Path | None, as_json: bool) -> None:
    """Prove that reports from the roll-ups are those from the raw rows, month by month and in all.

    Exits 1 where one is not."""
    problems: list[str] = []
    with command.opened(data_dir) as platform:
        for scope in _scopes(platform, tenant, every):
            with platform.database.transaction(scope) as session:
                rollups.fold(session)
            with platform.database.transaction(scope, snapshot=True) as session:
                problems += rollups.check(session)
    command.finish({"problems": problems}, as_json=as_json, ok=not problems)


def _scopes(platform: runtime.Runtime, tenant: str | None, every: bool) -> Iterator[Scope]:
    if (tenant is None) is not every:
        raise UserError("say which creditor with --tenant, or --all", field="tenant")
    if tenant is not None:
        yield tenancy.tenant_scope(platform.database, tenant)
        return
    for agency in tenancy.agency_scopes(platform.database):
        yield from (agency.of_tenant(tenant_id) for tenant_id in agency.tenant_ids)
