"""The kit for what comes in passes a careful connector and finds out a careless one."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from recupero_sdk.conformance.inbound import ListensConformance
from recupero_sdk.inbound import Fate, InboundAnswer, InboundRequest, Rejected, StatusEvent
from recupero_sdk.scaffold import make
from recupero_sdk.settings import PluginConfig
from tests.sdk.made import checked, replaced

CONFIG = PluginConfig({}, {"token": "right"})


def signature(request: InboundRequest, token: str) -> str:
    return hmac.new(token.encode(), request.url.encode() + request.body, "sha256").hexdigest()


class Careful:
    """A connector whose provider posts `{"id": …}` and signs address and body."""

    key = "pigeon"

    def hear(self, request: InboundRequest, config: PluginConfig) -> InboundAnswer:
        self.believe(request, config)
        try:
            told = json.loads(request.body)
            return InboundAnswer([StatusEvent(self.name(str(told["id"])), "ref", Fate.DELIVERED)])
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise request.unreadable("unreadable") from error

    def believe(self, request: InboundRequest, config: PluginConfig) -> None:
        token = config.get("token")
        right = signature(request, token) if token else ""
        if not hmac.compare_digest(right or "none", request.headers.get("x-signature", "")):
            raise Rejected("the signature does not match")

    def name(self, told: str) -> str:
        return told


class Believing(Careful):
    def believe(self, request: InboundRequest, config: PluginConfig) -> None:
        """Believes anybody."""


class BodyOnly(Careful):
    def believe(self, request: InboundRequest, config: PluginConfig) -> None:
        if "x-signature" not in request.headers:
            raise Rejected("the signature is missing")


class Talkative(Careful):
    def believe(self, request: InboundRequest, config: PluginConfig) -> None:
        try:
            super().believe(request, config)
        except Rejected as error:
            raise Rejected(f"it should be signed with {config.get('token')}") from error


class Forgetful(Careful):
    numbers = count()

    def name(self, told: str) -> str:
        return f"{told}-{next(self.numbers)}"


class Dropping(Careful):
    def hear(self, request: InboundRequest, config: PluginConfig) -> InboundAnswer:
        try:
            return super().hear(request, config)
        except Rejected as refused:
            raise Rejected(refused.reason, refused.status) from refused


class Careless(Careful):
    def hear(self, request: InboundRequest, config: PluginConfig) -> InboundAnswer:
        self.believe(request, config)
        return InboundAnswer([StatusEvent(json.loads(request.body)["id"], "ref", Fate.SENT)])


class TestInbound(ListensConformance):
    channel = Careful()

    def config(self) -> PluginConfig:
        return CONFIG

    def bodies(self) -> Mapping[str, bytes]:
        return {"delivered": b'{"id": "1"}', "read": b'{"id": "2"}'}

    def sign(self, request: InboundRequest, config: PluginConfig) -> InboundRequest:
        headers = {**request.headers, "x-signature": signature(request, config.get("token"))}
        return replace(request, headers=headers)


@pytest.mark.parametrize(
    ("connector", "test", "told"),
    [
        (Believing, "test_a_request_without_signature_is_rejected", "unsigned was believed"),
        (Believing, "test_a_changed_address_is_rejected", "sent to another tenant was believed"),
        (BodyOnly, "test_a_changed_address_is_rejected", "sent to another tenant was believed"),
        (BodyOnly, "test_a_request_signed_with_another_key_is_rejected", "of another key was believed"),
        (Talkative, "test_a_request_without_signature_is_rejected", "must not tell a secret"),
        (Dropping, "test_what_is_signed_and_cannot_be_read_is_kept", "request.unreadable"),
        (Forgetful, "test_a_replay_gives_the_same_ids", "told twice it must have the same ids"),
    ],
)
def test_a_careless_connector_is_found_out(connector: type[Careful], test: str, told: str) -> None:
    kit = type("Kit", (TestInbound,), {"channel": connector()})()
    with pytest.raises((AssertionError, pytest.fail.Exception), match=told):
        getattr(kit, test)()


def test_garbage_that_breaks_a_connector_is_found_out() -> None:
    kit = type("Kit", (TestInbound,), {"channel": Careless()})()
    with pytest.raises((ValueError, TypeError, KeyError, RecursionError)):
        kit.test_garbage_is_rejected()
    with pytest.raises((ValueError, TypeError, KeyError)):
        kit.test_a_broken_body_raises_nothing_but_rejected()


def test_who_can_hear_is_not_exempt_from_proving_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make("channel", "pigeon", tmp_path / "pigeon").root
    hearing = "    def hear(self, request: object, config: object) -> None: ...\n\n    def _post("
    replaced(root, Path("recupero_channel_pigeon/connector.py"), "    def _post(", hearing)
    replaced(root, Path("quality.yaml"), "inbound: todo", 'inbound: {status: exempt, comment: "hears not"}')
    code, answer = checked(root, capsys)
    assert (code, answer["unmet"]) == (1, ["inbound"])
