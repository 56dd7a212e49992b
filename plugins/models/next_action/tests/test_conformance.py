"""The next_action model proves what the SDK's conformance kit asks of every model of actions."""

from pathlib import Path

from recupero_next_action import NextAction

from recupero_sdk.conformance.action import ActionConformance


class TestConformance(ActionConformance):
    model = NextAction()
    readme = Path(__file__).parents[1] / "README.md"
