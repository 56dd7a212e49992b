"""The pytest plug-in that brings the conformance checks into a plug-in author's test run.

`--recupero-report FILE` writes what `recupero plugin check` needs: each test, whether the kit brought it,
how it went, and the properties it recorded.
"""

import json
from pathlib import Path
from typing import Any

import pytest

# The checks are written with plain asserts; rewriting lets a failure show the values compared.
pytest.register_assert_rewrite(
    "recupero_sdk.conformance.action",
    "recupero_sdk.conformance.channel",
    "recupero_sdk.conformance.gateway",
    "recupero_sdk.conformance.inbound",
    "recupero_sdk.conformance.model",
    "recupero_sdk.conformance.regulation",
    "recupero_sdk.conformance.text",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--recupero-report", metavar="FILE", help="Write the results of the kit as JSON.")


def pytest_configure(config: pytest.Config) -> None:
    if file := config.getoption("--recupero-report"):
        config.pluginmanager.register(_Report(Path(file)), "recupero-report")


class _Report:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._tests: dict[str, dict[str, Any]] = {}
        self._broken: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._broken.append(f"{report.nodeid or 'tests'}: {_last_lines(str(report.longrepr))}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Any:
        report = yield
        function = getattr(item, "function", None)
        known = self._tests.setdefault(
            item.nodeid,
            {
                "test": item.nodeid,
                "name": getattr(item, "originalname", item.name),
                "kit": str(getattr(function, "__module__", "")).startswith("recupero_sdk.conformance."),
                "hypothesis": bool(getattr(function, "is_hypothesis_test", False)),
                "outcome": "passed",
                "message": "",
                "properties": {},
            },
        )
        if report.outcome != "passed":
            known["outcome"] = report.outcome
            crash = getattr(report.longrepr, "reprcrash", None)
            message = crash.message if crash else _last_lines(str(report.longrepr))
            known["message"] = _plain(message)
        known["properties"] |= dict(report.user_properties)
        return report

    def pytest_sessionfinish(self) -> None:
        data = {"tests": list(self._tests.values()), "broken": self._broken}
        self._file.write_text(json.dumps(data, default=str), encoding="utf-8")


def _plain(message: str) -> str:
    """The words of a failed assertion, without the values that pytest adds below and the type before them."""
    words = message.partition("\nassert ")[0]
    for kind in ("AssertionError: ", "recupero_sdk.law.scenario.ScenarioError: "):
        words = words.removeprefix(kind)
    return words


def _last_lines(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-3:])
