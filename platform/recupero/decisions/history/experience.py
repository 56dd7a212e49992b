"""What models of actions learn from: decisions as they were made, their three vectors and what came of them.

One row per person and plan: the contact that was chosen, or the waiting where a contact could have been
chosen. The vectors are those that were kept when it was decided, and the outcomes those whose windows have
passed, so that nothing is known here that was not known then.

What a decision brought is what came while it stood alone, until the next contact (`OWN`). A waiting that a
contact ended after a day says little about waiting: of such rows as many count (`counts`) as their days are
of those that a contact has, and all in which something came, so that the rate per day is right.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints, read
from recupero.decisions.history import feature_list, outcomes, vector_store, vectors
from recupero.decisions.history.dataset import LATE_SHARE, others, scramble

NAMES = (*feature_list.NAMES, *vectors.NAMES)
#: Nothing older is learned from: people, law and prices have changed since.
HISTORY = timedelta(days=730)
_PAID = timedelta(days=outcomes.WINDOWS["paid"])
CHANNELS = ("", *vectors.PLANNED)  # "": waiting
#: What models of actions learn of each outcome.
OWN = {"paid": "own_paid", "harm": "own_harm", "reached": "own_reached", "read": "own_read"}


@dataclass(frozen=True, slots=True)
class Experience:
    """Columns of one value per decision. `values` are the vectors by name (`NAMES`), `outcomes` as in the
    module of that name; `propensity` is the probability with which the choice was made and `channel` a place
    in `CHANNELS`. Rows of a person stand together, in an order that has nothing to do with tenants. `train`
    and `holdout` share no person, and the holdout is later; `split` says how, for the model card. Only rows
    that count (`counts`, see above) are in either.
    """

    values: dict[str, Floats]
    outcomes: dict[str, Floats]
    propensity: Floats
    channel: Ints
    decision_id: Ints
    account_id: Ints
    person_id: Ints
    moment: Floats  # POSIX seconds of the decision
    counts: NDArray[np.bool_]
    train: NDArray[np.bool_]
    holdout: NDArray[np.bool_]
    split: str

    def __len__(self) -> int:
        return len(self.decision_id)

    def at(self, rows: Ints) -> dict[str, Floats]:
        """The vectors of some rows."""
        return {name: column[rows] for name, column in self.values.items()}


_KEYS = ("id", "run_id", "account_id", "person_id", "channel")
_PLANNED = ", ".join(f"'{name}'" for name in vectors.PLANNED)
# Each step by itself: with all three tables at once the planner joins every debtor with every decision.
_DECISIONS = f"""
WITH d AS MATERIALIZED (
    SELECT tenant_id, id, run_id, account_id, channel, propensity, at FROM decisions d
    WHERE d.at > %(since)s::timestamptz AND d.at <= %(known)s::timestamptz
      AND jsonb_array_length(d.alternatives) > 1 AND NOT d.reasons @> '[{{"code": "better_elsewhere"}}]'
), a AS MATERIALIZED (
    SELECT a.tenant_id, a.id, a.debtor_id, a.placed_minor, b.person_id
    FROM accounts a JOIN debtors b ON b.tenant_id = a.tenant_id AND b.id = a.debtor_id
)
SELECT DISTINCT ON (d.tenant_id, d.run_id, a.debtor_id) d.id, d.run_id, d.account_id, a.person_id,
    coalesce(array_position(ARRAY[{_PLANNED}], d.channel::text), 0)::bigint AS channel,
    d.propensity, extract(epoch FROM d.at)::float8 AS moment
FROM d JOIN a ON a.tenant_id = d.tenant_id AND a.id = d.account_id
ORDER BY d.tenant_id, d.run_id, a.debtor_id, d.channel IS NULL, a.placed_minor DESC, d.id
"""  # noqa: S608 - constants of ours


def build(session: Session, at: datetime) -> Experience:
    """The decisions of the tenants in scope whose windows up to payment had passed by `at`.

    An outcome whose longer window has not passed (`kept`) is NaN. Raises ValueError where there is none.
    """
    since = at - HISTORY
    keys, numbers = read(
        session, _DECISIONS, _KEYS, ("propensity", "moment"), {"since": since, "known": at - _PAID}
    )
    came = outcomes.of_decisions(session, at, since)
    places = _places(came.id, keys["id"])
    results = {name: column[places] for name, column in came.columns.items()}
    values, kept = _vectors(session, keys["run_id"], keys["account_id"])
    usable = np.flatnonzero(kept & ~np.isnan(results["paid"]))
    if not len(usable):
        raise ValueError(
            f"no decision with its vectors is {_PAID.days} days old: there is nothing to learn from yet"
        )
    person = keys["person_id"]
    order = usable[np.lexsort((numbers["moment"][usable], person[usable], scramble(person[usable])))]
    results = {name: column[order] for name, column in results.items()}
    counts = counting(results, keys["channel"][order] > 0, keys["id"][order])
    train, holdout, split = _split(person[order], numbers["moment"][order])
    return Experience(
        {name: column[order] for name, column in values.items()}, results,
        numbers["propensity"][order], keys["channel"][order], keys["id"][order], keys["account_id"][order],
        person[order], numbers["moment"][order], counts, train & counts, holdout & counts, split,
    )  # fmt: skip


def counting(came: dict[str, Floats], contact: NDArray[np.bool_], ids: Ints) -> NDArray[np.bool_]:
    """Contacts, waitings in which something came, and of the others a share: their days over a contact's."""
    days = came["own_days"]
    usual = float(days[contact].mean()) if contact.any() else 0.0
    something = np.fmax.reduce([came[name] for name in OWN.values()]) > 0
    draw = (scramble(ids) >> np.uint64(11)).astype(np.float64) / float(1 << 53)
    return np.asarray(contact | something | (draw * usual < days), dtype=bool)


def _places(ids: Ints, wanted: Ints) -> Ints:
    """Where each wanted id stands among the ascending `ids`."""
    return np.searchsorted(ids, wanted).astype(np.int64)


def _vectors(session: Session, run: Ints, account: Ints) -> tuple[dict[str, Floats], NDArray[np.bool_]]:
    """The vectors beside the decisions, and for which of them there is one."""
    values = {name: np.full(len(run), np.nan) for name in NAMES}
    kept = np.zeros(len(run), dtype=bool)
    order = np.lexsort((account, run))
    runs = run[order]
    for number, accounts, columns in vector_store.parts(session, np.unique(run).tolist(), NAMES):
        mine = order[np.searchsorted(runs, number) : np.searchsorted(runs, number, side="right")]
        rows = np.minimum(np.searchsorted(accounts, account[mine]), len(accounts) - 1)
        found = accounts[rows] == account[mine]
        kept[mine[found]] = True
        for name, column in columns.items():
            values[name][mine[found]] = column[rows[found]]
    return values, kept


def _split(person: Ints, moment: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_], str]:
    """A share of the people, at the latest moments, is held out; training sees the others, before."""
    other = others(person)
    moments = np.unique(moment)
    if len(moments) == 1:
        return ~other, other, "other people at the same moment: the history has only one"
    late = float(np.quantile(moments, 1 - LATE_SHARE, method="higher"))
    apart = ~other & (moment <= late - _PAID.total_seconds())
    if apart.mean() >= LATE_SHARE:
        return (
            apart,
            other & (moment >= late),
            "other people, later: their windows begin after training's have ended",
        )
    return ~other & (moment < late), other & (moment >= late), "other people, later"
