"""What is told of one account is found by its key, however much is told of others."""

from datetime import datetime

import pytest
from sqlalchemy import Engine, text

from recupero.kernel.moments import About, newest
from recupero.outreach import moments
from recupero.outreach.understanding import brief
from tests.factories import World
from tests.outreach.placed import Placed, place

#: Of other accounts and their debtors.
_OTHERS = (
    "INSERT INTO tellings (tenant_id, debtor_id, account_id, reason, step, told_at)"
    " SELECT :tenant, -n, -n, 'FORGOT', 'plan', now() FROM generate_series(1, 400) n",
    "INSERT INTO hand_overs (tenant_id, debtor_id, account_id, why, opened_at, due_at, closed_at)"
    " SELECT :tenant, -n, -n, 'disputes', now(), now(), now() FROM generate_series(1, 400) n",
)
_READ = text(
    "SELECT sum(idx_tup_fetch + seq_tup_read) FROM pg_stat_xact_user_tables"
    " WHERE relname IN ('tellings', 'hand_overs')"
)


@pytest.fixture
def placed(world: World, noon: datetime, _owner: Engine) -> Placed:
    """An account among those of 400 others."""
    made = place(world.tenant())[0]
    with world.platform.database.transaction(made.scope) as session:
        for statement in _OTHERS:
            session.execute(text(statement), {"tenant": made.scope.tenant()})
    with _owner.begin() as owner:
        owner.execute(text("ANALYZE tellings, hand_overs"))
    return made


def test_the_line_of_an_account_reads_nothing_of_others(world: World, placed: Placed) -> None:
    about = About(placed.scope.tenant(), placed.debtor_id, (placed.account_id,))
    with world.platform.database.transaction(placed.scope) as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))  # which is right for so few
        before = session.execute(_READ).scalar_one()
        assert newest(session, list(moments.moments(about).values()), None, 5) == []
        told = brief.brief(session, placed.debtor_id, placed.account_id, [], "email")
        assert told.last is None
        assert session.execute(_READ).scalar_one() - before < 10
