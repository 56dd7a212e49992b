"""A plan's options are the same however small the parts are in which they are read and valued."""

import numpy as np
import pytest

from recupero.decisions import columns
from recupero.decisions.history.features import read_features
from recupero.decisions.planning import options
from recupero.decisions.service import PlanResult, Thought, think
from recupero.kernel import clock
from tests.decisions.debts import debt, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")


def test_parts_of_one_account_and_pieces_of_one_row_change_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        of = portfolio(session)
        owed = [debt(session, of) for _ in range(4)]
        whole = read_features(session, clock.now())

        def thought() -> Thought:
            return think(session, clock.now(), PlanResult(scope.tenant()))

        before = thought()
        monkeypatch.setattr(columns, "_PIECE", 0)
        monkeypatch.setattr(options, "PART", 1)
        after = thought()
        pieces = read_features(session, clock.now())
    assert len(before.found.options) > len(owed)
    assert after.found.options.equals(before.found.options)
    assert sorted(after.found.refused.rows()) == sorted(before.found.refused.rows())
    assert after.choice.chosen.tolist() == before.choice.chosen.tolist()
    assert all(
        np.array_equal(pieces.values[name], whole.values[name], equal_nan=True) for name in whole.values
    )
