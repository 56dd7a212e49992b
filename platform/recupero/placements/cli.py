"""`recupero import`: a creditor's file, from the command line; `recupero phones`: numbers taken in before."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import select

from recupero.kernel import clock, command, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import NotFound, UserError
from recupero.placements.tables import Portfolio
from recupero.tenancy import queries as tenancy

if TYPE_CHECKING:
    from recupero.placements.imports.running import ImportResult


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--tenant", required=True, help="The creditor: short name, agency/name, or number.")
@click.option("--portfolio", required=True, help="The portfolio: name or number.")
@click.option("--mapping", default=None, help="A mapping's JSON file, or the name of a saved one.")
@click.option(
    "--kind", type=click.Choice(["placement", "maintenance", "financial", "recall"]), default="placement"
)
@click.option("--dry-run", is_flag=True, help="Do everything, keep nothing.")
@click.option(
    "--rejects", type=click.Path(path_type=Path, dir_okay=False), default=None,
    help="Where to write the rows that were not taken (default: the data directory).",
)  # fmt: skip
@command.data_dir_option
@command.json_option
@command.answers
def import_command(
    file: Path, tenant: str, portfolio: str, mapping: str | None, kind: str, dry_run: bool,
    rejects: Path | None,
    data_dir: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Take a creditor's FILE in: CSV or XLSX."""
    chosen = _mapping(mapping)
    with command.opened(data_dir) as platform:
        scope = tenancy.tenant_scope(platform.database, tenant)
        result = _run(platform, scope, file, portfolio, chosen, kind, dry_run=dry_run, rejects=rejects)
    command.finish(result.as_json(), as_json=as_json)


def _run(
    platform: runtime.Runtime, scope: Scope, file: Path, portfolio: str, mapping: dict[str, Any] | str | None,
    kind: str, *, dry_run: bool, rejects: Path | None,
) -> "ImportResult":  # fmt: skip
    from recupero.placements.imports.running import import_file  # Polars is loaded only to read a file

    target = rejects
    if target is None and not dry_run:
        stem = file.name.split(".")[0]
        target = platform.config.data_dir / "rejects" / f"{stem}-{clock.now():%Y%m%dT%H%M%S%f}.csv"
    portfolio_number = portfolio_id(platform, scope, portfolio)
    with click.progressbar(length=100, label=file.name, file=sys.stderr) as bar:
        return import_file(
            platform.database, scope, portfolio_id=portfolio_number, path=file, kind=kind, mapping=mapping,
            dry_run=dry_run, actor="system", rejects=target, progress=partial(_show, bar),
        )  # fmt: skip


def _show(bar: Any, share: float) -> None:
    bar.update(max(0, int(share * 100) - bar.pos))


def portfolio_id(platform: runtime.Runtime, scope: Scope, wanted: str) -> int:
    """A portfolio of the tenant by name or number. Raises NotFound, saying what there is."""
    with platform.database.transaction(scope) as session:
        rows = session.execute(
            select(Portfolio.id, Portfolio.name)
            .where(Portfolio.tenant_id == scope.tenant())
            .order_by(Portfolio.name)
        ).all()
    for identity, name in rows:
        if wanted in (name, str(identity)):
            return int(identity)
    known = ", ".join(name for _, name in rows) or "-"
    raise NotFound(
        "the creditor has no portfolio '%(wanted)s'; it has: %(known)s",
        field="portfolio",
        wanted=wanted,
        known=known,
    )


def _mapping(given: str | None) -> dict[str, Any] | str | None:
    """A JSON file's content, or the name of a saved mapping."""
    if given is None or not (Path(given).is_file() or given.endswith(".json")):
        return given
    try:
        spec: dict[str, Any] = json.loads(Path(given).read_text("utf-8"))
    except OSError as error:
        raise UserError(
            "the mapping %(given)s cannot be read: %(why)s", field="mapping", given=given, why=error.strerror
        ) from None
    except ValueError as error:
        raise UserError(
            "the mapping %(given)s is no JSON: %(why)s", field="mapping", given=given, why=error
        ) from None
    return spec


@click.group()
def phones() -> None:
    """Telephone numbers."""


@phones.command("regions")
@click.option("--tenant", help="Only this creditor: short name, agency/name, or number; all, where left out.")
@command.data_dir_option
@command.json_option
@command.answers
def regions(tenant: str | None, data_dir: Path | None, as_json: bool) -> None:
    """Give numbers the region that law packs list for their first digits, and the zones, where they lack
    them."""
    from recupero.placements.imports import refilling

    with (
        command.opened(data_dir) as running,
        click.progressbar(_scopes(running, tenant), label="Regions of numbers", file=sys.stderr) as wanted,
    ):
        done = sum((refilling.refill(running.database, scope) for scope in wanted), refilling.Refilled())
    command.finish({"looked_at": done.looked_at, "filled": done.filled}, as_json=as_json)


@click.group()
def names() -> None:
    """Names of debtors."""


@names.command("file")
@click.option("--tenant", help="Only this creditor: short name, agency/name, or number; all, where left out.")
@command.data_dir_option
@command.json_option
@command.answers
def file_names(tenant: str | None, data_dir: Path | None, as_json: bool) -> None:
    """File the words of all names anew, so that people are found by them; imports and the daily job do so by
    themselves."""
    from recupero.placements.imports import refiling

    with (
        command.opened(data_dir) as running,
        click.progressbar(_scopes(running, tenant), label="Words of names", file=sys.stderr) as wanted,
    ):
        filed = sum(refiling.file_anew(running.database, scope) for scope in wanted)
    command.finish({"debtors": filed}, as_json=as_json)


def _scopes(platform: runtime.Runtime, tenant: str | None) -> list[Scope]:
    """The scope of the creditor, or of each."""
    if tenant is not None:
        return [tenancy.tenant_scope(platform.database, tenant)]
    agencies = tenancy.agency_scopes(platform.database)
    return [agency.of_tenant(each) for agency in agencies for each in agency.tenant_ids]
