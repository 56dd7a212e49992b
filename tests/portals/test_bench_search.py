"""The benchmark of the global search asks for people who are found, by every way, the ways in turn."""

from pathlib import Path
from urllib.parse import urlencode

import pytest

from recupero.payments.bench import _place
from recupero.portals.benches import bench_search
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.portals.conftest import Visitor


def test_whoever_is_asked_for_is_found(visitor: Visitor, tmp_path: Path) -> None:
    scope = _place(visitor.platform, tmp_path, 60)
    asked = bench_search._asked(visitor.platform, scope, 60, 2)
    assert {way: len(texts) for way, texts in asked.items()} == {
        "account": 2, "id": 2, "phone": 2, "name": 2, "word": 2, "beginning": 2, "code": 0,
    }  # fmt: skip
    visitor.sign_in(Role.AGENT, scope)
    for way, texts in asked.items():
        for typed in texts:
            found = visitor.text(f"/search?{urlencode({'q': typed, 'all': '1'})}")
            assert 'href="/accounts/' in found, (way, typed)
    turns = list(bench_search._turns({"id": ["a", "b"], "name": ["c", "d"]}))
    assert turns == [(0, "id", "a"), (0, "name", "c"), (1, "id", "b"), (1, "name", "d")]


def test_a_creditor_that_came_in_bit_by_bit_is_asked_for_its_own(
    visitor: Visitor, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_search, "_NEWCOMER", 50)
    monkeypatch.setattr(bench_search, "_FILE", 30)
    scope = bench_search._newcomer(visitor.platform, tmp_path, world.tenant())
    visitor.sign_in(Role.AGENT, scope)
    for way, texts in bench_search._asked(visitor.platform, scope, 50, 2).items():
        for typed in texts:
            found = visitor.text(f"/search?{urlencode({'q': typed, 'all': '1'})}")
            assert 'href="/accounts/' in found, (way, typed)
