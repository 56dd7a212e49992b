"""What a contact takes from the debtor's later ones: contacts are shared out, and harm counts for more."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recupero.decisions.learning import tiring
from recupero.decisions.planning.choosing import with_values
from recupero.decisions.strategies.strategy import Strategy

LATELY = pl.DataFrame({"lately": [0, 1, 4, None]}, schema={"lately": pl.Int64})


def test_the_first_contact_loses_nothing_and_each_further_one_more() -> None:
    left, grown = LATELY.select(tiring.left(), tiring.grown().alias("grown")).get_columns()
    assert left.to_list() == pytest.approx([1, 1 / 2, 1 / 5, 1])
    assert grown.to_list() == pytest.approx([1, 3 / 2, 9 / 5, 1])


@given(worth=st.lists(st.integers(1, 20), min_size=2, max_size=4), contacts=st.integers(20, 60))
def test_contacts_are_shared_out_in_proportion_to_what_they_are_worth(
    worth: list[int], contacts: int
) -> None:
    had = [0] * len(worth)
    for _ in range(contacts):
        frame = pl.DataFrame({"lately": had, "worth": worth}).select(pl.col("worth") * tiring.left())
        had[int(frame.to_series().arg_max() or 0)] += 1
    fair = [contacts * each / sum(worth) for each in worth]
    assert all(abs(got - due) < len(worth) for got, due in zip(had, fair, strict=True))


def test_without_a_model_who_was_contacted_lately_comes_later_but_is_reminded_as_ever() -> None:
    options = pl.DataFrame(
        {
            "person": [1, 2, 3], "account": [1, 2, 3], "branch": [1, 1, 1], "moment": [0, 0, 0],
            "channel": ["email"] * 3, "template": ["follow_up", "follow_up", "promise_reminder"],
            "p": [0.1] * 3, "balance_minor": [1000] * 3, "timing": [1.0] * 3, "patience": [1.0] * 3,
            "lately": [0, 3, 3],
        }
    )  # fmt: skip
    strategy = Strategy(channels=("email",), costs_minor={"email": 5})
    valued = with_values(options, {1: strategy}, {1: 0.5}, {}, ("email",))
    assert valued["value_minor"].to_list() == pytest.approx([45, 50 / 4 - 5, 45])
