"""A refusal keeps its text and its values apart, and says both in English by itself."""

import json

import pytest

from recupero.kernel.errors import Conflict, UserError, Words


def test_the_places_of_the_text_are_filled() -> None:
    error = UserError("the file has no row %(number)s with headings", field="file", row=3, number=7)
    assert error.message == str(error) == "the file has no row 7 with headings"
    assert error.template == "the file has no row %(number)s with headings"
    assert (error.field, error.row, error.values) == ("file", 3, {"number": 7})


@pytest.mark.parametrize(
    ("template", "values", "message"),
    [
        ("the share is above 100%", {}, "the share is above 100%"),
        ("%(name)s is above 100% or 5 % off", {"name": "x"}, "x is above 100% or 5 % off"),
        ("%(name)s is no name", {"name": "50% %(name)s %s"}, "50% %(name)s %s is no name"),
    ],
)
def test_a_percent_sign_is_a_percent_sign(template: str, values: dict[str, object], message: str) -> None:
    assert UserError(template, **values).message == message


def test_a_place_without_value_is_a_defect() -> None:
    with pytest.raises(KeyError, match="name"):
        Conflict("there is a portfolio '%(name)s' already")


def test_codes_stay_codes_in_english() -> None:
    assert UserError("on hold: %(holds)s", holds=Words("hold", ("court", "dispute"))).message == (
        "on hold: court, dispute"
    )


def test_an_error_that_is_told_later_is_the_same() -> None:
    error = UserError(
        "%(count)s on hold: %(holds)s",
        field="file",
        row=7,
        count=3,
        holds=Words("hold", ("court", "dispute")),
    )
    again = UserError.from_json(json.loads(json.dumps(error.to_json())))
    assert (again.template, again.message) == (error.template, error.message)
    assert (again.field, again.row, again.values["holds"]) == ("file", 7, error.values["holds"])
