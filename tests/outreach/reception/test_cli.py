"""`recupero returned`: a file of returned mail from the command line."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from recupero.kernel import command, runtime
from recupero.kernel.runtime import Runtime
from recupero.outreach.reception.cli import returned
from tests.outreach.two_way import KEY, Provider


@pytest.fixture
def call(provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    @contextmanager
    def opened(data_dir: Path | None) -> Iterator[Runtime]:
        yield runtime.current()

    monkeypatch.setattr(command, "opened", opened)
    path = tmp_path / "returned.csv"

    def run(content: str, connector: str = KEY) -> Result:
        path.write_text(content)
        tenant = str(provider.scope.tenant())
        arguments = [str(path), "--tenant", tenant, "--connector", connector, "--json"]
        return CliRunner().invoke(returned, arguments)

    return run


def test_what_came_back_is_taken_in_once_and_bad_lines_are_named(call) -> None:  # type: ignore[no-untyped-def]
    first = call("reference,reason\nref-1,permanent\n")
    assert (first.exit_code, json.loads(first.stdout.splitlines()[-1])) == (
        0, {"events": 1, "new": 1, "problems": []},
    )  # fmt: skip
    again = call("reference,reason\nref-1,permanent\nnonsense\n")
    told = json.loads(again.stdout.splitlines()[-1])
    assert (again.exit_code, told["events"], told["new"], len(told["problems"])) == (1, 1, 0, 1)
    assert "line 3" in again.stderr


def test_another_file_and_a_connector_that_reads_none_are_bad_input(call) -> None:  # type: ignore[no-untyped-def]
    assert call("%PDF").exit_code == 2
    assert call("reference,reason\n", "none").exit_code == 2
