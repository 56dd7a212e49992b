"""A message is read for serving as the training counted it, and training says when it has too little."""

import io

import numpy as np
import pytest
from recupero_intents import Intents
from recupero_intents.calibration import sharpened
from recupero_intents.pieces import Counts

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
    assert {"pague", "0", "^ pague", "pague 0", "0 $", "^ pague 0", "pague 0 $"} <= set(pieces.words)
    assert {piece for piece in pieces.words if piece.endswith("~")} == {
        "pague~", "0~", "^ pague~", "pague 0~", "0 $~"
    }  # fmt: skip
    stems, _table = Counts.of(["pagaremos", "pagaremos"]).learn(np.array([0]))
    assert "pagar~" in stems.words
    assert {" p", "pague", " 0 ", "0 "} <= set(pieces.letters)
    assert not any(len(run) > 5 or "x" in run for run in pieces.letters)


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
