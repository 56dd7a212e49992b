"""Rows of several tenants come in one order, and only a few of each are read."""

from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, literal, select, text
from sqlalchemy.orm import Session

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.kernel.listing import Part, arranged, arranged_of, begins
from recupero.placements.tables import Account
from tests.decisions import debts
from tests.factories import World

_BY = {"balance": Account.balance_minor, "closed": Account.closed_at}
_KEY = (Account.tenant_id, Account.id)
_READ = text("SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'accounts'")
#: More accounts like the one that is there.
_MORE = text("""
INSERT INTO accounts SELECT (jsonb_populate_record(a, jsonb_build_object(
    'id', a.id * 1000 + 1000000 + n, 'client_account', 'L-' || n, 'balance_minor', n % 7))).*
FROM accounts a, generate_series(1, 600) n
""")


@pytest.fixture
def scope(world: World, noon: datetime, _owner: Engine) -> Scope:
    """An agency of two creditors with 601 accounts each."""
    agency = world.agency()
    scopes = [world.tenant(agency) for _ in range(2)]
    for one in scopes:
        with world.platform.database.transaction(one) as session:
            debts.debt(session, debts.portfolio(session))
            session.execute(_MORE)
    with _owner.begin() as owner:
        owner.execute(text("ANALYZE accounts"))
    return Scope(agency.agency_id, tuple(one.tenant() for one in scopes))


@pytest.mark.parametrize(
    "part",
    [
        Part(limit=7), Part(limit=7, offset=598), Part("balance", limit=9), Part("balance", True, 30, 9),
        Part("closed", True, limit=5), Part("unheard of", limit=5), Part(limit=None),
    ],
)  # fmt: skip
def test_rows_of_several_tenants_come_as_those_of_one(world: World, scope: Scope, part: Part) -> None:
    query = select(Account.id, Account.balance_minor).where(Account.tenant_id.in_(scope.tenant_ids))
    with world.platform.database.transaction(scope) as session:
        whole = session.execute(arranged(query, _BY, part, Account.id.desc())).all()
        found = session.execute(
            arranged_of(query, _KEY, scope.tenant_ids, _BY, part, Account.id.desc())
        ).all()
    assert found == whole
    assert found


def test_a_page_reads_a_few_rows_of_each_tenant(world: World, scope: Scope) -> None:
    query = select(Account.id).where(Account.tenant_id.in_(scope.tenant_ids))
    part = Part(limit=5)
    with world.platform.database.transaction(scope) as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))  # which is right for so few
        before = _read(session)
        session.execute(arranged_of(query, _KEY, scope.tenant_ids, _BY, part, Account.id.desc())).all()
        assert _read(session) - before <= 2 * 5 + 10


@given(
    typed=st.text(st.sampled_from("aB1'\"%\\:;()-$?{}é _"), max_size=8),
    rest=st.text(st.sampled_from("a'%\\"), max_size=2),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_typed_is_taken_as_it_stands(platform: runtime.Runtime, typed: str, rest: str) -> None:
    """It is written into the statement, so no sign in it may end it or mean anything."""
    asked = select(begins(literal(typed + rest), typed), begins(literal(rest), typed))
    with platform.database.transaction(Scope(platform=True)) as session:
        whole, part = session.execute(asked).one()
    assert whole
    assert part == rest.startswith(typed)


def _read(session: Session) -> int:
    return int(session.execute(_READ).scalar_one_or_none() or 0)
