"""Little data does not lead the line astray: nothing beyond what was seen, the effect of all where one debtor
says little, and harm from a handful of cases."""

import numpy as np
import pytest
from recupero_next_action.learners import Heard, learn, sigmoid
from recupero_next_action.lines import Line, draw_line
from recupero_next_action.model import NextAction

from recupero_sdk.models import Columns

PRESSED = tuple(f"attempts_sms_{days}d" for days in (7, 30, 90))
NAMES = ("days_placed", *PRESSED, "action_contact", "action_sms")


def _contacts(rows: int, seed: int = 1) -> tuple[np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    month = rng.integers(0, 6, rows)
    contact = (rng.random(rows) < 0.8) * 1.0
    columns = [rng.uniform(0, 15, rows), np.minimum(month, 1), month, month, contact, contact]
    return np.column_stack(columns).astype(float), rng


def test_a_day_that_was_never_seen_is_taken_for_the_last_that_was() -> None:
    matrix, rng = _contacts(4000)
    y = (rng.random(4000) < 0.05 + 0.01 * matrix[:, 0]) * 1.0
    line = draw_line(matrix, y, NAMES)
    row = np.array([[0.0, 1, 3, 3, 1, 1]] * 3)
    row[:, 0] = 1.0, 15.0, 90.0
    early, last, later = line.odds(row)
    assert early < last
    assert abs(later - last) < 0.01


def test_rare_marks_and_unknown_columns_leave_the_line_where_the_rows_are() -> None:
    matrix, rng = _contacts(3000)
    y = (rng.random(3000) < 0.04) * 1.0
    rare = np.zeros(3000)
    rare[:3], y[:3] = 1.0, 1.0
    wide = np.column_stack([matrix, rare, rare * 0.37, np.full(3000, np.nan)])
    line = draw_line(wide, y, (*NAMES, "promises_broken", "paid_share", "days_to_limitation"))
    chance = sigmoid(line.odds(wide))
    assert abs(chance.mean() - y.mean()) < 0.002
    assert chance[3:].max() < 0.15


def test_an_action_that_hardly_helps_one_debtor_more_than_another_keeps_its_effect_for_all() -> None:
    """Of 40 payments no debtor's own effect can be known: everybody's contact is worth about the average."""
    matrix, rng = _contacts(5000, seed=4)
    noise = rng.normal(size=(5000, 12))
    reached = (rng.random(5000) < np.where(matrix[:, 4] > 0, 0.04, 0.002)) * 1.0
    paid = reached * (rng.random(5000) < 0.25)
    names = (*NAMES, *(f"noise_{number}" for number in range(12)))
    told = learn(
        np.column_stack([matrix, noise]), paid, names, 1, heard=Heard(reached, np.full(5000, np.nan))
    )
    asked = np.column_stack([matrix, noise])[:1000]
    waits = asked.copy()
    waits[:, 4:6], asked[:, 4:6] = 0, 1
    gain = sigmoid(told.odds(asked)["through"]) - sigmoid(told.odds(waits)["through"])
    assert (gain > 0).all()
    assert 0.005 < gain.mean() < 0.017


def test_who_reads_a_channel_is_reached_by_it_and_a_line_from_before_serves_on() -> None:
    matrix, rng = _contacts(4000)
    share, since = rng.uniform(0.05, 0.9, 4000), rng.uniform(0, 90, 4000)
    y = (rng.random(4000) < 0.2 * share * matrix[:, 5]) * 1.0
    line = draw_line(np.column_stack([matrix, share, since]), y, (*NAMES, "read_sms", "days_since_read_sms"))
    row = np.array([[5.0, 1, 2, 2, 1, 1, share, 30.0] for share in (0.1, 0.8, np.nan)])
    hardly, often, unknown = line.odds(row)
    assert often - hardly > 1
    assert hardly < unknown < often
    waiting = line.odds(row * [1, 1, 1, 1, 0, 0, 1, 1])
    assert waiting[1] - waiting[0] < 0.5 * (often - hardly)
    before = Line.of_json(draw_line(matrix, y, NAMES).to_json())
    assert np.isfinite(before.odds(matrix[:5])).all()


def test_a_channel_of_which_nobody_was_told_anything_is_not_taken_for_one_that_is_read_more() -> None:
    """A tenth of either channel's messages reach their debtor; of texts far fewer readings are told."""
    rng = np.random.default_rng(6)
    names = ("read_sms", "read_whatsapp", "action_sms", "action_whatsapp")
    texts, usual = rng.random(8000) < 0.5, np.array([0.05, 0.5])
    shares = usual * rng.uniform(0.4, 1.6, (8000, 2))
    own = np.where(texts, *(shares / usual).T)
    y = (rng.random(8000) < 0.1 * own) * 1.0
    line = draw_line(np.column_stack([shares, texts, ~texts]).astype(float), y, names)
    unknown = np.array([[np.nan, np.nan, 1, 0], [np.nan, np.nan, 0, 1]])
    text, whatsapp = sigmoid(line.odds(unknown))
    assert abs(text - 0.1) < 0.02
    assert abs(whatsapp - 0.1) < 0.02


def _apart(rows: int, seed: int, by_text: float, *, free: bool) -> float:
    """How far a line holds those reached by text to be more likely to pay, in log-odds; of the others 30%
    pay."""
    rng = np.random.default_rng(seed)
    texts = rng.random(rows) < 0.15
    paid = rng.random(rows) < np.where(texts, by_text, 0.3)
    matrix = np.column_stack([rng.normal(size=(rows, 6)), np.ones(rows), texts, ~texts]).astype(float)
    names = (*(f"noise_{each}" for each in range(6)), "action_contact", "action_sms", "action_email")
    line = draw_line(matrix, paid * 1.0, names, free=free)
    text, mail = line.odds(np.array([[0.0] * 6 + [1, 1, 0], [0.0] * 6 + [1, 0, 1]]))
    return float(text - mail)


def test_luck_of_a_channel_among_few_who_were_reached_is_no_reason_to_prefer_it() -> None:
    lucky = {free: np.mean([abs(_apart(300, seed, 0.3, free=free)) for seed in range(12)])
             for free in (True, False)}  # fmt: skip
    assert lucky[False] < 0.6 * lucky[True]
    assert _apart(9000, 1, 0.5, free=False) == pytest.approx(0.85, abs=0.15)  # what is so, is told


def test_a_handful_of_complaints_makes_contacts_cost_more_the_more_there_were() -> None:
    matrix, rng = _contacts(3000, seed=2)
    reached = (rng.random(3000) < np.where(matrix[:, 4] > 0, 0.08, 0.003)) * 1.0
    paid = reached * (rng.random(3000) < 0.3)
    harm = np.zeros(3000)
    harm[np.flatnonzero((matrix[:, 4] > 0) & (matrix[:, 2] == 5))[:6]] = 1
    columns = Columns(dict(zip(NAMES, matrix.T, strict=True)), 3000)
    kind = NextAction()
    made = kind.train(columns, {"paid": paid, "harm": harm}, propensity=np.full(3000, 0.5), seed=1)
    rows = np.array([[5.0, 0, 0, 0, 0, 0], [5.0, 0, 0, 0, 1, 1], [5.0, 1, 5, 5, 1, 1]])
    asked = Columns(dict(zip(NAMES, rows.T, strict=True)), 3)
    wait, first, sixth = kind.predict(kind.load(kind.dump(made.fitted)), asked)["harm"]
    assert wait < 0.003
    assert wait < sixth < 0.02
    assert first < sixth / 2
