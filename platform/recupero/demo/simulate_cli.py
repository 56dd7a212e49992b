"""`recupero simulate`: the real pipeline against simulated debtors, under one policy or several compared."""

from contextlib import ExitStack

import click

from recupero.kernel import command


@click.command()
@click.option(
    "--policy", default="champion", show_default=True, help="cadence, propensity, champion, oracle, wait."
)
@click.option("--days", default=180, show_default=True, type=click.IntRange(1, 730))
@click.option("--accounts", default=5000, show_default=True, type=click.IntRange(10, 1_000_000))
@click.option("--seed", default=0, show_default=True, type=int)
@click.option(
    "--learn-days",
    default=0,
    show_default=True,
    type=click.IntRange(0, 365),
    help="Days of work on another creditor's accounts from which the models learn before.",
)
@click.option("--cap", type=click.IntRange(1), help="Most contacts that one day's plan may make.")
@command.json_option
@command.answers
def simulate(
    policy: str, days: int, accounts: int, seed: int, learn_days: int, cap: int | None, as_json: bool
) -> None:
    """Try a policy on simulated debtors, on a platform that is gone afterwards."""
    from recupero.demo.simulate import Trial, run
    from recupero.kernel import throwaway
    from recupero.wiring import wire

    with ExitStack() as stack:
        platform, _engines = stack.enter_context(throwaway.platform(durable=False))
        wire()
        trial = Trial(policy, days, accounts, seed, learn_days, cap)
        result = run(platform, trial, lambda line: click.echo(line, err=True))
    command.finish(result, as_json=as_json, ok=result["illegal_contacts"] == 0)
