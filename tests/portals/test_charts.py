"""Charts draw what they are given, to scale, and say it in words and numbers."""

from dataclasses import replace

import pytest
from flask import Flask, render_template_string

from recupero.kernel.drawing import BOTTOM, HEIGHT, WIDTH, Chart, Series, shares, spark_path

MACRO = '{% from "charts.html" import chart with context %}{{ chart(one) }}'
FLOOR = HEIGHT - BOTTOM


def test_bars_are_as_high_as_their_values() -> None:
    one = Chart("Paid", ["Jan", "Feb"], [Series("all", [50, 100])], write=str)
    half, whole = one.boxes
    assert whole.height == pytest.approx(2 * half.height, abs=0.2)
    assert whole.y + whole.height == pytest.approx(FLOOR)
    assert whole.told.startswith("Feb, all: ")


def test_few_bars_are_no_blocks_and_stand_in_the_middle_of_their_label() -> None:
    (only,) = Chart("Paid", ["Jan"], [Series("all", [5])], write=str).boxes
    assert only.width < WIDTH / 4
    ((middle, _text),) = Chart("Paid", ["Jan"], [Series("all", [5])], write=str).below
    assert only.x + only.width / 2 == pytest.approx(middle, abs=0.2)


def test_stacked_bars_stand_on_each_other() -> None:
    one = Chart("Paid", ["Jan"], [Series("a", [30]), Series("b", [10])], kind="stack", write=str)
    low, high = one.boxes
    assert high.y + high.height == pytest.approx(low.y, abs=0.2)


def test_what_is_owed_below_zero_hangs_below_the_line() -> None:
    one = Chart("Net", ["Jan", "Feb"], [Series("a", [-5, 10])], write=str)
    below, above = one.boxes
    assert below.y == pytest.approx(above.y + above.height, abs=0.2)


def test_a_line_breaks_where_nothing_is_known() -> None:
    one = Chart("Rate", ["a", "b", "c", "d"], [Series("x", [1, None, 2, 3])], kind="lines", write=str)
    assert one.paths[0].count("M") == 2
    assert len(one.points) == 3


@pytest.mark.parametrize("values", [[0, 0], [None, None], []])
def test_nothing_is_said_to_be_nothing(app: Flask, values: list[float | None]) -> None:
    with app.test_request_context("/"):
        shown = render_template_string(
            MACRO, one=Chart("Paid", ["a", "b"][: len(values)], [Series("x", values)], write=str)
        )
    assert "<svg" not in shown


def test_names_of_people_cannot_become_markup(app: Flask) -> None:
    one = Chart("<b>Paid</b>", ["<i>", "b"], [Series("<u>", [1, 2]), Series("y", [1, None])], write=str)
    with app.test_request_context("/?lang=en"):
        shown = render_template_string(MACRO, one=one)
    assert "<i>" not in shown.replace("<i class", "")
    assert "<b>" not in shown
    assert "<u>" not in shown
    assert shown.count("<td class=") == 4


@pytest.mark.parametrize(
    "labels, high, fits",
    [
        (["set 26", "out 26", "nov 26"], 5, True),
        ([f"mes {n}" for n in range(12)], 5, False),
        (["a"], 5e9, False),
    ],
    ids=["few", "a year", "long numbers"],
)
def test_a_phone_shows_a_drawing_of_few_labels_as_a_whole(labels: list[str], high: float, fits: bool) -> None:
    assert Chart("Paid", labels, [Series("x", [high] * len(labels))], write=str).few is fits


def test_a_phone_shows_two_weeks_of_half_a_page_as_a_whole() -> None:
    days = [f"{day}/11" for day in range(10, 24)]
    assert Chart("Paid", days, [Series("x", [5.0] * 14)], write=str, width=480).few
    assert not Chart("Paid", days, [Series("x", [5e9] * 14)], write=str, width=480).few


def test_many_labels_leave_room_for_each_other() -> None:
    one = Chart("Paid", [f"2026-{n:02}" for n in range(60)], [Series("x", [1.0] * 60)], write=str)
    assert 5 <= len(one.below) <= 12
    wide = replace(one, width=2 * WIDTH)
    assert len(one.below) < len(wide.below) <= 24
    assert wide.boxes[-1].x + wide.boxes[-1].width <= wide.width


def test_the_last_label_does_not_stand_over_the_edge() -> None:
    one = Chart("Paid", [f"{n}/11" for n in range(10, 24)], [Series("x", [1.0] * 14)], write=str, width=480)
    assert all(x + len(text) * 3.5 <= one.width for x, text in one.below)


def test_shares_are_of_the_greatest() -> None:
    assert shares([5, 10, 0]) == [50.0, 100.0, 0.0]
    assert shares([0]) == [0.0]
    assert spark_path([1]) == ""
    assert spark_path([1, 1, 3]).count("L") == 2
