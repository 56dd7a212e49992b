"""Finds plug-ins by entry point, isolates those that fail, and refuses two claims to one key."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from recupero.kernel.errors import UserError
from recupero_sdk import ENTRY_POINT_GROUPS, PROJECT, hookspecs
from recupero_sdk.channels import Channel
from recupero_sdk.gateways import Gateway
from recupero_sdk.law import PackError, RegulationPack
from recupero_sdk.models import ActionModel, ScoringModel
from recupero_sdk.texts import TextModel

log = logging.getLogger(__name__)

_HOOKS = {
    "regulation": "register_regulation_packs",
    "channel": "register_channels",
    "model": "register_scoring_models",
    "action": "register_action_models",
    "gateway": "register_gateways",
    "text": "register_text_models",
}


class ClaimConflict(UserError):
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


class Plugins:
    """What is registered, by key, and the state of each installed plug-in.

    A kind is loaded when it is first asked for, since some plug-ins bring large libraries: a command that
    only reads the law waits for no gateway. Long-running processes load all at their start, by `load`. Two
    packs of one country are refused at once, by `ClaimConflict`: entry points of packs are named after it.
    """

    def __init__(self, found: Mapping[str, Iterable[EntryPoint]] | None = None) -> None:
        self._points = {kind: sorted(points, key=_by_name) for kind, points in (found or {}).items()}
        _one_pack_a_country(self._points.get("regulation", ()))
        self._registries: dict[str, dict[str, Any]] = {}
        self._states: dict[str, list[PluginState]] = {}

    @classmethod
    def installed(cls) -> "Plugins":
        """Every installed plug-in, none loaded yet."""
        return cls({kind: entry_points(group=group) for kind, group in ENTRY_POINT_GROUPS.items()})

    @classmethod
    def load(cls, found: Mapping[str, Iterable[EntryPoint]] | None = None) -> "Plugins":
        """Load every installed plug-in. One that raises is listed with its reason and left out.

        Raises `ClaimConflict` where two claim one key.
        """
        plugins = cls(found) if found is not None else cls.installed()
        for kind in plugins._points:
            plugins._registry(kind)
        return plugins

    @property
    def packs(self) -> dict[str, RegulationPack]:
        return self._registry("regulation")

    @property
    def channels(self) -> dict[str, Channel]:
        return self._registry("channel")

    @property
    def models(self) -> dict[str, ScoringModel]:
        return self._registry("model")

    @property
    def actions(self) -> dict[str, ActionModel]:
        return self._registry("action")

    @property
    def gateways(self) -> dict[str, Gateway]:
        return self._registry("gateway")

    @property
    def texts(self) -> dict[str, TextModel]:
        return self._registry("text")

    @property
    def states(self) -> list[PluginState]:
        """The state of every plug-in of every kind."""
        return [state for kind in _HOOKS for state in self._states_of(kind)]

    def failed_countries(self) -> dict[str, str]:
        """Countries closed to contact because their pack failed: country code to reason.

        The entry point of a regulation is named after its country, so the code is known even so.
        """
        failed = ((state.name.upper(), state.error) for state in self._states_of("regulation"))
        return {country: error for country, error in failed if error is not None}

    def _states_of(self, kind: str) -> list[PluginState]:
        self._registry(kind)
        return self._states[kind]

    def _registry(self, kind: str) -> dict[str, Any]:
        if kind not in self._registries:
            registry, states = dict[str, Any](), list[PluginState]()
            for point in self._points.get(kind, ()):
                states.append(_load_one(kind, point, registry, states))
            self._registries[kind], self._states[kind] = registry, states
        return self._registries[kind]


def _one_pack_a_country(points: Iterable[EntryPoint]) -> None:
    first: dict[str, EntryPoint] = {}
    for point in points:
        earlier = first.setdefault(point.name.upper(), point)
        if _distribution(earlier) != _distribution(point):
            raise _conflict("regulation", point.name.upper(), _distribution(earlier), point)


def _by_name(point: EntryPoint) -> str:
    return point.name


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _load_one(
    kind: str, point: EntryPoint, registry: dict[str, Any], states: Iterable[PluginState]
) -> PluginState:
    """Put what one plug-in registers into `registry`; `states` are those of its kind loaded before."""
    name, version = _distribution(point), point.dist.version if point.dist else ""
    try:
        objects = _registered(kind, point)
        keys = tuple(_key(kind, thing) for thing in objects)
    except PackError as error:  # what is wrong with its files, and where: no trace of ours would help
        log.error("plug-in %s (%s) failed to load: %s", point.name, kind, error)
        return PluginState(kind, point.name, name, version, error=str(error))
    except Exception as error:
        log.exception("plug-in %s (%s) failed to load", point.name, kind)
        return PluginState(kind, point.name, name, version, error=f"{type(error).__name__}: {error}")
    for key, thing in zip(keys, objects, strict=True):
        if key in registry:
            first = next((state.distribution for state in states if key in state.keys), name)
            raise _conflict(kind, key, first, point)
        registry[key] = thing
    return PluginState(kind, point.name, name, version, keys)


def _conflict(kind: str, key: str, first: str, point: EntryPoint) -> ClaimConflict:
    return ClaimConflict(
        "the plug-ins '%(first)s' and '%(second)s' both claim the %(kind)s '%(key)s': uninstall one of them",
        first=first, second=_distribution(point), kind=kind, key=key,
    )  # fmt: skip


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
        "channel": Channel, "model": ScoringModel, "action": ActionModel, "gateway": Gateway,
        "text": TextModel,
    }  # fmt: skip
    protocol = protocols[kind]
    wanted = {*protocol.__annotations__, *(name for name in vars(protocol) if not name.startswith("_"))}
    missing = sorted(name for name in wanted if not hasattr(thing, name))
    if missing:
        raise TypeError(f"{type(thing).__name__} lacks {', '.join(missing)} of the SDK's {protocol.__name__}")
    return str(thing.key)
