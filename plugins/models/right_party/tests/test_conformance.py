"""The right party proves what the SDK's conformance kit asks of every model."""

from pathlib import Path

from recupero_right_party import RightParty

from recupero_sdk.conformance.model import ModelConformance


class TestConformance(ModelConformance):
    model = RightParty()
    readme = Path(__file__).parents[1] / "README.md"
