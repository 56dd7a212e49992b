"""A mail relay that speaks real SMTP and can be made to refuse, to be busy and to hang up."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from recupero_sdk.settings import PluginConfig


@dataclass
class Relay:
    """What arrived, and the answers it gives: `rcpt` by the count of recipients so far, `data` likewise."""

    arrived: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    connections: int = 0
    rcpt: dict[int, str] = field(default_factory=dict)
    data: dict[int, str] = field(default_factory=dict)
    mail: str = "250 OK"
    hang_up_at: int = 0
    _recipients: int = 0
    _letters: int = 0

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.mail.startswith("250"):
            envelope.mail_from = address
        return self.mail

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._recipients += 1
        answer = self.rcpt.get(self._recipients, self.rcpt.get(0, "250 OK"))
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self._letters += 1
        if self._letters == self.hang_up_at:
            transport: Any = server.transport
            transport.abort()
            await asyncio.sleep(0)
        answer = self.data.get(self._letters, self.data.get(0, "250 OK"))
        if answer.startswith("250") and isinstance(envelope.content, bytes):
            letter = message_from_bytes(envelope.content, policy=policy.default)
            self.arrived.append(letter)
            self.raw.append(envelope.content)
        return answer


@contextmanager
def running(relay: Relay, **smtp: Any) -> Iterator[PluginConfig]:
    """The relay on a free port of this machine; the settings that reach it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(relay, hostname="127.0.0.1", port=port, **smtp)
    controller.start()
    try:
        yield PluginConfig(
            {
                "host": "127.0.0.1",
                "port": str(port),
                "security": "none",
                "sender": "cobranza@agencia.example.com",
                "timeout": "5",
            }
        )
    finally:
        controller.stop()
