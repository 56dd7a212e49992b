"""The sentences in which reasons are told, in each language."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from recupero.kernel.marking import LANGUAGES
from recupero.law.proof import _plain
from recupero_sdk.law.reasons import REASONS, explain

LAST = "2026-03-05 18:00"
PACKS = Path(__file__).parents[2] / "plugins" / "regulations"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es", "Se alcanzó el límite por semana calendario: 2 de 2; último contacto: 5 de marzo de 2026, "),
        ("en", "The limit per calendar week is reached: 2 of 2; last contact: 5 March 2026, "),
        (
            "pt",
            "O limite por semana do calendário foi atingido: 2 de 2; último contato: 5 de março de 2026, ",
        ),
    ],
)
def test_a_limit_that_is_reached(language: str, said: str) -> None:
    details = {"used": "2", "limit": "2", "period": "week", "reading": "calendar", "last": LAST}
    assert explain("cap_reached", details, language) == f"{said}18:00."


def test_lengths_are_told_in_words() -> None:
    rolling = {"used": "1", "limit": "1", "period": "7 d", "reading": "rolling", "last": "elsewhere"}
    said = explain("cap_reached", rolling, "es")
    assert said.startswith("Se alcanzó el límite en 7 días corridos: 1 de 1; último contacto: (para otro")
    gap = {"last": LAST, "gap": "48 h + 1 d"}
    assert explain("too_soon", gap, "pt").endswith("devem passar ao menos 48 horas e 1 dia corrido.")


def test_days_and_zones_are_told_as_people_write_them() -> None:
    hours = {"local": LAST, "zone": "America/Argentina/Buenos_Aires", "hours": "08:00-20:00"}
    assert explain("outside_hours", hours, "es") == (
        "5 de marzo de 2026, 18:00 en Buenos Aires está fuera del horario permitido (08:00-20:00)."
    )
    assert explain("outside_hours", {**hours, "hours": "-"}, "en").endswith("permitted hours (no hour).")
    closed = {"day": "2026-12-08", "name": "Inmaculada Concepción"}
    assert explain("closed_day", closed, "pt").startswith("8 de dezembro de 2026 é um dia fechado")


def test_channels_are_told_as_what_a_person_allows() -> None:
    assert explain("not_authorised", {"channel": "visit"}, "en") == "The debtor has not authorised visits."
    assert explain("not_authorised", {"channel": "call"}, "es") == "La persona no ha autorizado las llamadas."


def test_one_of_a_unit_is_told_as_one() -> None:
    assert _plain({"value": 1, "unit": "contacts"}, "es") == "1 contacto"
    assert _plain({"value": 2, "unit": "contacts"}, "es") == "2 contactos"


def test_every_reason_has_the_same_places_in_every_language() -> None:
    from string import Formatter

    for code, texts in REASONS.items():
        places = [
            {name for _text, name, *_rest in Formatter().parse(text) if name} for text in texts.values()
        ]
        assert all(each == places[0] for each in places), code


def incomplete(node: Any) -> Iterator[str]:
    """Texts of a pack that do not stand in all languages of the house."""
    if isinstance(node, dict):
        if node and set(node) <= set(LANGUAGES) and set(node) != set(LANGUAGES):
            yield str(next(iter(node.values())))
        for below in node.values():
            yield from incomplete(below)
    elif isinstance(node, list):
        for below in node:
            yield from incomplete(below)


@pytest.mark.parametrize(
    "pack", sorted(PACKS.glob("*/recupero_regulation_*")), ids=lambda pack: pack.parent.name
)
def test_every_text_of_a_pack_stands_in_all_languages(pack: Path) -> None:
    files = sorted(pack.rglob("*.yaml"))
    assert files
    assert [one for file in files for one in incomplete(yaml.safe_load(file.read_text()))] == []
