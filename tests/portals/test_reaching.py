"""The ways to reach somebody stand in the order in which they are used, with how likely each reaches them
and why."""

from datetime import UTC, datetime

from flask import Flask
from flask_babel import force_locale

from recupero.placements.tables import ContactPoint
from recupero.portals.accounts.reaching import ways


def _point(number: int, status: str = "untested", score: float | None = None) -> ContactPoint:
    reasons = [
        ["point_right", 2.0, 0.8],
        ["point_shared", 3.0, -0.1],
        ["point_proven", 1.0, 0.2],
        ["gone", 1, 1],
    ]
    return ContactPoint(
        id=number, kind="phone", value="+56221234567", status=status, score=score,
        score_reasons=None if score is None else reasons,
        created_at=datetime(2026, 3, 31 - number, tzinfo=UTC),
    )  # fmt: skip


def test_the_likeliest_stands_first_and_a_wrong_one_last_without_a_chance(app: Flask) -> None:
    with app.test_request_context(), force_locale("en"):
        found = ways([_point(4, "invalid", 0.9), _point(3), _point(1, score=0.1), _point(2, score=0.4)])
        assert [way.point.id for way in found] == [2, 1, 3, 4]
        assert [way.first for way in found] == [True, False, False, False]
        assert [way.chance for way in found] == [0.4, 0.1, None, None]
        why = [(reason.words, reason.speaks_for) for reason in found[0].why]
        assert why == [
            ("Reached the person: 2", True), ("Shared with other people: 3", False),
            ("Proven by a code: yes", True),
        ]  # fmt: skip
        assert not found[3].why
        assert not ways([_point(1)])[0].first


def test_without_a_model_proven_ones_stand_first_then_the_newest() -> None:
    found = ways([_point(3, "valid"), _point(2), _point(1)])
    assert [way.point.id for way in found] == [3, 1, 2]
