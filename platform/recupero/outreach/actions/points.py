"""Which contact point a message of a channel can go to."""

from recupero.outreach.actions.kinds import SHORT_CHANNELS
from recupero.placements.reach import Point

POINT_KINDS = {"call": "phone", "email": "email", "sms": "phone", "whatsapp": "phone", "letter": "address"}
_NO_TEXT_LINES = frozenset({"fixed_line"})


def fits(point: Point, channel: str) -> bool:
    """Whether a message of this channel can go to the point: no texts to a fixed line."""
    if point.kind != POINT_KINDS[channel]:
        return False
    return channel not in SHORT_CHANNELS or point.line_type not in _NO_TEXT_LINES
