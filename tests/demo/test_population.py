"""Invented placement files: seeded, nobody's, mostly right."""

from collections import Counter
from datetime import date

import pytest
from stdnum.cl import rut

from recupero.demo.population import BOOKS, HEADERS, Book, rows

DAY = date(2026, 9, 22)


def _column(book: Book, name: str, count: int = 800) -> list[str]:
    place = HEADERS.index(name)
    return [line[place] for line in rows(book, count, DAY, 7)]


def test_the_same_seed_gives_the_same_lines_wherever_one_begins() -> None:
    book = BOOKS[0]
    assert list(rows(book, 10, DAY, 7))[4:] == list(rows(book, 6, DAY, 7, first=4))
    assert list(rows(book, 10, DAY, 7)) != list(rows(book, 10, DAY, 8))


def test_chilean_ids_are_valid_and_of_a_range_not_handed_out() -> None:
    ids = [value for value in _column(BOOKS[0], "RUT o cedula") if not value.endswith("X")]
    assert all(rut.is_valid(value) for value in ids)
    assert all(45_000_000 <= int(rut.compact(value)[:-1]) < 50_000_000 for value in ids)


def test_addresses_of_mail_are_under_the_name_kept_for_examples() -> None:
    given = [value for value in _column(BOOKS[2], "Email") if value and "@" in value]
    assert len(given) > 400
    assert all(value.endswith("@example.com") for value in given)


def test_some_people_owe_several_creditors() -> None:
    shared = set(_column(BOOKS[0], "RUT o cedula")) & set(_column(BOOKS[1], "RUT o cedula"))
    assert len(shared - {"45.000.000-X"}) >= 5


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.slug)
def test_totals_are_the_sum_of_their_parts_but_for_the_rows_damaged_on_purpose(book: Book) -> None:
    def number(text: str) -> float:
        return float(text.replace(".", "") if book.file_format == "excel_csv" else text)

    parts = [HEADERS.index(name) for name in ("Capital", "Intereses", "Gastos")]
    total = HEADERS.index("Total")
    fits = Counter(
        abs(sum(number(line[part]) for part in parts) - number(line[total])) < 0.01
        for line in rows(book, 800, DAY, 7)
    )
    assert fits[True] >= 780
