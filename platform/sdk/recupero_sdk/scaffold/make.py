"""Fills the templates in: files that end in `.txt`, with `PACKAGE` in paths and `{{word}}` in texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

from recupero_sdk.conformance.hours import Sample
from recupero_sdk.conformance.quality import FILE, Claim, Quality, rules_of, write_quality
from recupero_sdk.conformance.quality_rules import KINDS, Kind
from recupero_sdk.conformance.regulation import PackUnderTest
from recupero_sdk.law.zones import load_zone

_WORD = re.compile(r"\{\{(\w+)\}\}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class ScaffoldError(ValueError):
    """A plug-in that cannot be written as asked; the message says why and what to give instead."""


@dataclass(frozen=True, slots=True)
class Made:
    """What was written where."""

    kind: Kind
    root: Path
    written: tuple[Path, ...]

    def to_json(self) -> dict[str, Any]:
        """Folder, files within it, and what to do next."""
        return {
            "kind": self.kind,
            "root": str(self.root),
            "files": [str(file.relative_to(self.root)) for file in self.written],
            "next": [*_NEXT[self.kind], f"recupero-plugin check {self.root}"],
        }

    def told(self) -> str:
        """The same in lines for people."""
        told = self.to_json()
        lines = [f"wrote {len(self.written)} files to {self.root}:", *(f"  {name}" for name in told["files"])]
        return "\n".join([*lines, "next:", *(f"  {step}" for step in told["next"])])


_NEXT: dict[Kind, tuple[str, ...]] = {
    "regulation": (
        "replace the example rule in rules/02-hours.yaml by the statute's own, with its source",
        "write a worked case on either side of it in tests/scenarios/",
        "RECUPERO_GOLDEN=write python -m pytest, and read what changed in tests/golden/",
    ),
    "channel": ("speak your provider's protocol in connector.py, and let tests/provider.py speak it back",),
    "model": ("put your own model in model.py",),
    "action": ("put your own model in model.py",),
    "text": ("put your own model and its examples in model.py",),
    "gateway": ("speak your provider's protocol in gateway.py, and let tests/provider.py speak it back",),
}


def make(kind: str, name: str, path: Path | None = None) -> Made:
    """A new plug-in at `path` (default: a folder with the distribution's name, here).

    Raises `ScaffoldError` for an unknown kind, a bad name or a path that exists.
    """
    known = _kind(kind)
    _check_name(known, name)
    root = path or Path(f"recupero-{known}-{name}")
    if root.exists():
        raise ScaffoldError(f"{root} exists already; give another --path, or remove it first")
    words = _words(known, name)
    for place, text in _templates(known):
        _write(root / place.replace("PACKAGE", words["package"]), _filled(text, words))
    _write(root / FILE, write_quality(_bronze(known)))
    if known == "regulation":
        _record(root, words)
    return Made(known, root, tuple(sorted(file for file in root.rglob("*") if file.is_file())))


def _kind(kind: str) -> Kind:
    for known in KINDS:
        if kind == known:
            return known
    raise ScaffoldError(f"`{kind}` is not a kind of plug-in; use one of {', '.join(KINDS)}")


def _check_name(kind: Kind, name: str) -> None:
    if kind != "regulation":
        if not _NAME.fullmatch(name):
            raise ScaffoldError(f"`{name}` is no name for a {kind}; use lower-case letters, digits and _")
    elif name.upper() not in countries() or name != name.lower():
        raise ScaffoldError(f"`{name}` is not a country of ISO 3166-1 in lower case; write for instance uy")


@cache
def countries() -> Mapping[str, tuple[str, ...]]:
    """Each country of the IANA database with its zones, in the order the database lists them."""
    found: dict[str, list[str]] = {}
    for line in files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            code, _place, zone, *_comment = line.split("\t")
            found.setdefault(code, []).append(zone)
    return {code: tuple(zones) for code, zones in found.items()}


@cache
def _country_name(code: str) -> str:
    for line in files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{code}\t"):
            return line.split("\t")[1]
    return code


def _words(kind: Kind, name: str) -> dict[str, str]:
    today = datetime.now(UTC).date()
    words = {
        "key": name,
        "name": name.replace("_", " "),
        "class": "".join(part.capitalize() for part in name.split("_")),
        "package": f"recupero_{kind}_{name}",
        "distribution": f"recupero-{kind}-{name.replace('_', '-')}",
        "today": today.isoformat(),
        "version": f"{today.year}.{today.month}.1",
        "year": str(today.year),
    }
    return words | _country_words(name, today) if kind == "regulation" else words


def _country_words(name: str, today: date) -> dict[str, str]:
    code = name.upper()
    zones = countries()[code]
    day = date(today.year, 3, 10)
    tuesday = day + timedelta(days=(1 - day.weekday()) % 7)

    def local(hour: int) -> str:
        return datetime(tuesday.year, 3, tuesday.day, hour, tzinfo=load_zone(zones[0])).isoformat()

    return {
        "country": code,
        "country_name": _country_name(code),
        "zones": ", ".join(zones),
        "zone": zones[0],
        "by_day": local(10),
        "by_night": local(22),
        "due": (tuesday - timedelta(days=45)).isoformat(),
    }


def _templates(kind: Kind) -> Iterator[tuple[str, str]]:
    root = Path(str(files("recupero_sdk.scaffold").joinpath("templates", kind)))
    for file in sorted(root.rglob("*.txt")):
        place = PurePosixPath(file.relative_to(root).as_posix()).with_suffix("")
        yield str(place), file.read_text(encoding="utf-8")


def _filled(text: str, words: Mapping[str, str]) -> str:
    return _WORD.sub(lambda found: words[found[1]], text)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _bronze(kind: Kind) -> Quality:
    claims = {rule.name: Claim("done") for rule in rules_of(kind) if rule.grade == "bronze"}
    return Quality(
        kind, "bronze", {rule.name: claims.get(rule.name, Claim("todo")) for rule in rules_of(kind)}
    )


def _record(root: Path, words: Mapping[str, str]) -> None:
    """The golden files of the new pack, as its author's first RECUPERO_GOLDEN=write would write them."""
    sample = Sample(year=int(words["year"]), region=None, timezone=words["zone"])
    tests = root / "tests"
    PackUnderTest(root / words["package"], tests / "scenarios", tests / "golden", sample).record()
