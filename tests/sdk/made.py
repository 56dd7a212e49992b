"""A pack made by `plugin new`, and small changes to its files, for the tests of the kit."""

import json
import shutil
from pathlib import Path

import pytest

from recupero_sdk import command
from recupero_sdk.conformance.hours import Sample
from recupero_sdk.conformance.regulation import PackUnderTest

HOURS = Path("recupero_regulation_uy/rules/02-hours.yaml")
WORKED = Path("tests/scenarios/worked.jsonl")


def copied(source: Path, target: Path) -> Path:
    """A copy of a plug-in that a test may spoil."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def replaced(root: Path, file: Path, old: str, new: str) -> None:
    """Changes a text in one of the plug-in's files; fails where it is not there."""
    text = (root / file).read_text()
    assert old in text, f"{file} does not hold {old}"
    (root / file).write_text(text.replace(old, new))


def under_test(root: Path) -> PackUnderTest:
    """The made pack with its cases."""
    year = int(next((root / "tests/golden").glob("hours-any-*.txt")).stem[-4:])
    sample = Sample(year, None, "America/Montevideo")
    return PackUnderTest(
        root / "recupero_regulation_uy", root / "tests/scenarios", root / "tests/golden", sample
    )


def checked(root: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, object]]:
    """Exit code and JSON answer of `recupero-plugin check`."""
    capsys.readouterr()
    code = command.check(root, as_json=True)
    return code, json.loads(capsys.readouterr().out.splitlines()[-1])
