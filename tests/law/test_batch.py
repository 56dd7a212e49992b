"""The batch form answers as the single form does, account by account and channel by channel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recupero.law.batch import ACCOUNT_COLUMNS, HISTORY_COLUMNS, Question, judge_many
from recupero.law.service import judge_contact
from recupero_sdk.law import CHANNELS, Facts, PastContact
from tests.law import packs

_TIME = pl.Datetime("us", "UTC")
_SCHEMA: dict[str, Any] = {
    "account": pl.Int64,
    "person": pl.Int64,
    "debt": pl.Int64,
    "creditor": pl.Int64,
    "country": pl.String,
    "region": pl.String,
    "timezone": pl.String,
    "phone_timezone": pl.String,
    "postal_timezone": pl.String,
    "commune": pl.String,
    "consented_channels": pl.List(pl.String),
    "opted_out_channels": pl.List(pl.String),
    "flags": pl.List(pl.String),
    "employer_contact": pl.Boolean,
    "debt_kind": pl.String,
    "due_date": pl.Date,
}


def account_row(number: int, facts: Facts) -> dict[str, Any]:
    """Account `number` of a person of its own; debt and creditor are numbered alike."""
    row = {name: getattr(facts, name) for name in _SCHEMA if hasattr(facts, name)}
    for name in ("consented_channels", "opted_out_channels", "flags"):
        row[name] = None if row[name] is None else sorted(row[name])
    return row | {"account": number, "person": number, "debt": number, "creditor": number}


def frames(
    cases: list[tuple[Facts, list[PastContact]]],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    accounts = [account_row(number, facts) for number, (facts, _history) in enumerate(cases)]
    history = [
        (
            number,
            number if contact.same_debt else -1,
            number if contact.same_creditor else -1,
            contact.at,
            contact.channel,
            contact.direction,
            contact.outcome,
        )
        for number, (_facts, contacts) in enumerate(cases)
        for contact in contacts
    ]
    schema: dict[str, Any] = dict.fromkeys(HISTORY_COLUMNS, pl.String)
    schema |= {"person": pl.Int64, "debt": pl.Int64, "creditor": pl.Int64, "at": _TIME}
    return pl.DataFrame(accounts, schema=_SCHEMA).select(ACCOUNT_COLUMNS), pl.DataFrame(
        history, schema=schema, orient="row"
    )


@st.composite
def questions(draw: st.DrawFn) -> tuple[Question, list[tuple[Facts, list[PastContact]]]]:
    days = ["2025-03-10", "2025-04-04", "2025-09-05", "2024-06-05", "2023-06-23", "2021-03-17", "2023-10-07"]
    start = datetime.fromisoformat(draw(st.sampled_from(days))).replace(tzinfo=UTC)
    at = draw(packs.moments(7, start))
    countries = st.sampled_from(["CL", "CL", "CO", "CO", "XX", "ZZ"])
    cases = []
    for _ in range(draw(st.integers(1, 12))):
        country = draw(countries)
        facts = draw(packs.facts(country)) if country in ("CL", "CO") else Facts(country)
        cases.append((facts, draw(packs.histories(at))))
    recipient = draw(st.sampled_from(["debtor", "debtor", "third_party"]))
    return Question(at, recipient), cases


@given(questions())
@settings(max_examples=50, deadline=None)
def test_equals_the_single_form(asked: tuple[Question, list[tuple[Facts, list[PastContact]]]]) -> None:
    question, cases = asked
    accounts, history = frames(cases)
    answer = judge_many(packs.packs(), accounts, history, CHANNELS, question)
    expected = []
    for number, (facts, contacts) in enumerate(cases):
        for channel in CHANNELS:
            verdict = judge_contact(packs.packs(), facts, contacts, question.proposal(channel))
            lawful = verdict.next_lawful_at
            expected.append((number, channel, verdict.allowed, verdict.first_refusal, lawful))
    assert answer.rows() == expected


def test_debts_and_creditors_of_one_person_share_what_the_law_counts_per_person() -> None:
    at = datetime(2025, 3, 12, 15, tzinfo=UTC)
    facts = Facts("CL", timezone="America/Santiago")
    accounts, history = frames(
        [(facts, [PastContact(at - timedelta(days=1), "call", outcome="answered")]), (facts, [])]
    )
    accounts = accounts.with_columns(person=pl.lit(0, dtype=pl.Int64))
    answer = judge_many(packs.packs(), accounts, history, ["call"], Question(at))
    assert answer["first_refusal"].to_list() == ["CL-37-phone-visit-weekly"] * 2


def test_a_missing_column_is_named() -> None:
    accounts, history = frames([])
    with pytest.raises(ValueError, match="accounts lacks the column due_date"):
        judge_many(packs.packs(), accounts.drop("due_date"), history, ["call"], Question(packs.MONDAY))


def test_no_accounts_give_no_rows() -> None:
    accounts, history = frames([])
    answer = judge_many(packs.packs(), accounts, history, CHANNELS, Question(packs.MONDAY))
    assert answer.columns == ["account", "channel", "allowed", "first_refusal", "next_lawful_at"]
    assert answer.is_empty()
