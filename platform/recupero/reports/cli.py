"""`recupero report`."""

from pathlib import Path

import click

from recupero.kernel import command
from recupero.kernel.errors import UserError
from recupero.reports import service
from recupero.reports.periods import parse_period
from recupero.tenancy import queries as tenancy


@click.command("report")
@click.argument("tenant")
@click.option(
    "--period", required=True, metavar="YYYY-MM[..YYYY-MM]", help="Months, in the creditor's time zone."
)
@click.option(
    "--format", "form", type=click.Choice(list(service.MEDIA_TYPES)), default="pdf", show_default=True
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write."
)
@command.locale_option
@command.data_dir_option
@command.json_option
@command.answers
def report(
    tenant: str, period: str, form: str, out: Path, locale: str | None, data_dir: Path | None, as_json: bool
) -> None:
    """Write the recovery report of TENANT (its short name, or agency/name)."""
    wanted = parse_period(period)
    if not out.parent.is_dir():
        raise UserError("there is no folder %(folder)s: make it first", field="out", folder=out.parent)
    with command.opened(data_dir) as platform:
        scope = tenancy.tenant_scope(platform.database, tenant)
        with platform.database.transaction(scope) as session:
            made = service.recovery_report(session, wanted)
        content = service.render(made, form, locale)
    command.write(out, content)
    collected = {section.currency: section.figure("collected").numerator for section in made.sections}
    answer = {"file": str(out), "format": form, "bytes": len(content), "tenant": made.tenant_slug}
    command.finish({**answer, "period": str(made.period), "collected": collected}, as_json=as_json)
