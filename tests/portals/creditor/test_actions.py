"""A creditor rests, lets go on and recalls accounts of its own: seen first, then done at once and kept."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from recupero.kernel import audit, clock
from recupero.kernel.database import Scope
from recupero.outreach.tables import Action
from recupero.placements.tables import Account, Hold
from recupero.tenancy.permissions import Role
from tests.decisions.debts import Debt
from tests.portals.conftest import Visitor
from tests.portals.creditor.conftest import Own

CHOOSE = "/portal/orders"


def _plan_message(own: Own, debt: Debt) -> None:
    with own.platform.database.transaction(own.scope) as session:
        now = clock.now()
        session.add(
            Action(
                tenant_id=debt.tenant_id, account_id=debt.account_id, debtor_id=debt.debtor_id,
                person_id=debt.person_id, channel="email", contact_point_id=debt.points["email"],
                template="reminder", tone="kind", purpose="collection", due_at=now + timedelta(hours=1),
                expires_at=now + timedelta(days=2), state="scheduled", created_at=now, changed_at=now,
            )
        )  # fmt: skip


def _states(own: Own) -> tuple[list[str], list[str], list[str]]:
    """Of the creditor: states of actions, kinds of holds that are open, statuses of accounts."""
    with own.platform.database.transaction(own.scope) as session:
        actions = session.execute(select(Action.state)).scalars().all()
        holds = session.execute(select(Hold.kind).where(Hold.ended_at.is_(None))).scalars().all()
        accounts = session.execute(select(Account.status).order_by(Account.id)).scalars().all()
    return list(actions), list(holds), list(accounts)


def _audited(own: Own, action: str) -> list[dict[str, object]]:
    with own.platform.database.transaction(Scope(own.scope.agency_id, own.scope.tenant_ids)) as session:
        return [one.details for one in audit.page(session, holding=action)]


def test_what_a_rest_means_is_seen_before_it_stops_what_waits(creditor: Visitor, own: Own) -> None:
    _plan_message(own, own.first)
    page = creditor.send(CHOOSE, "/portal/accounts", do="hold", account=own.first.account_id)
    assert page.status_code == 200
    assert "CLP125,000" in page.text.replace("\xa0", "")
    assert _states(own) == (["scheduled"], [], ["active", "active"])

    done = creditor.send(
        CHOOSE,
        do="hold",
        account=own.first.account_id,
        confirmed="yes",
        why="Under review",
        until="2026-03-20",
    )
    assert done.status_code == 302
    assert _states(own) == (["cancelled"], ["client"], ["active", "active"])
    assert _audited(own, "placements.creditor_hold") == [{"why": "Under review", "until": "2026-03-20"}]
    page = creditor.text(f"/portal/accounts/{own.first.account_id}")
    assert "Work rests" in page
    assert "until Mar 20, 2026" in page  # to the end of that day, where the creditor is


def test_a_second_rest_only_moves_its_last_day_and_it_ends_by_order(creditor: Visitor, own: Own) -> None:
    order = {"account": own.first.account_id, "confirmed": "yes", "why": "w"}
    creditor.send(CHOOSE, None, do="hold", until="2026-03-20", **order)
    creditor.send(CHOOSE, None, do="hold", until="2026-03-25", **order)
    with own.platform.database.transaction(own.scope) as session:
        [held] = session.execute(select(Hold)).scalars()
        assert held.until is not None
        assert (held.until - timedelta(hours=4)).date().isoformat() == "2026-03-25"  # its last moment, there
    creditor.send(CHOOSE, None, do="release", **order)
    assert _states(own)[1] == []


def test_a_recall_takes_only_what_is_still_worked(creditor: Visitor, own: Own) -> None:
    _plan_message(own, own.second)
    with own.platform.database.transaction(own.scope) as session:
        closed = session.get_one(Account, (own.scope.tenant(), own.first.account_id))
        closed.status, closed.close_code = "resolved", "PIF"
    page = creditor.send(CHOOSE, do="recall", numbers="A-1\nA-2, A-9")
    assert "1 has ended already" in page.text
    assert "A-9" in page.text
    both = [own.first.account_id, own.second.account_id]
    assert creditor.send(CHOOSE, do="recall", account=both, confirmed="yes", why="Sold").status_code == 302
    assert _states(own) == (["cancelled"], [], ["resolved", "recalled"])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"why": ""}, "Say why"),
        ({"why": "w", "until": "2026-03-09"}, "Choose today or a later day"),
        ({"why": "w", "until": "2028-01-01"}, "Choose a day within a year"),
        ({"why": "w", "until": "soon"}, "This is not a date."),
    ],
)
def test_an_order_says_at_the_field_what_is_wrong(
    creditor: Visitor, own: Own, fields: dict[str, str], said: str
) -> None:
    answer = creditor.send(CHOOSE, do="hold", account=own.first.account_id, confirmed="yes", **fields)
    assert answer.status_code == 422
    assert said in answer.text
    assert _states(own)[1] == []


def test_numbers_that_lead_nowhere_are_said(creditor: Visitor, own: Own) -> None:
    answer = creditor.send(CHOOSE, do="recall", numbers="B-1")
    assert answer.status_code == 422
    assert "None of these numbers" in answer.text
    assert creditor.send(CHOOSE, do="recall").status_code == 422


def test_other_creditors_accounts_do_not_exist(creditor: Visitor, own: Own) -> None:
    theirs = own.other.account_id
    for do in ("hold", "release", "recall"):
        for fields in ({}, {"confirmed": "yes", "why": "w"}):
            both = [own.first.account_id, theirs]
            assert creditor.send(CHOOSE, do=do, account=both, **fields).status_code == 404
    assert creditor.send(CHOOSE, do="sell", account=own.first.account_id).status_code == 404
    for none in ("x", "9" * 5_000):
        assert creditor.send(CHOOSE, do="hold", account=none).status_code == 404
    assert creditor.get(f"/portal/accounts/{theirs}").status_code == 404
    assert creditor.get(f"/portal/accounts/{theirs}/payment").status_code == 404
    assert creditor.send(f"/portal/accounts/{theirs}/payment", CHOOSE, amount="1").status_code == 404
    assert _states(own) == ([], [], ["active", "active"])


def test_whoever_only_looks_orders_nothing(visitor: Visitor, own: Own) -> None:
    visitor.sign_in(Role.CREDITOR_VIEWER, own.scope)
    assert 'name="do"' not in visitor.text("/portal/accounts")
    assert visitor.get(CHOOSE).status_code == 403
    assert visitor.send(CHOOSE, "/portal/accounts", do="hold", account=own.first.account_id).status_code in (
        400,
        403,
    )
