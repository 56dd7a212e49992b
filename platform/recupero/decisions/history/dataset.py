"""The training set: vectors at past moments with what happened after them, and a holdout that is later.

Each row is an account at a moment; its outcome is known because the window after the moment has passed. Rows
of one account stand together, in an order that has nothing to do with tenants, so that contiguous folds keep
accounts whole.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.history.feature_list import NAMES
from recupero.decisions.history.features import FeatureTable, read_features, read_payers

HORIZON = timedelta(days=30)
#: What the outcome column of these rows is called: a kind that learns another one cannot be trained on them.
TARGET = "paid_30d"
STEP = timedelta(days=7)
MOMENTS = 12
LATE_SHARE = 0.3  # of the moments: the holdout
OTHER_SHARE = 0.3  # of the accounts: the holdout where windows overlap


@dataclass(frozen=True, slots=True)
class Dataset:
    """Columns, outcomes and the split. `split` says how the holdout was made, in words for the model card."""

    values: dict[str, Floats]
    target: Floats
    account_id: Ints
    moment: Floats  # POSIX seconds
    train: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
    holdout: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
    split: str
    first: datetime
    last: datetime

    def __len__(self) -> int:
        return len(self.target)

    def at(self, rows: Ints) -> dict[str, Floats]:
        """The columns of some rows."""
        return {name: column[rows] for name, column in self.values.items()}


def build(session: Session, at: datetime) -> Dataset:
    """Rows of the tenants in scope from the moments whose window had passed by `at`.

    Raises ValueError where no account was in our care long enough.
    """
    tables, targets = _snapshots(session, at)
    if not tables:
        raise ValueError(
            f"no account has been here for {HORIZON.days} days: there is nothing to learn from yet"
        )
    account_id = np.concatenate([table.account_id for table in tables])
    moment = np.concatenate([np.full(len(table), table.at.timestamp()) for table in tables])
    order = np.lexsort((moment, scramble(account_id)))
    values = {name: np.concatenate([table.values[name] for table in tables])[order] for name in NAMES}
    account_id, moment = account_id[order], moment[order]
    train, holdout, how = split(account_id, moment)
    moments = [table.at for table in tables]
    return Dataset(values, np.concatenate(targets)[order], account_id, moment, train, holdout, how,
                   min(moments), max(moments) + HORIZON)  # fmt: skip


def _snapshots(session: Session, at: datetime) -> tuple[list[FeatureTable], list[Floats]]:
    tables, targets = [], []
    for back in range(MOMENTS):
        moment = at - HORIZON - back * STEP
        table = read_features(session, moment)
        if not len(table):
            break
        tables.append(table)
        targets.append(
            np.isin(table.account_id, read_payers(session, moment, moment + HORIZON)).astype(float)
        )
    return tables, targets


def split(
    account_id: Ints, moment: Floats, horizon: timedelta = HORIZON
) -> tuple[np.ndarray, np.ndarray, str]:
    """Which rows are learned from and which are held out, and how in words: later moments are held out; where
    windows of `horizon` would overlap them, other accounts as well."""
    moments = np.unique(moment)
    late = moments[-max(1, round(len(moments) * LATE_SHARE)) :]
    holdout = moment >= late[0]
    before = moment <= late[0] - horizon.total_seconds()
    if before.mean() >= LATE_SHARE:
        return before, holdout, "later moments, whose windows begin after every training window has ended"
    other = others(account_id)
    if len(moments) == 1:
        return ~other, other, "other accounts at the same moment: the history has only one window"
    return ~other & ~holdout, other & holdout, "later moments of accounts that training never saw"


def others(owner: Ints) -> NDArray[np.bool_]:
    """Which rows are of the people (or accounts) who are held out where moments alone do not part the rows:
    the same ones in every run."""
    return np.asarray(scramble(owner) % np.uint64(1000) < np.uint64(OTHER_SHARE * 1000))


def scramble(ids: Ints) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    """A fixed scramble of ids (the finaliser of SplitMix64), for splits that do not move between runs."""
    x = ids.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
