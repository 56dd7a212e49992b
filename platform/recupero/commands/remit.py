"""`recupero remit …`: statements of remittance from the command line.

Who acts is named by `--by`: the two-people rule holds here as on the pages.
"""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from recupero.commands.acting import actor_of, by_option
from recupero.kernel import command
from recupero.ledger import paying, remittances, statements
from recupero.ledger.tables import Remittance
from recupero.reports import statement_files
from recupero.reports import statements as documents
from recupero.tenancy import queries as tenancy
from recupero.tenancy.permissions import Permission

_FIGURES = (
    "id", "tenant_id", "state", "currency", "method", "period_from", "period_to", "collected_minor",
    "direct_minor", "fees_minor", "tax_minor", "opening_minor", "payable_minor", "closing_minor",
    "invoiced_minor", "statement_number", "invoice_number",
)  # fmt: skip
Command = Callable[..., None]


def _common(made: Command) -> Command:
    return command.data_dir_option(command.json_option(command.answers(made)))


@click.group()
def remit() -> None:
    """Statements of remittance: drawn, reviewed, issued, paid out."""


@remit.command()
@click.argument("tenant")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First day.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Last day, included.")
@click.option("--currency", default=None, help="The creditor's own by default.")
@by_option
@_common
def draw(
    tenant: str, first: datetime, last: datetime, currency: str | None, by: str, data_dir: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Draw the statement of TENANT for a period; one that is drawn and not issued is replaced."""
    with command.opened(data_dir) as platform:
        scope = tenancy.tenant_scope(platform.database, tenant)
        actor = actor_of(platform, scope, by, Permission.REMITTANCES_PREPARE)
        with platform.database.transaction(scope) as session:
            drawn = remittances.draw(
                session, currency=currency or tenancy.tenant(session).currency, period_from=first.date(),
                period_to=last.date(), actor=actor,
            )  # fmt: skip
            answer = _shown(drawn)
    command.finish(answer, as_json=as_json)


@remit.command("list")
@click.argument("tenant")
@_common
def list_(tenant: str, data_dir: Path | None, as_json: bool) -> None:
    """The newest statements of TENANT."""
    with command.opened(data_dir) as platform:
        scope = tenancy.tenant_scope(platform.database, tenant)
        with platform.database.transaction(scope) as session:
            shown = [_shown(one) for one in statements.listed(session)]
    command.finish({"statements": shown}, as_json=as_json)


def _step(name: str, permission: Permission, step: remittances.Step, what: str) -> None:
    """A command for a step that needs nothing but the statement and who takes it."""

    @remit.command(name, help=what)
    @click.argument("tenant")
    @click.argument("remittance_id", type=int)
    @by_option
    @_common
    def run(tenant: str, remittance_id: int, by: str, data_dir: Path | None, as_json: bool) -> None:
        with command.opened(data_dir) as platform:
            scope = tenancy.tenant_scope(platform.database, tenant)
            actor = actor_of(platform, scope, by, permission)
            with platform.database.transaction(scope) as session:
                answer = _shown(step(session, remittance_id, actor=actor))
        command.finish(answer, as_json=as_json)


_step(
    "review", Permission.REMITTANCES_PREPARE, remittances.review, "Say that a drawn statement was looked at."
)
_step(
    "issue", Permission.REMITTANCES_ISSUE, remittances.issue, "Number and lock a reviewed statement."
)  # fmt: skip


@remit.command("pay-out")
@click.argument("tenant")
@click.argument("remittance_id", type=int)
@click.option("--reference", required=True, help="The bank's reference of the payment.")
@by_option
@_common
def pay_out(
    tenant: str, remittance_id: int, reference: str, by: str, data_dir: Path | None, as_json: bool
) -> None:
    """Note that an issued statement was paid."""
    with command.opened(data_dir) as platform:
        scope = tenancy.tenant_scope(platform.database, tenant)
        actor = actor_of(platform, scope, by, Permission.REMITTANCES_PAY)
        with platform.database.transaction(scope) as session:
            answer = _shown(remittances.pay_out(session, remittance_id, reference=reference, actor=actor))
    command.finish(answer, as_json=as_json)


@remit.command()
@click.argument("tenant")
@click.argument("remittance_id", type=int)
@click.option("--format", "form", type=click.Choice([*statement_files.MEDIA_TYPES, "invoice"]), default="pdf",
              show_default=True)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write."
)
@command.locale_option
@_common
def export(
    tenant: str, remittance_id: int, form: str, out: Path, locale: str | None, data_dir: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Write a statement as a file, or the invoice that goes with it (PDF)."""
    with command.opened(data_dir) as platform:
        scope = tenancy.tenant_scope(platform.database, tenant)
        with platform.database.transaction(scope) as session:
            made = documents.document(session, remittance_id)
    if form == "invoice":
        content = statement_files.invoice(made, locale)
    else:
        content = statement_files.render(made, form, locale)
    command.write(out, content)
    command.finish({"file": str(out), "format": form, "bytes": len(content)}, as_json=as_json)


@remit.command()
@click.argument("tenant")
@click.option("--currency", required=True)
@click.option("--format", "form", type=click.Choice(list(paying.FORMATS)), default="csv", show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write."
)
@by_option
@_common
def payments(
    tenant: str, currency: str, form: str, out: Path, by: str, data_dir: Path | None, as_json: bool
) -> None:
    """Write what TENANT is to be paid as a file for the bank: csv, or xml (SEPA pain.001.001.09)."""
    with command.opened(data_dir) as platform:
        scope = tenancy.tenant_scope(platform.database, tenant)
        actor = actor_of(platform, scope, by, Permission.REMITTANCES_PAY)
        with platform.database.transaction(scope) as session:
            content = paying.payment_file(session, currency, form, actor=actor)
    command.write(out, content)
    command.finish({"file": str(out), "format": form, "bytes": len(content)}, as_json=as_json)


def _shown(one: Remittance) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in _FIGURES}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
