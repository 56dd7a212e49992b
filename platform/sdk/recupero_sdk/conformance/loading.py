"""`python -m recupero_sdk.conformance.loading KIND MODULE`: loads one plug-in and prints what it registers.

A process of its own, so that a plug-in that breaks on import breaks nothing else.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import EntryPoint
from typing import Any

import pluggy

from recupero_sdk import ENTRY_POINT_GROUPS, PROJECT, hookspecs
from recupero_sdk.channels import Channel
from recupero_sdk.gateways import Gateway
from recupero_sdk.inbound import Converses, Listens
from recupero_sdk.models import ActionModel, ScoringModel
from recupero_sdk.texts import TextModel

_HOOKS = {
    "regulation": "register_regulation_packs",
    "channel": "register_channels",
    "model": "register_scoring_models",
    "action": "register_action_models",
    "gateway": "register_gateways",
    "text": "register_text_models",
}
_PROTOCOLS: dict[str, Any] = {
    "channel": Channel, "model": ScoringModel, "action": ActionModel, "gateway": Gateway, "text": TextModel,
}  # fmt: skip
#: Rules of which nobody is exempt who can do what they are about.
_ABILITIES: dict[str, Any] = {"inbound": Listens, "calls": Converses}


def registered(kind: str, module: str) -> dict[str, list[str]]:
    """`keys` that the plug-in registers, and `able`, the rules about what it can do. Raises what it raises,
    or ValueError and TypeError in words."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(EntryPoint(name=kind, value=module, group=ENTRY_POINT_GROUPS[kind]).load())
    manager.check_pending()
    things = [thing for result in getattr(manager.hook, _HOOKS[kind])() for thing in result]
    if not things:
        raise ValueError(f"it registers nothing through {_HOOKS[kind]}")
    able = {rule for rule, ability in _ABILITIES.items() if any(isinstance(one, ability) for one in things)}
    return {"keys": [_key(kind, thing) for thing in things], "able": sorted(able)}


def _key(kind: str, thing: Any) -> str:
    if kind == "regulation":
        return str(thing.country)
    protocol = _PROTOCOLS[kind]
    wanted = {*protocol.__annotations__, *(name for name in vars(protocol) if not name.startswith("_"))}
    if missing := sorted(name for name in wanted if not hasattr(thing, name)):
        raise TypeError(f"{type(thing).__name__} lacks {', '.join(missing)} of the SDK's {protocol.__name__}")
    return str(thing.key)


def main(arguments: list[str]) -> None:
    kind, module = arguments
    try:
        answer: dict[str, Any] = registered(kind, module)
    except Exception as error:  # noqa: BLE001 - whatever a plug-in raises is the answer
        shown = "" if type(error).__name__ == "PackError" else f"{type(error).__name__}: "
        answer = {"error": f"{shown}{error}"}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
