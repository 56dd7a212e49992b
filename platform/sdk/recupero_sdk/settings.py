"""How a plug-in declares what can be configured per tenant."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of a plug-in's form. A `secret` is stored encrypted, apart from settings, and never shown."""

    name: str
    label: str
    required: bool = False
    secret: bool = False
    default: str = ""


@dataclass(frozen=True, slots=True)
class PluginConfig:
    """What a tenant has configured: plain `settings` and `secrets`, by name."""

    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def get(self, name: str, default: str = "") -> str:
        """The setting or secret `name`."""
        return self.secrets.get(name) or self.settings.get(name) or default

    def missing(self, *names: str) -> str | None:
        """Which of `names` is the first to be left empty, in words; None where none is."""
        return next((f"{name} is missing" for name in names if not self.get(name).strip()), None)

    def not_above_zero(self, *names: str) -> str | None:
        """Which of `names` is the first to be set to something else than a whole number above 0, in words."""
        for name in names:
            told = self.get(name, "1")
            if not (told.isascii() and told.isdecimal()) or int(told) == 0:
                return f"{name} must be a whole number above 0"
        return None
