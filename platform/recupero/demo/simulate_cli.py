"""`recupero simulate`: the real pipeline against simulated debtors, under one policy or several compared."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from recupero.kernel import command
from recupero.kernel.errors import UserError


def _numbers(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    try:
        return None if text is None else tuple(int(each) for each in text.split(","))
    except ValueError as error:
        raise click.BadParameter("write whole numbers like 120,240,355") from error


@click.command()
@click.option(
    "--policy", default="champion", show_default=True, help="cadence, propensity, champion, oracle or wait."
)
@click.option("--days", default=180, show_default=True, type=click.IntRange(1, 730))
@click.option("--accounts", default=5000, show_default=True, type=click.IntRange(10, 1_000_000))
@click.option("--seed", default=0, show_default=True, type=int)
@click.option(
    "--learn-days", default=0, show_default=True, type=click.IntRange(0, 365),
    help="Days of work on another creditor's accounts from which the models learn before.",
)  # fmt: skip
@click.option(
    "--taught-days", type=click.IntRange(0),
    help="Days of the learning period from which the models learn; all where it is left out.",
)  # fmt: skip
@click.option(
    "--keep", "keep_in", type=click.Path(path_type=Path, file_okay=False),
    help="Live through the learning period alone, and keep the platform in this new folder; with --learned,"
    " train its models and keep that.",
)  # fmt: skip
@click.option(
    "--learned", type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Begin with a copy of a platform that --keep left.",
)  # fmt: skip
@click.option("--cap", type=click.IntRange(1), help="Most contacts that one day's plan may make.")
@click.option(
    "--pace", callback=_numbers, metavar="N,N,…",
    help="Most contacts that may have been made in all by the end of each day, such as another trial's"
    " contacts_by_day.",
)  # fmt: skip
@click.option(
    "--annoyance", type=click.IntRange(0),
    help="What the creditor holds a complaint or an opt-out to cost, in pesos.",
)  # fmt: skip
@click.option("--compare", "compared", is_flag=True, help="Champion against cadence, oracle and waiting.")
@click.option("--seeds", default="0..9", show_default=True, help="With --compare: 0..9 or 1,4,7.")
@click.option(
    "--at-once", default=1, show_default=True, type=click.IntRange(1, 16),
    help="With --compare: trials side by side, each on a core of its own.",
)  # fmt: skip
@command.json_option
@command.answers
def simulate(
    policy: str, days: int, accounts: int, seed: int, learn_days: int, taught_days: int | None,
    keep_in: Path | None, learned: Path | None, cap: int | None, pace: tuple[int, ...] | None,
    annoyance: int | None, compared: bool, seeds: str, at_once: int, as_json: bool,
) -> None:  # fmt: skip
    """Try a policy on simulated debtors, on a platform that is gone afterwards."""
    from recupero.demo.compare import compare, in_processes, parse_seeds
    from recupero.demo.simulate import ANNOYANCE, Trial

    held = ANNOYANCE if annoyance is None else annoyance
    trial = Trial(policy, days, accounts, seed, learn_days, cap, pace, taught_days, held)
    if keep_in is not None:
        result = _keep(trial, keep_in, learned)
    elif compared:
        result = compare(trial, parse_seeds(seeds), in_processes, _say, at_once=at_once)
    else:
        result = _one(trial, learned)
    command.finish(result, as_json=as_json, ok=result["illegal_contacts"] == 0)


def _one(trial: Any, learned: Path | None) -> dict[str, Any]:
    from recupero.demo.simulate import check, run
    from recupero.kernel import throwaway
    from recupero.wiring import wire

    check(trial.policy)
    with ExitStack() as stack:
        platform, _engines = stack.enter_context(throwaway.platform(durable=False, copy_of=learned))
        wire()
        return run(platform, trial, _say)


def _keep(trial: Any, folder: Path, learned: Path | None) -> dict[str, Any]:
    from recupero.contacts.replaying import replay_contacts
    from recupero.demo.simulate import keep, teach
    from recupero.kernel import engines, throwaway
    from recupero.wiring import wire

    if folder.exists() and any(folder.iterdir()):
        raise UserError("%(folder)s is not empty", field="--keep", folder=folder)
    if learned is not None:
        engines.copy(learned, folder)
    with ExitStack() as stack:
        platform, _engines = stack.enter_context(throwaway.started(folder, durable=False))
        wire()
        if learned is None:
            keep(platform, trial.history(), _say)
        else:
            teach(platform, trial, _say)
        illegal = len(replay_contacts(platform.database).illegal)
    return {"kept": str(folder), "learn_days": trial.learn_days, "illegal_contacts": illegal}


def _say(line: str) -> None:
    click.echo(line, err=True)
