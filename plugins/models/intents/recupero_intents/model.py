"""A linear model over pieces of words and runs of words, with margins turned into probabilities.

Letters in runs of two to five catch typos, missing accents and word endings; words, their stems and runs of
them catch what is said. One linear support-vector machine for each label; what its margin is worth as a
probability is learned from texts that it did not see (Platt 1999). Where each text has one label, it is the
lead of the first guess over the second that is judged so: that tells better whether the first is right.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recupero_intents.calibration import sharpened, sigmoid, unit_slope
from recupero_intents.pieces import Counts, Pieces
from recupero_sdk.models import Training
from recupero_sdk.texts import Example, Guess

Floats = NDArray[np.float64]
MIN_TEXTS = 20
FOLDS = 4
#: Writers are few: leaving out many of them at once would make the model look worse than it is.
GROUP_FOLDS = 12
ASKED = (
    6  # folds whose texts are asked about; more of them cost time and move the probabilities by hundredths
)
SOFTNESS = 2.0  # C of the support-vector machines
FAMILY = 0.4  # weight of the machine of a label's family beside its own
EXACTNESS = 0.01  # margins are within a thousandth of those at a tenth of it
FORMAT = 2  # of what is dumped
LONGEST = 4000  # characters of a message that are read


@dataclass(frozen=True, slots=True)
class Fitted:
    """Pieces, one row of weights per label, and the curve (`scale` and `shift`, a sigmoid) that turns margins
    into probabilities; where each text has one label, the lead of the first guess into that of the first."""

    labels: tuple[str, ...]
    single: bool
    pieces: Pieces
    weights: NDArray[np.float32]
    intercepts: Floats
    scale: float
    shift: float


class Intents:
    """The kind of model."""

    key = "intents"
    languages: Sequence[str] = ("es", "en", "pt")

    def examples(self) -> Sequence[Example]:
        """The messages written for this plug-in."""
        from recupero_intents.written import written

        return written()

    def shipped(self, learned: str) -> bytes | None:
        """The model fitted on the written messages, which `python -m recupero_intents` made."""
        from recupero_intents.written import fitted

        return fitted(learned)

    def train(
        self,
        texts: Sequence[str],
        labels: Sequence[Sequence[str]],
        *,
        groups: Sequence[str] = (),
        seed: int = 0,
    ) -> Training:
        """Fit on texts with one or several labels each; texts of one group are never judged by machines that
        learned from another of it. Raises ValueError on too few texts, labels or writers."""
        known = tuple(sorted({label for row in labels for label in row}))
        if len(texts) < MIN_TEXTS or len(known) < 2:
            raise ValueError(f"needs {MIN_TEXTS} texts and 2 labels; got {len(texts)} and {len(known)}")
        if groups and len(set(groups)) < 2:
            raise ValueError("needs the messages of 2 writers; got 1")
        target = np.array([[label in row for label in known] for row in labels])
        single = bool((target.sum(axis=1) == 1).all())
        counts = Counts.of([_read(text) for text in texts])
        folds = _folds(groups, len(texts), seed)
        asked = np.flatnonzero(folds < ASKED)
        margins = _unseen(counts, target, known, folds, seed)[asked]
        if single:
            right = target[asked][np.arange(len(asked)), margins.argmax(axis=1)]
            scale, shift = unit_slope(_lead(margins), right)
        else:
            scale, shift = unit_slope(margins.ravel(), target[asked].ravel())
        every = np.arange(len(texts))
        pieces, table = counts.learn(every)
        weights, intercepts = _machines(table.of(every), target, known, seed)
        fitted = Fitted(known, single, pieces, weights, intercepts, scale, shift)
        metrics = {
            "texts": float(len(texts)),
            "labels": float(len(known)),
            **_figures(margins, target[asked], single),
        }
        return Training(fitted, metrics, {"softness": str(SOFTNESS), "folds": str(FOLDS)})

    def predict(self, fitted: Fitted, texts: Sequence[str]) -> list[list[Guess]]:
        """Every label with its probability for each text, most probable first."""
        if not texts:
            return []
        margins = np.array([_margins(fitted, _read(text)) for text in texts])
        if fitted.single:
            chances = sharpened(margins, sigmoid(_lead(margins) * fitted.scale + fitted.shift))
        else:
            chances = sigmoid(margins * fitted.scale + fitted.shift)
        return [_guesses(fitted.labels, row) for row in chances]

    def dump(self, fitted: Fitted) -> bytes:
        """A numpy archive of plain arrays; the words are JSON in it."""
        head = {
            "format": FORMAT, "labels": fitted.labels, "single": fitted.single, "scale": fitted.scale,
            "shift": fitted.shift, "pieces": fitted.pieces.to_json(),
        }  # fmt: skip
        out = io.BytesIO()
        np.savez_compressed(
            out, head=np.frombuffer(json.dumps(head, ensure_ascii=False).encode(), dtype=np.uint8),
            weights=fitted.weights, intercepts=fitted.intercepts, rarity=fitted.pieces.rarity,
        )  # fmt: skip
        return out.getvalue()

    def load(self, blob: bytes) -> Fitted:
        """The inverse of `dump`. Raises ValueError on one label a text of the earlier format: what its
        margins were worth was kept otherwise."""
        with np.load(io.BytesIO(blob), allow_pickle=False) as kept:
            head = json.loads(kept["head"].tobytes())
            if head["single"] and head.get("format") != FORMAT:
                raise ValueError("this model of intents is of an earlier format: train it again")
            pieces = Pieces.from_json(head["pieces"], kept["rarity"])
            return Fitted(
                tuple(head["labels"]), bool(head["single"]), pieces, kept["weights"], kept["intercepts"],
                float(head["scale"]), float(head["shift"]),
            )  # fmt: skip


def _read(text: str) -> str:
    return text[:LONGEST]


def _margins(fitted: Fitted, text: str) -> Floats:
    places, values = fitted.pieces.read(text)
    return np.asarray(fitted.weights[:, places] @ values + fitted.intercepts, dtype=np.float64)


def _lead(margins: Floats) -> Floats:
    """How far the first guess of each text lies before the second."""
    best = np.partition(margins, -2, axis=1)
    return np.asarray(best[:, -1] - best[:, -2], dtype=np.float64)


def _machines(
    table: Any, target: NDArray[np.bool_], labels: Sequence[str], seed: int
) -> tuple[NDArray[np.float32], Floats]:
    """One machine a label: its weights and its intercept. Where labels are named in families (`family.name`)
    each is helped by the machine of its family, which has more texts to learn from."""
    weights, intercepts = _one_each(table, target, seed)
    family = np.array([label.partition(".")[0] for label in labels])
    names, of_label = np.unique(family, return_inverse=True)
    if 1 < len(names) < len(labels):
        whole = np.stack([target[:, of_label == place].any(axis=1) for place in range(len(names))], axis=1)
        wider, middles = _one_each(table, whole, seed)
        weights += FAMILY * wider[of_label]
        intercepts += FAMILY * middles[of_label]
    return weights, intercepts


def _one_each(table: Any, target: NDArray[np.bool_], seed: int) -> tuple[NDArray[np.float32], Floats]:
    """A machine for each column of `target`. One that holds for every text or for none needs none."""
    from sklearn.svm import LinearSVC

    weights = np.zeros((target.shape[1], table.shape[1]), dtype=np.float32)
    intercepts = np.where(target.all(axis=0), 1.0, -1.0)
    for place in np.flatnonzero(target.any(axis=0) & ~target.all(axis=0)):
        machine = LinearSVC(C=SOFTNESS, tol=EXACTNESS, random_state=seed).fit(table, target[:, place])
        weights[place], intercepts[place] = machine.coef_[0], machine.intercept_[0]
    return weights, intercepts


def _folds(groups: Sequence[str], count: int, seed: int) -> NDArray[np.intp]:
    """For each of `count` texts the fold in which it is asked about: whole groups, by chance."""
    parts, of_text = (GROUP_FOLDS, np.asarray(groups)) if groups else (FOLDS, np.arange(count))
    names, places = np.unique(of_text, return_inverse=True)
    drawn = np.random.default_rng(seed).permutation(len(names)) % parts
    return np.asarray(drawn[places], dtype=np.intp)


def _unseen(
    counts: Counts, target: NDArray[np.bool_], labels: Sequence[str], folds: NDArray[np.intp], seed: int
) -> Floats:
    """The margin of every text that is asked about, by machines that learned neither from it nor its pieces:
    a piece that only it has would take weight from those that are known, and make the machines look less sure
    than they are. Zero for the others."""
    margins = np.zeros(target.shape)
    for fold in np.unique(folds[folds < ASKED]):
        asked, learned = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        _pieces, table = counts.learn(learned)
        weights, intercepts = _machines(table.of(learned), target[learned], labels, seed)
        margins[asked] = table.of(asked) @ weights.T.astype(np.float64) + intercepts
    return margins


def _figures(margins: Floats, target: NDArray[np.bool_], single: bool) -> dict[str, float]:
    """How well the unseen texts were read: the share whose first guess is right, the share that is read alone
    where 98 of 100 first guesses have to be right, for several labels F1."""
    hit = target[np.arange(len(target)), margins.argmax(axis=1)]
    right = {
        "holdout_first_right": float(hit.mean()),
        "holdout_share_at_98": _share_at(0.98, hit, _lead(margins) if single else margins.max(axis=1)),
    }
    if single:
        return right
    said = margins > 0
    hits = float((said & target).sum())
    total = float(said.sum() + target.sum())
    return {**right, "holdout_f1": 2 * hits / total if total else 0.0}


def _share_at(precision: float, hit: NDArray[np.bool_], sure: Floats) -> float:
    """The largest share of the texts, the surest first, of which so many first guesses are right."""
    taken = np.arange(1, len(hit) + 1)
    right = np.cumsum(hit[np.argsort(-sure, kind="stable")]) / taken
    return float(taken[right >= precision].max(initial=0) / len(hit))


def _guesses(labels: Sequence[str], chances: Floats) -> list[Guess]:
    order = np.argsort(-chances, kind="stable")
    return [Guess(labels[place], float(chances[place])) for place in order]
