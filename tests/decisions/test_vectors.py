"""The vectors of assistant and action say what is known of an option at its decision, of waiting nothing."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from recupero.decisions.history import vectors
from recupero.decisions.planning import reading
from recupero.decisions.strategies.assistants import HUMAN, VIRTUAL, Assistant, number
from recupero.decisions.strategies.strategy import Strategy
from recupero.kernel import clock
from recupero.outreach.texts.wording import draft
from tests.decisions.debts import contact, debt, portfolio
from tests.factories import World

AT = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 10, 2, 30, tzinfo=UTC)  # 23:30 of Monday the 9th in Santiago


def _options(**columns: list[object]) -> pl.DataFrame:
    given = {
        "channel": ["email", None],
        "moment": [LATER, None],
        "clock_zone": ["America/Santiago"] * 2,
        **columns,
    }
    moment = pl.Datetime("us", "UTC")
    kinds: dict[str, pl.DataType] = {
        "channel": pl.String(),
        "moment": moment,
        "at": moment,
        "last_at": moment,
    }
    return pl.DataFrame(given, schema_overrides={name: kinds[name] for name in kinds if name in given})


def test_every_column_states_what_it_is() -> None:
    for spec in (*vectors.ASSISTANT, *vectors.ACTION):
        assert spec.meaning
        assert spec.unit
        assert spec.source
        assert spec.as_of
        assert spec.label
    assert len(set(vectors.NAMES)) == len(vectors.NAMES)
    assert all(spec.name.startswith("assistant_") for spec in vectors.ASSISTANT)
    assert all(spec.name.startswith("action_") for spec in vectors.ACTION)


def test_an_option_is_encoded_in_the_debtors_own_hours_and_waiting_as_nothing_done() -> None:
    options = _options(
        template=["first_notice"] * 2, tone=["firm"] * 2, led_by=["written"] * 2, language=["es"] * 2,
        script_version=[3, 3], persona=[17, 17], at=[AT, AT],
        last_at=[datetime(2026, 3, 7, 12, 0, tzinfo=UTC)] * 2,
        answered_text=[2, 2], offer_kind=["settlement"] * 2, offer_discount=[0.3] * 2,
        offer_instalments=[4] * 2,
    )  # fmt: skip
    columns = vectors.encode(options)
    told = {name: column[0] for name, column in columns.items() if column[0] != 0}
    assert told == {
        "assistant_written": 1, "assistant_own_words": 1, "assistant_script_version": 3,
        "assistant_persona": 17, "assistant_tone": 1, "assistant_language": 1,
        "assistant_spoke_before": 1, "action_contact": 1, "action_email": 1,
        "action_first_notice": 1, "action_hour": 23.5, "action_weekday": 1, "action_day_of_month": 9,
        "action_days_ahead": pytest.approx(14.5 / 24), "action_days_since_contact": pytest.approx(62.5 / 24),
        "action_settlement": 1, "action_discount": 0.3, "action_instalments": 4,
    }  # fmt: skip
    waiting = {
        name: column[1] for name, column in columns.items() if column[1] != 0 and not np.isnan(column[1])
    }
    assert waiting == {"action_days_since_contact": 2}
    assert np.isnan(columns["assistant_tone"][1])


def test_what_is_not_known_is_no_number() -> None:
    columns = vectors.encode(_options())
    assert set(columns) == set(vectors.NAMES)
    unknown = {name for name, column in columns.items() if np.isnan(column[0])}
    assert {
        "assistant_tone",
        "assistant_spoke_before",
        "action_days_since_contact",
        "action_discount",
    } <= unknown
    assert columns["action_email"].tolist() == [1, 0]
    assert columns["action_contact"].tolist() == [1, 0]


def test_nothing_to_encode_is_no_error() -> None:
    assert all(len(column) == 0 for column in vectors.encode(_options().clear()).values())


@pytest.mark.usefixtures("noon")
def test_who_would_speak_and_in_which_version_of_which_words(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        owed = debt(session, book)
        contact(
            session, owed, clock.now(), channel="call", connector="agent", state="answered", right_party=True
        )
        words = draft(
            session, tenant_id=None, template="follow_up", language="es", form="short", tone=None, subject="",
            body="Pague en {{ link }} ({{ code }})", actor="user:1",
        )  # fmt: skip
        words.state = "approved"
        session.flush()
        row = reading.read_accounts(session, clock.now()).with_columns(
            template=pl.lit("follow_up"), branch=pl.lit(book)
        )
        options = pl.concat(
            row.with_columns(
                channel=pl.lit(channel, pl.String), moment=pl.lit(clock.now(), pl.Datetime("us", "UTC"))
            )
            for channel in ("sms", "email", "call", None)
        )
        ana, bot = Assistant("Ana", HUMAN, ("call",)), Assistant("Bot", VIRTUAL, ("email",), tone="firm")
        strategies = {book: Strategy(tones={"follow_up": "kind"})}
        named = vectors.described(
            session, options, {book: Strategy(assistants=(ana, bot))}, by_machine=True
        )  # fmt: skip
        seen = vectors.described(session, options, strategies, by_machine=False)
        machine = vectors.described(session, options, strategies, by_machine=True)
    assert seen["led_by"].to_list() == ["written", "written", "agent", None]
    assert seen["script_version"].to_list() == [words.version, 0, 0, None]
    assert seen["tone"].to_list() == ["kind", "kind", "kind", None]
    assert vectors.encode(seen)["assistant_spoke_before"][:3].tolist() == [0, 0, 1]
    assert vectors.encode(machine)["assistant_voice"].tolist() == [0, 0, 1, 0]
    assert vectors.encode(machine)["assistant_spoke_before"][2] == 0
    assert named["led_by"].to_list() == ["written", "written", "agent", None]
    assert named["tone"].to_list() == ["neutral", "firm", "neutral", None]
    heard = vectors.encode(named)["assistant_persona"]
    assert heard[1:3].tolist() == [number("Bot"), number("Ana")]
    assert np.isnan(heard[[0, 3]]).all()
