"""The control group: a permanent random part of each creditor's people who are left alone on purpose.

Who is in it is drawn by a fixed hash of creditor and person, so that it never wanders, and a larger share
holds everybody of a smaller one. No plan contacts them, except where an agreement asks for it: the reminder
of a promise. What they pay without us is what `uplift` compares the others with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.history.dataset import scramble
from recupero.kernel import clock
from recupero.kernel.errors import UserError
from recupero.placements.reach import Reachable
from recupero.tenancy import queries as tenancy
from recupero.tenancy import service as tenancy_service

if TYPE_CHECKING:
    import polars as pl

SHARE, MOST = 0.02, 0.2
CONTROL = "control"  # why plans leave the people of the group alone


@dataclass(frozen=True, slots=True)
class Group:
    """A creditor's control group: the share of its people, and how it came to be (moment, share before, share
    after; oldest first)."""

    share: float
    changes: tuple[tuple[datetime, float, float], ...] = ()

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Group:
        """The group that a tenant's settings say."""
        changes = settings.get("control_changes", ())
        return cls(
            float(settings.get("control_share", SHARE)),
            tuple((datetime.fromisoformat(at), float(before), float(after)) for at, before, after in changes),
        )

    @property
    def since(self) -> datetime | None:
        """When the share last changed; None: never."""
        return self.changes[-1][0] if self.changes else None

    def entered(self, draw: float) -> datetime | None:
        """When a person of this draw, who is in the group, came in by a change of the share; None: drawn at
        the beginning."""
        back = [at for at, before, after in self.changes if before <= draw < after]
        return back[-1] if back else None


def draws(tenant_id: int, person: Ints) -> Floats:
    """A fixed number from 0 to 1 of each person with this creditor; below the share: in the control group."""
    salt = scramble(np.array([tenant_id], dtype=np.int64))
    mixed = scramble((scramble(person) ^ salt).view(np.int64))
    return np.asarray(mixed >> np.uint64(11), dtype=np.float64) / float(1 << 53)


def marked(session: Session, accounts: pl.DataFrame) -> pl.DataFrame:
    """The accounts of the tenant in scope with `control`: whether their person is left alone on purpose."""
    import polars as pl

    tenant = tenancy.tenant(session)
    inside = draws(tenant.id, accounts["person"].to_numpy()) < Group.of(tenant.settings).share
    return accounts.with_columns(control=pl.Series(inside, dtype=pl.Boolean))


def left_alone_since(
    tenant_id: int, settings: Mapping[str, Any], person_id: int, known_since: datetime
) -> datetime | None:
    """Since when a person, whom the creditor's books know since then, is in its control group; None: not."""
    group, draw = Group.of(settings), float(draws(tenant_id, np.array([person_id]))[0])
    if draw >= group.share:
        return None
    return max(known_since, group.entered(draw) or known_since)


def left_alone(session: Session, account: Reachable) -> bool:
    """Whether the debtor of an account of the tenant in scope is in its control group now."""
    tenant = tenancy.tenant(session)
    return in_group(tenant.id, tenant.settings, account.person_id)


def in_group(tenant_id: int, settings: Mapping[str, Any], person_id: int) -> bool:
    """Whether a person is in the creditor's control group now."""
    return float(draws(tenant_id, np.array([person_id]))[0]) < Group.of(settings).share


def set_share(session: Session, share: float, *, actor: str) -> Group:
    """Change the share of the one tenant in scope from now on; audited. Raises UserError outside 0 to 0.2."""
    if not 0 <= share <= MOST:
        raise UserError(
            "the control group is a share from 0 to %(most)s percent", field="share", most=round(MOST * 100)
        )
    tenant = tenancy.tenant(session)
    before = Group.of(tenant.settings).share
    if share != before:
        change = [clock.now().isoformat(), before, share]
        tenancy_service.configure_tenant(
            session, tenant.id, actor=actor, control_share=share,
            control_changes=[*tenant.settings.get("control_changes", ()), change],
        )  # fmt: skip
    return Group.of(tenancy.tenant(session).settings)
