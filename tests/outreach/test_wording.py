"""Own words of messages: which are used, what makes them unfit, and that the law's items are added."""

from datetime import timedelta
from typing import Any

import pytest
from jinja2.exceptions import SecurityError
from sqlalchemy import select

from recupero.contacts.tables import MessageCopy
from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict, Forbidden, NotFound, UserError
from recupero.outreach.template_tables import MessageTemplate
from recupero.outreach.texts import templating, versions, wording
from tests.factories import World
from tests.outreach.placed import Placed, place, plan
from tests.outreach.test_carrying_out import run, states

BODY = "Hola {{ name }}, entre a {{ link }}. Código {{ code }}."


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


def keep(
    scope: Scope, *, tenant: bool = False, approved: bool = True, fields: dict[str, Any] | None = None
) -> int:
    """A version of the first notice's words, changed by `fields`; its id."""
    given: dict[str, Any] = {
        "template": "first_notice", "language": "es", "form": "long", "tone": None, "subject": "Su cuenta",
        "body": BODY, **(fields or {}),
    }  # fmt: skip
    with runtime.current().database.transaction(scope) as session:
        owner = scope.tenant() if tenant else None
        row = wording.draft(session, tenant_id=owner, actor="user:1", **given)
        if approved:
            versions.approve(session, row, actor="user:2")
        clock.advance(timedelta(seconds=1))
        return row.id


def sent(placed: Placed) -> tuple[str, str]:
    with runtime.current().database.transaction(placed.scope) as session:
        copy = session.execute(select(MessageCopy).order_by(MessageCopy.id.desc()).limit(1)).scalar_one()
        return copy.subject, copy.body


def test_own_words_go_out_with_what_the_law_wants_said_added(scope: Scope) -> None:
    keep(scope)
    placed = place(scope, timezone="America/Santiago")
    plan(placed)
    run()
    assert states(placed)[0][0] == "closed", states(placed)
    subject, body = sent(placed[0])
    assert subject == "Su cuenta"
    assert body.startswith("Hola Ana Prueba")
    assert "Saldo: $125.000." in body
    assert "Este aviso no es un procedimiento" in body


def test_without_own_words_the_platforms_go_out(scope: Scope) -> None:
    keep(scope, approved=False)
    placed = place(scope, timezone="America/Santiago")
    plan(placed)
    run()
    assert sent(placed[0])[0] != "Su cuenta"


def test_the_nearest_words_are_used(scope: Scope, world: World) -> None:
    every = keep(scope)
    firm = keep(scope, fields={"tone": "firm"})
    own = keep(scope, tenant=True)
    other = world.tenant(Scope(scope.agency_id))

    def used(whose: Scope, tone: str) -> int | None:
        with runtime.current().database.transaction(whose) as session:
            found = wording.wording(session).of("first_notice", "es", "long", tone)
        return None if found is None else found.id

    assert [used(other, "kind"), used(other, "firm")] == [every, firm]
    assert [used(scope, "kind"), used(scope, "firm")] == [own, firm]
    stranger = world.tenant()
    assert used(stranger, "kind") is None


def test_a_version_is_approved_by_somebody_else_once_and_retires_the_one_before(scope: Scope) -> None:
    first, second = keep(scope), keep(scope, approved=False)
    with runtime.current().database.transaction(scope) as session:
        row = versions.version(session, MessageTemplate, second)
        assert row.version == 2
        with pytest.raises(Forbidden):
            versions.approve(session, row, actor="user:1")
        versions.approve(session, row, actor="user:2")
        assert versions.version(session, MessageTemplate, first).state == "retired"
        with pytest.raises(Conflict):
            versions.approve(session, row, actor="user:2")
        versions.retire(session, row, actor="user:2")
        assert wording.wording(session).of("first_notice", "es", "long", "kind") is None


@pytest.mark.parametrize(
    ("changes", "field", "why"),
    [
        ({"body": "Hola {{ nombre }} {{ link }} {{ code }}"}, "body", "No message has nombre"),
        ({"body": "Hola {{ name "}, "body", "cannot be read"),
        ({"body": "Hola {{ name }}, {{ code }}"}, "body", "must contain link"),
        ({"body": "Hola {{ name }}"}, "body", "must contain link, code"),
        ({"body": "x" * 7000 + "{{ link }}{{ code }}"}, "body", "At most 6000"),
        ({"body": "{{ link }} {{ code }} {{ name.first }}"}, "body", "no attribute 'first'"),
        ({"body": "{{ link }} {{ code }} {{ name.__class__.__mro__ }}"}, "body", "cannot be read"),
        ({"body": "{{ link }} {{ code }} {{ amount / 2 }}"}, "body", "cannot be read"),
        ({"subject": "{{ name.first }}"}, "subject", "no attribute 'first'"),
        ({"body": " "}, "body", "fill this in"),
        ({"subject": ""}, "subject", "fill this in"),
        ({"subject": "{{ debt }}"}, "subject", "No message has debt"),
        ({"template": "poem"}, "template", "'poem' is not possible here"),
        ({"language": "fr"}, "language", "use es, en, pt"),
        ({"form": "song"}, "form", "use long, short"),
        ({"tone": "rude"}, "tone", "use kind, neutral, firm"),
    ],
)
def test_unfit_words_are_refused_at_their_field(
    scope: Scope, changes: dict[str, str], field: str, why: str
) -> None:
    with pytest.raises(UserError, match=why) as raised:
        keep(scope, fields=changes)
    assert raised.value.field == field


@pytest.mark.parametrize(
    "bomb",
    [
        "{{ 'a' * 10 ** 9 }}",
        "{{ [1] * 10 ** 9 }}",
        "{{ '%1000000000s' % 'a' }}",
        "{{ '%1000000000s'|format('a') }}",
        "{{ name|center(1000000000) }}",
        "{{ name|replace('x', 'xx')|replace('x', 'xx') }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
        "{% for a in name %}{{ a }}{% endfor %}",
        "{% set a = name ~ name %}{% set a = a ~ a %}{{ a }}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% include 'es/_letter.txt' %}",
        "{{ lipsum(1000) }}",
        "{{ " + "(" * 1500 + "1" + ")" * 1500 + " }}",
        "{{ " + "9" * 4500 + " }}",
    ],
)
def test_words_neither_grow_nor_go_on_without_end(scope: Scope, bomb: str) -> None:
    with pytest.raises(UserError, match="cannot be read as a template") as raised:
        keep(scope, fields={"body": "{{ link }} {{ code }} " + bomb})
    assert raised.value.field == "body"


def test_what_was_kept_before_cannot_be_multiplied_either() -> None:
    with pytest.raises(SecurityError):
        templating.written("{{ name * 10 ** 9 }}").render(name="x")


def test_words_reach_nothing_of_the_house(scope: Scope) -> None:
    """Whatever finds its way past the editor is stopped when it is written."""
    hidden = "{% if name|length > 1 %}{{ name.__class__.__mro__ }}{% endif %}"
    keep(scope, fields={"body": "{{ link }} {{ code }} " + hidden})
    placed = place(scope, timezone="America/Santiago")
    plan(placed)
    run()
    assert states(placed)[0][0] == "blocked"


def test_another_agencys_creditor_is_not_there(scope: Scope, world: World) -> None:
    stranger = world.tenant()
    with runtime.current().database.transaction(scope) as session, pytest.raises(NotFound):
        wording.draft(
            session, tenant_id=stranger.tenant(), template="first_notice", language="es", form="long",
            tone=None, subject="x", body=BODY, actor="user:1",
        )  # fmt: skip
