"""The report as tables of texts and figures, the same for page, PDF and spreadsheets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from recupero.kernel.marking import N_
from recupero.reports.figures import Figure, Metric
from recupero.reports.report import Costs, Line, RecoveryReport, Section
from recupero.reports.words import Words

CARDS = (
    "collected",
    "liquidation",
    "net_back",
    "placed",
    "fees",
    "right_party_rate",
    "kept_rate",
    "out_of_policy",
)
"""What is shown large, first."""
_TITLES = {
    "headline": N_("Recovery"),
    "funnel": N_("From attempt to payment"),
    "rates": N_("Reach and promises"),
    "voices": N_("How debtors are treated"),
    "digital": N_("From message to payment"),
    "portfolios": N_("By portfolio"),
    "channels": N_("By channel"),
    "vintages": N_("By placement month"),
    "batches": N_("By file"),
    "returned": N_("Returned unpaid, by reason"),
    "costs": N_("Cost in %(currency)s"),
}
#: Tables that have a row more with each month.
GROWING = ("vintages", "batches")


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table: what names the rows, one metric per column, and the rows. `currency` is that of its
    amounts: a provider's own where the table tells what it charges."""

    key: str
    title: str
    first_column: str
    metrics: tuple[Metric, ...]
    rows: tuple[tuple[str, tuple[Figure, ...]], ...]
    currency: str
    places: tuple[Mapping[str, Any], ...] = ()  # of each row: the part of the report, as `drill.Of` names it
    left_out: int = 0  # earlier rows that a page leaves to the files

    def newest(self, most: int) -> "Table":
        """With its last `most` rows alone, which are the newest of those by month or file."""
        over = max(0, len(self.rows) - most)
        return replace(self, rows=self.rows[over:], places=self.places[over:], left_out=over)


@dataclass(frozen=True, slots=True)
class Stairs:
    """The stair-step table: a row for each placement month, a column for each month since. `top` is its
    largest rate; `cohorts` are the placement months themselves."""

    title: str
    months: int
    top: float
    rows: tuple[tuple[str, tuple[Figure, ...]], ...]
    cohorts: tuple[date, ...] = ()
    left_out: int = 0  # earlier rows that a page leaves to the files

    def newest(self, most: int) -> "Stairs":
        """With its last `most` placement months alone."""
        over = max(0, len(self.rows) - most)
        rows = self.rows[over:]
        months = max((len(figures) for _name, figures in rows), default=0)
        return replace(self, months=months, rows=rows, cohorts=self.cohorts[over:], left_out=over)


def tables(section: Section, words: Words) -> list[Table]:
    """The breakdowns of a section; those without rows are left out."""
    vintages = tuple(Line(words.month(vintage.month), vintage.figures) for vintage in section.vintages)
    cohorts = [{"cohort": vintage.month} for vintage in section.vintages]
    portfolios, channels, returned = section.portfolios, section.channels, section.returned
    found = [
        _table("portfolios", words(N_("Portfolio")), portfolios, words, section.currency,
               places=[{"portfolio_id": line.id} for line in portfolios]),
        _table("channels", words(N_("Channel")), channels, words, section.currency, words.channel,
               [{"channel": line.name} for line in channels]),
        *(_costs(costs, words) for costs in section.costs),
        _table("vintages", words(N_("Placed in")), vintages, words, section.currency, places=cohorts),
        _table("batches", words(N_("File")), section.batches, words, section.currency,
               places=[{"batch_id": line.id} for line in section.batches]),
        _table("returned", words(N_("Reason")), returned, words, section.currency, words.close_code,
               [{"part": line.name} for line in returned]),
    ]  # fmt: skip
    return [table for table in found if table.rows]


def _costs(costs: Costs, words: Words) -> Table:
    def name(code: str) -> str:
        return words.channel(code) if code else words(N_("All channels"))

    charged = {"part": costs.currency}
    places = [{**charged, "channel": line.name} if line.name else charged for line in costs.channels]
    return _table("costs", words(N_("Channel")), costs.channels, words, costs.currency, name, places)


def _table(
    key: str,
    first: str,
    lines: tuple[Line, ...],
    words: Words,
    currency: str,
    name: Callable[[str], str] = str,
    places: Sequence[Mapping[str, Any]] = (),
) -> Table:
    metrics = tuple(figure.metric for figure in lines[0].figures) if lines else ()
    rows = tuple((name(line.name), line.figures) for line in lines)
    return Table(key, words(_TITLES[key], currency=currency), first, metrics, rows, currency, tuple(places))


def groups(section: Section, words: Words) -> list[tuple[str, str, tuple[Figure, ...]]]:
    """The section's totals: key, title and figures of each group; two fill a column."""
    named = [("headline", section.headline), ("voices", section.voices), ("rates", section.rates),
             ("funnel", section.funnel), ("digital", section.digital)]  # fmt: skip
    return [(key, words(_TITLES[key]), figures) for key, figures in named]


def stairs(section: Section, words: Words, *, cumulative: bool) -> Stairs:
    """Liquidation by placement month: one month's step, or up to and with that month."""
    rows = tuple(
        (words.month(vintage.month), vintage.cumulative if cumulative else vintage.steps)
        for vintage in section.vintages
    )
    title = words(N_("Cumulative liquidation")) if cumulative else words(N_("Liquidation within the month"))
    top = max((figure.value or 0 for _name, figures in rows for figure in figures), default=0)
    months = max((len(figures) for _name, figures in rows), default=0)
    return Stairs(title, months, top, rows, tuple(vintage.month for vintage in section.vintages))


def shown_metrics(report: RecoveryReport) -> list[Metric]:
    """Every metric that the report shows, in the order in which it first appears."""
    seen: dict[str, Metric] = {}
    for section in report.sections:
        costs = [line for costs in section.costs for line in costs.channels]
        lines = (*section.portfolios, *section.channels, *costs, *section.batches, *section.returned)
        figures = [*section.headline, *section.funnel, *section.rates, *section.voices, *section.digital]
        figures += [figure for line in lines for figure in line.figures]
        figures += [figure for vintage in section.vintages for figure in (*vintage.figures, *vintage.steps)]
        seen.update({figure.metric.key: figure.metric for figure in figures if figure.metric.key not in seen})
    return list(seen.values())
