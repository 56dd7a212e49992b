"""The best time proves what the SDK's conformance kit asks of every model."""

from pathlib import Path

from recupero_best_time import BestTime

from recupero_sdk.conformance.model import ModelConformance


class TestConformance(ModelConformance):
    model = BestTime()
    readme = Path(__file__).parents[1] / "README.md"
