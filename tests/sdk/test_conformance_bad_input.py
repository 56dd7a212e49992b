"""A plug-in with a mistake in it: `recupero plugin check` says which file, where, and what to do."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from recupero.commands.plugins import plugin
from recupero_sdk.scaffold import make
from tests.sdk.made import HOURS, WORKED, copied, replaced

MANIFEST = Path("recupero_regulation_uy/pack.yaml")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("regulation", "uy", tmp_path_factory.mktemp("packs") / "uy").root


@pytest.mark.parametrize(
    "file, old, new, told",
    [
        (
            HOURS,
            'closes: "20:00"',
            'closes: "8pm"',
            "02-hours.yaml, line 16: rules[0].parameters.open[0].closes (rule UY-EXAMPLE-hours): `8pm` is",
        ),
        (
            HOURS,
            "kind: hours ",
            "kind: ours ",
            "(rule UY-EXAMPLE-hours): `ours` is not a rule kind; use one",
        ),
        (HOURS, "scope: debtor ", "scop: debtor ", "scop (rule UY-EXAMPLE-hours)"),
        (HOURS, "[call, visit, sms, whatsapp]", "[call, fax]", "`fax` is not allowed; use one of 'call'"),
        (
            MANIFEST,
            "zones: [America/Montevideo]",
            "zones: [America/Atlantida]",
            "zone `America/Atlantida` does not exist; use an IANA name",
        ),
        (
            WORKED,
            '"channel": "call"',
            '"channel": "fax"',
            "worked.jsonl, line 1: proposed.channel: `fax` is not allowed; use one of 'call'",
        ),
        (Path("tests/test_conformance.py"), "import Path", "import Paths", "cannot import name 'Paths'"),
    ],
)
def test_a_mistake_is_found_and_named(
    file: Path, old: str, new: str, told: str, made: Path, tmp_path: Path
) -> None:
    root = copied(made, tmp_path / "uy")
    replaced(root, file, old, new)
    done = CliRunner().invoke(plugin, ["check", str(root)])
    assert done.exit_code == 1, done.output
    assert told in done.output


def test_a_folder_without_a_plug_in_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(plugin, ["check", str(tmp_path)])
    assert (done.exit_code, done.output) == (2, f"{tmp_path} is no plug-in: it has no pyproject.toml\n")


def test_a_distribution_without_entry_point_is_refused(made: Path, tmp_path: Path) -> None:
    root = copied(made, tmp_path / "uy")
    replaced(root, Path("pyproject.toml"), "recupero.regulations", "recupero.rules")
    done = CliRunner().invoke(plugin, ["check", str(root)])
    assert done.exit_code == 2
    assert "has no entry point in the groups recupero.regulations" in done.output
