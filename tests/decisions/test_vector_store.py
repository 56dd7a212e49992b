"""Vectors that decisions rested on come back as they were, small, also those of lists changed since."""

import numpy as np
import pytest

from recupero.decisions.history import feature_list, features, vector_store, vectors
from recupero.decisions.service import plan_tenant
from recupero.decisions.tables import Decision
from recupero.kernel import clock
from tests.decisions.debts import contact, debt, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")


def test_parts_come_back_by_name_and_what_a_list_had_not_is_not_known(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_store, "ROWS", 2)
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        old = {"a": np.array([np.nan, -3.0, 1.5])}
        new = {"b": np.array([0.25]), "a": np.array([2.0])}
        vector_store.keep(session, 1, vector_store.packed([(np.array([5, 9, 12]), old)]))
        vector_store.keep(session, 2, vector_store.packed([(np.array([7]), new)]))
        found = list(vector_store.parts(session, [1, 2], ["b", "a"]))
        assert [(run, ids.tolist()) for run, ids, _columns in found] == [(1, [5, 9]), (1, [12]), (2, [7])]
        np.testing.assert_array_equal(
            np.concatenate([each["a"] for _, _, each in found]), [np.nan, -3, 1.5, 2]
        )
        np.testing.assert_array_equal(
            np.concatenate([each["b"] for _, _, each in found]), [np.nan] * 3 + [0.25]
        )
        assert vector_store.vector_of(session, 1, 12) == {"a": 1.5}
        assert vector_store.vector_of(session, 1, 8) == {}
        assert vector_store.vector_of(session, 3, 7) == {}
        asked = [(2, 7), (1, 12), (1, 8), (1, 9)]
        assert vector_store.vectors_of(session, asked) == {
            (2, 7): {"b": 0.25, "a": 2.0}, (1, 12): {"a": 1.5}, (1, 9): {"a": -3.0}
        }  # fmt: skip
    with world.platform.database.transaction(world.tenant()) as session:
        assert list(vector_store.parts(session, [1, 2], ["a"])) == []


def test_a_part_is_a_fraction_of_its_numbers_and_a_cut_one_is_no_answer() -> None:
    draw = np.random.default_rng(0)
    accounts = np.sort(draw.choice(1_000_000, 5_000, replace=False))
    columns = [draw.integers(0, 5, 5_000).astype(np.float64) for _ in range(60)]
    data = vector_store.pack(accounts, columns)
    names = [str(place) for place in range(60)]
    ids, back = vector_store.unpack(data, 5_000, names)
    np.testing.assert_array_equal(ids, accounts)
    np.testing.assert_array_equal(np.array(columns), np.array(list(back.values())))
    assert len(data) < 5_000 * 60 * 8 / 10
    with pytest.raises(ValueError, match="5000 rows"):
        vector_store.unpack(data, 5_000, names[1:])


def test_a_plan_keeps_the_three_vectors_of_what_it_chose_and_of_waiting(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0, channels=["email"], minimum_value_minor=1_000)
        owed = [debt(session, book, balance=balance) for balance in (900_000, 100_000)]
        contact(session, owed[0], clock.now(), state="failed")
    plan_tenant(world.platform.database, scope)
    with world.platform.database.transaction(scope) as session:
        table = features.read_features(session, clock.now())
        made = {row.account_id: row for row in session.query(Decision)}
        chosen, waited = (
            vector_store.vector_of(session, made[each.account_id].run_id, each.account_id) for each in owed
        )
    assert made[owed[0].account_id].channel == "email"
    assert made[owed[1].account_id].choice == "wait"
    assert list(chosen) == [*feature_list.NAMES, *vectors.NAMES]
    for vector, each in ((chosen, owed[0]), (waited, owed[1])):
        place = list(table.account_id).index(each.account_id)
        for name in feature_list.NAMES:
            assert vector[name] == pytest.approx(table.values[name][place], rel=1e-6, nan_ok=True), name
    assert (chosen["action_contact"], chosen["action_email"], chosen["action_first_notice"]) == (1, 1, 1)
    assert (chosen["assistant_written"], chosen["assistant_tone"], chosen["assistant_language"]) == (1, 0, 1)
    assert chosen["action_hour"] == 12  # in Santiago, where it is noon
    assert (waited["action_contact"], waited["action_email"]) == (0, 0)
