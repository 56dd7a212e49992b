"""Models of texts at work: trained on the messages that a plug-in brings and on those that an agency's people
corrected, registered like every model, and served once per process.

Until an agency trains its own, all are served by the fitted model that the plug-in ships; where it ships none
of its present messages, by one that is trained from them at first use and kept in the data directory.
"""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from recupero.decisions.columns import Floats
from recupero.decisions.learning import asking, registry
from recupero.decisions.learning.models import Trained
from recupero.decisions.learning.registry import CHALLENGER, CHAMPION, Finished, Version
from recupero.decisions.measures import metrics
from recupero.kernel import audit, runtime
from recupero.kernel.database import Database, Scope
from recupero.kernel.errors import UserError
from recupero.outreach.understanding import readings
from recupero_sdk.models import Training
from recupero_sdk.texts import Example, Guess, Shipped, TextModel, digest

log = logging.getLogger(__name__)
#: Fewer messages than these say nothing about which of two models is better.
FEWEST_JUDGED = 20
#: Parts of the newly corrected messages' writers; each is read by a model that learned without it.
PARTS = 3


@dataclass(frozen=True, slots=True)
class Reader:
    """A fitted model of texts in memory."""

    kind: TextModel
    fitted: Any
    name: str
    version: str

    def read(self, text: str, within: float | None = None) -> list[Guess]:
        """What a text may mean, the likeliest first. Raises what the plug-in raises, ValueError where it
        answers nonsense, TimeoutError where it does not answer in time or `within` so many seconds."""
        name = f"{self.name} {self.version}"
        answer = asking.asked(name, self.kind.predict, self.fitted, [text], within=within)
        return asking.guesses(answer, 1)[0]


def reader(scope: Scope, key: str) -> Reader:
    """The agency's champion, else the one that is trained from what the plug-in brings.

    Raises KeyError where no plug-in has this kind, MissingModel where the champion cannot be read, and
    whatever the plug-in raises on loading.
    """
    found = registry.by_alias(registry.name_of(key, agency_id=scope.agency()), CHAMPION)
    if found is None:
        return _brought(key, runtime.current().config.data_dir)
    return _registered(key, found.name, found.version, found.source)


@lru_cache(maxsize=16)
def _registered(key: str, name: str, number: str, source: str) -> Reader:
    kind = runtime.current().plugins.texts[key]
    blob, _columns = registry.read_blob(Version(name, number, "", source))
    return _in_memory(kind, blob, name, number)


@lru_cache(maxsize=4)
def _brought(key: str, data_dir: Path) -> Reader:
    """As the plug-in ships it; else from the data directory, where one process trains it and others wait."""
    kind = runtime.current().plugins.texts[key]
    brought = kind.examples()
    version = digest(brought)
    shipped = kind.shipped(version) if isinstance(kind, Shipped) else None
    blob = shipped or _trained_once(kind, brought, data_dir / "models" / f"{key}-{version}.bin")
    return _in_memory(kind, blob, f"{key}-brought", version)


def _in_memory(kind: TextModel, blob: bytes, name: str, version: str) -> Reader:
    return Reader(kind, asking.asked(f"{name} {version}", kind.load, blob), name, version)


def _trained_once(kind: TextModel, brought: Sequence[Example], file: Path) -> bytes:
    """The model as the file keeps it, made first where there is none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with (file.parent / f"{kind.key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            log.info("training %s from the %s messages it brings", kind.key, len(brought))
            draft = file.with_suffix(".draft")
            draft.write_bytes(kind.dump(_fit(kind, brought, 0).fitted))
            draft.replace(file)
    return file.read_bytes()


def _fit(kind: TextModel, examples: Sequence[Example], seed: int) -> Training:
    return kind.train(
        [one.text for one in examples], [one.labels for one in examples],
        groups=[one.writer for one in examples], seed=seed,
    )  # fmt: skip


def train(database: Database, scope: Scope, key: str, *, seed: int = 0) -> Trained:
    """Train on what the plug-in brings and on the agency's corrected messages, and register the version.

    The first is champion at once. A later one is a challenger; where enough messages were corrected since the
    champion was trained, each third of their writers is read by a model that learned without it and by what
    serves, and `promote` asks for a win there. Raises UserError on too few messages.
    """
    began, kind = time.perf_counter(), runtime.current().plugins.texts[key]
    name = registry.name_of(key, agency_id=scope.agency())
    with database.transaction(scope) as session:
        corrected = readings.examples(session)
    brought = list(kind.examples())
    champion = registry.by_alias(name, CHAMPION)
    try:
        training = _fit(kind, [*brought, *corrected], seed)
        judged = _judge(reader(scope, key), _seen(champion), brought, corrected, seed)
    except ValueError as error:
        raise UserError("%(name)s cannot be trained: %(why)s", field="texts", name=name, why=error) from error
    figures = {**training.metrics, **judged, "corrected": float(len(corrected))}
    finished = Finished(
        kind=key, blob=kind.dump(training.fitted), features=("text",), metrics=figures,
        parameters=training.parameters, notes={"corrected": str(len(corrected))},
        texts={"card.md": _card(key, figures)},
    )  # fmt: skip
    made = registry.register(name, finished, champion)
    alias = CHALLENGER if champion else CHAMPION
    registry.set_alias(name, alias, made.version)
    with database.transaction(scope) as session:
        audit.record(
            session, "decisions.model_trained", f"model:{name}", actor="system", version=made.version,
            alias=alias,
        )  # fmt: skip
    seconds = round(time.perf_counter() - began, 2)
    return Trained(name, made.version, alias, figures, "writers apart", seconds)


def _seen(champion: Version | None) -> int:
    """How many corrected messages the champion learned from."""
    whole = registry.with_run(champion.name, champion.version) if champion else None
    return int(whole.notes.get("corrected", "0")) if whole else 0


def _judge(
    serving: Reader, seen: int, brought: Sequence[Example], corrected: Sequence[Example], seed: int
) -> dict[str, float]:
    """Log-loss saved over what serves on messages that were corrected since, and the share whose first guess
    is right, by both; nothing where messages or their writers are too few."""
    newer = corrected[seen:]
    writers = {writer: place for place, writer in enumerate(sorted({one.writer for one in newer}))}
    if len(newer) < FEWEST_JUDGED or len(writers) < PARTS:
        return {}
    ours, asked = list[list[Guess]](), list[Example]()
    for part in range(PARTS):
        held = {writer for writer, place in writers.items() if place % PARTS == part}
        fitted = _fit(serving.kind, [*brought, *_of_others(corrected, held)], seed).fitted
        mine = [one for one in newer if one.writer in held]
        ours += serving.kind.predict(fitted, [one.text for one in mine])
        asked += mine
    theirs = serving.kind.predict(serving.fitted, [one.text for one in asked])
    labels = sorted({label for one in asked for label in one.labels})
    target = np.array([[float(label in one.labels) for label in labels] for one in asked]).ravel()
    rows = np.repeat([writers[one.writer] for one in asked], len(labels))
    return {
        **metrics.gain(_chances(ours, labels), _chances(theirs, labels), target, rows, seed),
        "judged_texts": float(len(asked)),
        "judged_first_right": _first_right(ours, asked),
        "serving_first_right": _first_right(theirs, asked),
    }


def _of_others(corrected: Sequence[Example], held: Collection[str]) -> list[Example]:
    return [one for one in corrected if one.writer not in held]


def _chances(said: Sequence[Sequence[Guess]], labels: Sequence[str]) -> Floats:
    """One probability per text and label; a label that the model never saw has almost none."""
    told = [{one.label: one.probability for one in row} for row in said]
    return np.clip([[row.get(label, 0.0) for label in labels] for row in told], 1e-6, 1 - 1e-6).ravel()


def _first_right(said: Sequence[Sequence[Guess]], asked: Sequence[Example]) -> float:
    right = [row[0].label in one.labels for row, one in zip(said, asked, strict=True)]
    return float(np.mean(right))


def _card(key: str, figures: dict[str, float]) -> str:
    lines = "\n".join(f"- {name}: {value:.4g}" for name, value in sorted(figures.items()))
    return f"# {key}\n\nReads messages of debtors. Trained on written and corrected messages.\n\n{lines}\n"
