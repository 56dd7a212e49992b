"""What contacting brings beyond leaving in peace, on the held-out rows of a training.

Of rows of accounts: people who are worked beside the control group, over all rows and over the half that
the model ranks first. Who is in the group was drawn by lot, so that the difference is the work itself; a
model of who pays may rank first who pays anyway. Only moments since the group, or its last change, count. Of
decisions: what a model of actions would choose beside always waiting, by the logged propensities.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from recupero.decisions.columns import Flags, Floats, Ints
from recupero.decisions.history.control import Group, draws
from recupero.decisions.measures import offpolicy
from recupero.decisions.measures.differences import of_ratios, plenty
from recupero.decisions.measures.offpolicy import Logged
from recupero.kernel.database import scope_of
from recupero.tenancy import queries as tenancy

#: The note of a run on its uplift, and what it says: figures are there (beside the control group, or beside
#: waiting), there is no control group among the rows, too few people to tell, or too few decisions.
UPLIFT = "uplift"
MEASURED, OVER_WAITING, NO_CONTROL, TOO_FEW, UNSUPPORTED = (
    "measured", "over_waiting", "no_control", "too_few", "unsupported"
)  # fmt: skip
SAID = {
    MEASURED: "the share with the outcome among people who are worked, less that of the control group, which"
    " is left alone by lot; held-out rows, by person, 95% intervals",
    OVER_WAITING: "the share who pay by its choices less the share where nobody is contacted; decisions on"
    " held-out people, doubly robust, 95% interval",
    NO_CONTROL: "not measured: nobody among the held-out rows is in a control group",
    TOO_FEW: "not measured: the control group, or those with the outcome, are too few to tell it from chance",
    UNSUPPORTED: "not measured: too few decisions to wait, or to do what it would do, were made by lot",
}
_PEOPLE = text("""
SELECT a.id, a.tenant_id, d.person_id FROM accounts a
JOIN debtors d ON d.tenant_id = a.tenant_id AND d.id = a.debtor_id
WHERE a.tenant_id = ANY (:tenants) AND a.id = ANY (:ids)
ORDER BY a.id
""").bindparams(bindparam("ids"))


def of_rows(
    session: Session, account_id: Ints, moment: Floats, score: Floats, target: Floats
) -> tuple[dict[str, float], str]:
    """Metrics of held-out rows of accounts of the tenants in scope (`moment` in POSIX seconds), and the note:
    `uplift` with `uplift_low` and `uplift_high` (95 %) in points of the outcome's share per row, and the same
    of the half with the highest scores."""
    if not len(account_id):
        return {}, NO_CONTROL
    person, control, counts = _control(session, account_id, moment)
    if not (control & counts).any():
        return {}, NO_CONTROL
    best = score >= np.median(score)
    found: dict[str, float] = {}
    for name, rows in (("uplift", counts), ("uplift_top_half", counts & best)):
        found |= _difference(name, person[rows], control[rows], target[rows])
    return found, MEASURED if "uplift" in found else TOO_FEW


def of_choices(chosen: Logged | None, waiting: Logged | None) -> tuple[dict[str, float], str]:
    """Metrics of a policy beside always waiting on the same decisions, and the note; None: not supported."""
    if chosen is None or waiting is None or offpolicy.effective(waiting.weights) < offpolicy.LEAST_ESS:
        return {}, UNSUPPORTED
    apart = offpolicy.difference(chosen, waiting)
    if apart is None:
        return {}, UNSUPPORTED
    return {"uplift": apart.value, "uplift_low": apart.low, "uplift_high": apart.high}, OVER_WAITING


def told(metrics: Mapping[str, float], note: str) -> str:
    """What the card says of it."""
    named = {"uplift": "All", "uplift_top_half": "The half that the model ranks first"}
    figures = [
        f"{word}: {metrics[name]:+.4f} ({metrics[f'{name}_low']:+.4f} to {metrics[f'{name}_high']:+.4f})."
        for name, word in named.items()
        if name in metrics
    ]
    return " ".join([f"{SAID[note]}.", *figures])


def _control(session: Session, account_id: Ints, moment: Floats) -> tuple[Ints, Flags, Flags]:
    """By row: a number of the person with the creditor, whether they are in its control group, and whether
    the row's moment counts."""
    groups = {one.id: Group.of(one.settings) for one in tenancy.tenants(session)}
    unique, place = np.unique(account_id, return_inverse=True)
    rows = session.execute(
        _PEOPLE, {"tenants": list(scope_of(session).tenant_ids), "ids": unique.tolist()}
    ).all()
    tenant = np.array([row.tenant_id for row in rows], dtype=np.int64)
    people = np.array([row.person_id for row in rows], dtype=np.int64)
    inside, since = np.zeros(len(rows), dtype=bool), np.zeros(len(rows))
    for each in np.unique(tenant).tolist():
        mine, group = tenant == each, groups[each]
        inside[mine] = draws(each, people[mine]) < group.share
        since[mine] = group.since.timestamp() if group.since else 0.0
    number = np.unique(np.stack([tenant, people], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    return number[place], inside[place], moment >= since[place]


def _difference(name: str, person: Ints, control: Flags, target: Floats) -> dict[str, float]:
    """The difference per row with its interval, by person; nothing where people are too few."""
    people, first, place = np.unique(person, return_index=True, return_inverse=True)
    happened = np.bincount(place, target, minlength=len(people)).astype(np.float64)
    rows = np.bincount(place, minlength=len(people)).astype(np.float64)
    left_alone = control[first]
    sides = [int(side.sum()) for side in (~left_alone, left_alone)]
    seen = [int((happened[side] > 0).sum()) for side in (~left_alone, left_alone)]
    found = of_ratios(happened, rows, left_alone, enough=plenty(sides, *seen))
    if found.low is None or found.high is None:
        return {}
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
