"""What the features count of contacts: attempts, answers and readings of 90 days, by debtor.

The rows are read with what each says of itself as one number, and counted here by columns: PostgreSQL would
work two dozen filters out for each of them, in several times the time. Rows that came later, or results that
were not known yet, are none of them (`known_results`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints, flags, moments, narrowed, read, unpacked
from recupero.decisions.history.feature_list import CHANNELS, READ_HELD, READ_USUALLY, WINDOWS
from recupero.decisions.history.known_results import KNOWN, RESULTS

if TYPE_CHECKING:
    import polars as pl

_LONGEST = max(WINDOWS)
_CHANNEL = "coalesce(array_position(ARRAY[{}], channel::text), 0)".format(
    ", ".join(f"'{channel}'" for channel in CHANNELS)
)
#: What a contact says of itself: the place of its channel in three bits, then a bit for each of these.
_SAYS = {
    "sent": "direction = 'outbound' AND latest",
    "answered": f"(direction = 'inbound' OR state = 'answered') AND {KNOWN}",
    "right_party": f"right_party AND {KNOWN}",
}
_FIRST_BIT = 3
_TOLD = f"{_CHANNEL} | {flags(_SAYS, _FIRST_BIT)}"
_KNOWN_READ = "read_at <= %(at)s::timestamptz"
_READ_AT = f"coalesce(CASE WHEN {_KNOWN_READ} THEN read_at END, 'epoch')"
_CONTACTS = f"""
SELECT tenant_id, debtor_id, at, {_READ_AT}, ({_TOLD})::bigint
FROM {RESULTS} r
WHERE at <= %(at)s::timestamptz AND at > %(since)s::timestamptz /*with debtor_id*/
"""  # noqa: S608 - constants of ours
_WAS_TOLD = ", ".join(
    f"EXISTS (SELECT FROM contacts c WHERE c.tenant_id = t.id AND c.channel = '{channel}'"
    f" AND c.{_KNOWN_READ} AND c.read_at > %(since)s::timestamptz)::int::bigint"
    for channel in READ_USUALLY
)
_READERS = f"SELECT t.id, {_WAS_TOLD} FROM tenants t"  # noqa: S608 - constants of ours


def of_contacts(
    session: Session, at: datetime, tenant_id: Ints, debtor_id: Ints, debtors: Sequence[int] | None = None
) -> dict[str, Floats]:
    """The features that are counted of contacts, one value for each of these debtors of the tenants in scope
    (they may stand there several times), as of `at`; unknown ones are NaN. `debtors`: the same ones where
    they are few, so that nobody else's contacts are read."""
    import polars as pl

    arguments = {"at": at, "since": at - timedelta(days=_LONGEST), "debtors": debtors}
    asked = pl.DataFrame({"tenant_id": tenant_id, "debtor_id": debtor_id})
    counted = _counted(session, arguments, at.astimezone(UTC))
    rows = asked.join(counted, on=["tenant_id", "debtor_id"], how="left", maintain_order="left").join(
        _readers(session, arguments), on="tenant_id", how="left", maintain_order="left"
    )
    found = rows.select(*_features())
    return {name: found[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in found.columns}


def _counted(session: Session, arguments: dict[str, Any], at: datetime) -> pl.DataFrame:
    """A row for each debtor with contacts in 90 days: the counts, and the days since the newest of each
    kind. `at` is in UTC, as the moments that are read."""
    import polars as pl

    names = ("tenant_id", "debtor_id", "at", "read_at", "told")
    contacts, _none = read(session, narrowed(_CONTACTS, arguments["debtors"]), names, (), arguments)
    rows = pl.DataFrame(
        {**contacts, "at": moments(contacts["at"]), "read_at": moments(contacts["read_at"])}
    ).with_columns(
        *unpacked("told", _SAYS, _FIRST_BIT),
        channel=pl.col("told").and_((1 << _FIRST_BIT) - 1),
        was_read=pl.col("read_at") > pl.from_epoch(pl.lit(0)).dt.replace_time_zone("UTC"),
    )
    within = {days: pl.col("at") > at - timedelta(days=days) for days in WINDOWS}
    by = {channel: pl.col("channel") == place for place, channel in enumerate(CHANNELS, 1)}
    sent, answered, was_read = pl.col("sent"), pl.col("answered"), pl.col("was_read")

    def days_since(moment: str, those: pl.Expr) -> pl.Expr:
        newest = pl.col(moment).filter(those).max()
        return (pl.lit(at) - newest).dt.total_microseconds() / 86_400e6

    return rows.group_by("tenant_id", "debtor_id").agg(
        *(
            (sent & by[channel] & within[days]).sum().alias(f"attempts_{channel}_{days}d")
            for channel in CHANNELS
            for days in WINDOWS
        ),
        *((answered & within[days]).sum().alias(f"answers_{days}d") for days in WINDOWS),
        *((was_read & by[channel]).sum().alias(f"read_{channel}") for channel in READ_USUALLY),
        *(
            days_since("read_at", was_read & by[channel]).alias(f"days_since_read_{channel}")
            for channel in READ_USUALLY
        ),
        pl.col("right_party").sum().alias(f"right_party_{_LONGEST}d"),
        days_since("at", sent).alias("days_since_attempt"),
        days_since("at", answered).alias("days_since_answer"),
    )


def _readers(session: Session, arguments: dict[str, Any]) -> pl.DataFrame:
    """By tenant and channel, whether anybody told it in 90 days that a message was read: where nobody does,
    unread says nothing."""
    import polars as pl

    names = ("tenant_id", *(f"told_{channel}" for channel in READ_USUALLY))
    # Of each channel the newest such contact is looked up: without `debtors` an index may be used for it.
    looked_up = {name: arguments[name] for name in ("at", "since")}
    columns, _none = read(session, _READERS, names, (), looked_up)
    return pl.DataFrame(columns).with_columns(pl.col(names[1:]) > 0)


def _features() -> list[pl.Expr]:
    """The features of a debtor by what was counted; nothing was of one without contacts."""
    import polars as pl

    counts = [f"attempts_{channel}_{days}d" for channel in CHANNELS for days in WINDOWS]
    counts += [*(f"answers_{days}d" for days in WINDOWS), f"right_party_{_LONGEST}d"]
    since = ["attempt", "answer", *(f"read_{channel}" for channel in READ_USUALLY)]
    return [
        *(pl.col(name).fill_null(0) for name in counts),
        *(pl.col(f"days_since_{what}") for what in since),
        *(
            pl.when(f"told_{channel}").then(
                (pl.col(f"read_{channel}").fill_null(0) + usually * READ_HELD)
                / (pl.col(f"attempts_{channel}_{_LONGEST}d").fill_null(0) + READ_HELD)
            ).alias(f"read_{channel}")
            for channel, usually in READ_USUALLY.items()
        ),
    ]  # fmt: skip
