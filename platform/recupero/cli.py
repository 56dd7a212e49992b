"""The command line: `recupero …`. Each room brings its own commands in its `cli.py`.

A command's module is imported when the command is asked for, so that none pays for the rooms of others.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from recupero.kernel import logs


class _Group(click.Group):
    """A group whose commands are named as `module:attribute`."""

    def __init__(self, *args: Any, places: Mapping[str, str], **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.places:
            return None
        module, attribute = self.places[cmd_name].split(":")
        found: click.Command = getattr(import_module(module), attribute)
        return found


_BENCH = {
    "execute": "recupero.outreach.bench:execute_bench",
    "import": "recupero.placements.bench:import_bench",
    "law": "recupero.decisions.law_bench:law_bench",
    "plan": "recupero.decisions.bench:plan_bench",
    "webhook": "recupero.payments.bench:webhook_bench",
}
_COMMANDS = {
    "audit": "recupero.commands.upkeep:audit",
    "bench": "recupero.cli:bench",
    "db": "recupero.commands.upkeep:db",
    "decisions": "recupero.decisions.cli:decisions",
    "demo": "recupero.demo.cli:demo_command",
    "import": "recupero.placements.cli:import_command",
    "keys": "recupero.commands.upkeep:keys",
    "law": "recupero.contacts.cli:law",
    "ledger": "recupero.ledger.cli:ledger",
    "models": "recupero.decisions.cli:models",
    "payments": "recupero.payments.cli:payments",
    "plan": "recupero.decisions.cli:plan",
    "plugin": "recupero.commands.plugins:plugin",
    "remit": "recupero.commands.remit:remit",
    "report": "recupero.reports.cli:report",
    "schedule": "recupero.commands.running:schedule",
    "up": "recupero.commands.running:up",
    "work": "recupero.commands.running:work",
}

bench = _Group(places=_BENCH, help="Benchmarks, each with its reference measured in the same run.")


@click.group(cls=_Group, places=_COMMANDS, help="Recupero, the collection platform.")
@click.version_option(package_name="recupero")
@click.pass_context
def main(context: click.Context) -> None:
    logs.configure()
    if context.invoked_subcommand != "up":  # only supervises, and should be quick to begin
        import_module("recupero.wiring").wire()


if __name__ == "__main__":
    main()
