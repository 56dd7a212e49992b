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

import polars as pl

from recupero.law.batch_history import TIME, ready
from recupero.law.batch_known import Known, Question, Setting
from recupero.law.batch_settings import facts_of, settings_of
from recupero.law.batch_stretches import Together
from recupero.law.service import Packs
from recupero_sdk.law import (
    Channel,
    PastContact,
    RegulationPack,
    judge,
)
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
_ANSWER: dict[str, Any] = {
    "channel": pl.String,
    "allowed": pl.Boolean,
    "first_refusal": pl.String,
    "next_lawful_at": TIME,
}
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
    at = question.at.astimezone(UTC)
    rows, past = accounts.with_row_index("number"), ready(history, at)
    answers, known = [], known or Known()
    for part in rows.partition_by("country"):
        mine = past if part.height == rows.height else past.join(part, on="person", how="semi")
        answers += [_answer(packs, some, mine, channels, question, known) for some in part.iter_slices(_PART)]
    empty = pl.DataFrame(schema={"number": pl.UInt32, "account": accounts.schema["account"], **_ANSWER})
    order = pl.Enum(list(channels))
    answer = pl.concat([empty, *answers], how="vertical_relaxed")
    answer = answer.with_columns(pl.col("channel").cast(order)).sort("number", "channel")
    return answer.with_columns(pl.col("channel").cast(pl.String)).drop("number")


def _require(frame: pl.DataFrame, columns: Iterable[str], name: str) -> None:
    if missing := [column for column in columns if column not in frame.columns]:
        raise ValueError(f"{name} lacks the column {', '.join(missing)}")


def _answer(
    packs: Packs,
    rows: pl.DataFrame,
    past: pl.DataFrame,
    channels: Sequence[Channel],
    question: Question,
    known: Known,
) -> pl.DataFrame:
    country = rows["country"][0]
    if packs.closed_because(country) is not None:
        return _closed(rows, channels, f"{country}-COVERAGE")
    pack = packs.by_country[country]
    if _begins(pack, question):
        return _one_by_one(pack, rows, past, channels, question)
    if rows.height < past.height:
        past = past.join(rows.select("person").unique(), on="person", how="semi")
    common = known.common(pack, question)
    rows, settings = settings_of(pack, rows, question, common)
    answers, timelines = [], dict[tuple[datetime, ...], list[Setting]]()
    lost = [one.number for one in settings if not one.placed]
    for setting in settings:
        if setting.placed:
            timelines.setdefault(setting.turns, []).append(setting)
    if lost:
        unplaced = rows.filter(pl.col("setting").is_in(lost))
        answers.append(_closed(unplaced, channels, f"{country}-COVERAGE"))
    for turns, group in timelines.items():
        mine = rows
        if len(group) < len(settings):
            mine = rows.filter(pl.col("setting").is_in([one.number for one in group]))
        together = Together(pack, mine, group, past, turns, question.at.astimezone(UTC), common)
        proposals = [question.proposal(channel) for channel in channels]
        answer, intricate = together.answers(proposals, question.horizon)
        answers.append(answer)
        if intricate:
            slow = mine.filter(pl.col("setting").is_in(intricate))
            answers.append(_one_by_one(pack, slow, past, channels, question))
    return pl.concat(answers, how="vertical_relaxed")


def _closed(rows: pl.DataFrame, channels: Sequence[Channel], rule: str) -> pl.DataFrame:
    answer = rows.select("number", "account").join(pl.DataFrame({"channel": list(channels)}), how="cross")
    return answer.with_columns(
        allowed=pl.lit(value=False),
        first_refusal=pl.lit(rule),
        next_lawful_at=pl.lit(None, dtype=TIME),
    )


def _begins(pack: RegulationPack, question: Question) -> bool:
    """Whether the pack knows no law yet at the moment asked about, in some zone."""
    covers = pack.manifest.covers_from
    return covers is not None and question.at.astimezone(UTC).date() - 2 * DAY <= covers


def _one_by_one(
    pack: RegulationPack,
    rows: pl.DataFrame,
    past: pl.DataFrame,
    channels: Sequence[Channel],
    question: Question,
) -> pl.DataFrame:
    """The same answer from the single form, account by account."""
    by_person: dict[Any, list[dict[str, Any]]] = {}
    mine = past.join(rows.select("person").unique(), on="person", how="semi")
    for contact in mine.iter_rows(named=True):
        by_person.setdefault(contact["person"], []).append(contact)
    answers = []
    for row in rows.iter_rows(named=True):
        history = [_past(contact, row) for contact in by_person.get(row["person"], [])]
        facts = facts_of(pack.country, row, row["due_date"])
        for channel in channels:
            verdict = judge(pack, facts, history, question.proposal(channel), horizon=question.horizon)
            lawful = verdict.next_lawful_at
            lawful = lawful.astimezone(UTC) if lawful else None
            answers.append(
                (row["number"], row["account"], channel, verdict.allowed, verdict.first_refusal, lawful)
            )
    schema = {"number": pl.UInt32, "account": rows.schema["account"], **_ANSWER}
    return pl.DataFrame(answers, schema=schema, orient="row")


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
