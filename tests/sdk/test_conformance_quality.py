"""A claimed grade is held against what is found; a quality.yaml that cannot be read says where and why."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from recupero.commands.plugins import plugin
from recupero_sdk.conformance.quality import QualityError, read_quality, rules_of
from recupero_sdk.conformance.quality_rules import KINDS, RULES
from recupero_sdk.scaffold import make
from tests.sdk.made import HOURS, WORKED, checked, copied, replaced

QUALITY = Path("quality.yaml")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("regulation", "uy", tmp_path_factory.mktemp("packs") / "uy").root


@pytest.fixture
def pack(made: Path, tmp_path: Path) -> Path:
    return copied(made, tmp_path / "uy")


@pytest.mark.parametrize(
    "text, told",
    [
        ("kind: regulation\n", "grade is missing; add it"),
        ("kind: law\ngrade: gold\nrules: {}\n", "line 1: kind: `law` is not allowed; use one of regulation,"),
        ("kind: model\ngrade: tin\nrules: {}\n", "line 2: grade: `tin` is not allowed; use one of bronze,"),
        (
            "kind: model\ngrade: gold\nrules:\n  laods: done\n",
            "line 4: rules.laods: is not known; use one of packaging,",
        ),
        (
            "kind: model\ngrade: gold\nrules:\n  loads: yes\n",
            "line 4: rules.loads: `yes` is not allowed; use one of done, todo, exempt",
        ),
        (
            "kind: model\ngrade: gold\nrules:\n  loads: done\n  loads: todo\n",
            "line 5: rules.loads: is given twice; keep one",
        ),
        (
            "kind: channel\ngrade: gold\nrules:\n  failures: {status: exempt}\n",
            "line 4: rules.failures.comment: is missing: say why",
        ),
        (
            "kind: model\ngrade: gold\nrules:\n  reviewed: {status: done, by: A, on: 21/11/2026}\n",
            "line 4: rules.reviewed.on: `21/11/2026` is not an ISO date; write YYYY-MM-DD",
        ),
        ("kind: [model\n", "is not YAML"),
        ("", "must be a mapping with kind, grade, rules"),
    ],
)
def test_a_broken_file_says_where_what_and_what_to_do(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / QUALITY).write_text(text)
    with pytest.raises(QualityError) as raised:
        read_quality(tmp_path)
    assert any(told in problem for problem in raised.value.problems), raised.value.problems
    assert all(str(tmp_path / QUALITY) in problem for problem in raised.value.problems)


def test_the_command_ends_with_2_where_it_cannot_know_the_claim(pack: Path) -> None:
    replaced(pack, QUALITY, "  loads: done", "  loads: dune")
    done = CliRunner().invoke(plugin, ["check", str(pack)])
    assert done.exit_code == 2
    assert "line 7: rules.loads: `dune` is not allowed" in done.output


def test_a_claim_too_high_names_each_rule_that_does_not_hold(
    pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replaced(pack, QUALITY, "grade: bronze", "grade: platinum")
    replaced(pack, QUALITY, "golden-regions: todo", "golden-regions: {status: exempt, comment: no regions}")
    for rule in ("scenarios", "dates", "golden-hours", "fresh", "mutation", "portuguese"):
        replaced(pack, QUALITY, f"  {rule}: todo", f"  {rule}: done")
    code, answer = checked(pack, capsys)
    assert code == 1
    assert answer["reached"] == "silver"
    assert answer["unmet"] == [
        "golden-regions", "spanish-english", "sources", "written-evidence", "portuguese", "property-tests",
        "reviewed",
    ]  # fmt: skip


def test_done_that_is_not_so_is_named_above_the_claimed_grade_too(
    pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for rule in ("scenarios", "fresh", "reviewed"):
        replaced(pack, QUALITY, f"  {rule}: todo", f"  {rule}: done")
    without_its_refusal = (pack / WORKED).read_text().splitlines()[0]
    (pack / WORKED).write_text(f"{without_its_refusal}\n")
    text = (pack / HOURS).read_text()
    verified = text.split("verified: ")[1][:10]
    replaced(pack, HOURS, f"verified: {verified}", "verified: 2020-01-01")
    code, answer = checked(pack, capsys)
    assert (code, answer["unmet"]) == (1, ["tests", "scenarios", "fresh", "reviewed"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_list_is_the_one_that_is_checked(kind: str) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "plugin-guide.md").read_text()
    for rule in RULES:
        if kind in rule.kinds:
            assert f"| `{rule.name}` | {rule.grade} | {', '.join(rule.kinds)} | {rule.holds_when} |" in guide


def test_every_plug_in_of_the_house_says_its_grade() -> None:
    plugins = Path(__file__).parents[2] / "plugins"
    for root in sorted(file.parent for file in plugins.glob("*/*/pyproject.toml")):
        quality = read_quality(root)
        stated = {rule.name for rule in rules_of(quality.kind)} - set(quality.claims)
        assert not stated, f"{root.name}: say something of {stated}"
