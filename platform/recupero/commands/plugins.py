"""`recupero plugin`: what is installed, new ones written, and whether one keeps its promises.

`new` and `check` are those of the SDK, which a plug-in author runs as `recupero-plugin`.
"""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from recupero.kernel import command
from recupero.kernel.plugins import Plugins
from recupero_sdk import command as authors


@click.group()
def plugin() -> None:
    """Plug-ins."""


@plugin.command(name="list")
@command.json_option
@command.answers
def list_plugins(as_json: bool) -> None:
    """Installed plug-ins, what they register, and why one failed."""
    states = [asdict(state) for state in Plugins.load().states]
    if as_json:
        command.finish({"plugins": states}, as_json=True)
        return
    for state in states:
        outcome = f"FAILED: {state['error']}" if state["error"] else ", ".join(state["keys"])
        click.echo(f"{state['kind']:<11}{state['name']:<14}{state['version']:<12}{outcome}")


@plugin.command(name="new")
@click.argument("kind")
@click.argument("name")
@click.option("--path", type=click.Path(path_type=Path), help="Where to write it.")
@command.json_option
def new_plugin(kind: str, name: str, path: Path | None, as_json: bool) -> None:
    """Write a new plug-in that passes its kit: KIND is regulation, channel, model, action, text, gateway."""
    sys.exit(authors.new(kind, name, path, as_json=as_json))


@plugin.command(name="check")
@click.argument("path", type=click.Path(path_type=Path))
@command.json_option
def check_plugin(path: Path, as_json: bool) -> None:
    """Test the plug-in at PATH with the SDK's kit and verify the grade of its quality.yaml."""
    sys.exit(authors.check(path, as_json=as_json))
