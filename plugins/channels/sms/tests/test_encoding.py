"""Segments by hand-counted examples and by laws; look-alikes only where they help."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recupero_sdk.sms import EXTENSION, GSM_7, is_gsm, replaced, segments

GSM_TEXT = st.text(alphabet=sorted(GSM_7 | EXTENSION), max_size=700)
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400)


def test_the_alphabet_has_its_127_characters_and_ten_more() -> None:
    """128 places less the escape; the extension has nine characters and the page break."""
    assert (len(GSM_7), len(EXTENSION)) == (127, 10)
    assert not GSM_7 & EXTENSION


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("ñ" * 160, 1),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 10, 2),  # the euro does not fit into the first and is not cut
        ("a" * 152 + "€" + "a" * 151, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("á" * 70, 1),
        ("á" * 71, 2),
        ("á" * 134, 2),
        ("á" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 66, 2),  # 33 in each: the 67th unit stays empty
        ("😀" * 67, 3),
    ],
)
def test_segments_as_counted_by_hand(text: str, count: int) -> None:
    assert segments(text) == count


@given(ANY_TEXT, ANY_TEXT)
def test_more_words_never_take_fewer_segments(first: str, second: str) -> None:
    assert segments(first + second) >= segments(first)


@given(GSM_TEXT)
@example("€" * 200)
def test_seven_bits_never_take_more_than_sixteen(text: str) -> None:
    room = sum(2 if character in EXTENSION else 1 for character in text)
    assert -(-room // 153) <= segments(text) + (room <= 160)
    assert segments(text) <= segments(text + "á")


@given(ANY_TEXT, st.sampled_from(["none", "typographic", "accents"]))
def test_replacing_makes_it_fit_or_leaves_it_alone(text: str, how: str) -> None:
    changed = replaced(text, how)
    assert changed == text or (how != "none" and is_gsm(changed))
    assert segments(changed) <= segments(text) or "…" in text


@pytest.mark.parametrize(
    ("how", "text", "sent"),
    [
        ("typographic", "“Aviso” – el señor Núñez…", "“Aviso” – el señor Núñez…"),
        ("typographic", "“Aviso” – señor Ibañez…", '"Aviso" - señor Ibañez...'),
        ("accents", "“Aviso” – el señor Núñez…", '"Aviso" - el señor Nuñez...'),
        ("accents", "Não há dívida, atenção", "Nao ha divida, atencao"),
        ("accents", "Gracias 😀, señor Núñez", "Gracias 😀, señor Núñez"),
        ("accents", "Nu\u0301n\u0303ez", "Nuñez"),
        ("none", "“Aviso”", "“Aviso”"),
    ],
)
def test_look_alikes(how: str, text: str, sent: str) -> None:
    assert replaced(text, how) == sent
