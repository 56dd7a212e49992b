"""What a recovery report holds: figures by currency, never mixed."""

from dataclasses import dataclass, field
from datetime import date, datetime

from recupero.reports.figures import Figure
from recupero.reports.periods import Period


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table: a portfolio, a channel, a batch. `id` is that of the portfolio or batch."""

    name: str
    figures: tuple[Figure, ...]
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Costs:
    """What contacts cost, by channel: everything that was charged in one currency. The last line is the sum
    of the others, and has no name."""

    currency: str
    channels: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Vintage:
    """The accounts placed in one month. `steps` and `cumulative` have one figure for each month from the
    placement month to the end of the period; the steps add up to the cumulative ones."""

    month: date
    figures: tuple[Figure, ...]
    steps: tuple[Figure, ...]
    cumulative: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class MonthFlow:
    """Money of one calendar month, in minor units, less reversals dated in it."""

    month: date
    agency_minor: int
    direct_minor: int

    @property
    def total_minor(self) -> int:
        return self.agency_minor + self.direct_minor


@dataclass(frozen=True, slots=True)
class Section:
    """Everything of one currency."""

    currency: str
    headline: tuple[Figure, ...]
    funnel: tuple[Figure, ...]
    rates: tuple[Figure, ...]
    voices: tuple[Figure, ...]
    digital: tuple[Figure, ...]
    portfolios: tuple[Line, ...]
    channels: tuple[Line, ...]
    vintages: tuple[Vintage, ...]
    batches: tuple[Line, ...]
    returned: tuple[Line, ...]
    flows: tuple[MonthFlow, ...]
    costs: tuple[Costs, ...] = ()

    def figure(self, key: str) -> Figure:
        """The section's total of a metric. Raises KeyError where the section does not show it."""
        for figure in (*self.headline, *self.funnel, *self.rates, *self.voices, *self.digital):
            if figure.metric.key == key:
                return figure
        raise KeyError(key)


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """A creditor's recovery report over a period, in the creditor's time zone."""

    tenant: str
    tenant_slug: str
    period: Period
    timezone: str
    locale: str
    country: str
    generated_at: datetime
    sections: tuple[Section, ...] = field(default_factory=tuple)

    @property
    def file_name(self) -> str:
        """A name for downloads, without extension."""
        return f"recovery-{self.tenant_slug}-{str(self.period).replace('..', '_')}"
