"""Finds plug-ins by entry point, isolates those that fail, and refuses two claims to one key."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from recupero_sdk import ENTRY_POINT_GROUPS, PROJECT, hookspecs
from recupero_sdk.channels import Channel
from recupero_sdk.gateways import Gateway
from recupero_sdk.law import RegulationPack
from recupero_sdk.models import ScoringModel
from recupero_sdk.texts import TextModel

log = logging.getLogger(__name__)

_HOOKS = {
    "regulation": "register_regulation_packs",
    "channel": "register_channels",
    "model": "register_scoring_models",
    "gateway": "register_gateways",
    "text": "register_text_models",
}


class ClaimConflict(Exception):
    """Two plug-ins claim the same key; the platform does not start until one is removed."""


@dataclass(frozen=True)
class PluginState:
    """One installed plug-in as `recupero plugin list` and the plug-in page show it."""

    kind: str
    name: str
    distribution: str
    version: str
    keys: tuple[str, ...] = ()
    error: str | None = None


@dataclass
class Plugins:
    """What is registered, by key, and the state of each installed plug-in."""

    packs: dict[str, RegulationPack] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    models: dict[str, ScoringModel] = field(default_factory=dict)
    gateways: dict[str, Gateway] = field(default_factory=dict)
    texts: dict[str, TextModel] = field(default_factory=dict)
    states: list[PluginState] = field(default_factory=list)

    @classmethod
    def load(cls, found: Mapping[str, Iterable[EntryPoint]] | None = None) -> "Plugins":
        """Load every installed plug-in. A plug-in that raises is listed with its reason and left out."""
        plugins = cls()
        groups = found or {kind: entry_points(group=group) for kind, group in ENTRY_POINT_GROUPS.items()}
        for kind, points in groups.items():
            for point in sorted(points, key=lambda point: point.name):
                plugins._load_one(kind, point)
        return plugins

    def _load_one(self, kind: str, point: EntryPoint) -> None:
        name = point.dist.name if point.dist else point.value
        version = point.dist.version if point.dist else ""
        try:
            objects = _registered(kind, point)
            keys = tuple(_key(kind, thing) for thing in objects)
        except Exception as error:
            log.exception("plug-in %s (%s) failed to load", point.name, kind)
            reason = f"{type(error).__name__}: {error}"
            self.states.append(PluginState(kind, point.name, name, version, error=reason))
            return
        for key, thing in zip(keys, objects, strict=True):
            self._claim(kind, key, thing, point.name)
        self.states.append(PluginState(kind, point.name, name, version, keys))

    def _claim(self, kind: str, key: str, thing: Any, plugin: str) -> None:
        registry = self._registry(kind)
        if key in registry:
            first = next(state.name for state in self.states if state.kind == kind and key in state.keys)
            raise ClaimConflict(
                f"the plug-ins {first!r} and {plugin!r} both claim the {kind} {key!r}: uninstall one of them"
            )
        registry[key] = thing

    def _registry(self, kind: str) -> dict[str, Any]:
        registries: dict[str, dict[str, Any]] = {
            "regulation": self.packs,
            "channel": self.channels,
            "model": self.models,
            "gateway": self.gateways,
            "text": self.texts,
        }
        return registries[kind]

    def failed_countries(self) -> dict[str, str]:
        """Countries closed to contact because their pack failed: country code to reason.

        The entry point of a regulation is named after its country, so the code is known even so.
        """
        return {
            state.name.upper(): state.error
            for state in self.states
            if state.kind == "regulation" and state.error is not None
        }


def _registered(kind: str, point: EntryPoint) -> list[Any]:
    """What one plug-in registers. A manager of its own keeps a bad signature from hurting the others."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(point.load(), name=point.name)
    manager.check_pending()
    results: list[list[Any]] = getattr(manager.hook, _HOOKS[kind])()
    objects = [thing for result in results for thing in result]
    if not objects:
        raise ValueError(f"it registers nothing through {_HOOKS[kind]}")
    return objects


def _key(kind: str, thing: Any) -> str:
    if kind == "regulation":
        return str(thing.country)
    protocols: dict[str, Any] = {
        "channel": Channel, "model": ScoringModel, "gateway": Gateway, "text": TextModel,
    }  # fmt: skip
    protocol = protocols[kind]
    wanted = {*protocol.__annotations__, *(name for name in vars(protocol) if not name.startswith("_"))}
    missing = sorted(name for name in wanted if not hasattr(thing, name))
    if missing:
        raise TypeError(f"{type(thing).__name__} lacks {', '.join(missing)} of the SDK's {protocol.__name__}")
    return str(thing.key)
