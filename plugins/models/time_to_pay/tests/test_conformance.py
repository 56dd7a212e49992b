"""The time to pay proves what the SDK's conformance kit asks of every model."""

from pathlib import Path

from recupero_time_to_pay import TimeToPay

from recupero_sdk.conformance.model import ModelConformance


class TestConformance(ModelConformance):
    model = TimeToPay()
    readme = Path(__file__).parents[1] / "README.md"
