"""The model of intents proves what the SDK's conformance kit asks of every model of texts."""

from pathlib import Path

from recupero_intents import Intents

from recupero_sdk.conformance.text import TextConformance


class TestConformance(TextConformance):
    model = Intents()
    readme = Path(__file__).parents[1] / "README.md"
