"""`plugin new` writes distributions that pass their kit as they stand, and refuses what it cannot write."""

import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from recupero.commands.plugins import plugin
from recupero_sdk import command
from recupero_sdk.conformance.quality import read_quality, rules_of
from recupero_sdk.conformance.quality_rules import KINDS
from recupero_sdk.scaffold import ScaffoldError, make

NAMES = {
    "regulation": "ec", "channel": "pigeon_post", "model": "luck", "action": "next_move", "gateway": "till",
    "text": "gist",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_holds_bronze_at_once(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "new"
    assert command.main(["new", kind, NAMES[kind], "--path", str(root)]) == 0
    assert command.main(["check", str(root)]) == 0
    assert "bronze holds" in capsys.readouterr().out


@pytest.mark.parametrize("kind", KINDS)
def test_its_quality_lists_every_rule_and_its_entry_point_its_name(kind: str, tmp_path: Path) -> None:
    made = make(kind, NAMES[kind], tmp_path / "new")
    assert set(read_quality(made.root).claims) == {rule.name for rule in rules_of(made.kind)}
    project = tomllib.loads((made.root / "pyproject.toml").read_text())["project"]
    (points,) = project["entry-points"].values()
    assert list(points) == [NAMES[kind]]
    left = [file for file in made.written if re.search(r"\{\{|PACKAGE", file.read_text())]
    assert left == []


def test_the_platform_has_the_same_command(tmp_path: Path) -> None:
    root = tmp_path / "new"
    done = CliRunner().invoke(plugin, ["new", "model", "luck", "--path", str(root)])
    assert done.exit_code == 0, done.output
    assert (root / "recupero_model_luck" / "model.py").exists()


@pytest.mark.parametrize(
    "kind, name, told",
    [
        ("regulation", "UY", "`UY` is not a country of ISO 3166-1 in lower case"),
        ("regulation", "zz", "`zz` is not a country"),
        ("regulation", "uruguay", "`uruguay` is not a country"),
        ("channel", "Pigeon", "`Pigeon` is no name for a channel; use lower-case letters, digits and _"),
        ("gateway", "../till", "`../till` is no name for a gateway"),
        ("model", "", "`` is no name for a model"),
        (
            "pack",
            "uy",
            "`pack` is not a kind of plug-in; use one of regulation, channel, model, action, gateway, text",
        ),
    ],
)
def test_a_bad_name_is_refused_in_a_line(
    kind: str, name: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["new", kind, name, "--path", str(tmp_path / "new")]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(told)
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ScaffoldError, match="exists already; give another --path"):
        make("model", "luck", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]
