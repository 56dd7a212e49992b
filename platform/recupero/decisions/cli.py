"""`recupero plan`, `recupero models …`, `recupero decisions …`."""

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from recupero.decisions.evidence import strategy_cli
from recupero.decisions.evidence.strategy_cli import moment_of
from recupero.kernel import clock, command, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.tenancy.queries import AgencyScope, agency_scopes, tenant_scope

log = logging.getLogger(__name__)


def scopes(running: runtime.Runtime, tenant: str | None, every: bool) -> list[Scope]:
    """The tenants a command is for, each with its agency. Raises UserError unless exactly one way is
    given."""
    if (tenant is None) is not every:
        raise UserError("give either --tenant T or --all", field="tenant")
    if tenant is not None:
        return [tenant_scope(running.database, tenant)]
    return [each.of_tenant(one) for each in agency_scopes(running.database) for one in each.tenant_ids]


@click.command()
@click.option("--tenant", help="Slug, agency/slug or id of one creditor.")
@click.option("--all", "every", is_flag=True, help="Every creditor of every agency.")
@click.option("--at", "moment", help="Plan as of this moment (ISO 8601 with zone); now by default.")
@command.data_dir_option
@command.json_option
@command.answers
def plan(tenant: str | None, every: bool, moment: str | None, data_dir: Path | None, as_json: bool) -> None:
    """Decide and schedule the next action of every account. A creditor whose plan fails stops no other: it is
    named, and the command ends with 1."""
    at, plans, failed = moment_of(moment), list[dict[str, Any]](), list[dict[str, Any]]()
    with command.opened(data_dir) as running:
        found = scopes(running, tenant, every)
        with click.progressbar(found, label="Planning", file=sys.stderr) as wanted:
            for scope in wanted:
                _plan_one(running, scope, at, plans, failed)
    command.finish({**_together(plans), "not_planned": failed}, as_json=as_json, ok=not failed)


def _plan_one(
    running: runtime.Runtime,
    scope: Scope,
    at: datetime | None,
    plans: list[dict[str, Any]],
    failed: list[dict[str, Any]],
) -> None:
    from recupero.decisions.service import plan_tenant

    try:
        plans.append(plan_tenant(running.database, scope, at).to_json())
    except Exception as error:
        log.exception("tenant %s could not be planned", scope.tenant())
        failed.append({"tenant_id": scope.tenant(), "reason": f"{type(error).__name__}: {error}"})


def _together(plans: list[dict[str, Any]]) -> dict[str, Any]:
    """Sums over tenants; the gap is the widest of any."""
    total: dict[str, Any] = {"accounts": 0, "candidates": 0, "planned": 0, "blocked": {}, "held": {},
                             "expected_value": {}, "bound_gap": 0.0, "seconds": 0.0, "notes": [],
                             "failed": []}  # fmt: skip
    for each in plans:
        for key in ("accounts", "candidates", "planned", "seconds"):
            total[key] += each[key]
        for key in ("blocked", "held", "expected_value"):
            for name, number in each[key].items():
                total[key][name] = total[key].get(name, 0) + number
        total["bound_gap"] = max(total["bound_gap"], each["bound_gap"])
        total["failed"] = sorted({*total["failed"], *each["failed"]})
        total["notes"] += [f"tenant {each['tenant_id']}: {note}" for note in each["notes"]]
    return {**total, "seconds": round(total["seconds"], 3), "tenants": plans}


Kind = TypeVar("Kind")


@click.group()
def models() -> None:
    """The registry of models: list, train, shadow, drift, promote, retire, benchmark."""


@models.command("list")
@command.data_dir_option
@command.json_option
@command.answers
def list_models(data_dir: Path | None, as_json: bool) -> None:
    """Every version with its aliases and figures."""
    from recupero.decisions.learning import registry

    with command.opened(data_dir) as running:
        kinds = sorted([*running.plugins.models, *running.plugins.actions, *running.plugins.texts])
        found = [asdict(version) for version in registry.versions()]
    if as_json:
        command.finish({"kinds": kinds, "models": found}, as_json=True)
        return
    for each in found:
        held = {key: round(value, 5) for key, value in each["metrics"].items() if key.startswith("holdout_")}
        click.echo(f"{each['name']} {each['version']} {','.join(each['aliases'])} {json.dumps(held)}")
    if not found:
        click.echo(f"no model is registered yet; kinds installed: {', '.join(kinds) or 'none'}")


def _training_scopes(running: runtime.Runtime, tenant: str | None, agency: int | None) -> Iterator[Scope]:
    if tenant is not None:
        yield tenant_scope(running.database, tenant)
        return
    for each in agency_scopes(running.database):
        if agency is None or each.agency_id == agency:
            yield each.scope()


@models.command()
@click.argument("kind", default="propensity")
@click.option("--tenant", help="A model of this creditor's own.")
@click.option(
    "--agency", type=int, help="Only this agency; every agency by default, each with a model of its own."
)
@click.option("--seed", default=0, show_default=True)
@command.data_dir_option
@command.json_option
@command.answers
def train(
    kind: str, tenant: str | None, agency: int | None, seed: int, data_dir: Path | None, as_json: bool
) -> None:
    """Train on the history and register; the first version becomes champion, later ones challenger."""
    from recupero.decisions.learning import training

    with command.opened(data_dir) as running:
        training.known(kind)
        wanted = list(_training_scopes(running, tenant, agency))
        if not wanted:
            raise UserError("there is no such agency, or none has a creditor yet", field="agency")
        done, refused = [], []
        for scope in wanted:
            try:
                done.append(training.train(running.database, scope, kind, seed=seed).to_json())
            except UserError as error:
                refused.append(
                    {"agency_id": scope.agency_id, "tenant_ids": scope.tenant_ids, "reason": error.message}
                )
                click.echo(error.message, err=True)
    command.finish({"trained": done, "refused": refused}, as_json=as_json, ok=bool(done))


@models.command()
@click.argument("name")
@click.argument("version")
@command.data_dir_option
@command.json_option
@command.answers
def promote(name: str, version: str, data_dir: Path | None, as_json: bool) -> None:
    """Make VERSION of NAME the champion; it needs a measured win over the present one."""
    from recupero.decisions.learning import promotion

    with command.opened(data_dir) as running:
        scope = _owner(running, name)
        promotion.promote(running.database, scope, name, version, actor="system:cli")
    command.finish({"name": name, "version": version, "alias": "champion"}, as_json=as_json)


@models.command()
@click.argument("name")
@command.data_dir_option
@command.json_option
@command.answers
def retire(name: str, data_dir: Path | None, as_json: bool) -> None:
    """Take a creditor's own model NAME out of service: its agency's serves it again."""
    from recupero.decisions.learning import promotion

    with command.opened(data_dir) as running:
        retired = promotion.retire(running.database, _owner(running, name), name, actor="system:cli")
    command.finish({"name": name, "version": retired.version, "alias": None}, as_json=as_json)


def _owner(running: runtime.Runtime, name: str) -> Scope:
    """The scope of the agency that a registered name belongs to."""
    for each in agency_scopes(running.database):
        mine = {f"-agency-{each.agency_id}", *(f"-tenant-{tenant_id}" for tenant_id in each.tenant_ids)}
        if any(name.endswith(end) for end in mine):
            return each.scope()
    raise UserError(
        "no agency has a model called '%(name)s': see `recupero models list`", field="name", name=name
    )


@models.command()
@click.argument("kind", default="propensity")
@click.option("--tenant", help="This creditor's own model.")
@click.option("--agency", type=int, help="Only this agency; every agency by default.")
@command.data_dir_option
@command.json_option
@command.answers
def shadow(kind: str, tenant: str | None, agency: int | None, data_dir: Path | None, as_json: bool) -> None:
    """Answer for today's accounts by champion and challenger and compare; decides nothing."""
    from recupero.decisions.learning import models as registry_models
    from recupero.decisions.learning import watching

    with command.opened(data_dir) as running:
        wanted = [
            (scope, registry_models.name_for(running.database, scope, kind))
            for scope in _training_scopes(running, tenant, agency)
        ]
        found = [asdict(watching.shadow(running.database, *each)) for each in wanted]
    command.finish({"shadows": found, "at": clock.now().isoformat()}, as_json=as_json)


@models.command()
@click.argument("kind", required=False)
@click.option("--agency", type=int, help="Only this agency; every agency by default.")
@command.data_dir_option
@command.json_option
@command.answers
def drift(kind: str | None, agency: int | None, data_dir: Path | None, as_json: bool) -> None:
    """How far today's accounts lie from those each champion learned from (PSI), of one KIND or of all; 1
    where one has drifted."""
    from recupero.decisions.learning import watching

    with command.opened(data_dir) as running:
        wanted = list(_training_scopes(running, None, agency))
        found = [each for scope in wanted for each in watching.watch(running.database, scope, kind)]
    told = {"drifts": [each.to_json() for each in found], "at": clock.now().isoformat()}
    command.finish(told, as_json=as_json, ok=not any(each.drifted for each in found))


@models.command()
@click.argument("name")
@click.option("--train", "train_file", required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--test", "test_file", required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--predictions", type=click.Path(path_type=Path, dir_okay=False), help="Write row_id and p here."
)
@click.option("--kind", help="The installed kind of model; by default the one that the set is for.")
@click.option("--with-protected", is_flag=True, help="Age, sex and their like as features, to compare with.")
@click.option("--known-dispute", is_flag=True, help="accounts_receivable: once disputes are known.")
@command.json_option
@command.answers
def benchmark(
    name: str,
    train_file: Path,
    test_file: Path,
    predictions: Path | None,
    kind: str | None,
    with_protected: bool,
    known_dispute: bool,
    as_json: bool,
) -> None:
    """Train the platform's model on a public data set NAME and score a test file. Needs no database."""
    from recupero.decisions import publictexts
    from recupero.decisions.public import actions
    from recupero.decisions.public.benchmark import Options
    from recupero.decisions.public.benchmark import benchmark as measure
    from recupero.decisions.public.sets import SETS
    from recupero.kernel.plugins import Plugins

    plugins = Plugins.load()
    if name in publictexts.SETS:
        reader = _brought(plugins.texts, kind or "intents")
        found = publictexts.benchmark(reader, name, train_file, test_file, predictions)
    elif name in actions.SETS:
        chooser = _brought(plugins.actions, kind or "next_action")
        found = actions.SETS[name](chooser, train_file, test_file, predictions)
    elif name in SETS:
        known = SETS[name]
        model = _brought(plugins.models, kind or known.kind)
        options = Options(with_protected, known_dispute)
        found = measure(model, known, train_file, test_file, predictions, options)
    else:
        raise UserError(
            "the data set '%(name)s' is not supported; supported: %(known)s",
            field="NAME",
            name=name,
            known=", ".join([*SETS, *actions.SETS, *publictexts.SETS]),
        )
    command.finish(found, as_json=as_json)


def _brought(installed: Mapping[str, Kind], kind: str) -> Kind:
    if kind not in installed:
        raise UserError(
            "no plug-in brings the model '%(kind)s'; installed: %(known)s",
            field="--kind",
            kind=kind,
            known=", ".join(installed),
        )
    return installed[kind]


@click.group()
def decisions() -> None:
    """What was decided, and what another policy would have brought."""


@decisions.command()
@click.option("--tenant", help="Slug, agency/slug or id of one creditor; all of one currency by default.")
@click.option(
    "--policy",
    default="champion",
    show_default=True,
    help="champion, wait, next_action, or a channel of law.",
)
@command.data_dir_option
@command.json_option
@command.answers
def evaluate(tenant: str | None, policy: str, data_dir: Path | None, as_json: bool) -> None:
    """Off-policy value of a policy on logged decisions, with its interval; refuses where support is
    missing."""
    from recupero.decisions.evidence.evaluation import evaluate as estimate

    with command.opened(data_dir) as running:
        if tenant is not None:
            scope = tenant_scope(running.database, tenant)
        else:
            scope = _only(agency_scopes(running.database))
        with running.database.transaction(scope) as session:
            found = estimate(session, policy).to_json()
    command.finish(found, as_json=as_json)


@decisions.command()
@click.option("--tenant", required=True, help="Slug, agency/slug or id of one creditor.")
@click.option("--portfolio", type=int, help="Only this portfolio; all of the creditor's currency by default.")
@click.option(
    "--from", "begin", help="Moment (ISO 8601 with zone); since the control group began by default."
)
@click.option("--to", "end", help="Moment (ISO 8601 with zone); now by default.")
@command.data_dir_option
@command.json_option
@command.answers
def uplift(
    tenant: str,
    portfolio: int | None,
    begin: str | None,
    end: str | None,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """What was recovered beside the control group, which is left alone, with 95% intervals."""
    from recupero.decisions.evidence import uplift as measure

    with (
        command.opened(data_dir) as running,
        running.database.transaction(tenant_scope(running.database, tenant)) as session,
    ):
        found = measure.uplift(session, moment_of(begin), moment_of(end), portfolio)
    command.finish(found.to_json(), as_json=as_json)


def _only(agencies: list[AgencyScope]) -> Scope:
    if len(agencies) != 1:
        raise UserError(
            "there are several agencies, or none: name one creditor with --tenant", field="tenant"
        )
    return agencies[0].scope()


decisions.add_command(strategy_cli.try_strategy)
decisions.add_command(strategy_cli.what_if)
decisions.add_command(strategy_cli.arms)
