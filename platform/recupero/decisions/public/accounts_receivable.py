"""Invoices between firms (IBM sample): days late and late or not, from what the customer paid before.

Of an invoice only what is known when it is issued is used; of the customer's earlier invoices what became of
those of the training file that were settled before that day, and whether those of either file that were due
before it were disputed (a dispute is no outcome, and is told by then). `known_dispute` adds whether the
invoice itself is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.measures import metrics
from recupero.decisions.public.benchmark import Answer, Options, PublicSet, numbers, words_of
from recupero_sdk.models import Columns

if TYPE_CHECKING:
    import polars as pl

OUTCOMES = ("SettledDate", "DaysToSettle", "DaysLate")
#: Known some time after the invoice was issued.
DISPUTED = "Disputed"
#: Invoices of its country that a customer without history counts as having.
STRENGTH = 0.5


def predict(kind: Any, train: pl.DataFrame, test: pl.DataFrame, options: Options) -> Answer:
    """Days late (0 where it is paid in time) and the chance of being late."""
    import polars as pl

    asked = ["customerID", "DueDate", DISPUTED]
    past = _History(train, _Disputes(pl.concat([train.select(asked), test.select(asked)])))
    words = words_of(_words(train))
    old, new = (_columns(frame, past, words, options) for frame in (train, test))
    trained = kind.train(old, past.days)
    days = np.maximum(np.asarray(kind.predict(trained.fitted, new), dtype=np.float64), 0)
    return Answer(
        {"days_late": days, "p": np.asarray(kind.later_than(trained.fitted, new), dtype=np.float64)},
        {"parameters": dict(trained.parameters), "known_dispute": options.known_dispute},
    )


class _Disputes:
    """Which invoices are disputed, of all that are known."""

    def __init__(self, invoices: pl.DataFrame) -> None:
        order = np.argsort(_days(invoices["DueDate"]), kind="stable")
        self.due = _days(invoices["DueDate"])[order]
        self.customer = invoices["customerID"].to_numpy()[order]
        self.disputed = (invoices[DISPUTED] == "Yes").to_numpy().astype(np.float64)[order]

    def before(self, customer: str, day: int) -> Floats:
        """Of the customer's invoices due before this day whether they were disputed, the newest last."""
        return np.asarray(self.disputed[(self.customer == customer) & (self.due < day)], dtype=np.float64)


class _History:
    """The invoices of the training file with what became of them: `days` past due, and `odd`, the days
    beyond what country, paper and dispute alone say."""

    def __init__(self, train: pl.DataFrame, disputes: _Disputes) -> None:
        self.disputes = disputes
        self.customer = train["customerID"].to_numpy()
        self.issued, self.settled = _days(train["InvoiceDate"]), _days(train["SettledDate"])
        self.days = (self.settled - _days(train["DueDate"])).astype(np.float64)
        self.disputed = (train[DISPUTED] == "Yes").to_numpy().astype(np.float64)
        plain = numbers(_words(train), words_of(_words(train)))
        design = np.column_stack([np.ones(len(train)), self.disputed, *plain.values()])
        effect = np.linalg.lstsq(design, self.days, rcond=None)[0]
        self.odd = self.days - design @ effect
        self.base = float(self.disputed.mean())

    def before(self, customer: str, day: int) -> Ints:
        """Places of the customer's invoices that were settled before this day."""
        found: Ints = np.flatnonzero((self.customer == customer) & (self.settled < day))
        return found


def _columns(frame: pl.DataFrame, past: _History, words: dict[str, list[str]], options: Options) -> Columns:
    made = numbers(_words(frame), words)
    made["amount_log"] = np.log1p(np.maximum(frame["InvoiceAmount"].to_numpy().astype(np.float64), 0))
    made["term"] = (_days(frame["DueDate"]) - _days(frame["InvoiceDate"])).astype(np.float64)
    made |= _habits(frame, past)
    if options.known_dispute:
        disputed = (frame[DISPUTED] == "Yes").to_numpy().astype(np.float64)
        made |= {"disputed": disputed, "disputed_habit": disputed * made["habit"]}
    return Columns(made, len(frame))


def _words(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns that name something, the numbers of countries among them."""
    import polars as pl

    return frame.select(pl.col("countryCode", "PaperlessBill").cast(pl.String))


def _habits(frame: pl.DataFrame, past: _History) -> dict[str, Floats]:
    """What the customer's settled invoices say, as of the day of issue, drawn towards none at all."""
    names = (
        "settled", "habit", "newest", "disputes", "late_share", "all_disputes", "all_due", "newest_disputes",
    )  # fmt: skip
    rows = np.zeros((len(frame), len(names)))
    asked = zip(frame["customerID"].to_list(), _days(frame["InvoiceDate"]).tolist(), strict=True)
    for place, (customer, day) in enumerate(asked):
        mine = past.before(customer, day)
        known = len(mine)
        odd = past.odd[mine]
        recent = odd[np.argsort(past.settled[mine], kind="stable")][-3:]
        due = past.disputes.before(customer, day)
        rows[place] = (
            np.log1p(known),
            odd.sum() / (known + STRENGTH),
            recent.sum() / (len(recent) + STRENGTH),
            (past.disputed[mine].sum() + STRENGTH * past.base) / (known + STRENGTH),
            ((past.days[mine] > 0).sum() + STRENGTH * 0.35) / (known + STRENGTH),
            (due.sum() + past.base) / (len(due) + 1),
            np.log1p(len(due)),
            (due[-3:].sum() + STRENGTH * past.base) / (len(due[-3:]) + STRENGTH),
        )
    return dict(zip(names, rows.T, strict=True))


def _days(column: pl.Series) -> Ints:
    """Days since 1970 of dates written month/day/year."""
    import polars as pl

    found: Ints = column.cast(pl.String).str.to_date("%m/%d/%Y").cast(pl.Int32).to_numpy().astype(np.int64)
    return found


def score(test: pl.DataFrame, answer: Answer) -> dict[str, Any]:
    """Late or not (AUC, calibration ...) and the mean absolute error in days."""
    late = test["DaysLate"].to_numpy().astype(np.float64)
    found = metrics.summary(answer.columns["p"], (late > 0).astype(np.float64))
    return {**found, "mean_absolute_error_days": float(np.abs(answer.columns["days_late"] - late).mean())}


SET = PublicSet(
    "accounts_receivable", "time_to_pay",
    ("countryCode", "customerID", "InvoiceDate", "DueDate", "InvoiceAmount", "PaperlessBill", DISPUTED),
    OUTCOMES, (), predict, score,
)  # fmt: skip
