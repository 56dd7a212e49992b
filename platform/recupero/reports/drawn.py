"""The report's charts as pages show them; `charts.py` has those of its PDF."""

from collections.abc import Callable

from babel.numbers import format_compact_decimal

from recupero.kernel.drawing import WIDTH, Chart, Series, shares
from recupero.kernel.marking import N_
from recupero.kernel.money import minor_units
from recupero.reports.figures import Figure
from recupero.reports.report import Section
from recupero.reports.words import Words

LINES = 6  # placement months that have a line, the newest
HALF = 480  # the width of a chart across half of a page
WAYS = (N_("Paid to the agency"), N_("Paid to the creditor"))
RowsOf = Callable[[Figure, str], str | None]  # the address of a figure's rows, by currency
Bar = tuple[str, str, float, str | None]  # name, as written, share of the longest in hundredths, address


def no_rows(*_figure: object) -> None:
    """A file by itself leads nowhere."""


def months(section: Section, words: Words, ways: tuple[str, str] = WAYS) -> Chart:
    """What was collected in each month by the `ways` of paying, to the agency and to the creditor, on each
    other."""
    scale = 10 ** minor_units(section.currency)
    flows = section.flows
    return Chart(
        words(N_("Collected by month")), [words.month(flow.month) for flow in flows],
        [
            Series(words(ways[0]), [flow.agency_minor / scale for flow in flows]),
            Series(words(ways[1]), [flow.direct_minor / scale for flow in flows]),
        ],
        kind="stack", write=lambda value: words.money(round(value * scale), section.currency),
        axis=lambda value: str(format_compact_decimal(value, locale=words.locale, fraction_digits=1)),
        told="; ".join(
            f"{words.month(flow.month)}: {words.money(flow.total_minor, section.currency)}" for flow in flows
        ),
    )  # fmt: skip


def curves(section: Section, words: Words, width: int = WIDTH) -> Chart:
    """Cumulative liquidation by months since placement, a line for each of the newest placement months."""
    chosen = section.vintages[-LINES:]
    longest = max((len(one.cumulative) for one in chosen), default=0)
    return Chart(
        words(N_("Cumulative liquidation")), [str(step) for step in range(longest)],
        [
            Series(words.month(one.month),
                   [*(figure.value for figure in one.cumulative), *[None] * (longest - len(one.cumulative))])
            for one in chosen
        ],
        kind="lines", write=lambda value: words.rate(round(value * 10_000)),
        told="; ".join(
            f"{words.month(one.month)}: {words.figure(one.cumulative[-1], section.currency)}"
            for one in chosen if one.cumulative
        ),
        note=words(N_("Months since placement; a line for each placement month.")),
        width=width,
    )  # fmt: skip


def funnel(section: Section, words: Words, rows_of: RowsOf = no_rows) -> list[Bar]:
    """From attempts to payments, each step as long as its share of the first, with where its rows are."""
    counts = [figure.numerator for figure in section.funnel]
    return [
        (words(figure.metric.label), words.count(figure.numerator), share, rows_of(figure, section.currency))
        for figure, share in zip(section.funnel, shares(counts), strict=True)
    ]
