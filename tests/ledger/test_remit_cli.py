"""`recupero remit` takes a statement through its steps, each by a named person; `ledger trust` tells whose
the money is."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from recupero.commands.remit import remit
from recupero.commands.terms import terms
from recupero.kernel import clock, command, runtime
from recupero.ledger.cli import ledger
from recupero.payments.books import booking
from recupero.tenancy import queries as tenancy
from recupero.tenancy import users
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.ledger.placed import Placed, place


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: datetime) -> Placed:
    made = place(platform, world.tenant())
    with platform.database.transaction(made.scope) as session:
        received = booking.Received(
            "a", "gateway", 1000, "CLP", clock.now(), made.debtor_id, made.account_ids
        )
        booking.book_payment(session, received)
        for name, role in (("ana", Role.SUPERVISOR), ("ben", Role.AGENCY_ADMINISTRATOR)):
            users.create(
                session, email=f"{name}@example.com", name=name, password="correct horse battery", role=role,
                tenant_ids=None, locale="en", actor="system",
            )  # fmt: skip
    clock.advance(timedelta(days=1))
    return made


@pytest.fixture(autouse=True)
def _opened(monkeypatch: pytest.MonkeyPatch, platform: runtime.Runtime) -> None:
    """The commands find the running platform of the test instead of starting engines of their own."""

    @contextmanager
    def opened(_data_dir: Path | None) -> Iterator[runtime.Runtime]:
        yield platform

    monkeypatch.setattr(command, "opened", opened)


def test_terms_are_shown_and_changed_by_whoever_may(placed: Placed) -> None:
    slug = str(placed.scope.tenant())
    (shown,) = run(terms, "show", slug)["portfolios"]
    set_ = ("set", slug, shown["id"], "commission_rate=1575", 'commission={"tax_rate": 1900}')
    changed = run(terms, *set_, "--by", "ben@example.com")["terms"]
    assert (changed["commission_rate"], changed["commission"]["tax_rate"]) == (1575, 1900)
    assert changed.keys() >= shown["terms"].keys()
    assert run(terms, "show", slug, shown["name"])["portfolios"][0]["terms"] == changed
    gone = run(terms, "set", slug, shown["id"], "commission=", "--by", "ben@example.com")["terms"]
    assert "commission" not in gone
    assert "does not include this" in run(terms, *set_, "--by", "ana@example.com", code=2)
    for wrong in ("commission_rate=-1", "rate=1", "commission_rate", "commission={"):
        run(terms, "set", slug, shown["id"], wrong, "--by", "ben@example.com", code=2)
    assert "give its number" in run(terms, "show", slug, "another", code=2)


def run(group: click.Group, *arguments: object, code: int = 0) -> Any:
    """What the command answers in JSON; what it says where it fails."""
    done = CliRunner().invoke(group, [*map(str, arguments), "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout.splitlines()[-1]) if code == 0 else done.output


def test_a_statement_from_drawing_to_paying_out(
    platform: runtime.Runtime, placed: Placed, tmp_path: Path
) -> None:
    with platform.database.transaction(placed.scope) as session:
        slug = tenancy.tenant(session).slug
    ana, ben = ("--by", "ana@example.com"), ("--by", "Ben@example.com")
    drawn = run(remit, "draw", slug, "--from", "2026-03-10", "--to", "2026-03-10", *ana)
    assert (drawn["state"], drawn["payable_minor"], drawn["currency"]) == ("draft", 800, "CLP")
    run(remit, "review", slug, drawn["id"], *ana)
    assert "ask an administrator" in run(remit, "issue", slug, drawn["id"], *ana, code=2)
    assert "nobody of the agency" in run(remit, "issue", slug, drawn["id"], "--by", "x@y", code=2)
    assert run(remit, "issue", slug, drawn["id"], *ben)["statement_number"] == 1
    reference = ("--reference", "bank 1")
    assert "second person" in run(remit, "pay-out", slug, drawn["id"], *reference, *ben, code=2)
    assert run(remit, "pay-out", slug, drawn["id"], *reference, *ana)["state"] == "paid"
    assert [one["state"] for one in run(remit, "list", slug)["statements"]] == ["paid"]
    out = tmp_path / "statement.json"
    told = run(remit, "export", slug, drawn["id"], "--format", "json", "--out", out)
    assert told["bytes"] == out.stat().st_size
    assert json.loads(out.read_text())["payment_reference"] == "bank 1"
    assert "nothing was invoiced" in run(
        remit, "export", slug, drawn["id"], "--format", "invoice", "--out", out, code=2
    )
    (held,) = run(ledger, "trust")["positions"]
    assert (held["tenant"], held["balance_minor"], held["agency_minor"]) == (slug, 200, 200)
    assert held["received_minor"] - held["remitted_minor"] == held["balance_minor"]
