"""Writes a new plug-in distribution that passes its kit as it stands, for its author to fill."""

from recupero_sdk.scaffold.make import Made, ScaffoldError, make

__all__ = ["Made", "ScaffoldError", "make"]
