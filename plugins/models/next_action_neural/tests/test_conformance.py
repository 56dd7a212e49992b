"""The next_action_neural model proves what the SDK's conformance kit asks of every model of actions."""

from pathlib import Path

from recupero_next_action_neural import NextActionNeural

from recupero_sdk.conformance.action import ActionConformance


class TestConformance(ActionConformance):
    model = NextActionNeural()
    readme = Path(__file__).parents[1] / "README.md"
