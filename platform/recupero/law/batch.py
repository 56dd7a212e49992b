"""The gate over columns, for planning: many accounts, one moment, several channels; answers as `judge`.

What does not depend on history is worked out once per distinct setting (place, consents, flags) with the
single form's own checks. What counts history or dates is worked out with group-by, see `batch_history` and
`batch_dates`. Where the law, or a reminder's due date, changes within the horizon, each stretch of time under
one law is asked in turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl

from recupero.law.batch_clock import NONE, Ints, micro
from recupero.law.batch_history import ready
from recupero.law.batch_known import NO_RULE, Known, Question, Setting
from recupero.law.batch_settings import facts_of, settings_of
from recupero.law.batch_stretches import Together
from recupero.law.service import Packs
from recupero_sdk.law import (
    Channel,
    PastContact,
    RegulationPack,
    judge,
)
from recupero_sdk.law.compiling import compiled
from recupero_sdk.law.moments import DAY

__all__ = ["ACCOUNT_COLUMNS", "HISTORY_COLUMNS", "Known", "Question", "judge_many"]

#: Columns of `accounts`: keys of any type, texts that may be null, lists of text, flags and a date.
ACCOUNT_COLUMNS = (
    "account", "person", "debt", "creditor", "country", "region", "timezone", "phone_timezone",
    "postal_timezone", "commune", "consented_channels", "opted_out_channels", "flags", "employer_contact",
    "debt_kind", "due_date",
)  # fmt: skip
#: Columns of `history`: keys as in `accounts`, `at` in UTC, and texts.
HISTORY_COLUMNS = ("person", "debt", "creditor", "at", "channel", "direction", "outcome")
#: Accounts are worked through in parts of this size, so that memory does not grow with their number.
_PART = 250_000


def judge_many(
    packs: Packs,
    accounts: pl.DataFrame,
    history: pl.DataFrame,
    channels: Sequence[Channel],
    question: Question,
    known: Known | None = None,
) -> pl.DataFrame:
    """One row per account and channel: account, channel, allowed, first_refusal, next_lawful_at (UTC).

    `accounts` may also hold the other facts of `batch_settings.FACT_COLUMNS`, and `history` account_key,
    recipient, place, purpose, asked and with_consent. `history` holds contacts of these persons up to the
    moment asked about; later ones are left out. Calls that belong together share what they have `known`.
    Raises `ValueError` where a column is missing.
    """
    _require(accounts, ACCOUNT_COLUMNS, "accounts")
    _require(history, HISTORY_COLUMNS, "history")
    answers, known = _Answers(accounts["account"], channels), known or Known()
    rows = accounts.with_row_index("number").with_columns(number=pl.col("number").cast(pl.Int64))
    parts = rows.partition_by("country")
    pasts = _apart(ready(history, question.at.astimezone(UTC)), parts)
    while parts:  # each is dropped as soon as it is answered
        part, past = parts.pop(), pasts.pop()
        for some in part.iter_slices(_PART):
            _answer(packs, some, past, question, known, answers)
    return answers.frame()


def _apart(past: pl.DataFrame, parts: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """The history of the persons in each part."""
    if len(parts) < 2:
        return [past] * len(parts)
    homes = pl.concat(part.select("person", _part=pl.lit(place)).unique() for place, part in enumerate(parts))
    found = past.join(homes, on="person").partition_by("_part", as_dict=True, include_key=False)
    return [found.pop((place,), past.clear()) for place in range(len(parts))]


def _require(frame: pl.DataFrame, columns: Iterable[str], name: str) -> None:
    if missing := [column for column in columns if column not in frame.columns]:
        raise ValueError(f"{name} lacks the column {', '.join(missing)}")


class _Answers:
    """The answers by account and channel: the rule that refuses first, and the first lawful moment."""

    def __init__(self, accounts: pl.Series, channels: Sequence[Channel]) -> None:
        self.channels, self._accounts, self._rules = channels, accounts, list[str]()
        self._refused = np.full((len(channels), len(accounts)), -1, dtype=np.int32)
        self._lawful = np.full((len(channels), len(accounts)), NONE, dtype=np.int64)

    def number_of(self, rules: Sequence[str]) -> int:
        """The number that the first of some rules goes by; the others follow it."""
        self._rules += rules
        return len(self._rules) - len(rules)

    def put(self, numbers: Ints, channel: int, refused: Ints | int, lawful: Ints | int) -> None:
        """The answers for some accounts by one channel; -1 where no rule refuses."""
        self._refused[channel][numbers] = refused
        self._lawful[channel][numbers] = lawful

    def close(self, rows: pl.DataFrame, rule: str) -> None:
        """One rule refuses these accounts whatever the channel."""
        self._refused[:, rows["number"].to_numpy()] = self.number_of([rule])

    def frame(self) -> pl.DataFrame:
        many, count = self._refused.shape
        refused = pl.Series(self._refused.T.ravel())
        lawful = pl.Series(self._lawful.T.ravel().view("datetime64[us]"), nan_to_null=True)
        rules = pl.Series(self._rules, dtype=pl.String)
        return pl.DataFrame(
            {
                "account": self._accounts.gather(np.repeat(np.arange(count), many)),
                "channel": pl.Series(self.channels, dtype=pl.String).gather(np.tile(np.arange(many), count)),
                "allowed": refused < 0,
                "first_refusal": rules.gather(refused.replace(-1, None)),
                "next_lawful_at": lawful.dt.replace_time_zone("UTC"),
            }
        )


def _answer(
    packs: Packs, rows: pl.DataFrame, past: pl.DataFrame, question: Question, known: Known, answers: _Answers
) -> None:
    country = rows["country"][0]
    if packs.closed_because(country) is not None:
        answers.close(rows, f"{country}-COVERAGE")
        return
    pack = packs.by_country[country]
    if _begins(pack, question):
        _one_by_one(pack, rows, past, question, answers)
        return
    common = known.common(pack, question)
    rows, settings = settings_of(pack, rows, question, common)
    timelines = dict[tuple[datetime, ...], list[Setting]]()
    lost = [one.number for one in settings if not one.placed]
    for setting in settings:
        if setting.placed:
            timelines.setdefault(setting.turns, []).append(setting)
    if lost:
        answers.close(rows.filter(pl.col("setting").is_in(lost)), f"{country}-COVERAGE")
    rules = answers.number_of([article.rule.id for article in compiled(pack).articles])
    for turns, group in timelines.items():
        mine = rows
        if len(group) < len(settings):
            mine = rows.filter(pl.col("setting").is_in([one.number for one in group]))
        together = Together(pack, mine, group, past, turns, common)
        proposals = [question.proposal(channel) for channel in answers.channels]
        found, intricate = together.answers(proposals, question.horizon)
        numbers = mine["number"].to_numpy()
        for channel, (first, lawful) in enumerate(found):
            answers.put(numbers, channel, np.where(first == NO_RULE, -1, first + rules), lawful)
        if intricate:
            slow = mine.filter(pl.col("setting").is_in(intricate))
            _one_by_one(pack, slow, past, question, answers)


def _begins(pack: RegulationPack, question: Question) -> bool:
    """Whether the pack knows no law yet at the moment asked about, in some zone."""
    covers = pack.manifest.covers_from
    return covers is not None and question.at.astimezone(UTC).date() - 2 * DAY <= covers


def _one_by_one(
    pack: RegulationPack,
    rows: pl.DataFrame,
    past: pl.DataFrame,
    question: Question,
    answers: _Answers,
) -> None:
    """The same answer from the single form, account by account."""
    by_person: dict[Any, list[dict[str, Any]]] = {}
    mine = past.join(rows.select("person").unique(), on="person", how="semi")
    for contact in mine.iter_rows(named=True):
        by_person.setdefault(contact["person"], []).append(contact)
    for row in rows.iter_rows(named=True):
        history = [_past(contact, row) for contact in by_person.get(row["person"], [])]
        facts = facts_of(pack.country, row, row["due_date"])
        for number, channel in enumerate(answers.channels):
            verdict = judge(pack, facts, history, question.proposal(channel), horizon=question.horizon)
            lawful = verdict.next_lawful_at
            refused = answers.number_of([verdict.first_refusal]) if verdict.first_refusal else -1
            answers.put(row["number"], number, refused, micro(lawful) if lawful else NONE)


def _past(contact: dict[str, Any], row: dict[str, Any]) -> PastContact:
    account = row.get("account_key", row["debt"])
    return PastContact(
        at=contact["at"],
        channel=contact["channel"],
        direction=contact["direction"],
        outcome=contact["outcome"],
        same_debt=contact["debt"] == row["debt"],
        same_creditor=contact["creditor"] == row["creditor"],
        same_account=contact["account_key"] == account,
        recipient=contact["recipient"],
        place=contact["place"],
        purpose=contact["purpose"],
        asked=contact["asked"],
        with_consent=contact["with_consent"],
    )
