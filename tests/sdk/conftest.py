"""A small pack of an invented country, written to a folder, for tests to bend."""

from __future__ import annotations

from pathlib import Path

import pytest

MANIFEST = """\
id: xx
country: XX
version: 2026.1.1
name: {es: Equis, en: Ex}
zones: [America/Santiago]
regions:
  XX-A: {name: A, zones: [America/Santiago]}
  XX-B: {name: B, zones: [America/Punta_Arenas]}
default_channels: open
covers_from: null
verified: 2026-01-01
disclaimer: {es: No es asesoría legal., en: Not legal advice.}
"""

RULE = """\
  - id: XX-hours
    title: {es: Horario, en: Hours}
    text: {es: De 10 a 18., en: 10 to 18.}
    kind: hours
    channels: [call, visit]
    scope: debtor
    parameters:
      unit: local_time
      open:
        - {days: [mon, tue, wed, thu, fri], opens: 10:00, closes: 18:00}
    in_force: {from: 2020-01-01, to: null}
    source: {law: Ley 1, article: art. 2, text: Diario Oficial}
    confidence: primary
    reading: literal
    verified: 2026-01-01
    recorded: 2026-01-01
"""

RULES = "chapter: {es: Horas, en: Hours}\nrules:\n" + RULE


class SamplePack:
    """The texts of the pack and the way to write them to a folder."""

    manifest = MANIFEST
    rule = RULE
    rules = RULES

    def write(self, folder: Path, manifest: str = MANIFEST, rules: str = RULES) -> Path:
        """The pack's folder, ready to load."""
        (folder / "rules").mkdir(parents=True, exist_ok=True)
        (folder / "pack.yaml").write_text(manifest, encoding="utf-8")
        (folder / "rules" / "01-hours.yaml").write_text(rules, encoding="utf-8")
        return folder


@pytest.fixture(scope="session")
def sample() -> SamplePack:
    return SamplePack()
