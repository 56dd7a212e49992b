"""A plug-in distribution on disk as the check sees it: its pyproject, what loads, how its tests go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recupero_sdk import ENTRY_POINT_GROUPS
from recupero_sdk.conformance.quality_rules import KINDS, Kind

#: Longest that the tests of one plug-in may take.
TIMEOUT_SECONDS = 900


class NoPluginError(ValueError):
    """A path that holds no plug-in distribution; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """How one test went. `kit`: it is one of the SDK's."""

    test: str
    name: str
    kit: bool
    hypothesis: bool
    outcome: str
    message: str


@dataclass
class Subject:
    """One distribution. `key` and `module` are its entry point's."""

    root: Path
    project: Mapping[str, Any]
    kind: Kind
    key: str
    module: str
    load_error: str | None = None
    tests: list[TestResult] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def package(self) -> Path:
        """The folder of the package that the entry point names."""
        return self.root.joinpath(*self.module.partition(":")[0].split("."))

    @property
    def readme(self) -> str:
        """README.md, or nothing where there is none."""
        file = self.root / "README.md"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    @property
    def failures(self) -> list[TestResult]:
        return [test for test in self.tests if test.outcome != "passed"]

    def kit_test(self, name: str) -> TestResult | None:
        """The kit's own test of that name; of several the one that failed."""
        runs = [test for test in self.tests if test.kit and test.name == name]
        return min(runs, key=lambda test: test.outcome == "passed", default=None)


def open_subject(root: Path) -> Subject:
    """The distribution at `root`; `NoPluginError` where there is none."""
    file = root / "pyproject.toml"
    if not file.exists():
        raise NoPluginError(f"{root} is no plug-in: it has no pyproject.toml")
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NoPluginError(f"{file}: is not TOML: {error}") from None
    project = data.get("project", {})
    points = project.get("entry-points", {})
    found = [
        (kind, key, module)
        for kind in KINDS
        for key, module in points.get(ENTRY_POINT_GROUPS[kind], {}).items()
    ]
    if len(found) != 1:
        groups = ", ".join(ENTRY_POINT_GROUPS.values())
        number = f"has {len(found)} entry points" if found else "has no entry point"
        raise NoPluginError(f"{file}: {number} in the groups {groups}; a plug-in has one")
    kind, key, module = found[0]
    if not (root / "tests").is_dir():
        raise NoPluginError(f"{root} is no plug-in: it needs a folder tests")
    return Subject(root, project, kind, key, module)


def examine(subject: Subject) -> None:
    """Loads the plug-in and, where it loads, runs its tests, each in a process of its own."""
    loaded = _run(
        [sys.executable, "-m", "recupero_sdk.conformance.loading", subject.kind, subject.module], subject
    )
    answer = json.loads(loaded.stdout) if loaded.returncode == 0 else {"error": loaded.stderr.strip()}
    subject.load_error = answer.get("error")
    subject.found |= {"keys": answer.get("keys", []), "able": answer.get("able", [])}
    if subject.load_error is None:
        _run_tests(subject)


def _run_tests(subject: Subject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        pytest = [sys.executable, "-m", "pytest", "-q", "--rootdir", ".", "-c", "pyproject.toml"]
        options = [
            "--import-mode=importlib",
            "-p",
            "no:cacheprovider",
            f"--recupero-report={report}",
            "tests",
        ]
        done = _run([*pytest, *options], subject)
        if not report.exists():
            subject.broken.append(
                (done.stdout + done.stderr).strip() or f"pytest ended with {done.returncode}"
            )
            return
        data = json.loads(report.read_text(encoding="utf-8"))
    subject.broken += data["broken"]
    for test in data["tests"]:
        subject.found |= test.pop("properties")
        subject.tests.append(TestResult(**test))


def _run(command: list[str], subject: Subject) -> subprocess.CompletedProcess[str]:
    paths = [str(subject.root.resolve()), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    try:
        return subprocess.run(
            command,
            cwd=subject.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        message = f"took longer than {TIMEOUT_SECONDS} s and was stopped"
        return subprocess.CompletedProcess(command, 124, "", message)
