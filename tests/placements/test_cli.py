"""`recupero import` as operators call it: JSON on the last line, one clear line and exit code 2 on bad
input.
"""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from recupero.placements import cli
from tests.placements.conftest import MAPPING, Creditor, csv_text, row


@pytest.fixture
def call(creditor: Creditor, monkeypatch: pytest.MonkeyPatch) -> object:
    """Runs the command on the test's own platform."""
    from collections.abc import Iterator
    from contextlib import contextmanager

    from recupero.kernel import command
    from recupero.kernel.runtime import Runtime

    @contextmanager
    def opened(data_dir: Path | None) -> Iterator[Runtime]:
        yield creditor.platform

    monkeypatch.setattr(command, "opened", opened)
    mapping = creditor.folder / "mapping.json"
    mapping.write_text(json.dumps(MAPPING))

    def run(path: Path, *options: str, portfolio: str = "Consumo") -> Result:
        tenant = str(creditor.scope.tenant())
        arguments = [
            str(path),
            "--tenant",
            tenant,
            "--portfolio",
            portfolio,
            "--mapping",
            str(mapping),
            "--json",
        ]
        return CliRunner().invoke(cli.import_command, [*arguments, *options])

    return run


def answer(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout.splitlines()[-1])
    return found


def test_a_file_is_placed_and_its_rejects_written(creditor: Creditor, call) -> None:  # type: ignore[no-untyped-def]
    said = answer(call(creditor.file(csv_text([row(1), row(2, nombre="")]))))
    assert {
        "rows",
        "accepted",
        "rejected",
        "quarantined",
        "duplicates",
        "control_totals",
        "reject_file",
        "seconds",
    } <= set(said)
    assert (said["rows"], said["accepted"], said["rejected"]) == (2, 1, 1)
    assert "a value is required here" in Path(str(said["reject_file"])).read_text("utf-8-sig")


def test_a_dry_run_says_the_same_and_keeps_nothing(creditor: Creditor, call) -> None:  # type: ignore[no-untyped-def]
    before = creditor.loaded()
    said = answer(call(creditor.file(csv_text([row(1), row(2, nombre="")])), "--dry-run"))
    assert (said["accepted"], said["rejected"], said["reject_file"]) == (1, 1, None)
    assert creditor.loaded() == before


def test_without_mapping_one_is_proposed_from_the_headings(creditor: Creditor, call, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = creditor.file(csv_text([row(1)]))
    result = CliRunner().invoke(
        cli.import_command,
        [str(path), "--tenant", str(creditor.scope.tenant()), "--portfolio", "Consumo", "--json"],
    )
    assert answer(result)["accepted"] == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"\x00\x01\x02" * 3000, "no text file"),
        (b"PK\x03\x04rubbish", "workbook is broken"),
        (b"x;" * 2_000_000 + b"\n1\n", "columns|longer"),
        (b"nada\n1\n", "has no column"),
        (csv_text([]).encode(), "no rows"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(creditor: Creditor, call, content: bytes, says: str) -> None:  # type: ignore[no-untyped-def]
    import re

    before = creditor.loaded()
    result = call(creditor.file(content))
    assert result.exit_code == 2
    line = result.stderr.strip().splitlines()[-1]
    assert re.search(says, line), line
    assert creditor.loaded() == before


def test_an_unknown_portfolio_mapping_or_file_is_named(creditor: Creditor, call) -> None:  # type: ignore[no-untyped-def]
    path = creditor.file(csv_text([row(1)]))
    assert "it has: Consumo" in call(path, portfolio="Otra").stderr
    assert "cannot be read" in call(creditor.folder / "none.csv").stderr
    broken = creditor.folder / "broken.json"
    broken.write_text("{")
    assert "no JSON" in call(path, "--mapping", str(broken)).stderr
