"""The report as files: true numbers, nothing that runs, nothing from elsewhere."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator

import fastexcel
import pytest

from recupero.kernel import clock
from recupero.kernel.errors import UserError
from recupero.reports import charts, service
from recupero.reports.periods import parse_period
from recupero.reports.report import RecoveryReport
from recupero.reports.words import Words
from tests.factories import World
from tests.reports.rows import Rows, moment


@pytest.fixture
def report(world: World) -> Iterator[RecoveryReport]:
    """Two currencies, one with cents; names that a spreadsheet would run."""
    with clock.simulated(moment("2026-04-20")):
        rows = Rows(world.platform, world.tenant())
        pesos, dollars = rows.portfolio('=HYPERLINK("http://x")'), rows.portfolio("Dólares <b>", "USD")
        first = rows.account(pesos, rows.batch(pesos, "+enero.csv"), "2026-01-10", 100_000)
        charged = {"cost_micro": 7_500, "cost_currency": "USD"}
        rows.contact(first, "2026-02-03", "call", "answered", right_party=True, **charged)
        rows.payment(first, "2026-02-10", 40_000, channel="call", fee=8_000)
        foreign = rows.account(dollars, rows.batch(dollars), "2026-02-10", 90_050, currency="USD")
        rows.payment(foreign, "2026-02-20", 12_345, kind="direct")
        with world.platform.database.transaction(rows.scope) as session:
            yield service.recovery_report(session, parse_period("2026-01..2026-03"))


def test_json_holds_minor_units_counts_and_definitions(report: RecoveryReport) -> None:
    told = json.loads(service.render(report, "json"))
    pesos, dollars = told["currencies"]
    assert pesos["totals"]["collected"] == {"value": 40_000}
    assert pesos["totals"]["liquidation"] == {"value": 0.4, "numerator": 40_000, "denominator": 100_000}
    assert dollars["totals"]["collected_direct"] == {"value": 12_345}
    assert [cell["numerator"] for cell in pesos["placement_months"][0]["in_month"]] == [0, 40_000, 0]
    assert set(pesos["totals"]) <= set(told["definitions"])


def test_csv_is_in_major_units_and_holds_no_formula(report: RecoveryReport) -> None:
    text = service.render(report, "csv").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    collected = {
        row["currency"]: row["value"] for row in rows if row["metric"] == "collected" and not row["row"]
    }
    assert collected == {"CLP": "40000", "USD": "123.45"}
    names = {row["row"] for row in rows}
    assert """'=HYPERLINK("http://x")""" in names
    assert "'+enero.csv" in names
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())


def test_costs_stand_in_the_currency_that_was_charged(report: RecoveryReport) -> None:
    (pesos,) = [one for one in json.loads(service.render(report, "json"))["currencies"] if one["costs"]]
    (costs,) = pesos["costs"]
    assert (pesos["currency"], costs["currency"]) == ("CLP", "USD")
    assert costs["channels"][0]["cost_per_thousand"]["value"] == 187.5  # millionths, for 40 thousand pesos
    rows = csv.DictReader(io.StringIO(service.render(report, "csv").decode("utf-8-sig")))
    assert [(row["currency"], row["value"]) for row in rows if row["metric"] == "cost"] == [
        ("USD", "0.007500")
    ] * 2
    page = service.render(report, "html", "en").decode().replace("\xa0", "")
    assert "Cost in USD" in page
    assert "$0.0075" in page
    assert "CLP Cost in USD" in fastexcel.read_excel(service.render(report, "xlsx", "en")).sheet_names


def test_xlsx_holds_numbers_and_no_formula(report: RecoveryReport) -> None:
    content = service.render(report, "xlsx", "en")
    book = fastexcel.read_excel(content)
    assert book.sheet_names[0] == "CLP"
    totals = book.load_sheet("USD", header_row=3).to_polars()
    collected = totals.filter(totals[totals.columns[0]] == "Collected")[totals.columns[1]]
    assert float(collected[0]) == 123.45
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert not any(b"<f>" in parts.read(name) for name in parts.namelist())


def test_the_html_file_needs_nothing_from_elsewhere_and_runs_nothing(report: RecoveryReport) -> None:
    page = service.render(report, "html", "en").decode()
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="http', page)
    assert "Dólares &lt;b&gt;" in page
    assert page.count("<title>") > 2  # the page's own and one in each bar
    assert "CLP40,000" in page.replace("\xa0", "")


def test_the_pdf_is_a_pdf(report: RecoveryReport) -> None:
    assert service.render(report, "pdf").startswith(b"%PDF-")


@pytest.mark.parametrize("form", ["html", "pdf", "xlsx", "csv", "json"])
def test_a_creditor_without_accounts_gets_every_form(world: World, form: str) -> None:
    with clock.simulated(moment("2026-04-20")):
        scope = world.tenant()
        with world.platform.database.transaction(scope) as session:
            empty = service.recovery_report(session)
        assert service.render(empty, form)


def test_an_unknown_form_is_refused(report: RecoveryReport) -> None:
    with pytest.raises(UserError, match="unknown format 'doc'"):
        service.render(report, "doc")


def test_charts_say_what_they_show_and_have_their_numbers_beside_them(report: RecoveryReport) -> None:
    page = service.render(report, "html", "en").decode().replace("\xa0", "")
    assert 'aria-label="Collected by month. Jan 26: CLP0; Feb 26: CLP40,000' in page
    assert 'aria-label="Cumulative liquidation. Jan 26: 40.0%' in page
    assert page.count("<summary>The figures</summary>") == 4  # two charts of each currency
    assert page.count('<ul class="bars">') == 2
    shown = page.partition("</style>")[2]
    assert "style=" not in shown  # the content security policy would refuse it


def test_charts_of_the_pdf_are_drawn(report: RecoveryReport) -> None:
    words = Words.of("en", "CL")
    drawn = [charts.pdf(spec, words) for _key, _title, spec in charts.charts(report.sections[0], words)]
    assert [one[:5] for one in drawn] == [b"%PDF-"] * 3


def test_numbers_are_written_as_the_reader_writes_them() -> None:
    assert Words.of("es", "CL").money(1_234_567, "CLP") == "$1.234.567"
    assert Words.of("pt", "BR").money(1_234_567, "BRL") == "R$\xa012.345,67"
    assert Words.of("en", "CL").count(1_234_567) == "1,234,567"
    assert Words.of("fr", "CL").language == "es"
    assert Words.of("../../etc", "CL").language == "es"
