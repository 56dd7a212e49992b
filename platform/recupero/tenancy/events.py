"""What the tenancy room announces."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PluginConfigured:
    """Somebody saved the settings of a plug-in, or switched it on or off, for the tenant in scope."""

    kind: str
    key: str
