"""The command line: `recupero …`. Each room brings its own commands in its `cli.py`.

A command's module is imported when the command is asked for, so that none pays for the rooms of others.
"""

import os
from importlib import import_module

import click

from recupero.kernel import events, logs
from recupero.kernel.lazy import LazyGroup

# One thread for each numeric library's own pool, told before any is loaded, to this process and those that it
# starts: work is shared out over processes, and threads that wait for each other crawl on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

_BENCH = {
    "api": ("Pages of accounts answered per second.", "recupero.portals.benches.bench:api_bench"),
    "execute": ("Actions carried out per second.", "recupero.outreach.benches.bench:execute_bench"),
    "fairness": (
        "How long a few actions wait beside another's many.",
        "recupero.outreach.benches.bench_fairness:fairness_bench",
    ),
    "import": ("Rows placed per second.", "recupero.placements.bench:import_bench"),
    "law": ("Accounts judged per second.", "recupero.decisions.law_bench:law_bench"),
    "plan": ("Accounts planned per second.", "recupero.decisions.bench:plan_bench"),
    "remit": (
        "Lines of a statement made and written per second.",
        "recupero.reports.bench:remit_bench",
    ),
    "report": (
        "A creditor's report from roll-ups, and what keeping them costs.",
        "recupero.reports.bench_report:report_bench",
    ),
    "search": (
        "The global search, by each way people are found.",
        "recupero.portals.benches.bench_search:search_bench",
    ),
    "webhook": ("Events of a gateway taken in per second.", "recupero.payments.bench:webhook_bench"),
}
_COMMANDS = {
    "audit": ("The audit trail.", "recupero.commands.upkeep:audit"),
    "bench": ("Benchmarks, each beside its reference.", "recupero.cli:bench"),
    "compliance": ("How people were treated, sealed.", "recupero.reports.compliance.cli:compliance"),
    "db": ("The database's schema.", "recupero.commands.upkeep:db"),
    "decisions": ("What another policy would have brought.", "recupero.decisions.cli:decisions"),
    "demo": ("The main job on invented people, without a web server.", "recupero.demo.cli:demo_command"),
    "import": ("Take a creditor's file in: CSV or XLSX.", "recupero.placements.cli:import_command"),
    "keys": ("The keys that personal data is encrypted with.", "recupero.commands.upkeep:keys"),
    "law": ("Country packs and house rules; contacts proven.", "recupero.contacts.cli:law"),
    "ledger": ("The books.", "recupero.ledger.cli:ledger"),
    "models": ("The registry of models.", "recupero.decisions.cli:models"),
    "payments": ("Money that comes in.", "recupero.payments.cli:payments"),
    "names": ("Words of names, by which people are found.", "recupero.placements.cli:names"),
    "phones": ("Regions of telephone numbers taken in before.", "recupero.placements.cli:phones"),
    "plan": ("Decide and schedule the next action of every account.", "recupero.decisions.cli:plan"),
    "plugin": ("Plug-ins: list, write a new one, check one.", "recupero.commands.plugins:plugin"),
    "remit": ("Statements of remittance, from draft to payment.", "recupero.commands.remit:remit"),
    "report": ("Write a creditor's recovery report.", "recupero.reports.cli:report"),
    "reports": ("The roll-ups that reports read.", "recupero.reports.rollups_cli:reports"),
    "returned": ("Take in the post's list of returned mail.", "recupero.outreach.reception.cli:returned"),
    "schedule": ("Ask for periodic jobs at their times.", "recupero.commands.running:schedule"),
    "simulate": ("Try a policy on simulated debtors.", "recupero.demo.simulate_cli:simulate"),
    "terms": ("What a creditor's portfolios are worked under.", "recupero.commands.terms:terms"),
    "up": ("Start the whole platform; Ctrl-C stops it.", "recupero.commands.running:up"),
    "work": ("Carry out jobs.", "recupero.commands.running:work"),
}  # fmt: skip

bench = LazyGroup(places=_BENCH, help="Benchmarks, each with its reference measured in the same run.")


@click.group(cls=LazyGroup, places=_COMMANDS, help="Recupero, the collection platform.")
@click.version_option(package_name="recupero")
@click.pass_context
def main(context: click.Context) -> None:
    logs.configure()
    if context.invoked_subcommand != "up":  # it only supervises
        events.wire_when_needed(lambda: import_module("recupero.wiring").wire())


if __name__ == "__main__":
    main()
