"""`recupero ledger …`."""

from pathlib import Path

import click

from recupero.kernel import command
from recupero.ledger import queries
from recupero.tenancy.queries import agency_scopes


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
