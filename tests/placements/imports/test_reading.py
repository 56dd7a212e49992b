"""Files as Excel and people write them are read; broken ones are refused whole, in one clear line."""

import gzip
import zipfile
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from recupero.kernel.errors import UserError
from recupero.placements.imports.reading import PROBLEM, ROW, opened

_TEXT = "operación;nombre;saldo\r\n0012;Núñez, José;1.234,56\r\n0013;Peña;7\r\n"


def read(path: Path, **how: object) -> tuple[list[str], list[tuple[str | None, ...]]]:
    with opened(path, **how) as table:  # type: ignore[arg-type]  # passed through as they come
        frames = list(table.chunks)
    rows = pl.concat(frames).select(table.headings).rows() if frames else []
    return table.headings, rows


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp850", "mac_roman", "latin-1"],
)
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_encodings_and_delimiters_of_excel(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = _TEXT.replace(",", "%").replace(";", delimiter).replace("%", "·" if encoding == "utf-8" else " ")
    path = tmp_path / "file.csv"
    path.write_bytes(text.encode(encoding))
    headings, rows = read(path)
    assert headings == ["operación", "nombre", "saldo"]
    assert rows[1] == ("0013", "Peña", "7")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.lists(st.text(st.characters(codec="cp1252", exclude_categories=("Cc",)), max_size=12),
        min_size=3, max_size=3)
        .map(lambda cells: [cell.strip() for cell in cells]).filter(any),
        min_size=1, max_size=8,
    ),
    st.sampled_from([";", ",", "\t", "|"]),
    st.sampled_from(["utf-8-sig", "utf-16", "cp1252"]),
)  # fmt: skip
def test_what_is_written_is_read(rows: list[list[str]], delimiter: str, encoding: str) -> None:
    import csv
    import io
    import tempfile

    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["a", "b", "c"], *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f.csv"
        path.write_bytes(out.getvalue().encode(encoding))
        _, found = read(path, delimiter=delimiter, encoding=encoding)
    assert len(found) == len(rows)
    for cells, line in zip(found, rows, strict=True):
        for cell, written in zip(cells, line, strict=True):
            kept = None if not written or written.startswith("#") else written
            assert cell == kept or written[:2] in {"'=", "'+", "'-", "'@"} or written.startswith(("=",
            "#")) or (
                cell is None and not written.strip("\x1c\x1d\x1e\x1f\xa0 ")
            ) or (cell or "").strip() == written.strip("\xa0\x85 ")  # fmt: skip


def test_excels_own_first_line_names_the_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("sep=|\r\na|b;c\r\n1|2;3\r\n")
    assert read(path) == (["a", "b;c"], [("1", "2;3")])


def test_quoted_line_ends_stay_inside_the_cell_and_rows_count_as_a_spreadsheet_counts(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text('a;b\n1;"two\nlines"\n\n3;4\n;;\n5;6;7\n8\n')
    with opened(path) as table:
        frame = pl.concat(list(table.chunks))
    assert frame.select("a", "b", ROW, PROBLEM).rows() == [
        ("1", "two\nlines", 2, None), ("3", "4", 4, None), ("5", "6", 6, "extra_fields"), ("8", None, 7,
        None),
    ]  # fmt: skip


def test_cells_of_spreadsheets_are_unwrapped(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("a;b\n=\"0012\";#N/A\n'=1+1;'+56\n")
    assert read(path)[1] == [("0012", None), ("=1+1", "+56")]


def test_headings_are_made_unique(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("Fono;Fono; ;x\n1;2;3;4\n")
    assert read(path)[0] == ["Fono", "Fono_2", "column_3", "x"]


def test_a_packed_file(tmp_path: Path) -> None:
    path = tmp_path / "f.csv.gz"
    path.write_bytes(gzip.compress(_TEXT.encode()))
    assert read(path)[1][1] == ("0013", "Peña", "7")


def test_a_workbook_gives_texts_numbers_dates_and_the_values_of_formulas(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet, day = book.add_worksheet(), book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(0, 0, ["cuenta", "saldo", "fecha", "formula", "vacía"])
        for line in (1, 2):
            sheet.write_string(line, 0, f"00{line}")
            sheet.write_number(line, 1, 1234.5 + line)
            sheet.write_datetime(line, 2, __import__("datetime").datetime(2026, 1, line), day)
            sheet.write_formula(line, 3, "=1+1", None, 2)
    assert read(path, decimal=",")[1] == [
        ("001", "1235,5", "2026-01-01", "2", None), ("002", "1236,5", "2026-01-02", "2", None),
    ]  # fmt: skip


def test_large_files_come_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f.csv"
    path.write_text("a;b\n" + "".join(f"{n};x\n" for n in range(60_000)))
    with opened(path) as table:
        sizes = [chunk.height for chunk in table.chunks]
    assert sum(sizes) == 60_000
    assert max(sizes) <= 25_000


def _bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\x00" * 300_000_000)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02\x03" * 999, "no text file"),
        (b"PK\x03\x04" + b"rubbish" * 99, "workbook is broken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 4096, "workbook cannot be read"),
        (b"\x1f\x8b\x08" + b"rubbish" * 99, "packed file is broken"),
        (b";;;\n1;2;3;4\n", "headings is empty"),
        (b"a;" * 1_000_000 + b"a\n1\n", "at most 2000|longer than"),
        (b"a" * 9_000_000, "longer than"),
        (b'a;b\n1;"open\n2;3\n4;5\n', "quotation mark"),
        (b"a;b\n1;\x00\n", "NUL|no text"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=says):
        read(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    _bomb(tmp_path / "f.xlsx")
    with pytest.raises(UserError, match="far too much"):
        read(tmp_path / "f.xlsx")


def test_a_missing_sheet_and_a_missing_file_are_named(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("Cartera").write_row(0, 0, ["a"])
    with pytest.raises(UserError, match="it has Cartera"):
        read(path, sheet="Otra")
    with pytest.raises(UserError, match="cannot be read"):
        read(tmp_path / "none.csv")
