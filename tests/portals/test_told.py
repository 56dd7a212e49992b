"""Decisions in words: rules by their titles, numbers with their units, nothing in codes."""

import math

import pytest
from flask import Flask
from flask_babel import force_locale

from recupero.contacts.gate import packs
from recupero.decisions.tables import Decision
from recupero.portals.words import told
from tests.conftest import NOON


@pytest.mark.parametrize(
    ("feature", "value", "says"),
    [
        ("balance_log", math.log1p(125_000), "CLP\xa0125,000"),
        ("days_since_attempt", 54.56, "55 days"),
        ("days_placed", 1.0, "1 day"),
        ("link_opened", 1.0, "yes"),
        ("is_firm", 0.0, "no"),
        ("paid_share", 0.25, "25%"),
        ("promises", 2.0, "2"),
        ("weekday", 1.0, "Monday"),
        ("action_hour", 18.5, "18:30"),
        ("assistant_tone", -1.0, "friendly"),
        ("assistant_persona", 731.0, ""),
        ("days_since_payment", None, ""),
        ("a_plug_ins_own", 1.234, "1.23"),
    ],
)
def test_what_a_model_was_told_is_said_with_its_unit(
    app: Flask, feature: str, value: float | None, says: str
) -> None:
    with app.test_request_context("/?lang=en"), force_locale("en"):
        assert told.feature_value(feature, value, "CLP").lower() == says.lower()


def test_rules_and_models_are_called_by_words(app: Flask) -> None:
    with app.test_request_context("/?lang=en"), force_locale("en"):
        assert told.rules_word("cl 2026.11.1") == "the rules of Chile, version 2026.11.1"
        assert "CL-37" not in told.rule_word("CL-37-other-media-weekly")
        assert told.rule_word("pace") != "pace"
        assert told.model_word("strategy", "0") == "The strategy's own order"
        assert told.model_word("propensity-agency-1", "3") == "Who pays, version 3"


def test_a_decision_is_told_in_sentences_without_codes(app: Flask) -> None:
    pack = packs().by_country["CL"]
    decision = Decision(
        alternatives=[
            {"channel": "email", "at": NOON.isoformat(), "value_minor": 70, "cost_minor": 1,
             "annoyance_minor": 4},
            {"channel": None, "at": None, "value_minor": 0},
        ],
        reasons=[
            {"code": "follow_up"},
            {"code": "feature", "feature": "balance_log", "value": math.log1p(9_000), "contribution": -0.4},
        ],
        blocked=dict.fromkeys(("sms", "call"), "CL-37-other-media-weekly"), channel="email",
        scheduled_at=NOON, pack=pack.id,
        expected_value_minor=70, cost_minor=1, pack_version=pack.version,
    )  # fmt: skip
    with app.test_request_context("/?lang=en"), force_locale("en"):
        found = told.sentences(decision, "CLP")
    assert found[:2] == [
        "There was no answer yet: a follow-up fits.", "Balance owed: speaks against payment (CLP\xa09,000)"
    ]  # fmt: skip
    assert "Second best: to wait. It is worth CLP\xa070 less." in found
    assert "Annoyance counted as CLP\xa04" in found
    assert any(one.startswith("SMS, Call: not possible now") and "CL-37" not in one for one in found)
    assert f"Law: Chile, version {pack.version}" in found
    decision.expected_value_minor = -20  # left to chance: the other way was worth more
    with app.test_request_context("/?lang=en"), force_locale("en"):
        found = told.sentences(decision, "CLP")
    assert "By expected value alone it would have been: to wait (CLP\xa020 more)." in found


def test_features_of_one_name_are_told_apart(app: Flask) -> None:
    with app.test_request_context("/?lang=en"), force_locale("en"):
        assert told.feature_word("attempts_whatsapp_90d") == "Attempts by channel, WhatsApp, 90 days"
        assert told.feature_word("answers_30d") == "Answers lately, 30 days"
        assert told.feature_word("action_first_notice") == "What it is for, First notice"
        assert told.feature_word("balance_log") == "Balance owed"
        words = [told.feature_word(name) for name in told.FEATURE_WORDS]
    assert len(set(words)) == len(words)
