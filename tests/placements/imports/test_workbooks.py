"""Workbooks are read as a stream: every kind of cell has its right text, and what is broken is refused."""

import random
import tempfile
import tracemalloc
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from recupero.kernel.errors import UserError
from recupero.placements.imports.reading import PROBLEM, ROW, opened
from tests.placements.imports.test_reading import read

_BOOK = (
    '<workbook xmlns:r="x"><workbookPr {pr}/><sheets><sheet name="Cartera" sheetId="1" r:id="rId1"/>'
    "</sheets></workbook>"
)
_RELATIONS = (
    '<Relationships><Relationship Id="rId1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/>'
    "</Relationships>"
)
_STYLES = (
    '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="{code}"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="9"/></cellXfs>'
    "</styleSheet>"
)


def written(
    path: Path,
    rows: str,
    *,
    strings: str = "",
    pr: str = "",
    code: str = "yyyy",
    after: str = "",
    before: str = "",
) -> Path:
    """A workbook with this content of `sheetData`, as no spreadsheet would be made to write it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", _BOOK.format(pr=pr))
        archive.writestr("xl/_rels/workbook.xml.rels", _RELATIONS)
        archive.writestr("xl/styles.xml", _STYLES.format(code=code))
        archive.writestr("xl/sharedStrings.xml", f"<sst>{strings}</sst>")
        sheet = f'{before}<worksheet xmlns:x="y"><sheetData>{rows}</sheetData>{after}</worksheet>'
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    return path


HEAD = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="str"><v>b</v></c></row>'


def cell(tmp_path: Path, xml: str, **how: str) -> str | None:
    """What is read of one cell."""
    path = written(tmp_path / "f.xlsx", f'{HEAD}<row r="2">{xml}<c r="B2"><v>1</v></c></row>', **how)
    return read(path)[1][0][0]


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ('<c r="A2"><v>7</v></c>', "7"),
        ('<c r="A2"><v>1234.5</v></c>', "1234.5"),
        ('<c r="A2"><v>1234.5600000000001</v></c>', "1234.56"),
        ('<c r="A2"><v>-3.0</v></c>', "-3"),
        ('<c r="A2"><v>1E+05</v></c>', "100000"),
        ('<c r="A2"><v>1.23456789012345E+15</v></c>', "1.23456789012345e+15"),
        ('<c r="A2" s="3"><v>0.5</v></c>', "0.5"),
        ('<c r="A2" t="b"><v>1</v></c>', "true"),
        ('<c r="A2" t="b"><v>0</v></c>', "false"),
        ('<c r="A2" t="e"><v>#DIV/0!</v></c>', None),
        ('<c r="A2" t="str"><f>A1&amp;"x"</f><v>ax</v></c>', "ax"),
        ('<c r="A2"><f>SUM(B1:B9)</f><v>12</v></c>', "12"),
        ('<c r="A2"><f>SUM(B1:B9)</f></c>', None),
        ('<c r="A2" t="d"><v>2026-01-31T00:00:00Z</v></c>', "2026-01-31"),
        ('<c r="A2" s="1"><v>46053</v></c>', "2026-01-31"),
        ('<c r="A2" s="1"><v>46053.75</v></c>', "2026-01-31"),
        ('<c r="A2" s="1"><v>0.5</v></c>', "12:00"),
        ('<c r="A2" s="1"><v>59</v></c>', "1900-02-28"),
        ('<c r="A2" s="1"><v>61</v></c>', "1900-03-01"),
        ('<c r="A2" s="1"><v>-1</v></c>', "-1"),
        ('<c r="A2" s="1"/>', None),
        ('<c r="A2" t="inlineStr"><is><t>O&apos;Hig &lt;1&gt;</t></is></c>', "O'Hig <1>"),
        ('<c r="A2" t="inlineStr"><is><r><t>Pe</t></r>\n <r><t>rez</t></r></is></c>', "Perez"),
        ('<c r="A2" t="inlineStr"><is><t>two_x000A_lines _x005F_</t></is></c>', "two\nlines _"),
        ("<c><v>5</v></c>", "5"),
        ('<x:c r="A2"><x:v>5</x:v></x:c>', "5"),
    ],
)
def test_every_kind_of_cell(tmp_path: Path, xml: str, text: str | None) -> None:
    assert cell(tmp_path, xml) == text


@pytest.mark.parametrize(
    ("code", "is_date"),
    [
        ("dd/mm/yyyy", True), ("[$-540A]d&quot; de &quot;mmmm", True), ("mmm-yy;@", True), ("General", False),
        ("0.00%", False), ("#,##0\\ [$€-1];[Red]-#,##0\\ [$€-1]", False), ("0&quot; dias&quot;", False),
        ("_-* #,##0_-;_d0", False), ("0.00E+00", False),
    ],
)  # fmt: skip
def test_a_number_format_tells_dates_from_numbers(tmp_path: Path, code: str, is_date: bool) -> None:
    found = cell(tmp_path, '<c r="A2" s="2"><v>46053</v></c>', code=code)
    assert found == ("2026-01-31" if is_date else "46053")


def test_days_may_be_counted_from_1904(tmp_path: Path) -> None:
    assert cell(tmp_path, '<c r="A2" s="1"><v>44591</v></c>', pr='date1904="1"') == "2026-01-31"


def test_shared_strings_of_any_kind(tmp_path: Path) -> None:
    strings = (
        "<si><t>uno</t></si><si/><si><r><t>d</t></r>\n<r><t>os</t></r><rPh sb='0' eb='1'><t>no</t></rPh></si>"
        "<si><t xml:space='preserve'> tres </t></si>"
    )
    rows = "".join(f'<row r="{n + 2}"><c r="A{n + 2}" t="s"><v>{n}</v></c><c r="B{n + 2}"><v>1</v></c></row>'
                   for n in range(4))  # fmt: skip
    path = written(tmp_path / "f.xlsx", HEAD + rows, strings=strings)
    assert [row[0] for row in read(path)[1]] == ["uno", None, "dos", "tres"]


def test_rows_keep_the_numbers_of_the_spreadsheet(tmp_path: Path) -> None:
    rows = ('<row r="3"><c r="B3" t="str"><v>h</v></c><c r="C3" t="str"><v>i</v></c></row>'
            '<row r="7"><c r="C7"><v>1</v></c></row><row r="8"><c r="A8" s="1"/></row>'
            '<row><c r="B9"><v>2</v></c><c r="F9"><v>3</v></c></row>')  # fmt: skip
    with opened(written(tmp_path / "f.xlsx", rows)) as table:
        frame = pl.concat(list(table.chunks))
    assert table.headings == ["column_1", "h", "i"]
    assert frame.select("h", "i", ROW, PROBLEM).rows() == [
        (None, "1", 7, None),
        ("2", None, 9, "extra_fields"),
    ]


def test_text_behind_the_table_is_no_cell(tmp_path: Path) -> None:
    after = "<headerFooter><oddFooter>&amp;P of &amp;N</oddFooter></headerFooter>"
    path = written(tmp_path / "f.xlsx", HEAD + '<row r="2"><c r="B2"><v>1</v></c></row>', after=after)
    assert read(path)[1] == [(None, "1")]


def test_a_file_written_for_people_reads_the_same(tmp_path: Path) -> None:
    rows = (
        HEAD.replace("><", ">\n  <")
        + '\n<row r="2">\n <c r="A2" t="s"/>\n <c r="B2">\n <v>1</v>\n </c>\n</row>\n'
    )
    assert read(written(tmp_path / "f.xlsx", rows)) == (["a", "b"], [(None, "1")])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=9),
            st.floats(-1e9, 1e9).map(lambda value: round(value, 2)),
            st.dates(date(1950, 1, 1), date(2090, 1, 1)),
            st.booleans(),
        ).filter(lambda row: not row[0].startswith(("=", "#", "'", "_"))),
        min_size=1, max_size=30,
    ),
    st.booleans(),
)  # fmt: skip
def test_what_is_written_is_read(rows: list[tuple[str, float, date, bool]], inline: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f.xlsx"
        with xlsxwriter.Workbook(str(path), {"constant_memory": inline}) as book:
            sheet, day = book.add_worksheet(), book.add_format({"num_format": "dd-mm-yy"})
            sheet.write_row(0, 0, ["texto", "monto", "fecha", "si"])
            for line, (text, amount, when, yes) in enumerate(rows, 1):
                sheet.write_string(line, 0, text)
                sheet.write_number(line, 1, amount)
                sheet.write_datetime(line, 2, datetime.combine(when, datetime.min.time()), day)
                sheet.write_boolean(line, 3, yes)
        found = read(path, decimal=",")[1]
    for (text, amount, when, yes), cells in zip(rows, found, strict=True):
        assert cells[0] == (text.strip() or None)
        assert float((cells[1] or "").replace(",", ".")) == amount
        assert cells[2:] == (when.isoformat(), "true" if yes else "false")


def test_merged_cells_count_once_and_hidden_sheets_are_not_the_first(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        hidden, shown = book.add_worksheet("Oculta"), book.add_worksheet("Cartera")
        hidden.write_row(0, 0, ["secret"])
        hidden.write_row(1, 0, ["x"])
        shown.write_row(0, 0, ["a", "b"])
        shown.merge_range(1, 0, 1, 1, "junto")
        shown.activate()
        hidden.hide()
    assert read(path) == (["a", "b"], [("junto", None)])
    assert read(path, sheet="Oculta") == (["secret"], [("x",)])


def test_a_long_sheet_takes_little_memory_and_tells_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recupero.placements.imports.reading.CHUNK_ROWS", 500)
    path = tmp_path / "f.xlsx"
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, [f"h{place}" for place in range(20)])
        for line in range(1, 6_001):
            sheet.write_row(line, 0, [f"texto {line} {place}" for place in range(20)])
    shares, sizes = [], []
    with opened(path) as table:
        next(table.chunks)
        tracemalloc.start()
        for chunk in table.chunks:
            shares.append(table.done())
            sizes.append(chunk.height)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert sizes == [500] * 11
    assert shares == sorted(shares)
    assert shares[0] < 0.5
    assert peak < 10 * 1024**2  # 120,000 cells held whole would take twice that


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("<row><c", "broken"),
        (HEAD + '<row r="2"><c r="A2" t="s"><v>9</v></c></row>', "names a text that is not there"),
        (HEAD + '<row r="2"><c r="A2" t="s"><v>x</v></c></row>', "broken"),
        (HEAD + '<row r="2"><c r="A2"><v>x</v></c></row>', "broken"),
        (HEAD + '<row r="2"><c r="ZZZZZZ2"><v>1</v></c></row>', "in column ZZZZZZ"),
        (HEAD + '<row r="5"/><row r="2"><c r="A2"><v>1</v></c></row>', "not in their order"),
        (HEAD + f'<row r="2"><c r="A2" t="str"><v>{"x" * 200_000}</v></c></row>', "longer than"),
        ("<row>" + "<c><v>1</v></c>" * 20_000 + "</row>", "no sheet has"),
        ("", "no row 1 with headings"),
        ('<row r="1"><c r="A1" s="1"/></row>', "no row 1 with headings"),
    ],
)
def test_a_broken_sheet_is_refused(tmp_path: Path, rows: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        read(written(tmp_path / "f.xlsx", rows))


def test_no_document_type_is_expanded(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE w [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    with pytest.raises(UserError, match="document type"):
        read(written(tmp_path / "f.xlsx", "<row>&b;</row>", before=bomb))


def test_a_part_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recupero.placements.imports.collecting.MAX_TOKEN", 300_000)
    noise = random.Random(1).randbytes(400_000).hex()
    with pytest.raises(UserError, match="never ends"):
        read(written(tmp_path / "f.xlsx", HEAD + f"<!-- {noise} -->"))


def test_a_password_is_named(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    path.write_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 1024 + "EncryptedPackage".encode("utf-16-le")
    )
    with pytest.raises(UserError, match="password"):
        read(path)


def test_a_large_workbook_of_another_kind_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f.xlsb"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.bin", b"x" * 5000)
    monkeypatch.setattr("recupero.placements.imports.sheets.MAX_WHOLE", 4000)
    with pytest.raises(UserError, match=r"save it as \.xlsx"):
        read(path)


def test_a_day_of_every_year_is_the_spreadsheets(tmp_path: Path) -> None:
    days = [date(1900, 3, 1) + timedelta(days=366 * number) for number in range(190)]
    path = tmp_path / "f.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet, shown = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write(0, 0, "día")
        for line, day in enumerate(days, 1):
            sheet.write_datetime(line, 0, datetime.combine(day, datetime.min.time()), shown)
    assert [row[0] for row in read(path)[1]] == [day.isoformat() for day in days]
