"""Every template in every language, tone and channel says what the law of Chile and Colombia wants said, and
nothing that they forbid."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product

import pytest
from jinja2 import UndefinedError
from jinja2.exceptions import SecurityError, TemplateNotFound

from recupero.contacts.gate import purpose_for_law
from recupero.kernel import runtime
from recupero.kernel.marking import LANGUAGES
from recupero.outreach.actions import kinds
from recupero.outreach.actions.kinds import PURPOSES, TEMPLATES, TONES
from recupero.outreach.texts import disclosures, templating, words
from recupero.outreach.texts.words import Sender, Words
from recupero.placements.reach import Reachable
from recupero_sdk import wording
from recupero_sdk.law import Facts, Proposal, RegulationPack, RuleOutcome, check_content
from recupero_sdk.sms import segments

SENDER = Sender(
    "Banco Ñandú", "Cobranzas Amables", "+56 2 2345 6789", "ayuda@agencia.example.com", "cobros.example.com"
)
ACCOUNT = Reachable(
    1, 2, 3, 4, 5, "OP-77", "card", None, "CLP", date(2025, 1, 15), date(2025, 8, 1), date(2026, 1, 2),
    125_000, 5_000, 3_500, "active", "Ana Prueba Díaz", "CL", "CL-RM", None, "es",
)  # fmt: skip
NOON = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)


def write(
    template: str = "first_notice",
    channel: str = "email",
    tone: str = "kind",
    account: Reachable = ACCOUNT,
    link: str = "https://pagos.example.com/p/abc",
) -> Words:
    return words.write(template, channel, tone, account, SENDER, link, "ABCD2345")


@pytest.mark.parametrize("country", ["CL", "CO"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", ["email", "sms", "whatsapp", "letter"])
def test_the_law_finds_nothing_missing_and_nothing_forbidden(
    platform: runtime.Runtime, country: str, language: str, channel: str
) -> None:
    pack, currency = platform.plugins.packs[country], {"CL": "CLP", "CO": "COP"}[country]
    account = replace(ACCOUNT, country=country, currency=currency, language=language, region=None)
    facts = Facts(country, due_date=account.due_date, amount=Decimal(125_000), currency=currency)
    for template, tone in product(TEMPLATES, TONES):
        purpose = purpose_for_law(PURPOSES[template])
        proposal = Proposal(NOON, channel, purpose=purpose)  # type: ignore[arg-type]  # parametrized
        for costs in (0, 3_500):
            said = write(template, channel, tone, replace(account, costs_minor=costs, interest_minor=costs))
            outcomes = judged(pack, facts, proposal, said)
            assert outcomes, "no rule on content was asked"
            assert said.short or disclosures.missing(outcomes) == []
            added = disclosures.completed(said, disclosures.missing(outcomes), {})
            refused = [
                (one.rule_id, one.reason)
                for one in judged(pack, facts, proposal, added)
                if one.outcome == "refused"
            ]
            assert refused == [], (template, tone)


def judged(pack: RegulationPack, facts: Facts, proposal: Proposal, said: Words) -> list[RuleOutcome]:
    text = f"{said.subject}\n{said.text}"
    return check_content(pack, facts, proposal, text, occasion="first", shown=said.shown)


@pytest.mark.parametrize(
    ("country", "language", "most"), [("CL", "es", 4), ("CO", "es", 3), ("GB", "en", 2), ("BR", "pt", 3)]
)
def test_text_messages_are_short_with_all_that_the_law_wants(
    platform: runtime.Runtime, country: str, language: str, most: int
) -> None:
    account = replace(ACCOUNT, country=country, language=language, costs_minor=0, interest_minor=0)
    facts = Facts(country, due_date=account.due_date, amount=Decimal(125_000), currency="CLP")
    link = "https://pagos.example.com/p/" + "A" * 43
    for template, tone in product(TEMPLATES, TONES):
        said = write(template, "sms", tone, account, link)
        outcomes = judged(platform.plugins.packs[country], facts, Proposal(NOON, "sms"), said)
        text = disclosures.completed(said, disclosures.missing(outcomes), {}).text
        assert segments(text) <= most, text


def test_connectors_are_told_the_names_of_every_message_and_value() -> None:
    assert {*TEMPLATES, *kinds.ANSWERS} == wording.TEMPLATES
    for template, channel in product((*TEMPLATES, *kinds.ANSWERS), ("email", "sms")):
        assert set(write(template, channel).values) >= wording.VALUES


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_owes_nothing_more_reads_it_and_is_not_asked_to_pay(language: str) -> None:
    settled = replace(ACCOUNT, balance_minor=0, language=language)
    for channel in ("email", "sms", "whatsapp", "letter"):
        said = write("paid_in_full", channel, account=settled).text
        assert any(word in said for word in ("saldada", "settled", "quitada")), said
        assert not any(word in said for word in ("pague", "See and pay", "otra fecha", "another date")), said


@pytest.mark.parametrize(
    ("language", "amount"), [("es", "$125.000"), ("en", "CLP 125,000"), ("pt", "CLP 125.000")]
)
def test_money_and_dates_are_written_as_the_language_does(language: str, amount: str) -> None:
    said = write(account=replace(ACCOUNT, language=language))
    assert amount in said.text.replace("\xa0", " ")
    assert "2025" in said.shown["due_date"]
    assert said.language == language


@pytest.mark.parametrize(("country", "currency", "language"), [
    ("BR", "BRL", "pt"), ("CO", "COP", "es"), ("ES", "EUR", "es"), ("CL", "CLP", "en"),
])  # fmt: skip
def test_a_text_message_has_plain_spaces_only(country: str, currency: str, language: str) -> None:
    account = replace(
        ACCOUNT, country=country, currency=currency, language=language, client_account="OP\u00a077"
    )
    for template in TEMPLATES:
        said = write(template, "sms", account=account)
        whole = "".join([said.subject, said.text, *said.shown.values(), *said.values.values()])
        assert {character for character in whole if character.isspace()} <= {" ", "\n"}


def test_an_amount_takes_no_text_message_out_of_its_alphabet() -> None:
    account = replace(ACCOUNT, language="en", name="Ana Prueba")
    sender = replace(SENDER, creditor="Banco Uno")
    said, mailed = (
        words.write("follow_up", channel, "kind", account, sender, "https://x.example/p/abc", "ABCD2345")
        for channel in ("sms", "whatsapp")
    )
    assert "CLP 125,000" in said.text
    assert "CLP\xa0125,000" in mailed.text
    assert segments(said.text) == -(-len(said.text) // 153)  # seven bits a character
    assert segments(mailed.text) > segments(said.text)


def test_what_is_read_on_a_page_keeps_its_amounts_together() -> None:
    account = replace(ACCOUNT, country="BR", currency="BRL", language="pt")
    for channel in ("email", "letter", "whatsapp"):
        assert "R$\xa01.250,00" in write("first_notice", channel, account=account).text
    for channel in ("sms", "voice"):
        assert "R$ 1.250,00" in write("first_notice", channel, account=account).text


def test_a_language_that_we_do_not_write_is_answered_in_english() -> None:
    assert write(account=replace(ACCOUNT, language="de")).language == "en"


def test_tones_differ_and_the_code_and_link_are_in_every_form() -> None:
    texts = {tone: write(tone=tone).text for tone in TONES}
    assert len(set(texts.values())) == 3
    for template, channel in product(TEMPLATES, ("email", "sms")):
        said = write(template, channel)
        assert "ABCD2345" in said.text
        assert "https://pagos.example.com/p/abc" in said.text
        assert len(said.subject) < 80


def test_short_forms_are_short_and_have_no_html() -> None:
    assert len(write(channel="sms").text) < len(write().text)
    assert write(channel="sms").html == ""


def test_what_is_imported_makes_neither_markup_nor_lines_of_its_own() -> None:
    said = write(
        account=replace(ACCOUNT, name="<script>x</script>\n\nBcc: a", client_account="X\namount: $0")
    )
    assert "<script>" not in said.html
    assert "&lt;script&gt;" in said.html
    assert said.shown["amount"] == "$125.000"
    assert "{{" not in said.text


def test_template_text_in_a_name_is_not_carried_out() -> None:
    assert "{{ 7 * 7 }}" in write(account=replace(ACCOUNT, name="{{ 7 * 7 }}")).text


def test_a_date_that_nobody_knows_is_left_out() -> None:
    said = write(account=replace(ACCOUNT, open_date=None))
    assert said.shown["contract_date"] == ""
    assert "None" not in said.text


def test_a_missing_variable_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="is undefined"):
        templating.sandbox().from_string("{{ nobody_knows }}").render()


def test_templates_reach_nothing_of_the_machine() -> None:
    with pytest.raises(SecurityError):
        templating.sandbox().from_string("{{ ''.__class__.__mro__ }}").render()


def test_a_template_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(TemplateNotFound):
        write("threat")


def test_codes_are_easy_to_type_and_do_not_repeat() -> None:
    codes = {words.new_code() for _ in range(2000)}
    assert len(codes) == 2000
    assert not set("01OILU") & set("".join(codes))


def test_who_speaks_signs_letters_and_e_mails_and_a_machine_says_that_it_is_one() -> None:
    def signed(sender: Sender, channel: str = "email", language: str = "es") -> str:
        account = replace(ACCOUNT, language=language)
        return words.write("follow_up", channel, "neutral", account, sender, "https://x.example/p", "C").text

    assert "asistente" not in signed(SENDER)
    assert "\nAna Ríos\nCobranzas Amables, por cuenta de" in signed(replace(SENDER, assistant="Ana Ríos"))
    clara = replace(SENDER, assistant="Clara & Co", virtual=True)
    assert "\nClara & Co, asistente virtual\nCobranzas Amables, por" in signed(clara)
    assert "\nClara & Co, virtual assistant\n" in signed(clara, "letter", "en")
    assert "\nClara & Co, assistente virtual\n" in signed(clara, "email", "pt")
    assert "Clara" not in signed(clara, "sms")
