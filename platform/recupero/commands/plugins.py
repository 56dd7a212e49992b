"""`recupero plugin`: what is installed, and whether one keeps its promises."""

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import click

from recupero.kernel import command
from recupero.kernel.errors import UserError
from recupero.kernel.plugins import Plugins


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


@plugin.command(name="check")
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@command.answers
def check_plugin(path: Path) -> None:
    """Run the tests of the plug-in distribution at PATH with the conformance kit; exit 1 where one fails."""
    if not (path / "pyproject.toml").exists() or not (path / "tests").is_dir():
        raise UserError(
            "%(path)s is no plug-in: it needs a pyproject.toml and a folder named tests", path=path
        )
    pytest = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--rootdir",
        str(path),
        "-c",
        str(path / "pyproject.toml"),
    ]
    done = subprocess.run([*pytest, "--import-mode=importlib", str(path / "tests")], check=False)
    sys.exit(0 if done.returncode == 0 else 1)
