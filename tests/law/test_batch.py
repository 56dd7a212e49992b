"""The batch form answers as the single form does, account by account and channel by channel."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recupero.law.batch import HISTORY_COLUMNS, Known, Question, judge_many
from recupero.law.service import Packs, judge_contact
from recupero_sdk.law import CHANNELS, Facts, PastContact, Purpose, Recipient, judge
from tests.law import packs
from tests.thorough import examples

_TIME = pl.Datetime("us", "UTC")
_TEXTS = (
    "country", "region", "timezone", "phone_timezone", "postal_timezone", "commune", "debt_kind",
    "phone_region", "agency_region", "creditor_sector", "owner_type", "party", "line_type",
    "events", "closed_windows", "asked_windows",
)  # fmt: skip
_SETS = (
    "consented_channels", "opted_out_channels", "flags", "written_consents", "permissions", "closed_places",
)  # fmt: skip
_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(("account", "person", "debt", "creditor", "account_key"), pl.Int64),
    **dict.fromkeys(_TEXTS, pl.String),
    **dict.fromkeys(_SETS, pl.List(pl.String)),
    "employer_contact": pl.Boolean,
    "point_refused": pl.Boolean,
    "due_date": pl.Date,
    "amount": pl.Decimal(scale=2),
}


def account_row(number: int, facts: Facts) -> dict[str, Any]:
    """Account `number` of a person of its own; debt and creditor are numbered alike."""
    row = {name: getattr(facts, name) for name in _SCHEMA if hasattr(facts, name)}
    for name in _SETS:
        row[name] = None if row[name] is None else sorted(row[name])
    for name in ("events", "closed_windows", "asked_windows"):
        row[name] = json.dumps([_plain(asdict(each)) for each in row[name]])
    keys = ("account", "person", "debt", "creditor", "account_key")
    return row | dict.fromkeys(keys, number)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    plain = {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in plain.items()}


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
            number if (contact.same_debt if contact.same_account is None else contact.same_account) else -1,
            contact.recipient,
            contact.place,
            contact.purpose,
            contact.asked,
            contact.with_consent,
        )
        for number, (_facts, contacts) in enumerate(cases)
        for contact in contacts
    ]
    more = ("account_key", "recipient", "place", "purpose", "asked", "with_consent")
    schema: dict[str, Any] = dict.fromkeys((*HISTORY_COLUMNS, *more), pl.String)
    schema |= dict.fromkeys(("person", "debt", "creditor", "account_key"), pl.Int64)
    schema |= {"at": _TIME, "asked": pl.Boolean, "with_consent": pl.Boolean}
    return pl.DataFrame(accounts, schema=_SCHEMA), pl.DataFrame(history, schema=schema, orient="row")


_RECIPIENTS: tuple[Recipient, ...] = ("debtor", "debtor", "third_party")
_PURPOSES: tuple[Purpose | None, ...] = (None, None, "collection", "reminder", "notice", "ask_consent")


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
    recipient = draw(st.sampled_from(_RECIPIENTS))
    return Question(at, recipient), cases


def expected(
    known: Packs, question: Question, cases: list[tuple[Facts, list[PastContact]]]
) -> list[tuple[Any, ...]]:
    """What the single form says, in the batch's order."""
    found = []
    for number, (facts, contacts) in enumerate(cases):
        pack = known.by_country.get(facts.country)
        for channel in CHANNELS:
            proposal = question.proposal(channel)
            if pack is None:
                verdict = judge_contact(known, facts, contacts, proposal)
            else:
                verdict = judge(pack, facts, contacts, proposal, horizon=question.horizon)
            lawful = verdict.next_lawful_at
            found.append((number, channel, verdict.allowed, verdict.first_refusal, lawful))
    return found


@given(questions())
@settings(max_examples=examples(30), deadline=None)
def test_equals_the_single_form(asked: tuple[Question, list[tuple[Facts, list[PastContact]]]]) -> None:
    question, cases = asked
    accounts, history = frames(cases)
    answer = judge_many(packs.packs(), accounts, history, CHANNELS, question)
    assert answer.rows() == expected(packs.packs(), question, cases)


@st.composite
def rich_questions(draw: st.DrawFn) -> tuple[Question, list[tuple[Facts, list[PastContact]]]]:
    days = ["2025-03-05", "2025-03-09", "2025-03-11", "2025-03-28", "2022-06-07"]
    at = draw(packs.moments(5, datetime.fromisoformat(draw(st.sampled_from(days))).replace(tzinfo=UTC)))
    cases = []
    for _ in range(draw(st.integers(1, 6))):
        country = draw(st.sampled_from([*packs.COUNTRIES, "QK", "QK", "QK", "US", "GB"]))
        cases.append((draw(packs.rich_facts(country)), draw(packs.rich_histories(at))))
    recipient = draw(st.sampled_from(_RECIPIENTS))
    purpose = draw(st.sampled_from(_PURPOSES))
    horizon = timedelta(days=draw(st.sampled_from([3, 10])))
    automated = draw(st.sampled_from([None, True, False]))
    return Question(at, recipient, purpose, horizon, automated), cases


@given(rich_questions())
@settings(max_examples=examples(35), deadline=None)
def test_equals_the_single_form_for_every_country_and_kind_of_rule(
    asked: tuple[Question, list[tuple[Facts, list[PastContact]]]],
) -> None:
    question, cases = asked
    accounts, history = frames(cases)
    answer = judge_many(packs.all_packs(), accounts, history, CHANNELS, question)
    assert answer.rows() == expected(packs.all_packs(), question, cases)


@given(rich_questions(), st.integers(0, 6))
@settings(max_examples=examples(8), deadline=None)
def test_what_is_known_from_other_parts_channels_and_questions_changes_no_answer(
    asked: tuple[Question, list[tuple[Facts, list[PastContact]]]], cut: int
) -> None:
    question, cases = asked
    accounts, history = frames(cases)
    later = replace(question, at=question.at + timedelta(hours=4))
    told = replace(question, purpose="locate")
    law, known = packs.all_packs(), Known()
    for one in (question, later, told):
        for channel in ("call", "email"):
            parts = [
                judge_many(law, part, history, [channel], one, known)
                for part in (accounts[:cut], accounts[cut:])
            ]
            assert pl.concat(parts).rows() == judge_many(law, accounts, history, [channel], one).rows()


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
