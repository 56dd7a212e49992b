"""`recupero law list`, `show` and `check` as scripts call them: JSON keys and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from recupero.law.cli import law_commands
from tests.law import packs

CASES = packs.ROOT / "plugins" / "regulations" / "cl" / "tests" / "scenarios" / "cl.jsonl"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(law_commands(packs.packs), arguments)


def last(result: Result) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return data


def a_case() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(CASES.read_text(encoding="utf-8").splitlines()[0])
    return data


def test_list_names_packs_and_closed_countries() -> None:
    found = {entry["country"]: entry for entry in last(run("list", "--json"))["packs"]}
    assert found["CL"]["verified"] == "2026-11-21"
    assert "legal advice" in found["CL"]["disclaimer"]["en"]
    assert found["XX"] == {"country": "XX", "state": "closed", "reason": "its rules could not be read"}


@pytest.mark.parametrize(
    "day, weekly", [("2021-04-19", False), ("2021-04-20", True)], ids=["the day before", "the first day"]
)
def test_show_gives_the_rules_in_force_on_a_date(day: str, weekly: bool) -> None:
    shown = last(run("show", "cl", "--on", day, "--json"))
    rules = {rule["id"]: rule for rule in shown["rules"]}
    assert ("CL-37-phone-visit-weekly" in rules) is weekly
    assert all(rule["source"]["law"] and rule["source"]["article"] for rule in rules.values())


def test_show_for_people_cites_the_source() -> None:
    shown = run("show", "CO").stdout
    assert "CO-2300-3-hours" in shown
    assert "Ley 2300 de 2023, art. 3" in shown


@pytest.mark.parametrize("arguments", [["show", "ZZ"], ["show", "XX"], ["show", "CL", "--on", "1/2/2025"]])
def test_bad_usage_exits_two(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_check_prints_a_line_per_scenario_then_the_sum() -> None:
    result = run("check", str(CASES))
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert set(lines[0]) == {"id", "allowed", "rules", "next_allowed_at"}
    assert lines[-1] == {"agree": len(lines) - 1, "differ": 0, "differing": []}


def test_check_exits_one_where_a_scenario_differs(tmp_path: Path) -> None:
    case = a_case()
    case["expect"]["allowed"] = not case["expect"]["allowed"]
    file = tmp_path / "differs.jsonl"
    file.write_text(json.dumps(case), encoding="utf-8")
    result = run("check", str(file))
    assert result.exit_code == 1
    assert last(result) == {"agree": 0, "differ": 1, "differing": [case["id"]]}


_PHONE: dict[str, Any] = {"consented_channels": None, "opted_out_channels": [], "employer_contact": False}


@pytest.mark.parametrize(
    "change, words",
    [
        (
            {"proposed": {"at": "2025-03-11T10:00:00-03:00", "channel": "fax", "recipient": "debtor"}},
            "'call'",
        ),
        ({"timezone": "America/Santiagoo"}, "use an IANA name"),
        ({"proposed": {"at": "2025-03-11T10:00:00", "channel": "call", "recipient": "debtor"}}, "timezone"),
        ({"surprise": 1}, "not a known key"),
        ({"debtor": _PHONE | {"phone_timezone": ["America/Lima", "Mars/Base"]}}, "zone `Mars/Base` does not"),
        ({"debtor": _PHONE | {"phone_timezone": []}}, "is no list of zones"),
        ({"country": "Chile"}, "`Chile` is not a code in capital letters"),
        ({"country": "ZZ"}, "no pack is installed for `ZZ`; use one of CL, CO"),
        ({"region": "AR-C"}, "`AR-C` is no region of CL"),
        ({"region": 13}, "`13` is not text"),
        ({"debt": {"due_date": "2024-01-01", "amount": "many", "currency": "CLP"}}, "is not an amount"),
    ],
)
def test_check_names_file_line_and_remedy(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    file = tmp_path / "broken.jsonl"
    file.write_text(json.dumps(a_case()) + "\n" + json.dumps(a_case() | change), encoding="utf-8")
    result = run("check", str(file))
    assert result.exit_code == 2
    assert "broken.jsonl, line 2" in result.stderr
    assert words in result.stderr


def test_a_case_of_a_closed_country_is_refused_with_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "closed.jsonl"
    file.write_text(json.dumps(a_case() | {"country": "XX"}), encoding="utf-8")
    result = run("check", str(file))
    assert result.exit_code == 1
    assert "refused by XX-COVERAGE, expected allowed: its rules could not be read" in result.stderr


def test_a_file_without_scenarios_exits_two(tmp_path: Path) -> None:
    file = tmp_path / "empty.jsonl"
    file.write_text("\n", encoding="utf-8")
    result = run("check", str(file))
    assert result.exit_code == 2
    assert "holds no scenario" in result.stderr


@pytest.mark.parametrize("text", ['{"id": 1', "[1, 2]", "null", '{"id": 1, "id": 2}', "\x00", "NaN"])
def test_check_refuses_what_is_not_a_scenario(tmp_path: Path, text: str) -> None:
    file = tmp_path / "broken.jsonl"
    file.write_text(text, encoding="utf-8")
    result = run("check", str(file))
    assert result.exit_code == 2
    assert "line 1" in result.stderr


def test_check_of_a_missing_file_exits_two(tmp_path: Path) -> None:
    result = run("check", str(tmp_path / "nowhere.jsonl"))
    assert result.exit_code == 2
    assert "no such file" in result.stderr
