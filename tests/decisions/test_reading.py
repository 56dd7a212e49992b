"""What planning reads of past contacts is what stands there, whoever made them."""

from datetime import timedelta
from itertools import cycle

import pytest
from sqlalchemy import bindparam, text

from recupero.contacts.gate import ASKED
from recupero.contacts.tables import PersonContact
from recupero.decisions.planning.reading import read_accounts, read_history
from recupero.kernel import clock, runtime
from recupero_sdk.law.values import CHANNELS, CONTACT_OUTCOMES, DIRECTIONS, PURPOSES, RECIPIENTS
from tests.decisions.debts import debt, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")


def test_contacts_are_read_word_by_word_with_whom_they_were_and_for_whom(world: World) -> None:
    scope, now = world.tenant(), clock.now()
    tenant, sibling = scope.tenant(), scope.tenant() + 1_000
    words = zip(
        cycle(CHANNELS), cycle(DIRECTIONS), cycle(CONTACT_OUTCOMES), cycle((*PURPOSES, None)),
        [word for word in RECIPIENTS if len(word) <= 12] * 12, strict=False,
    )  # fmt: skip
    with world.platform.database.transaction(scope) as session:
        owed = debt(session, portfolio(session))
        expected = []
        for number, (channel, direction, outcome, purpose, recipient) in enumerate(words):
            whose, account = ((tenant, owed.account_id), (tenant, None), (sibling, owed.account_id))[
                number % 3
            ]
            at = now - timedelta(hours=number, microseconds=number)
            told = (channel, direction, outcome, recipient, purpose)
            session.add(
                PersonContact(
                    agency_id=scope.agency(), person_id=owed.person_id, tenant_id=whose,
                    contact_id=number + 1, account_id=account, at=at, channel=channel,
                    direction=direction, outcome=outcome,
                    recipient=recipient, purpose=purpose,
                )
            )  # fmt: skip
            own = owed.account_id if number % 3 == 0 else 0
            asked = purpose == ASKED and direction == "outbound"
            expected.append((owed.person_id, whose, own, at, *told, asked))
        session.add(_made(scope.agency(), owed.person_id + 1_000_000, now, "sms", 9_001))  # of nobody here
        session.add(_made(scope.agency(), owed.person_id, now + timedelta(seconds=1), "call"))  # yet to come
        session.flush()
        found = read_history(session, now).sort("at", descending=True)
        assert found.columns == [
            "person", "creditor", "debt", "at", "channel", "direction", "outcome", "recipient", "purpose",
            "asked",
        ]  # fmt: skip
        assert found.rows() == expected


def test_a_word_the_law_does_not_know_is_an_error(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        owed = debt(session, portfolio(session))
        session.add(_made(scope.agency(), owed.person_id, clock.now(), "pigeon"))
        session.flush()
        with pytest.raises(ValueError, match=r"person_contacts.channel holds a word .* call, visit"):
            read_history(session, clock.now())


def _made(agency: int, person: int, at: object, channel: str, number: int = 9_000) -> PersonContact:
    return PersonContact(
        agency_id=agency, person_id=person, tenant_id=1, contact_id=number, at=at, channel=channel,
        direction="outbound", outcome="delivered", recipient="debtor",
    )  # fmt: skip


def test_a_read_of_all_accounts_leaves_the_planner_of_the_database_as_it_was(world: World) -> None:
    asked = text("SELECT name, setting FROM pg_settings WHERE name LIKE 'enable%' OR name IN :others")
    asked = asked.bindparams(bindparam("others", ["jit", "work_mem"], expanding=True))
    with runtime.current().database.transaction(world.tenant()) as session:
        before = session.execute(asked).all()
        read_accounts(session, clock.now())
        assert session.execute(asked).all() == before
