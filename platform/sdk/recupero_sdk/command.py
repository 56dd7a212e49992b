"""`recupero-plugin …`: what a plug-in author runs with nothing of the platform installed.

The platform's `recupero plugin new` and `recupero plugin check` are the same two commands. Exit codes: 0 it
holds, 1 it does not, 2 what was asked for cannot be done; the reason on standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from recupero_sdk.conformance.check import check_plugin, report
from recupero_sdk.conformance.quality import QualityError
from recupero_sdk.conformance.quality_rules import KINDS
from recupero_sdk.conformance.subject import NoPluginError
from recupero_sdk.scaffold import ScaffoldError, make


def new(kind: str, name: str, path: Path | None, *, as_json: bool = False) -> int:
    """Writes a new plug-in to `path` (default: a folder named after it here) and says what to do next."""
    try:
        made = make(kind, name, path)
    except ScaffoldError as error:
        return _refused(error)
    _say(json.dumps(made.to_json(), ensure_ascii=False) if as_json else made.told())
    return 0


def check(path: Path, *, as_json: bool) -> int:
    """Verifies the grade that the plug-in at `path` claims."""
    try:
        verified = check_plugin(path)
    except (NoPluginError, QualityError) as error:
        return _refused(error)
    _say(json.dumps(verified.to_json(), ensure_ascii=False, default=str) if as_json else report(verified))
    return 0 if verified.holds else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _refused(error: Exception) -> int:
    sys.stderr.write(f"{error}\n")
    return 2


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line of the SDK."""
    parser = argparse.ArgumentParser(prog="recupero-plugin", description="Write and check Recupero plug-ins.")
    commands = parser.add_subparsers(required=True, dest="command")
    making = commands.add_parser("new", help="write a new plug-in that passes its kit")
    making.add_argument("kind", metavar="KIND", help=", ".join(KINDS))
    making.add_argument("name", metavar="NAME", help="of a regulation its country, such as uy")
    making.add_argument("--path", type=Path, help="where to write it")
    making.add_argument("--json", action="store_true", dest="as_json", help="one JSON object")
    checking = commands.add_parser("check", help="verify the grade that a plug-in claims")
    checking.add_argument("path", metavar="PATH", type=Path)
    checking.add_argument("--json", action="store_true", dest="as_json", help="one JSON object")
    asked = parser.parse_args(arguments)
    if asked.command == "new":
        return new(asked.kind, asked.name, asked.path, as_json=asked.as_json)
    return check(asked.path, as_json=asked.as_json)


if __name__ == "__main__":
    sys.exit(main())
