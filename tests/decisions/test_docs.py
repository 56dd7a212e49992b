"""The documentation lists every feature and every key of a strategy as the code has them."""

from dataclasses import fields
from pathlib import Path

from recupero.decisions.history.feature_list import FEATURES
from recupero.decisions.history.offer_history import OF_TERMS
from recupero.decisions.history.point_features import POINT_FEATURES
from recupero.decisions.history.promises import FEATURES as OF_PROMISES
from recupero.decisions.history.vectors import ACTION, ASSISTANT
from recupero.decisions.history.when_features import WHEN_FEATURES
from recupero.decisions.strategies.strategy import Strategy

DOCS = Path(__file__).parents[2] / "docs"
KNOWN = "".join((DOCS / name).read_text(encoding="utf-8") for name in ("features.md", "decision-models.md"))
STRATEGY = (DOCS / "strategy.md").read_text(encoding="utf-8")


def test_every_feature_is_documented_as_it_is() -> None:
    listed = (*FEATURES, *POINT_FEATURES, *WHEN_FEATURES, *ASSISTANT, *ACTION, *OF_PROMISES, *OF_TERMS)
    for spec in listed:
        row = f"| `{spec.name}` | {spec.meaning} | {spec.unit} | {spec.source} | {spec.as_of} |"
        assert row in KNOWN, f"write this line into the page: {row}"


def test_every_key_of_a_strategy_is_documented() -> None:
    for field in fields(Strategy):
        assert f"| `{field.name}` |" in STRATEGY
