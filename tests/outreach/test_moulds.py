"""A message that was filled in is the one that would have been written."""

from dataclasses import replace
from datetime import date
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recupero.kernel.marking import LANGUAGES
from recupero.outreach.actions.kinds import ANSWERS, TEMPLATES, TONES
from recupero.outreach.texts import moulds, words
from recupero.outreach.texts.naming import Beyond, Named, Owed
from recupero.outreach.texts.wording import Own
from recupero.outreach.texts.words import Sender, Words
from recupero.placements.reach import Reachable

SENDER = Sender("Banco <Ñandú> & 100%", "Cobranzas {Amables}", "+56 2 2345 6789", "a@b.cl", "c.example.com")
ACCOUNT = Reachable(
    1, 2, 3, 4, 5, "OP-77", "card", None, "CLP", date(2025, 1, 15), date(2025, 8, 1), date(2026, 1, 2),
    125_000, 5_000, 3_500, "active", "Ana Prueba Díaz", "CL", "CL-RM", None, "es",
)  # fmt: skip
#: What own words may do: set values down, ask for them, change them.
BODIES = (
    "{{ name }}: {{ amount }} {{ link }} {{ code }}",
    "  {{ name }}\n\n\n{% if contract_date %}{{ contract_date }}{% endif %}\n 100 % %(name)s\n"
    "{{ code }} {{ link }}",
    "{% if tone == 'kind' and not contract_date %}{{ name }}{% endif %}{{ interest }}\n{{ code }} {{ link }}",
    "{{ name|upper }} {{ link }} {{ code }}",
    "{{ name[:1] }} {{ link }} {{ code }}",
    "{% if name == 'Ana' %}Ana{% endif %} {{ link }} {{ code }}",
    "{% set who = name %}{{ who ~ '!' }} {{ link }} {{ code }}",
    "\x02name\x03 {{ link }} {{ code }}",
    "{% for letter in name %}{{ letter }}-{% endfor %} {{ link }} {{ code }}",
)


#: What messages say beyond their account.
BEYOND = (
    None,
    Beyond(((replace(ACCOUNT, client_account="% <B>"), Owed(0, 7, date(2026, 1, 2))),)),
    Beyond((), Named(3, date(2026, 2, 3), each_minor=40_000, last_minor=45_000, down_minor=9)),
    Beyond((), Named(1, date(2026, 2, 3), total_minor=90_000, until=date(2026, 2, 20))),
)


def write(
    account: Reachable, template: str, channel: str, tone: str, own: Own | None, link: str,
    beyond: Beyond | None = None,
) -> Words:  # fmt: skip
    return words.write(
        template, channel, tone, account, SENDER, link, "ABCD2345", own=lambda *_asked: own, beyond=beyond
    )


def both(
    account: Reachable, template: str, channel: str, tone: str, own: Own | None, link: str,
    beyond: Beyond | None = None,
) -> None:  # fmt: skip
    filled = write(account, template, channel, tone, own, link, beyond)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moulds, "fits", lambda values: False)
        assert filled == write(account, template, channel, tone, own, link, beyond)


SUBJECTS = (" {{ amount }}  {{ name }} ", "x")
OWED = st.integers(0, 2)
LINES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(
    name=LINES, number=LINES, opened=st.none() | st.just(date(2024, 5, 6)), owed=st.tuples(OWED, OWED),
    country=st.sampled_from(["CL", "BR", "US", "XX"]), language=st.sampled_from([*LANGUAGES, "fr"]),
    template=st.sampled_from([*TEMPLATES, *(set(ANSWERS) - {"reply"})]), tone=st.sampled_from(TONES),
    channel=st.sampled_from(["email", "sms", "whatsapp", "letter", "voice"]),
    own=st.none() | st.builds(Own, st.just(1), st.sampled_from(SUBJECTS), st.sampled_from(BODIES)),
    link=st.sampled_from(["https://x.example.com/p/a", "https://x.example.com/?a=1&b=%20"]),
    beyond=st.sampled_from(BEYOND),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_filled_in_or_written_a_message_is_the_same(
    name: str, number: str, opened: date | None, owed: tuple[int, int], country: str, language: str,
    template: str, tone: str, channel: str, own: Own | None, link: str, beyond: Beyond | None,
) -> None:  # fmt: skip
    account = replace(
        ACCOUNT, name=name, client_account=number, open_date=opened, interest_minor=owed[0],
        costs_minor=owed[1], country=country, language=language,
    )  # fmt: skip
    both(account, template, channel, tone, own, link, beyond)


@pytest.mark.parametrize("link", ["https://x.example.com/p/a ", "two\nlines", ""])
def test_a_value_that_does_not_fit_is_written(link: str) -> None:
    for channel, template in product(("email", "sms"), ("first_notice", "thanks")):
        both(ACCOUNT, template, channel, "kind", None, link)


def test_every_template_of_the_platform_is_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [
        (replace(ACCOUNT, language=language), template, channel, tone, None, "https://x.example.com/p/a")
        for language, template, channel, tone in product(
            LANGUAGES, [*TEMPLATES, *(set(ANSWERS) - {"reply"})], ("email", "sms"), TONES
        )
    ]
    for one in asked:
        write(*one)
    monkeypatch.setattr(words, "_composed", None)  # nothing is written any more
    for one in asked:
        assert write(*one).text


def test_own_words_are_plain_text() -> None:
    """Only the HTML form is escaped, and once."""
    own = Own(1, "{{ creditor }}", "{{ creditor }} {{ link }} {{ code }}")
    for channel in ("sms", "email"):
        said = write(ACCOUNT, "first_notice", channel, "kind", own, "https://x.example.com/?a=1&b=2")
        assert "Banco <Ñandú> & 100%" in said.subject
        assert "https://x.example.com/?a=1&b=2" in said.text
    assert "Banco &lt;Ñandú&gt; &amp; 100%" in said.html
    assert "&amp;amp;" not in said.html
