"""`recupero law list`, `show` and `check` on the installed packs. They need no database."""

from recupero.kernel import command
from recupero.kernel.plugins import Plugins
from recupero.law.cli import law_commands
from recupero.law.service import Packs


@command.answers
def _installed() -> Packs:
    plugins = Plugins.installed()
    return Packs.of(plugins.packs.values(), plugins.failed_countries())


_commands = law_commands(_installed).commands
packs, show, check = _commands["list"], _commands["show"], _commands["check"]
