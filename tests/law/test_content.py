"""A rendered message is checked for what the law wants said in it and for what it forbids."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recupero_sdk.law import Channel, Facts, Flag, Proposal, Purpose, check_content
from recupero_sdk.law.content import Occasion, fixed_letters, plain_pattern
from recupero_sdk.law.schema import BannedContentRule, DisclosureRule
from tests.law import packs

SHOWN = {
    "collector": "Cobranza Andina SpA",
    "creditor": "Banco del Sur",
    "contract": "crédito N° 123",
    "contract_date": "3 de enero de 2024",
    "due_date": "25 de enero de 2025",
    "amount": "$125.000",
    "interest": "1,2% mensual desde el 25 de enero",
    "costs": "sin gastos de cobranza",
    "how_to_pay": "en línea en https://pago.example.com/abc",
    "rights": "puede pedir esta información por escrito",
    "not_execution": "este aviso no es un procedimiento para ejecutar sus bienes",
    "contact": "+56 2 2345 6789",
}
MESSAGE = "Hola, sin embargo le recordamos:\n" + ".\n".join(SHOWN.values())


def refused(
    text: str,
    country: str = "CL",
    day: str = "2025-03-11",
    *,
    shown: dict[str, str] | None = None,
    purpose: Purpose | None = None,
    flags: frozenset[Flag] = frozenset(),
    occasion: Occasion = "first",
    channel: Channel = "email",
) -> dict[str, str]:
    at = datetime.fromisoformat(day).replace(hour=15, tzinfo=UTC)
    outcomes = check_content(
        packs.pack(country),
        Facts(country, flags=flags),
        Proposal(at, channel, purpose=purpose),
        text,
        occasion=occasion,
        shown=SHOWN if shown is None else shown,
    )
    return {one.rule_id: one.details.get("items", "") for one in outcomes if one.outcome == "refused"}


@pytest.mark.parametrize("country", ["CL", "CO"])
def test_a_message_that_says_all_and_threatens_nothing_passes(country: str) -> None:
    assert refused(MESSAGE, country) == {}


@pytest.mark.parametrize("item", sorted(set(SHOWN) - {"collector", "not_execution"}))
def test_each_item_chile_asks_for_must_stand_in_the_text(item: str) -> None:
    without = MESSAGE.replace(SHOWN[item], "")
    assert item in refused(without)["CL-37-disclosures"]


def test_an_item_nobody_can_show_is_missing() -> None:
    known = {item: text for item, text in SHOWN.items() if item != "costs"}
    assert "costs" in refused(MESSAGE, shown=known)["CL-37-disclosures"]


def test_the_collector_s_contact_is_asked_for_since_the_law_of_2021() -> None:
    without = MESSAGE.replace(SHOWN["contact"], "")
    assert refused(without, day="2021-04-19") == {}
    assert "contact" in refused(without, day="2021-04-20")["CL-37-disclosures"]


def test_case_accents_and_line_breaks_do_not_matter() -> None:
    assert refused(MESSAGE.upper().replace(" ", "\n").replace("É", "E")) == {}


@pytest.mark.parametrize(
    "words, rule",
    [
        ("NOTIFICACIÓN JUDICIAL", "CL-37-court-lookalike"),
        ("Tercer Juzgado Civil", "CL-37-court-lookalike"),
        ("procederemos al embargo de sus bienes", "CL-37-court-lookalike"),
        ("será demandado ante el tribunal", "CL-37-court-lookalike"),
        ("Será informado a DICOM", "CL-37-no-threat-dicom"),
        ("iniciaremos acciones legales", "CL-37-no-threat-dicom"),
    ],
)
def test_threats_and_court_words_are_refused_in_chile(words: str, rule: str) -> None:
    assert rule in refused(f"{MESSAGE}\n{words}")


def test_before_2018_the_bureau_could_be_named() -> None:
    assert "CL-37-no-threat-dicom" not in refused("DICOM", day="2018-01-07")
    assert "CL-37-no-threat-dicom" in refused("DICOM", day="2018-01-08")


def test_a_reminder_need_not_disclose_but_may_not_threaten_either() -> None:
    assert refused("Su cuota vence el viernes.", purpose="reminder") == {}
    assert set(refused("O va a DICOM.", purpose="reminder")) == {"CL-37-no-threat-dicom"}


@pytest.mark.parametrize(
    "question", ["¿Por qué no ha pagado?", "Díganos el motivo del no pago", "Cuál es la razón de la mora"]
)
def test_colombia_does_not_let_the_reason_be_asked(question: str) -> None:
    assert "CO-2300-7-reason" in refused(f"{MESSAGE} {question}", "CO")


def test_colombia_lets_the_bureau_be_named_only_after_notice() -> None:
    words = MESSAGE + " Será reportado a las centrales de riesgo."
    assert "CO-1266-notice" in refused(words, "CO")
    assert refused(words, "CO", flags=frozenset({"bureau_notice_served"})) == {}


def _patterns() -> list[str]:
    """Every pattern by which a rule of some country knows what a message says."""
    found: set[str] = set()
    for pack in packs.all_packs().by_country.values():
        for rule in pack.rules:
            if isinstance(rule, DisclosureRule):
                found |= {pattern for item in rule.parameters.items for pattern in item.patterns}
            elif isinstance(rule, BannedContentRule):
                found |= {pattern for banned in rule.parameters.banned for pattern in banned.patterns}
    return sorted(map(plain_pattern, found))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_whatever_a_pattern_matches_has_its_fixed_letters(data: st.DataObject) -> None:
    pattern = data.draw(st.sampled_from(_patterns()))
    match = re.search(pattern, data.draw(st.from_regex(pattern)))
    assert match is not None
    assert fixed_letters(pattern) in match.group()


@pytest.mark.parametrize(
    ("pattern", "letters"),
    [
        (r"(?<!sin )\bembarg", "embarg"), (r"orden (del|judicial)", "orden "), (r"abc?d{2}e+fgh", "fgh"),
        (r"[ab]x|yy", ""), (r"(?i)Foo", ""),
    ],
)  # fmt: skip
def test_fixed_letters_are_those_that_no_match_goes_without(pattern: str, letters: str) -> None:
    assert fixed_letters(pattern) == letters
