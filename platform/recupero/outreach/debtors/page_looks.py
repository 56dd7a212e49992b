"""How a creditor's pages for debtors look: its colour and its logo."""

import re
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.outreach.page_tables import PageLook

#: The pages' own colour.
COLOUR = "#0f5c6e"
LARGEST = 64 * 1024
#: Contrast against white below which words of a button cannot be read by everybody (WCAG 2.2, 1.4.3).
CONTRAST = 4.5
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


@dataclass(frozen=True, slots=True)
class Look:
    """A colour as #rrggbb; `logo` tells whether there is one, `mark` changes whenever the look does."""

    colour: str
    logo: bool
    mark: str


def look(session: Session) -> Look:
    """The look of the creditor in scope: the pages' own where it has set none."""
    row = session.execute(
        select(PageLook.colour, PageLook.logo_type, PageLook.changed_at).where(
            PageLook.tenant_id == scope_of(session).tenant()
        )
    ).one_or_none()
    if row is None:
        return Look(COLOUR, False, "")
    return Look(row.colour, row.logo_type is not None, f"{row.changed_at.timestamp():.0f}")


def logo(session: Session) -> tuple[str, bytes]:
    """Kind and content of the logo of the creditor in scope. Raises NotFound."""
    row = session.execute(
        select(PageLook.logo_type, PageLook.logo).where(PageLook.tenant_id == scope_of(session).tenant())
    ).one_or_none()
    if row is None or row.logo_type is None or row.logo is None:
        raise NotFound("there is no logo")
    return row.logo_type, row.logo


def set_look(
    session: Session, colour: str, logo: bytes | None, *, actor: str, without_logo: bool = False
) -> None:
    """Keep the look of the creditor in scope; without a new `logo` the old one stays. Raises UserError at
    the field: a colour that is none or too light for white words, a file that is no PNG or JPEG or too
    large."""
    colour = colour.strip().lower()
    if not _COLOUR.fullmatch(colour):
        raise UserError("Write the colour as #0f5c6e.", field="colour")
    if contrast_with_white(colour) < CONTRAST:
        raise UserError("White words cannot be read on this colour: choose a darker one.", field="colour")
    values: dict[str, object] = {"colour": colour, "changed_at": clock.now()}
    if logo is not None:
        kind = next((kind for magic, kind in _KINDS.items() if logo.startswith(magic)), None)
        if kind is None or len(logo) > LARGEST:
            raise UserError(
                "Send a PNG or JPEG file of at most %(most)s KB.", field="logo", most=LARGEST // 1024
            )
        values |= {"logo": logo, "logo_type": kind}
    elif without_logo:
        values |= {"logo": None, "logo_type": None}
    tenant = scope_of(session).tenant()
    session.execute(
        insert(PageLook)
        .values(tenant_id=tenant, **values)
        .on_conflict_do_update(index_elements=["tenant_id"], set_=values)
    )
    audit.record(session, "outreach.page_look_set", f"tenant:{tenant}", actor=actor, tenant_id=tenant,
                 colour=colour)  # fmt: skip


def contrast_with_white(colour: str) -> float:
    """The ratio of luminances (WCAG 2.2) of white and a colour as #rrggbb."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
