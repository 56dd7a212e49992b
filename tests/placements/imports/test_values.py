"""Amounts, dates, flags and addresses as creditors write them."""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recupero.kernel.money import to_minor
from recupero.placements.imports import values


def one(expression: pl.Expr, text: str) -> object:
    return pl.DataFrame({"t": [text]}).select(expression).item()


@pytest.mark.parametrize(
    ("text", "decimal", "digits", "minor"),
    [
        ("1.234,56", ",", 2, 123456), ("1,234.56", ".", 2, 123456), ("$ 1.234", ",", 0, 1234), ("(12,00)",
        ",", 2, -1200),
        ("12-", ",", 0, -12), ("CLP 1.000", ",", 0, 1000), ("R$ 5,1", ",", 2, 510), (",5", ",", 2, 50),
        ("1 234 567", ".", 0, 1234567), ("1'234.5", ".", 2, 123450), ("1.000 CLP", ",", 0, 1000), ("-7",
        ".", 3, -7000),
        ("1.23.4", ",", 2, None), ("1,234.56", ",", 2, None), ("1e5", ".", 2, None), ("=1+1", ".", 2, None),
        ("12.34.567", ",", 0, None), ("", ".", 2, None), ("9" * 20, ".", 2, None),
    ],
)  # fmt: skip
def test_amounts(text: str, decimal: str, digits: int, minor: int | None) -> None:
    assert one(values.minor_of(values.digits_of(pl.col("t"), decimal), digits), text) == minor


@settings(max_examples=200, deadline=None)
@given(st.integers(-(10**11), 10**11), st.sampled_from(["CLP", "COP", "KWD"]), st.sampled_from([".", ","]))
def test_what_money_writes_is_read_exactly(minor: int, currency: str, decimal: str) -> None:
    from recupero.kernel.money import minor_units

    amount = Decimal(minor).scaleb(-minor_units(currency))
    text = f"{amount:,}".translate(str.maketrans(",.", ".,")) if decimal == "," else f"{amount:,}"
    read = one(values.minor_of(values.digits_of(pl.col("t"), decimal), minor_units(currency)), text)
    assert read == minor == to_minor(amount, currency)


def test_finer_amounts_are_told_and_rounded_away_from_zero() -> None:
    digits = values.digits_of(pl.col("t"), ".")
    assert one(values.too_fine(digits, 2), "1.005") is True
    assert one(values.too_fine(digits, 2), "1.500") is False
    assert one(values.minor_of(digits, 2), "1.005") == 101
    assert one(values.minor_of(digits, 2), "-1.005") == -101


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        ("31/01/2026", "dmy", date(2026, 1, 31)), ("1/2/13", "dmy", date(2013, 2, 1)), ("1/2/13", "mdy",
        date(2013, 1, 2)),
        ("31.01.2026", "dmy", date(2026, 1, 31)), ("2026-01-31", "mdy", date(2026, 1, 31)),
        ("2026-01-31T10:20:30", "dmy", date(2026, 1, 31)), ("20260131", "dmy", date(2026, 1, 31)),
        ("Sep-2016", "dmy", date(2016, 9, 1)), ("31-ene-2026", "dmy", date(2026, 1, 31)),
        ("31 de janeiro de 2026", "dmy", date(2026, 1, 31)), ("46053", "dmy", date(2026, 1, 31)),
        ("26/01/31", "ymd", date(2026, 1, 31)), ("31/02/2026", "dmy", None), ("13/13/2026", "mdy", None),
        ("ayer", "dmy", None), ("=TODAY()", "dmy", None),
    ],
)  # fmt: skip
def test_dates(text: str, order: str, day: date | None) -> None:
    assert one(values.date_of(pl.col("t"), order), text) == day


@settings(max_examples=200, deadline=None)
@given(st.dates(date(1955, 1, 1), date(2090, 1, 1)), st.sampled_from(["/", "-", ".", " "]))
def test_any_day_is_read_in_any_order_and_as_excels_number(day: date, mark: str) -> None:
    for order, form in (("dmy", "%d{0}%m{0}%Y"), ("mdy", "%m{0}%d{0}%Y"), ("ymd", "%Y{0}%m{0}%d")):
        assert one(values.date_of(pl.col("t"), order), day.strftime(form.format(mark))) == day
    serial = (day - date(1899, 12, 30)) // timedelta(days=1)
    assert one(values.date_of(pl.col("t"), "dmy"), str(serial)) == day


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("A@B.cl", "a@b.cl"), ("mailto:x@y.co", "x@y.co"), ("ñandú@correo.cl", "ñandú@correo.cl"), ("a@b",
        None),
        ("a b@c.cl", None), ("a..b@c.com", None), ("no tiene", None), ("a@b@c.cl", None), ("a@-b.cl", None),
    ],
)  # fmt: skip
def test_addresses(text: str, address: str | None) -> None:
    assert one(values.email_of(pl.col("t")), text) == address


@pytest.mark.parametrize(
    ("text", "flag"), [("SI", True), ("sim", True), ("No", False), ("0", False), ("quizás", None)]
)
def test_flags(text: str, flag: bool | None) -> None:
    assert one(values.flag_of(pl.col("t")), text) is flag
