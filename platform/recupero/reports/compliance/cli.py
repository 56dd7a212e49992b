"""`recupero compliance`: reports for regulators and clients, made and proven."""

import json
from pathlib import Path
from typing import Any

import click

from recupero.kernel import command
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.reports.compliance import layout, service
from recupero.reports.periods import parse_period
from recupero.tenancy import queries as tenancy


@click.group()
def compliance() -> None:
    """Reports of how people were treated, sealed with the audit trail."""


@compliance.command("make")
@click.argument("tenant")
@click.option("--period", required=True, metavar="YYYY-MM[..YYYY-MM]", help="Months of the creditor's zone.")
@click.option(
    "--format", "form", type=click.Choice(list(layout.MEDIA_TYPES)), default="json", show_default=True
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write."
)
@click.option("--seed", default=None, help="Decides which contacts are judged again; the period by default.")
@click.option(
    "--sample", default=service.SAMPLE, show_default=True, help="How many contacts are judged again."
)
@command.locale_option
@command.data_dir_option
@command.json_option
@command.answers
def make(
    tenant: str, period: str, form: str, out: Path, seed: str | None, sample: int, locale: str | None,
    data_dir: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Make, seal and keep the report of TENANT (its short name, or agency/name)."""
    wanted = parse_period(period)
    with command.opened(data_dir) as platform:
        scope = tenancy.tenant_scope(platform.database, tenant)
        with platform.database.transaction(scope) as session:
            made = service.make(session, wanted, actor="system", seed=seed, sample=sample)
        content = layout.render(made.report, form, locale)
    command.write(out, content)
    proofs, seal = made.report["proofs"], made.report["seal"]
    answer = {
        "file": str(out), "report_id": made.id, "digest": seal["digest"], "sequence": seal["sequence"],
        "sampled": proofs["sampled"], "unlawful": len(proofs["unlawful"]),
    }  # fmt: skip
    command.finish(answer, as_json=as_json)


@compliance.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@command.data_dir_option
@command.json_option
@command.answers
def verify(file: Path, data_dir: Path | None, as_json: bool) -> None:
    """Prove a sealed report (its JSON) against the audit trail; exit 1 where something does not hold."""
    report = read(file.read_bytes())
    with command.opened(data_dir) as platform:
        agencies = [
            one for one in tenancy.agency_scopes(platform.database) if one.agency_id == report["agency_id"]
        ]
        scope = agencies[0].scope() if agencies else Scope(report["agency_id"])
        with platform.database.transaction(scope) as session:
            problems = service.verify(session, report)
    answer = {"period": report.get("period"), "tenant": report.get("tenant"), "problems": problems}
    command.finish(answer, as_json=as_json, ok=not problems)


def read(content: bytes) -> dict[str, Any]:
    """The report of a file. Raises UserError where it is none."""
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("agency_id"), int):
        raise UserError(
            "this is no sealed compliance report: give the JSON file as it was made", field="file"
        )
    return found
