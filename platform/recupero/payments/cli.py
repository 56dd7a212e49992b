"""`recupero payments …`."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from recupero.kernel import clock, command
from recupero.kernel.database import Scope
from recupero.payments.charging.reconcile import reconcile
from recupero.tenancy.queries import agency_scopes, tenant_scope


@click.group()
def payments() -> None:
    """Money that comes in."""


@payments.command("reconcile")
@click.option("--tenant", default=None, help="One creditor, by slug or number; else all.")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 365), help="How far back.")
@command.data_dir_option
@command.json_option
@command.answers
def reconcile_command(tenant: str | None, days: int, data_dir: Path | None, as_json: bool) -> None:
    """Compare payments with the record of each creditor's gateway, and book what never reached us.

    Exits 1 where something is left that a person must look at."""
    answer: dict[str, Any] = {"compared": 0, "mended": 0, "tenants": {}, "findings": [], "problems": []}
    with command.opened(data_dir) as platform:
        for scope in _scopes(platform, tenant):
            run = reconcile(platform.database, scope, since=clock.now() - timedelta(days=days))
            answer["tenants"][str(scope.tenant())] = run.state if run else "cannot be asked"
            if run is not None:
                answer["compared"] += run.compared
                answer["findings"] += [{"tenant": scope.tenant(), **one} for one in run.findings]
                answer["problems"] += [f"tenant {scope.tenant()}: {run.problem}"] if run.problem else []
    answer["mended"] = sum(one["mended"] for one in answer["findings"])
    left = len(answer["findings"]) - answer["mended"]
    command.finish(answer, as_json=as_json, ok=not left and not answer["problems"])


def _scopes(platform: Any, tenant: str | None) -> list[Scope]:
    if tenant is not None:
        return [tenant_scope(platform.database, tenant)]
    return [agency.of_tenant(one) for agency in agency_scopes(platform.database) for one in agency.tenant_ids]
