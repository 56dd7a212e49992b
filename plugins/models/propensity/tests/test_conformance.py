"""The propensity model proves what the SDK's conformance kit asks of every model."""

from pathlib import Path

from recupero_propensity import Propensity

from recupero_sdk.conformance.model import ModelConformance


class TestConformance(ModelConformance):
    model = Propensity()
    readme = Path(__file__).parents[1] / "README.md"
