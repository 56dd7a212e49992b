"""A message is read for serving as the training counted it, and training says when it has too little."""

import numpy as np
import pytest
from recupero_intents import Intents
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


def test_pieces_are_words_their_pairs_and_runs_of_letters_without_case_and_accents() -> None:
    pieces, _table = Counts.of(["Pagué YA", "x"]).learn(np.array([0]))
    assert set(pieces.words) == {"pague", "ya", "pague ya"}
    assert {" p", "pague", " ya ", "ya "} <= set(pieces.letters)
    assert not any(len(run) > 5 or "x" in run for run in pieces.letters)


def test_messages_of_one_writer_alone_are_refused() -> None:
    texts = [f"pago {number}" for number in range(30)]
    labels = [("will_pay",) if number % 2 else ("thanks",) for number in range(30)]
    with pytest.raises(ValueError, match="2 writers"):
        Intents().train(texts, labels, groups=["ana"] * 30)
