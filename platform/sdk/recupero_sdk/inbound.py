"""What comes back over a channel: what became of a message of ours, what a person wrote, said or pressed.

A connector that can hear implements one or more of these protocols beside `Channel`:

- `Listens`: the provider calls `POST` (or `GET`) `/channels/<connector>/<creditor>` of the platform.
- `Collects`: the platform asks the provider every few minutes (a mailbox).
- `ReadsFiles`: a person uploads a file (the post's list of returned mail).
- `Converses`: a call asks turn by turn what to say next.
- `Connects`: an agent clicks and is put on the line with a person.

Connectors check, read and translate; they decide nothing and store nothing. An event that is told twice has
the same `id` twice: the platform works it once.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable
from urllib.parse import parse_qsl

from recupero_sdk.channels import Cost, Message, Receipt
from recupero_sdk.settings import PluginConfig


class Fate(StrEnum):
    """What became of a message. A later one never takes back an earlier: `delivered` after `read` is late
    news."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"  # did not arrive; the address may still work
    PERMANENT = "permanent"  # did not arrive; this address will never work
    COMPLAINT = "complaint"  # the person's provider reports it as unwanted: counts as an opt-out
    DECEASED = "deceased"  # did not arrive: whoever carried it says that the person has died
    OPTED_OUT = "opted_out"  # did not arrive: the person told the provider that they want no more of ours


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """Something became of the message that the provider knows by `reference` (as in its `Receipt`).

    `id` is unique per connector and tenant. `at` None: when the platform heard of it. `reason` holds no
    personal data. `cost` replaces what the receipt said. `key` is our message's key where the provider gives
    it back: it finds a message whose receipt was lost.
    """

    id: str
    reference: str
    fate: Fate
    at: datetime | None = None
    reason: str | None = None
    cost: Cost | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message. `size` in bytes, known even where the content was left out because it
    is too large or of a kind that the connector does not carry (`content` None)."""

    name: str
    media_type: str
    size: int
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class MessageEvent:
    """A person wrote, or spoke and was written down.

    `channel` is a channel of law. `sender` is their address (E.164, e-mail). `answers` are references or
    keys of our messages which this one names as what it answers, nearest first. `text` is plain text without
    the quoted thread. `payload` is what a pressed button carries. `automatic`: an out-of-office or another
    machine's answer. `forged`: whoever received it for us found that the address it comes from is not its
    sender's; it waits for a person. That an address is genuine proves nobody's identity.
    """

    id: str
    channel: str
    sender: str = field(repr=False)
    text: str = field(repr=False)
    at: datetime | None = None
    recipient: str = field(default="", repr=False)
    subject: str = field(default="", repr=False)
    answers: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    payload: str | None = None
    automatic: bool = False
    forged: bool = False


Event = StatusEvent | MessageEvent


@dataclass(frozen=True, slots=True)
class InboundRequest:
    """What arrived at the platform's door for this connector. `url` is the public address as the provider
    called it, with the query; header names are in lower case."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def form(self) -> dict[str, str]:
        """The body as a form (`application/x-www-form-urlencoded`). Raises `Rejected` where it is none."""
        try:
            text = self.body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Rejected("the body is not text", status=400) from error
        return dict(parse_qsl(text, keep_blank_values=True))

    def unreadable(self, reason: str) -> "Rejected":
        """The refusal, to be raised, of a request whose signature holds and which cannot be read: what it
        says goes with it. `reason` as in `Rejected`."""
        return Rejected(reason, 400, [Unread(reason, self.body.decode("utf-8", "replace"))])


@dataclass(frozen=True, slots=True)
class Unread:
    """An entry of a request that could not be read: why, with no personal data, and what it said."""

    reason: str
    content: str = field(repr=False)

    @classmethod
    def of(cls, reason: str, entry: object) -> "Unread":
        """`entry` is what JSON was read into."""
        try:
            return cls(reason, json.dumps(entry, ensure_ascii=False))
        except RecursionError:  # what was just within the reader's depth may be just beyond the writer's
            return cls(reason, "(nested too deeply to be written down)")


@dataclass(frozen=True, slots=True)
class InboundAnswer:
    """Events read from a request, and what the provider is answered. `unread` are the entries that were left
    out: they are counted, shown with the connector, and set aside for a person."""

    events: Sequence[Event] = ()
    status: int = 200
    body: str = ""
    content_type: str = "text/plain"
    unread: Sequence[Unread] = ()


class Rejected(Exception):
    """A request that is not believed or not understood. `reason` is logged and holds no personal data;
    `status` is 401 for a wrong signature, 400 for what is stale or unreadable. `unread` is what a request
    said whose signature holds: it is set aside for a person, as entries that are left out are. Nothing is
    kept of what is not believed, or not meant for this configuration."""

    def __init__(self, reason: str, status: int = 401, unread: Sequence[Unread] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.unread = unread


class Unreadable(ValueError):
    """What is wrong with one entry of a request, in words that name nobody."""


def read_each(entries: Sequence[object], read: Callable[[object], Iterable[Event]]) -> InboundAnswer:
    """The events of the entries that can be read, each once; `read` raises `Unreadable` for the others, which
    the answer names by their places (`{"unread": [...]}`). Raises `Rejected`, 400, where none can be read.

    One bad entry does not keep the others away: a sender that tells the whole again would lose them all.
    """
    found, unread = dict[str, Event](), list[Unread]()
    for place, entry in enumerate(entries):
        try:
            found |= {event.id: event for event in read(entry)}
        except Unreadable as wrong:
            unread.append(Unread.of(f"events[{place}]: {wrong}", entry))
    reasons = [one.reason for one in unread]
    if len(unread) == len(entries):
        raise Rejected("; ".join(reasons[:5]) or "the request holds no entry", 400, unread)
    if not unread:
        return InboundAnswer(list(found.values()))
    told = json.dumps({"unread": reasons})
    return InboundAnswer(list(found.values()), body=told, content_type="application/json", unread=unread)


@runtime_checkable
class Listens(Protocol):
    """A connector whose provider calls us."""

    def hear(self, request: InboundRequest, config: PluginConfig) -> InboundAnswer:
        """Check the signature, then read the events. Raises `Rejected`; never believes an unsigned one."""
        ...


@dataclass(frozen=True, slots=True)
class Collected:
    """Events of one visit and where the next one begins (an opaque text that the platform keeps)."""

    events: Sequence[Event]
    mark: str | None


@runtime_checkable
class Collects(Protocol):
    """A connector that must be asked for what came in."""

    def collect(self, config: PluginConfig, mark: str | None) -> Collected:
        """What came since `mark` (None: the first visit), at most a few hundred. Asking twice with the same
        mark gives the same events. Returns nothing where this configuration collects nothing; raises OSError
        where the provider cannot be reached."""
        ...


@dataclass(frozen=True, slots=True)
class FileRead:
    """Events of a file, and the lines that could not be read: (line from 1, what is wrong)."""

    events: Sequence[Event]
    problems: Sequence[tuple[int, str]] = ()


@runtime_checkable
class ReadsFiles(Protocol):
    """A connector whose news come in files."""

    def read_file(self, content: bytes, config: PluginConfig) -> FileRead:
        """The events in a file. Raises ValueError, in plain words, for a file of another kind."""
        ...


class CallStage(StrEnum):
    """Where a call stands."""

    INCOMING = "incoming"  # somebody calls us
    AGENT = "agent"  # the agent of a click-to-call took it: answer with `transfer_to` the person
    HUMAN = "human"  # somebody took the call
    MACHINE = "machine"  # an answering machine did
    HEARD = "heard"  # pressed or said something, or nothing in time
    TRANSFERRED = "transferred"  # the other side of a transfer has ended
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One moment of a call. `key` is our message's key (empty where somebody calls us, from `caller`),
    `reference` the provider's id of the call.

    `digits` and `speech` are what was pressed and said since the last turn. `end` says how a call, or the
    other side of a transfer, ended (`answered`, `no_answer`, `busy`, `failed`, `invalid`), `seconds` how long
    it was.
    """

    id: str
    key: str
    reference: str
    stage: CallStage
    digits: str = field(default="", repr=False)
    speech: str = field(default="", repr=False)
    caller: str = field(default="", repr=False)
    end: str = ""
    seconds: int | None = None
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class CallTurn:
    """What the call does next: says `say` in `language`, then listens for keys and speech, connects to a
    person at `transfer_to`, or hangs up. `digits` is how many keys at most (0: any number, ended by #).
    `record`: only after the recording notice was said. `first` is said before `say`, to its end: no key cuts
    it short (what the law wants heard)."""

    say: str = field(repr=False)
    language: str
    listens: bool = False
    digits: int = 1
    hints: tuple[str, ...] = ()
    wait_seconds: int = 6
    transfer_to: str | None = field(default=None, repr=False)
    record: bool = False
    first: str = field(default="", repr=False)


@runtime_checkable
class Converses(Protocol):
    """A connector for calls that a script leads. `Channel.send` places the calls; the provider then asks at
    `/channels/<connector>/<creditor>/call` what to do."""

    def hear_call(self, request: InboundRequest, config: PluginConfig) -> CallEvent:
        """Check the signature, then read where the call stands. Raises `Rejected`."""
        ...

    def say(self, turn: CallTurn, request: InboundRequest, config: PluginConfig) -> InboundAnswer:
        """The turn in the provider's language. A turn that neither listens nor transfers ends the call."""
        ...


@runtime_checkable
class Connects(Protocol):
    """A connector that puts an agent and a person on one line (click-to-call)."""

    def connect(self, call: Message, agent: str, config: PluginConfig) -> Receipt:
        """Ring the number `agent`; once they take it the provider asks as in `Converses` (stage `AGENT`), and
        the answer transfers to the person, `call.recipient`. The same key rings once.

        Raises `Uncertain` where it cannot be known whether it rings."""
        ...
