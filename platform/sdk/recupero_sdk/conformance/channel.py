"""What a channel connector must prove. Its tests subclass `ProviderConformance` and bring a stand-in provider
that speaks the real protocol:

    class TestConformance(ProviderConformance):
        channel = Email()
        readme = ROOT / "README.md"
        recipient = "deudor@example.com"

        @contextmanager
        def provider(self, mood: Mood) -> Iterator[Provider]: ...

A connector that hands nothing to anybody, such as the outbox, subclasses `ChannelConformance` alone. One that
hears or leads calls subclasses the kits of `recupero_sdk.conformance.inbound`, too.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, get_args

import pytest

from recupero_sdk.channels import Channel, DryRuns, Message, Receipt, SendOutcome, Uncertain
from recupero_sdk.law import CHANNELS
from recupero_sdk.settings import PluginConfig

#: `busy` answers that it cannot now, `refuses` that the set-up is wrong, `no_such_address` refuses the second
#: recipient of the call only, `hangs_up` breaks the connection when it has the words of the second message.
Mood = Literal["works", "busy", "refuses", "no_such_address", "hangs_up"]
MOODS: tuple[Mood, ...] = get_args(Mood)
_SECRET_WORDS = ("password", "token", "secret", "api_key")


@dataclass(frozen=True, slots=True)
class Provider:
    """A stand-in for the provider: how to reach it, and the messages that arrived there, oldest first."""

    config: PluginConfig
    arrived: Callable[[], list[str]]


class ChannelConformance:
    """What every connector proves, one method each; a failure message says what to do."""

    channel: ClassVar[Channel]
    readme: ClassVar[Path]
    recipient: ClassVar[str]

    def provider(self, mood: Mood) -> AbstractContextManager[Provider]:
        """A stand-in provider in that mood, for the length of the block. Written by the plug-in's tests."""
        raise AssertionError(f"write provider(): a stand-in that {mood}")

    def messages(self, count: int) -> list[Message]:
        """Messages with keys of their own."""
        return [
            Message(
                key=f"7-{number}",
                channel=self.channel.capabilities.channels[0],
                recipient=self.recipient,
                subject=f"Aviso número {number}",
                text=f"Estimada señora: éste es el aviso {number}.\nCódigo NANDU{number:03}",
                html=f"<p>Aviso {number}</p>",
                sender_name="Agencia Ñandú",
                reply_to="ayuda@agencia.example.com",
                callback_url=f"https://agency.example.com/channels/any/7?message=7-{number}",
                code=f"NANDU{number:03}",
            )
            for number in range(1, count + 1)
        ]

    def test_it_is_a_channel_and_declares_what_it_can(self) -> None:
        assert isinstance(self.channel, Channel), "implement key, capabilities, settings, check and send"
        capabilities = self.channel.capabilities
        unknown = set(capabilities.channels) - set(CHANNELS)
        assert capabilities.channels, "capabilities.channels: name at least one channel of law"
        assert not unknown, f"capabilities.channels: {', '.join(sorted(unknown))} is no channel of law"
        assert capabilities.batch_size >= 1, "capabilities.batch_size must be at least 1"
        assert capabilities.unit_cost_minor >= 0, "capabilities.unit_cost_minor cannot be negative"

    def test_settings_are_named_once_and_secrets_are_marked(self) -> None:
        names = [setting.name for setting in self.channel.settings]
        assert len(names) == len(set(names)), "two settings share a name"
        shown = [
            setting.name
            for setting in self.channel.settings
            if not setting.secret and any(word in setting.name for word in _SECRET_WORDS)
        ]
        assert not shown, f"mark as secret=True: {', '.join(shown)}"

    def test_the_check_names_a_required_setting_that_is_missing(self) -> None:
        required = [setting.name for setting in self.channel.settings if setting.required]
        if required:
            problem = self.channel.check(PluginConfig())
            assert problem, "check() must say what is missing"
            assert any(name in problem for name in required), f"check() must name the setting: {problem}"

    def test_the_check_sends_nothing(self) -> None:
        with self.provider("works") as provider:
            assert self.channel.check(provider.config) is None
            assert provider.arrived() == [], "check() must not send"

    def test_a_dry_run_hands_nothing_over(self) -> None:
        messages = self.messages(3)
        assert isinstance(self.channel, DryRuns), "implement dry_run(): what send() would answer, unsent"
        with self.provider("works") as provider:
            receipts = self.channel.dry_run(messages, provider.config)
            assert provider.arrived() == [], "dry_run() must hand nothing over"
            sent = self.channel.send(messages, provider.config)
        assert [one.outcome for one in receipts] == [one.outcome for one in sent], "dry_run() foresees send()"
        assert [receipt.key for receipt in receipts] == [message.key for message in messages]
        assert not any(receipt.reference for receipt in receipts), "nothing was sent: there is no reference"

    def test_every_message_arrives_and_has_its_receipt_in_order(self) -> None:
        messages = self.messages(5)
        with self.provider("works") as provider:
            receipts = self.channel.send(messages, provider.config)
            arrived = provider.arrived()
        assert [receipt.key for receipt in receipts] == [message.key for message in messages]
        assert {receipt.outcome for receipt in receipts} == {SendOutcome.SENT}
        references = [receipt.reference for receipt in receipts]
        assert all(references), "a receipt that was sent carries the provider's reference"
        assert len(set(references)) == len(references), "two messages share a reference"
        if arrived:
            assert len(arrived) == len(messages), "some message arrived more or less than once"

    def test_a_cost_is_an_amount_of_a_currency(self) -> None:
        with self.provider("works") as provider:
            receipts = self.channel.send(self.messages(2), provider.config)
        for cost in (receipt.cost for receipt in receipts if receipt.cost is not None):
            assert cost.amount_micro >= 0, "a cost cannot be negative"
            assert cost.units >= 1, "a message that was sent is at least one unit"
            assert len(cost.currency) == 3, "a currency is a code of ISO 4217"

    def test_no_message_is_no_work(self) -> None:
        with self.provider("works") as provider:
            assert self.channel.send([], provider.config) == []

    def test_the_same_key_is_the_same_message(self) -> None:
        message = self.messages(1)
        with self.provider("works") as provider:
            first = self.channel.send(message, provider.config)
            second = self.channel.send(message, provider.config)
            arrived = provider.arrived()
        assert [receipt.reference for receipt in first] == [receipt.reference for receipt in second]
        assert len(set(arrived)) <= 1, "a repeated key must reach the provider under the same identity"

    def test_the_readme_says_how_to_set_it_up_and_remove_it(self) -> None:
        text = self.readme.read_text(encoding="utf-8").lower()
        for word in ("set-up", "removal"):
            assert word in text, f"README: say something under {word!r}"


class ProviderConformance(ChannelConformance):
    """What a connector that hands messages to a provider proves, too: three kinds of failure, and doubt."""

    def test_busy_means_retry(self) -> None:
        receipts = self._send_to("busy", 2)
        assert {receipt.outcome for receipt in receipts} == {SendOutcome.RETRY}

    def test_a_wrong_set_up_means_refused(self) -> None:
        receipts = self._send_to("refuses", 2)
        assert {receipt.outcome for receipt in receipts} == {SendOutcome.REFUSED}
        said = all(receipt.for_all for receipt in receipts)
        assert said, "a wrong set-up holds for every message: say for_all=True (batches.Stopped does)"

    def test_a_dead_address_is_permanent_and_holds_up_no_other(self) -> None:
        outcomes = [receipt.outcome for receipt in self._send_to("no_such_address", 3)]
        assert outcomes == [SendOutcome.SENT, SendOutcome.PERMANENT, SendOutcome.SENT]

    def test_a_message_in_doubt_gets_no_receipt(self) -> None:
        with self.provider("hangs_up") as provider, pytest.raises(Uncertain) as raised:
            self.channel.send(self.messages(3), provider.config)
        known = {receipt.key: receipt.outcome for receipt in raised.value.receipts}
        assert known == {"7-1": SendOutcome.SENT, "7-3": SendOutcome.RETRY}

    def test_reasons_name_nobody(self) -> None:
        for mood in ("busy", "refuses", "no_such_address"):
            for receipt in self._send_to(mood, 3):
                assert self.recipient not in (receipt.reason or ""), "a reason must not quote the recipient"

    def _send_to(self, mood: Mood, count: int) -> list[Receipt]:
        with self.provider(mood) as provider:
            return self.channel.send(self.messages(count), provider.config)
