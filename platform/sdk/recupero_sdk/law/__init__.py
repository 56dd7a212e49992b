"""Contact law as data: packs in, verdicts out. See docs/law-guide.md."""

from recupero_sdk.law.content import check_content
from recupero_sdk.law.engine import HORIZON, judge
from recupero_sdk.law.loader import PackError, load_pack
from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.policy import Policy, compose, load_policy
from recupero_sdk.law.values import (
    CHANNELS,
    FLAGS,
    PURPOSES,
    RECIPIENTS,
    Channel,
    ContactOutcome,
    Direction,
    Event,
    EventKind,
    Facts,
    Flag,
    PastContact,
    Place,
    Proposal,
    Purpose,
    Recipient,
    RuleOutcome,
    Verdict,
    Window,
)

__all__ = [
    "CHANNELS",
    "FLAGS",
    "HORIZON",
    "PURPOSES",
    "RECIPIENTS",
    "Channel",
    "ContactOutcome",
    "Direction",
    "Event",
    "EventKind",
    "Facts",
    "Flag",
    "PackError",
    "PastContact",
    "Place",
    "Policy",
    "Proposal",
    "Purpose",
    "Recipient",
    "RegulationPack",
    "RuleOutcome",
    "Verdict",
    "Window",
    "check_content",
    "compose",
    "judge",
    "load_pack",
    "load_policy",
]
