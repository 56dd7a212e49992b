"""The trust account equals the bank after everything not cleared; what does not agree is an alarm that says
where to look."""

from datetime import date, datetime
from random import Random

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.ledger import alarms, queries
from recupero.payments.incoming import bank_control, bank_items, paying_back, statements
from recupero.payments.incoming_tables import GatewayPayout
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_bank_statements import number_of, take
from tests.payments.test_booking import pay
from tests.payments.test_incoming import approve, enter
from tests.portals.conftest import Visitor


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: datetime) -> Placed:
    return place(platform, world.tenant(), [{"principal": 1000}, {"principal": 2500}])


def position(placed: Placed) -> bank_control.BankPosition:
    with runtime.current().database.transaction(placed.scope) as session:
        return bank_control.position(session, "CLP")


def candidates(placed: Placed) -> list[bank_control.Candidate]:
    with runtime.current().database.transaction(placed.scope) as session:
        return bank_control.candidates(session, bank_control.position(session, "CLP"))


def problems(placed: Placed) -> list[str]:
    with runtime.current().database.transaction(placed.scope) as session:
        return queries.check(session)


def payout(placed: Placed, amount: int, state: str = "paid") -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        session.add(
            GatewayPayout(
                tenant_id=placed.scope.tenant(),
                gateway="stripe",
                reference="po_12345",
                amount_minor=amount,
                currency="CLP",
                state=state,
                occurred_at=clock.now(),
            )
        )


def test_before_the_first_statement_all_is_uncleared_or_at_the_gateway(placed: Placed) -> None:
    approve(placed, enter(placed, 400))
    pay(placed, 1000, "g")
    found = position(placed)
    assert (found.closing_on, found.uncleared_minor, found.at_gateway_minor) == (None, 400, 1000)
    assert (found.books_minor, found.difference_minor) == (1400, 0)
    assert problems(placed) == []


def test_a_missing_statement_is_an_alarm_that_names_the_gap(placed: Placed) -> None:
    name = number_of(placed)
    take(placed, f"Fecha;Monto;Glosa;Saldo\n02/03/2026;100;{name};5.100\n")
    assert problems(placed) == []
    take(placed, f"Fecha;Monto;Glosa;Saldo\n09/03/2026;200;{name};5.350\n")
    assert position(placed).difference_minor == -50
    (gap,) = candidates(placed)
    assert (gap.kind, gap.amount_minor, gap.on) == ("gap", 50, date(2026, 3, 9))
    (problem,) = problems(placed)
    assert "the bank of 2026-03-09 and the books differ by -50 CLP" in problem
    with runtime.current().database.transaction(placed.scope) as session:
        assert alarms.check(session) == 1
    take(placed, "Fecha;Monto;Glosa;Saldo\n05/03/2026;50;nobody;5.150\n")
    found = position(placed)
    assert (found.open_minor, found.difference_minor) == (50, 0)
    with runtime.current().database.transaction(placed.scope) as session:
        assert alarms.check(session) == 0


def test_a_file_without_balances_adds_its_lines_to_the_newest_balance(placed: Placed) -> None:
    name = number_of(placed)
    take(placed, f"Fecha;Monto;Glosa;Saldo\n02/03/2026;100;{name};5.100\n")
    take(placed, f"Fecha;Monto;Glosa\n02/03/2026;30;{name} bis\n05/03/2026;60;{name}\n05/03/2026;7;x\n")
    found = position(placed)
    assert (found.opening_minor, found.closing_minor, found.closing_on) == (5000, 5197, date(2026, 3, 5))
    assert (found.books_minor, found.open_minor, found.difference_minor) == (190, 7, 0)


def test_only_files_without_balances_are_summed_from_nothing(placed: Placed) -> None:
    take(placed, f"Fecha;Monto;Glosa\n02/03/2026;30;{number_of(placed)}\n05/03/2026;7;x\n")
    found = position(placed)
    assert (found.opening_minor, found.closing_minor, found.difference_minor) == (0, 37, 0)


def test_a_balance_said_by_hand_leaves_what_lay_there_out(placed: Placed) -> None:
    take(placed, f"Fecha;Monto;Glosa\n02/03/2026;30;{number_of(placed)}\n", closing_minor=930)
    found = position(placed)
    assert (found.opening_minor, found.closing_minor, found.difference_minor) == (900, 930, 0)


def test_two_accounts_of_one_creditor_are_one_bank(placed: Placed) -> None:
    name = number_of(placed)
    take(placed, f"Fecha;Monto;Glosa;Saldo\n02/03/2026;100;{name};1.100\n")
    with runtime.current().database.transaction(placed.scope) as session:
        text = f"Fecha;Monto;Glosa;Saldo\n04/03/2026;200;{name};7.200\n"
        statements.take_file(session, text.encode(), file_name="b.csv", actor="user:1", account="99 88")
    found = position(placed)
    assert (found.opening_minor, found.closing_minor, found.difference_minor) == (8_000, 8_300, 0)


def test_a_payout_that_came_back_waits_for_its_line(placed: Placed) -> None:
    pay(placed, 1000, "g")
    payout(placed, 1000)
    take(placed, "Fecha;Monto;Glosa;Saldo\n10/03/2026;1.000;STRIPE po_12345;1.000\n")
    with runtime.current().database.transaction(placed.scope) as session:
        session.execute(update(GatewayPayout).values(state="failed"))
        (item,) = bank_items.uncleared(session)
    assert (item.subject, item.amount_minor) == ("returned", -1000)
    assert position(placed).difference_minor == 0
    take(placed, "Fecha;Monto;Glosa;Saldo\n11/03/2026;-1.000;STRIPE po_12345 return;0\n")
    found = position(placed)
    assert (found.closing_minor, found.uncleared_minor, found.at_gateway_minor) == (0, 0, 1000)
    assert found.difference_minor == 0


def test_money_of_a_transfer_does_not_go_back_through_a_gateway(placed: Placed) -> None:
    approve(placed, enter(placed, 4_000))
    with runtime.current().database.transaction(placed.scope) as session:
        (task,) = paying_back.tasks(session)
        with pytest.raises(UserError, match="did not come through a gateway") as raised:
            paying_back.paid_back(session, task.id, means="gateway", reference="re_1", actor="user:1")
        assert raised.value.field == "means"
        paying_back.paid_back(session, task.id, means="transfer", reference="OP-1", actor="user:1")
    assert position(placed).difference_minor == 0


def test_another_creditors_bank_is_not_this_ones(
    platform: runtime.Runtime, world: World, placed: Placed
) -> None:
    take(placed, "Fecha;Monto;Glosa;Saldo\n02/03/2026;100;x;5.100\n")
    take(placed, "Fecha;Monto;Glosa;Saldo\n09/03/2026;200;y;5.350\n")
    other = place(platform, world.tenant(), [{"principal": 1000}])
    assert problems(other) == []
    assert len(problems(placed)) == 1
    assert candidates(other) == []


def test_the_trust_pages_show_bank_and_books_with_what_is_not_cleared(
    app: Flask,
    platform: runtime.Runtime,
    placed: Placed,
) -> None:
    approve(placed, enter(placed, 400, reference="sin glosa"))
    take(placed, "Fecha;Monto;Glosa;Saldo\n02/03/2026;100;algo raro;5.100\n")
    take(placed, "Fecha;Monto;Glosa;Saldo\n09/03/2026;200;otra;5.350\n")
    visitor = Visitor(app.test_client(), platform)
    visitor.sign_in(Role.SUPERVISOR, Scope(placed.scope.agency_id, placed.scope.tenant_ids))
    assert "Bank against books" in visitor.text("/trust")
    page = visitor.text(f"/trust/{placed.scope.tenant()}/CLP")
    for told in ("algo raro", "Bank and books differ by", "A statement is missing in between", "2026-03-02"):
        assert told in page
    assert "no statement yet" not in page


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    days=st.lists(
        st.lists(st.tuples(st.sampled_from(["known", "unknown", "aside"]), st.integers(1, 90)), max_size=4),
        min_size=1, max_size=4,
    ),
    stated=st.lists(st.booleans(), min_size=4, max_size=4),
    opening=st.integers(0, 900), order=st.randoms(use_true_random=False),
)  # fmt: skip
@example(  # files that give no balance come before the first that does
    days=[[], [], [("known", 1)], [("known", 1)]],
    stated=[False, False, False, True],
    opening=1,
    order=Random(0),
)  # fmt: skip
def test_whatever_the_bank_shows_in_whatever_order_there_is_no_difference(
    platform: runtime.Runtime, world: World, noon: datetime, days: list[list[tuple[str, int]]],
    stated: list[bool], opening: int, order: object,
) -> None:  # fmt: skip
    placed = place(platform, world.tenant(), [{"principal": 5000}])
    files, balance = [], opening
    for day, (found, told) in enumerate(zip(days, stated, strict=False), 1):
        rows = []
        for n, (kind, amount) in enumerate(found):
            balance += amount
            words = number_of(placed) if kind == "known" else f"{kind} {n}"
            rows.append(f"{day:02}/03/2026;{amount};{words}" + (f";{balance}" if told or day == 1 else ""))
        if rows:
            head = "Fecha;Monto;Glosa" + (";Saldo" if told or day == 1 else "")
            files.append("\n".join([head, *rows]) + "\n")
    order.shuffle(files)  # type: ignore[attr-defined]  # hypothesis' own random
    for file in files:
        take(placed, file)
    with platform.database.transaction(placed.scope) as session:
        for line in statements.open_lines(session):
            if "aside" in (line.reference or ""):
                statements.set_aside(session, line.id, reason="not ours", actor="user:1")
    assert problems(placed) == []
