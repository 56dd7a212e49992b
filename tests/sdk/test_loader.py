"""A pack that is not in order is refused, and the message says where and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recupero_sdk.law import PackError, load_pack


def test_a_pack_in_order_loads(sample: Any, tmp_path: Path) -> None:
    pack = load_pack(sample.write(tmp_path))
    assert (pack.country, [rule.id for rule in pack.rules]) == ("XX", ["XX-hours"])


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("kind: hours", "kind: ours", ["rules[0].kind", "`ours` is not a rule kind", "'hours'"]),
        ("kind: hours", "", ["rules[0]", "needs `kind`; use one of 'hours', "]),
        ("channels: [call, visit]", "channels: [call, fax]", ["channels[1]", "`fax`", "'whatsapp'"]),
        ("    scope: debtor", "    scop: debtor", ["scop", "not a property here", "confidence, reading"]),
        ("opens: 10:00", "opens: 10:00, shuts: 1", ["open[0].shuts", "there may be days, opens, closes"]),
        ("from: 2020-01-01", "from: 2021-02-30", ["in_force.from", "not a day of the calendar"]),
        ("scope: debtor", "scope: debtor\n    parameters: 7", ["`parameters` is given twice"]),
        ("    scope: debtor\n", "", ["scope", "is missing"]),
        ("    scope: debtor", "    scope: debtor\n    scope: debt", ["line 9", "`scope` is given twice"]),
        ("from: 2020-01-01", "from: 01/01/2020", ["in_force", "not an ISO date", "YYYY-MM-DD"]),
        ("from: 2020-01-01", "from: 20200101", ["in_force", "not an ISO date"]),
        ("from: 2020-01-01, to: null", "from: 2020-01-02, to: 2020-01-01", ["ends before it begins"]),
        ("article: art. 2, ", "", ["source.article", "is missing"]),
        ("law: Ley 1,", "law: '',", ["source.law", "is empty"]),
        ("    source: {law: Ley 1, article: art. 2, text: Diario Oficial}\n", "", ["source", "is missing"]),
        ("opens: 10:00", "opens: 25:00", ["opens", "`25:00`", "HH:MM"]),
        ("opens: 10:00", "opens: 19:00", ["closes at or before it opens"]),
        ("reading: literal", "reading: conservative", ["ambiguity"]),
        ("confidence: primary", "confidence: weak", ["`basis: practice`"]),
        ("id: XX-hours", "id: YY-hours", ["YY-hours", "must begin with XX-"]),
        ("days: [mon, ", "days: [lunes, ", ["`lunes`", "'mon'"]),
        (
            "    scope: debtor",
            "    scope: debtor\n    rests_on: [XX-week]",
            ["01-hours.yaml, line ", "rules[0].rests_on (rule XX-hours)", "`XX-week`"],
        ),
        ("    scope: debtor", "    scope: debtor\n    regions: [XX-Z]", ["`XX-Z`", "pack.yaml"]),
        ("rules:\n", "rules: [\n", ["is not YAML"]),
    ],
)
def test_the_message_names_path_and_remedy(
    sample: Any, tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    assert old in sample.rules
    folder = sample.write(tmp_path, rules=sample.rules.replace(old, new, 1))
    with pytest.raises(PackError) as error:
        load_pack(folder)
    for word in [*words, str(tmp_path)]:
        assert word in str(error.value)


def test_each_of_many_mistakes_is_told_once_on_a_line_of_its_own(sample: Any, tmp_path: Path) -> None:
    rules = sample.rules.replace("opens: 10:00", "after: 9am").replace("closes: 18:00", "until: 8pm")
    rules = rules.replace("kind: hours", "kind: hours\n    colour: red").replace("2020-01-01", "1/1/2020")
    with pytest.raises(PackError) as error:
        load_pack(sample.write(tmp_path, rules=rules))
    told = [line.split("(rule XX-hours): ") for line in str(error.value).splitlines()]
    assert {place.split(": ")[1].strip(): what.split(";")[0] for place, what in told} == {
        "rules[0].colour": "is not a property here",
        "rules[0].in_force.from": "`1/1/2020` is not an ISO date",
        "rules[0].parameters.open[0].after": "`9am` is not a time of day",
        "rules[0].parameters.open[0].until": "`8pm` is not a time of day",
    }
    assert error.value.explain("es").count("\n") == len(told) - 1


def test_a_zone_that_does_not_exist_is_named(sample: Any, tmp_path: Path) -> None:
    folder = sample.write(tmp_path, manifest=sample.manifest.replace("Punta_Arenas", "Punta_Arena"))
    with pytest.raises(PackError, match="zone `America/Punta_Arena` does not exist"):
        load_pack(folder)


def test_two_versions_in_force_at_once_are_refused(sample: Any, tmp_path: Path) -> None:
    later = sample.rule.replace("2020-01-01", "2022-01-01")
    folder = sample.write(tmp_path, rules=sample.rules + later)
    with pytest.raises(PackError, match=r"rules\[1\]\.in_force \(rule XX-hours\): two versions are in force"):
        load_pack(folder)


def test_versions_side_by_side_are_chosen_by_date(sample: Any, tmp_path: Path) -> None:
    ended = sample.rules.replace("to: null", "to: 2021-12-31")
    later = sample.rule.replace("2020-01-01", "2022-01-01")
    pack = load_pack(sample.write(tmp_path, rules=ended + later))
    assert len(pack.rules) == 2


def test_every_problem_is_reported_at_once(sample: Any, tmp_path: Path) -> None:
    broken = sample.rules.replace("scope: debtor", "scope: all").replace("article: art. 2, ", "")
    with pytest.raises(PackError) as error:
        load_pack(sample.write(tmp_path, rules=broken))
    assert len(error.value.problems) == 2


def test_a_file_that_is_not_read_is_named(sample: Any, tmp_path: Path) -> None:
    folder = sample.write(tmp_path)
    (folder / "rules" / "02-caps.yml").write_text(sample.rules)
    with pytest.raises(PackError, match=r"02-caps\.yml: is not read; .* rename it"):
        load_pack(folder)


@pytest.mark.parametrize("name", ["pack.yaml", "rules/01-hours.yaml"])
def test_a_file_that_is_not_text_is_named(sample: Any, tmp_path: Path, name: str) -> None:
    folder = sample.write(tmp_path)
    (folder / name).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PackError, match="is not UTF-8"):
        load_pack(folder)


def test_a_folder_without_a_pack_says_so(sample: Any, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"pack\.yaml: file is missing"):
        load_pack(tmp_path)


def test_the_line_of_the_value_is_named_in_each_language(sample: Any, tmp_path: Path) -> None:
    broken = sample.rules.replace("opens: 10:00", "opens: 25:00", 1)
    line = next(number for number, text in enumerate(broken.splitlines(), 1) if "25:00" in text)
    with pytest.raises(PackError) as error:
        load_pack(sample.write(tmp_path, rules=broken))
    assert f"01-hours.yaml, line {line}: rules[0].parameters" in str(error.value)
    spanish, portuguese = error.value.explain("es"), error.value.explain("pt")
    assert f"línea {line}" in spanish
    assert "no es una hora del día" in spanish
    assert f"linha {line}" in portuguese
    assert "não é uma hora do dia" in portuguese


def test_a_zone_of_the_pack_is_named_with_its_line(sample: Any, tmp_path: Path) -> None:
    broken = sample.manifest.replace("Punta_Arenas", "Punta_Arena")
    line = next(number for number, text in enumerate(broken.splitlines(), 1) if "Punta_Arena" in text)
    with pytest.raises(PackError, match=f"pack.yaml, line {line}: "):
        load_pack(sample.write(tmp_path, manifest=broken))
