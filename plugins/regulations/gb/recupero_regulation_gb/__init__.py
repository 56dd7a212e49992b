"""Regulation pack GB: its rules are data, in `rules/`, one file per chapter of the statute."""

from pathlib import Path

from recupero_sdk import hookimpl
from recupero_sdk.law import RegulationPack, load_pack


@hookimpl
def register_regulation_packs() -> list[RegulationPack]:
    """The one pack of this distribution; raises `PackError` where its files are not in order."""
    return [load_pack(Path(__file__).parent)]
