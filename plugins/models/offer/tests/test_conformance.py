"""The chance that an offer is taken and kept proves what the SDK's conformance kit asks of every model."""

from pathlib import Path

from recupero_offer import Offer

from recupero_sdk.conformance.model import ModelConformance


class TestConformance(ModelConformance):
    model = Offer()
    readme = Path(__file__).parents[1] / "README.md"
