"""`recupero report` writes the file, answers in JSON and says plainly what is wrong."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from recupero.kernel import command, runtime
from recupero.kernel.database import Scope
from recupero.reports.cli import report
from recupero.tenancy import queries as tenancy
from tests.factories import World


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


@pytest.fixture(autouse=True)
def _opened(monkeypatch: pytest.MonkeyPatch, platform: runtime.Runtime) -> None:
    """The command finds the running platform of the test instead of starting engines of its own."""

    @contextmanager
    def opened(_data_dir: Path | None) -> Iterator[runtime.Runtime]:
        yield platform

    monkeypatch.setattr(command, "opened", opened)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(report, arguments)


def slug(platform: runtime.Runtime, scope: Scope) -> str:
    with platform.database.transaction(scope) as session:
        return tenancy.tenant(session).slug


def test_it_writes_the_file_and_answers(platform: runtime.Runtime, scope: Scope, tmp_path: Path) -> None:
    out = tmp_path / "report.pdf"
    done = run(
        slug(platform, scope), "--period", "2026-01..2026-03", "--format", "pdf", "--out", str(out), "--json"
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["period"] == "2026-01..2026-03"
    assert told["collected"] == {"CLP": 0}
    assert out.stat().st_size == told["bytes"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nobody", "--period", "2026-01"), "there is no tenant 'nobody'"),
        (("{slug}", "--period", "January"), "period: 'January' is not a month"),
        (("{slug}", "--period", "2026-04"), "has not begun yet"),
        (("{slug}", "--period", "2026-01", "--format", "doc"), "'doc' is not one of"),
        (("{slug}",), "Missing option '--period'"),
    ],
)
def test_it_says_what_is_wrong_and_writes_nothing(
    platform: runtime.Runtime, scope: Scope, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    filled = [argument.format(slug=slug(platform, scope)) for argument in arguments]
    done = run(*filled, "--out", str(tmp_path / "out"))
    assert done.exit_code == 2
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(platform: runtime.Runtime, scope: Scope, tmp_path: Path) -> None:
    done = run(slug(platform, scope), "--period", "2026-01", "--out", str(tmp_path / "no" / "out.pdf"))
    assert done.exit_code == 2
    assert "there is no folder" in done.stderr
