"""The setting that maps the house's words to approved templates."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recupero_channel_whatsapp import templates
from recupero_channel_whatsapp.templates import Approved, Button, parse

from recupero_sdk.channels import Message

MESSAGE = Message("3-41", "whatsapp", "+56912345678", "", "Hola", template="thanks", language="es")
#: Other work may be on this machine.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_lines_and_semicolons_part_templates() -> None:
    told = (
        "first_notice.es = aviso@es_CL: name, code | url: link | fixed | reply: STOP;\n"
        "thanks.pt=obrigado | url: code"
    )
    assert parse(told) == {
        "first_notice.es": Approved(
            "aviso", "es_CL", ("name", "code"), (),
            (Button("url", "link"), Button("fixed"), Button("reply", "STOP")),
        ),
        "thanks.pt": Approved("obrigado", "pt", buttons=(Button("url", "code"),)),
    }  # fmt: skip
    assert parse(" \n ;") == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("first_notice = x", "is no template"),
        ("first_notice.es", "is no template"),
        ("first_notice.es = Aviso Uno", "is no name of an approved template"),
        ("first_notice.es = aviso@spanish", "is no name of an approved template"),
        ("first_notice.es = aviso: name amount", "is no list of values"),
        ("first_notice.es = aviso: name,", "is no list of values"),
        ("first_notice.es = aviso: a=name, amount", "either all variables have names or none"),
        ("first_notice.es = aviso | link: url", "is neither body, header, url, reply nor fixed"),
        ("first_notice.es = aviso | url", "is neither body, header, url, reply nor fixed"),
        ("first_notice.es = aviso | header: a | header: b", "is neither body, header, url, reply nor fixed"),
        ("first_notice.es = aviso" + " | fixed" * 11, "10 buttons at most"),
        ("offer.es = x: code; offer.es = y: code", "`offer.es` stands there twice"),
        ("first_notise.es = x", "is no message of the house"),
        ("offer.es = x: nombre, amount", "no message has `nombre`; use agency, amount"),
        ("offer.es = x | header: titulo", "no message has `titulo`"),
        ("offer.es = x | url: enlace", "no message has `enlace`"),
        ("offer.es = x | url: link | url: site | url: code", "2 buttons with an address at most"),
        ("offer.es = x | body: " + "a" * 1025, "has 1025 letters; Meta takes 1024"),
        ("offer.es = x | reply: " + "P" * 129, "is neither body, header, url, reply nor fixed"),
        ("offer.es = x: name | body: Hola {{1}} {{2}}", "places of the body"),
        ("offer.es = x: name, code | body: Hola {{1}}", "places of the body"),
        ("offer.es = x: name, amount | url: link | reply: STOP", "must carry its code"),
        ("stopped.es = x", "must carry its code"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse(text)


@UNHURRIED
@given(st.text(alphabet="ab.=@:,|;_\n ES1", max_size=60))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        found = parse(text)
    except ValueError:
        return
    assert all("." in house and approved.name for house, approved in found.items())


@UNHURRIED
@given(st.text(min_size=1, max_size=200))
def test_a_value_is_filled_as_meta_takes_it_or_is_refused(value: str) -> None:
    approved = parse("thanks.es = x: name | url: code")["thanks.es"]
    try:
        filled = approved.filled(replace(MESSAGE, code="ABCD2345", values={"name": value}))
    except templates.Unfilled:
        assert not value.split()
    else:
        text = filled["components"][0]["parameters"][0]["text"]
        assert text
        assert not any(bad in text for bad in ("\n", "\t", "\r", "  "))
        assert text.split() == value.split()


def test_what_a_person_reads_of_a_template() -> None:
    with pytest.raises(ValueError, match="either all"):
        parse("thanks.es = aviso: who=name, code | header: creditor | body: Hola {{ who }}, código {{2}}")
    message = replace(
        MESSAGE, code="ABCD2345", values={"name": "Ana", "creditor": "Banco", "link": "https://x/p/1"}
    )
    told = "thanks.es = aviso: name, code | header: creditor | body: Hola {{ 1 }}, código {{2}} | url: link"
    assert parse(told)["thanks.es"].read(message) == "Banco\nHola Ana, código ABCD2345\nhttps://x/p/1"
    assert parse("thanks.es = aviso: name, code")["thanks.es"].read(message) == "Ana\nABCD2345"


def test_a_body_that_grew_too_long_is_refused_before_meta_does() -> None:
    approved = parse("offer.es = x: name | body: Hola {{1}} | url: code")["offer.es"]
    assert approved.filled(replace(MESSAGE, code="A2", values={"name": "A" * 1019}))["name"] == "x"
    with pytest.raises(templates.Unfilled, match="1025 letters"):
        approved.filled(replace(MESSAGE, code="A2", values={"name": "A" * 1020}))
