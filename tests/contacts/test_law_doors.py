"""The law's commands and endpoints say the same as its pages, and what is wrong with what they are given."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from recupero.contacts import answers, service
from recupero.contacts.cli import law
from recupero.contacts.service import Wish
from recupero.kernel import command, runtime
from recupero.kernel.database import Scope
from recupero.tenancy.permissions import Permission
from tests.api.conftest import Machine, machine
from tests.contacts.test_trials import BILL, PACK, zipped
from tests.factories import World
from tests.outreach.placed import Placed, place

Answer = tuple[int, Any, str]  # exit code, JSON answer, what went to standard error
Run = Callable[..., Answer]


@pytest.fixture
def scope(world: World, noon: datetime) -> Scope:
    return world.tenant()


@pytest.fixture
def placed(scope: Scope) -> Placed:
    return place(scope)[0]


@pytest.fixture
def contact_id(placed: Placed) -> int:
    with runtime.current().database.transaction(placed.scope) as session:
        made = service.reserve(session, [Wish(placed.account_id, "call", placed.points["phone"])])[0]
        assert made.contact_id is not None
        answers.record_disposition(session, made.contact_id, "HUPV", actor="user:1")
    return made.contact_id


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, platform: runtime.Runtime) -> Run:
    """A command on the test's own platform instead of engines of its own."""

    @contextmanager
    def opened(_data_dir: Path | None) -> Iterator[runtime.Runtime]:
        yield platform

    monkeypatch.setattr(command, "opened", opened)

    def call(*arguments: str) -> Answer:
        done = CliRunner().invoke(law, [*arguments, "--json"])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        lines = done.stdout.splitlines()
        return done.exit_code, json.loads(lines[-1]) if lines else None, done.stderr

    return call


def started(platform: runtime.Runtime, *arguments: str) -> tuple[int, dict[str, Any]]:
    """A command as an operator calls it, in a process of its own on the test servers."""
    environment = {
        **os.environ,
        "RECUPERO_DATABASE_URL": platform.config.owner_database_url.replace("+psycopg", ""),
        "RECUPERO_REDIS_URL": platform.config.redis_url,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    answer = subprocess.run(
        [sys.executable, "-m", "recupero.cli", "law", *arguments, "--json",
         "--data-dir", str(platform.config.data_dir)],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert answer.stdout, answer.stderr
    return answer.returncode, json.loads(answer.stdout.splitlines()[-1])


def test_a_command_in_a_process_of_its_own(platform: runtime.Runtime, contact_id: int) -> None:
    code, found = started(platform, "proof", str(contact_id))
    assert (code, found["allowed"], found["again"]["same"]) == (0, True, True)


def test_proof_and_week_by_command(run: Run, placed: Placed, contact_id: int) -> None:
    code, proof, _ = run("proof", str(contact_id), "--language", "es")
    assert (code, proof["allowed"], proof["again"]["same"]) == (0, True, True)
    assert "CL-37-phone-visit-weekly" in {step["rule"] for step in proof["law"]}
    code, _, error = run("proof", "999999")
    assert (code, error.strip()) == (2, "no such contact")
    code, week, _ = run("week", str(placed.account_id))
    assert (code, len(week["channels"]), len(week["channels"][0]["days"])) == (0, 6, 7)
    code, _, error = run("week", "nobody")
    assert (code, error.strip()) == (2, "no such account")


def test_house_rules_by_command(run: Run, scope: Scope, tmp_path: Path) -> None:
    tenant = str(scope.tenant())
    code, made, _ = run("policy", "set", "--tenant", tenant, "--per-week", "2", "--saturday", "closed")
    assert (code, made["limits"]) == (0, {"per_week": 2, "saturday": "closed"})
    code, listed, _ = run("policy", "list", "--tenant", tenant)
    assert [(one["id"], one["holds"]) for one in listed["policies"]] == [(made["id"], True)]
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - {id: CL-CREDITOR-x, kind: wish, title: {es: a, en: a}}\n")
    code, _, error = run("policy", "set", "--tenant", tenant, "--rules", str(rules))
    assert code == 2
    assert "is not a rule kind; use one of" in error
    code, _, error = run("policy", "set", "--tenant", tenant, "--weekdays", "9-18")
    assert code == 2
    assert "weekdays: weekdays" not in error
    assert "is no stretch of hours; write HH:MM-HH:MM, or closed" in error
    code, _, error = run("policy", "set", "--agency", "nobody", "--per-day", "1")
    assert code == 2
    assert "agencies: agency-" in error


def test_a_bill_by_command(run: Run, contact_id: int, tmp_path: Path) -> None:
    folder = tmp_path / "draft"
    shutil.copytree(PACK, folder)
    (folder / "rules" / "99-bill.yaml").write_text(BILL, encoding="utf-8")
    code, found, _ = run("try", str(folder), "--since", "2026-01-01")
    assert (code, found["judged"], found["refused"]["by_rule"]) == (0, 1, {"CL-BILL-no-mornings": 1})
    code, again, _ = run("try", str(zipped(folder, tmp_path / "draft.zip")), "--since", "2026-01-01")
    assert again["refused"] == found["refused"]
    (folder / "pack.yaml").unlink()
    code, _, error = run("try", str(folder))
    assert code == 2
    assert "pack.yaml: file is missing; a pack needs it" in error


def test_the_same_through_the_api(
    app: Flask, platform: runtime.Runtime, scope: Scope, placed: Placed, contact_id: int
) -> None:
    api = machine(app, platform, scope)
    assert api.get(f"/api/v1/contacts/{contact_id}/proof", language="pt")["allowed"] is True
    assert len(api.get(f"/api/v1/accounts/{placed.account_id}/law/week", days=3)["channels"][0]["days"]) == 3
    made = api.send("/api/v1/law/policies", tenant_id=scope.tenant(), limits={"per_day": 1}, note="x")
    assert api.get("/api/v1/law/policies")["items"] == [made]
    wrong = api.send("/api/v1/law/policies", status=422, limits={"per_day": 0})
    assert wrong["field"] == "per_day"
    assert api.send("/api/v1/law/policies", status=404, tenant_id=999_999)["message"]
    reader = machine(app, platform, scope, Permission.LAW_READ)
    assert reader.call("POST", "/api/v1/law/policies", json={}).status_code == 403


def test_who_sees_one_creditor_cannot_bind_the_agency(
    app: Flask, platform: runtime.Runtime, world: World, scope: Scope
) -> None:
    world.tenant(scope)
    api: Machine = machine(app, platform, scope)
    assert (
        "those who see all" in api.send("/api/v1/law/policies", status=403, limits={"per_day": 1})["message"]
    )
