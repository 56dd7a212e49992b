"""The chance that a promise is kept proves what the SDK's conformance kit asks of every model."""

from pathlib import Path

from recupero_promise_kept import PromiseKept

from recupero_sdk.conformance.model import ModelConformance


class TestConformance(ModelConformance):
    model = PromiseKept()
    readme = Path(__file__).parents[1] / "README.md"
