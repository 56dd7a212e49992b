"""When each periodic job was last asked for.

A table of its own, one row a job: the scheduler looks every two seconds, and would read a week's job requests
each time.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import PLATFORM, Base, platform_table


class PeriodicAsk(Base):
    """A periodic job by its name, and when it was last asked for."""

    __tablename__ = "periodic_asks"
    __table_args__ = {"info": platform_table("names of jobs and times only")}

    name: Mapped[str] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime]


def ask_due(among: Collection[str] | None = None) -> list[str]:
    """Ask for the periodic jobs whose interval has passed since they were last asked for, and name them;
    with `among` only for those of these.

    PostgreSQL remembers when that was, so a restarted scheduler neither forgets nor repeats; a job that
    still waits or runs is not asked for twice.
    """
    now = clock.now()
    periods = jobs.periodic_jobs()
    looked_at = periods if among is None else {name: periods[name] for name in among}
    with runtime.current().database.transaction(PLATFORM) as session:
        last = {ask.name: ask.asked_at for ask in session.execute(select(PeriodicAsk)).scalars()}
        due = [name for name, every in looked_at.items() if name not in last or last[name] + every <= now]
        asked = [
            name for name in due
            if jobs.enqueue(session, name, queue="urgent", unique_key=f"periodic:{name}") is not None
        ]  # fmt: skip
        if asked:
            rows = insert(PeriodicAsk).values([{"name": name, "asked_at": now} for name in asked])
            session.execute(rows.on_conflict_do_update(
                index_elements=[PeriodicAsk.name], set_={"asked_at": rows.excluded.asked_at}
            ))  # fmt: skip
    return asked
