"""What a Recupero plug-in imports: hook specifications, value types and the conformance kit.

A plug-in is a distribution with an entry point in one of the groups of `ENTRY_POINT_GROUPS`; the entry point
names a module (or object) whose `@hookimpl` functions return the typed objects to register.
"""

import pluggy

PROJECT = "recupero"
ENTRY_POINT_GROUPS = {
    "regulation": "recupero.regulations",
    "channel": "recupero.channels",
    "model": "recupero.models",
    "action": "recupero.actions",
    "gateway": "recupero.gateways",
    "text": "recupero.texts",
}

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

__all__ = ["ENTRY_POINT_GROUPS", "PROJECT", "hookimpl", "hookspec"]
