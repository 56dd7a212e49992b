"""A message is read for serving as the training counted it, and training says when it has too little."""

import io

import numpy as np
import pytest
from recupero_intents import Intents
from recupero_intents.calibration import sharpened
from recupero_intents.pieces import Counts, Pieces

TEXTS = [
    "Ya pagué AYER, ¿lo ven?",
    "ya pague ayer ya",
    "si",
    "",
    "\U0001f642 \u00a0 R$ 1.000,00",
    "não recebi o boleto não",
    "a b a b",
]


def test_one_text_is_read_as_the_table_of_all_has_it() -> None:
    pieces, table = Counts.of(TEXTS).learn(np.array([0, 1, 3, 5, 6]))
    rows = table.of(np.arange(len(TEXTS))).toarray()
    for text, row in zip(TEXTS, rows, strict=True):
        places, values = pieces.read(text)
        found = np.zeros(len(row))
        found[places] = values
        assert found == pytest.approx(row)


def test_pieces_are_runs_of_words_stems_and_runs_of_letters_without_case_and_accents() -> None:
    pieces, _table = Counts.of(["Pagué 15000", "x"]).learn(np.array([0]))
    letters, words, _looks = pieces.parts
    assert {"pague", "0", "^ pague", "pague 0", "0 $", "^ pague 0", "pague 0 $"} <= set(words)
    assert {piece for piece in words if piece.endswith("~")} == {
        "pague~", "0~", "^ pague~", "pague 0~", "0 $~"
    }  # fmt: skip
    stems, _table = Counts.of(["pagaremos", "pagaremos"]).learn(np.array([0]))
    assert "pagar~" in stems.parts[1]
    assert {" p", "pague", " 0 ", "0 "} <= set(letters)
    assert not any(len(run) > 5 or "x" in run for run in letters)


def test_words_that_stand_apart_are_a_piece_in_whichever_order_and_few_of_a_long_message() -> None:
    pieces, _table = Counts.of(["la reunión del lunes", "lunes: otra reunión"]).learn(np.arange(2))
    assert "lunes&reuni" in pieces.parts[1]
    long, _table = Counts.of([" ".join(f"palabra{letter}x{letter}" for letter in "abcdefghijk") * 50]).learn(
        np.arange(1)
    )
    assert len(long.parts[1]) < 5_000


def test_how_a_message_is_written_is_told_apart_from_what_it_says() -> None:
    pieces, table = Counts.of(["Puedo pagar?", "puedo pagar"]).learn(np.arange(2))
    assert {"?True", "?False", "beginsTrue", "beginsFalse"} <= set(pieces.parts[2])
    first, second = table.of(np.arange(2)).toarray()
    letters_and_words = sum(len(part) for part in pieces.parts[:2])
    assert (first[letters_and_words:] != second[letters_and_words:]).any()


def test_what_was_kept_before_there_were_looks_is_read_as_it_was() -> None:
    earlier = {"letters": [" p", "pa"], "words": ["pago", "si"]}
    places, values = Pieces.from_json(earlier, np.ones(4)).read("Pago?")
    assert sorted(places) == [0, 1, 2]
    assert values @ values == pytest.approx(2)


def test_labels_of_one_family_are_told_from_others_by_its_machine() -> None:
    texts = [f"{word} {number}" for number in "abcdefghij" for word in ("pago hoy", "pago luego", "queja")]
    labels = [(name,) for _ in "abcdefghij" for name in ("pay.now", "pay.later", "complain.now")]
    fitted = Intents().train(texts, labels).fitted
    guesses = Intents().predict(fitted, ["pago"])[0]
    assert {guess.label for guess in guesses[:2]} == {"pay.now", "pay.later"}


def test_messages_of_one_writer_alone_are_refused() -> None:
    texts = [f"pago {number}" for number in range(30)]
    labels = [("will_pay",) if number % 2 else ("thanks",) for number in range(30)]
    with pytest.raises(ValueError, match="2 writers"):
        Intents().train(texts, labels, groups=["ana"] * 30)


def test_the_surest_label_keeps_its_place_whatever_its_probability() -> None:
    margins = np.array([[1.0, 0.9, -1.0], [2.0, -1.0, -1.0], [0.2, 0.1, 0.0]])
    first = np.array([0.4, 0.99, 0.5])
    found = sharpened(margins, first)
    assert found.sum(axis=1) == pytest.approx(1)
    assert found.max(axis=1) == pytest.approx(first, abs=1e-6)
    assert (np.argsort(-found, axis=1) == np.argsort(-margins, axis=1)).all()


def test_a_dump_of_one_label_a_text_of_an_earlier_format_is_refused() -> None:
    out = io.BytesIO()
    np.savez(out, head=np.frombuffer(b'{"single": true}', dtype=np.uint8))
    with pytest.raises(ValueError, match="earlier format"):
        Intents().load(out.getvalue())
