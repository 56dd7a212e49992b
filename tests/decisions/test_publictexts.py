"""The benchmark of messages: the set's labels are guessed, scored by formula, and written one line a text."""

import csv
import gzip
import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from recupero.decisions import publictexts
from recupero.decisions.cli import models
from recupero.kernel.errors import UserError
from recupero.kernel.plugins import Plugins

WORDS = {"pays": ("pago", "transferencia"), "asks": ("cuanto", "saldo"), "stops": ("basta", "molesten")}


def rows(count: int, seed: int) -> list[tuple[str, str]]:
    rng = random.Random(seed)
    kinds = [sorted(WORDS)[place % 3] for place in range(count)]
    return [(f"{rng.choice(WORDS[kind])} {rng.choice('abcdefgh')} por favor", kind) for kind in kinds]


def write(file: Path, column: str, made: list[tuple[str, str]]) -> Path:
    with gzip.open(file, "wt", encoding="utf-8", newline="") as out:
        lines = csv.writer(out)
        lines.writerow(["row_id", "text", column])
        lines.writerows([place, text, label] for place, (text, label) in enumerate(made))
    return file


def test_one_label_a_text_is_guessed_scored_and_written(tmp_path: Path) -> None:
    train = write(tmp_path / "train.csv.gz", "category", rows(120, 1))
    test = write(tmp_path / "test.csv.gz", "category", rows(30, 2))
    out = tmp_path / "out.csv"
    asked = [
        "benchmark",
        "banking77_en",
        "--train",
        str(train),
        "--test",
        str(test),
        "--predictions",
        str(out),
    ]
    answer = CliRunner().invoke(models, [*asked, "--predictions", str(out), "--json"])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.output.splitlines()[-1])
    assert (found["rows_train"], found["rows_test"]) == (120, 30)
    assert found["metrics"]["accuracy"] == 1
    lines = list(csv.DictReader(out.open()))
    assert list(lines[0]) == ["row_id", "intent", "p"]
    assert [line["intent"] for line in lines] == [label for _text, label in rows(30, 2)]


def test_several_labels_are_scored_by_f1_and_joined_by_blanks(tmp_path: Path) -> None:
    pairs = zip(rows(90, 1), rows(91, 2)[1:], strict=True)
    both = [(f"{a} {b}", f"{x} {y}" if x != y else x) for (a, x), (b, y) in pairs]
    train = write(tmp_path / "train.csv.gz", "intents", both + rows(90, 3))
    test = write(tmp_path / "test.csv.gz", "intents", both[:20])
    found = publictexts.benchmark(Plugins.load().texts["intents"], "nlupp_banking_en", train, test, None)
    assert found["metrics"]["f1"] > 0.9


def test_the_outcome_of_the_test_file_is_not_needed(tmp_path: Path) -> None:
    train = write(tmp_path / "train.csv.gz", "intent", rows(120, 1))
    blind = write(tmp_path / "test.csv.gz", "nothing", rows(9, 2))
    found = publictexts.benchmark(Plugins.load().texts["intents"], "es_assistant_intents", train, blind, None)
    assert found["metrics"] == {}


def test_a_file_of_another_shape_is_refused_with_its_columns(tmp_path: Path) -> None:
    train = write(tmp_path / "train.csv.gz", "other", rows(120, 1))
    with pytest.raises(UserError, match="lacks the columns category"):
        publictexts.benchmark(Plugins.load().texts["intents"], "banking77_en", train, train, None)


def test_calibration_error_is_the_mean_gap_between_said_and_true() -> None:
    assert publictexts._calibration_error([0.9] * 10, [True] * 9 + [False]) == pytest.approx(0)
    assert publictexts._calibration_error([0.9] * 10, [False] * 10) == pytest.approx(0.9)
