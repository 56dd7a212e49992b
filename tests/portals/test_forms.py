"""What is typed into a form is read, or refused at its field, whatever it is."""

from collections.abc import Callable

import pytest
from flask import Flask

from recupero.kernel.errors import UserError
from recupero.portals.frame.forms import Form

READ: tuple[Callable[[Form], object], ...] = (
    lambda form: form.whole("it"),
    lambda form: form.hundredths("it"),
    lambda form: form.money("it", "CLP"),
    lambda form: form.day("it"),
)


@pytest.mark.parametrize(
    "typed", ["", "\x00", "9" * 40, "9" * 5_000, "1e400", "NaN", "0001-01-01", "9999-12-31"]
)
def test_what_nothing_can_hold_is_refused_at_its_field(app: Flask, typed: str) -> None:
    with app.test_request_context():
        for read in READ:
            with pytest.raises(UserError) as refused:
                read(Form({"it": typed}))
            assert refused.value.field == "it"


def test_a_nul_that_somebody_pasted_is_left_out(app: Flask) -> None:
    form = Form({"name": " Ana\x00 Rojas ", "count": "1\x002"})
    assert form.text("name") == "Ana Rojas"
    assert form.whole("count") == 12
