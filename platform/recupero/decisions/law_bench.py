"""`recupero bench law`: the gate's batch form over many accounts and five channels, history read from
PostgreSQL, against reading the same history with one GROUP BY query, in the same run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import create_engine, text

from recupero.kernel import command, runtime, throwaway
from recupero.kernel.database import Scope
from recupero.law.service import Packs
from recupero.tenancy import bench as tenancy_bench
from recupero_sdk.law import Channel

if TYPE_CHECKING:
    import polars as pl

    from recupero.law.batch import Known

NOW = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)  # a working Tuesday: noon in Santiago, ten in Bogotá
CHANNELS: tuple[Channel, ...] = ("call", "sms", "email", "whatsapp", "letter")
CHUNK = 250_000  # accounts at once: a part is judged while the next is read
#: People by country in millions (UN, World Population Prospects 2024, rounded): shares of the mix.
_MILLIONS = {
    "US": 345, "BR": 212, "MX": 131, "GB": 69, "CO": 53, "ES": 48, "AR": 46, "PE": 34, "CL": 20,
}  # fmt: skip
_ELSEWHERE = 20
_REACH = timedelta(days=90)  # how far back the history goes

# Each account has from none to eleven contacts in its last ninety days, most of them messages: person `p`'s
# contact `k` follows from both numbers alone, so that every run has the same history.
_FILL = """
INSERT INTO person_contacts (agency_id, person_id, tenant_id, contact_id, account_id, at, channel, direction,
    outcome)
SELECT :agency, p, :tenant, p * 16 + k, p,
    CAST(:now AS timestamptz) - make_interval(secs => 300 + (hashint8(p * 31 + k * 7919) & 2147483647)
        % 7776000),
    (ARRAY['sms','email','email','whatsapp','sms','email','call','sms','email','call','letter','visit'])
        [1 + k % 12],
    CASE WHEN (p + k) % 17 = 0 THEN 'inbound' ELSE 'outbound' END,
    CASE WHEN (p + k) % 17 = 0 THEN 'reply'
        WHEN k % 12 IN (6, 9) THEN (ARRAY['answered','no_answer','no_answer'])[1 + (p % 3)::int]
        WHEN (p + k) % 23 = 0 THEN 'failed' ELSE 'delivered' END
FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) p
CROSS JOIN LATERAL generate_series(0, (p * 7 % 12)::int - 1) k
"""
_NAMED = ", ".join(f"'{one}'" for one in (*CHANNELS, "visit"))
_WHOSE = "p.person_id BETWEEN %(first)s AND %(last)s"
_GROUPED = f"""
SELECT person_id, array_position(ARRAY[{_NAMED}], channel::text)::bigint, count(*), max(at)
FROM person_contacts WHERE agency_id = %(agency)s AND at > %(since)s::timestamptz
GROUP BY person_id, channel
"""  # noqa: S608 - constants of ours


@dataclass(frozen=True, slots=True)
class _Bench:
    """A platform of its own that holds the history, and how far back it goes."""

    platform: runtime.Runtime
    scope: Scope
    count: int
    places: pl.DataFrame

    def grouped(self) -> float:
        """Seconds to read the whole history as one GROUP BY query."""
        from recupero.decisions.columns import read

        began, arguments = time.perf_counter(), {"agency": self.scope.agency(), "since": NOW - _REACH}
        with self.platform.database.transaction(self.scope) as session:
            read(session, _GROUPED, ("person", "channel", "contacts", "newest"), (), arguments)
        return time.perf_counter() - began

    def judged(self) -> tuple[float, list[float], int]:
        """Seconds to read the history and judge every account by five channels; per account of each chunk;
        how many of the answers allow the contact."""
        from recupero.law.batch import Known

        began, each, allowed, known = time.perf_counter(), list[float](), 0, Known()
        size = min(CHUNK, max(100_000, -(-self.count // 3)))
        parts = [(first, min(first + size - 1, self.count)) for first in range(1, self.count + 1, size)]
        with ThreadPoolExecutor(1, "history") as reader:  # reads one part ahead
            coming = reader.submit(self._read, *parts[0])
            for number, (first, last) in enumerate(parts, 1):
                since, history = time.perf_counter(), coming.result()
                if number < len(parts):
                    coming = reader.submit(self._read, *parts[number])
                allowed += self._allowed(history, first, last, known)
                each.append((time.perf_counter() - since) / (last - first + 1))
        return time.perf_counter() - began, each, allowed

    def _read(self, first: int, last: int) -> pl.DataFrame:
        """Their contacts, as planning reads them."""
        from recupero.decisions.planning.reading import read_contacts

        with self.platform.database.transaction(self.scope) as session:
            return read_contacts(session, NOW, _WHOSE, {"first": first, "last": last})

    def _allowed(self, history: pl.DataFrame, first: int, last: int, known: Known) -> int:
        from recupero.contacts.queries import packs
        from recupero.law.batch import Question, judge_many

        rows = accounts(first, last, self.places, self.scope.tenant())
        answer = judge_many(packs(), rows, history, list(CHANNELS), Question(NOW), known)
        if len(answer) != (last - first + 1) * len(CHANNELS):
            raise RuntimeError("the batch form lost answers")
        return int(answer["allowed"].sum())


def places_of(law: Packs, country: str | None = None) -> pl.DataFrame:
    """Where the accounts are: country, region, zone and the share up to there, of one country or of all.

    Countries share by their people, regions by their area codes, which follow where people live.
    """
    import polars as pl

    found, upto = list[tuple[str, str | None, str, float]](), 0.0
    for code, pack in sorted(law.by_country.items()):
        if country not in (None, code):
            continue
        regions = [
            (name, one.zones, len(one.phone_prefixes) or 1) for name, one in pack.manifest.regions.items()
        ]
        weights = sum(weight for _name, _zones, weight in regions)
        for name, zones, weight in regions:
            for zone in zones:
                upto += _MILLIONS.get(code, _ELSEWHERE) * weight / weights / len(zones)
                found.append((code, name, zone, upto))
    if not found:
        known = ", ".join(sorted(law.by_country))
        raise click.BadParameter(
            f"no regulation pack for {country}; there are {known}", param_hint="--country"
        )
    schema: dict[str, Any] = {
        "country": pl.String,
        "region": pl.String,
        "zone": pl.String,
        "upto": pl.Float64,
    }
    return pl.DataFrame(found, schema=schema, orient="row").with_columns(pl.col("upto") / upto)


def accounts(first: int, last: int, places: pl.DataFrame, creditor: int = 1) -> pl.DataFrame:
    """Accounts numbered as their persons, in places, with consents, opt-outs and holds as agencies meet
    them. Of one in twenty the region is not known."""
    import polars as pl

    from recupero.law.batch import ACCOUNT_COLUMNS

    frame = pl.DataFrame({"account": pl.int_range(first, last + 1, eager=True, dtype=pl.Int64)})
    number = pl.col("account")
    at = frame.select((number * 7919 % 100_003) / 100_003)["account"]
    frame = frame.hstack(places[places["upto"].search_sorted(at).clip(0, places.height - 1)])
    rare = number % 29
    known = frame.with_columns(
        person=number, debt=number, creditor=pl.lit(creditor, pl.Int64),
        region=pl.when(number % 20 != 0).then("region"), phone_timezone=pl.col("zone"),
        timezone=pl.when(number % 11 == 0).then("zone"),
        consented_channels=pl.when(number % 2 == 0).then(pl.lit(["sms", "email", "whatsapp", "call"])),
        opted_out_channels=pl.when(rare == 1).then(pl.lit(["sms"])).when(rare == 2).then(pl.lit(["call"]))
        .otherwise(pl.lit([], pl.List(pl.String))),
        flags=pl.when(rare == 3).then(pl.lit(["disputed"])).when(rare == 4).then(pl.lit(["vulnerable"]))
        .otherwise(pl.lit([], pl.List(pl.String))),
        employer_contact=number % 31 == 0,
        debt_kind=pl.when(number % 3 == 0).then(pl.lit("card")).otherwise(pl.lit("consumer")),
        due_date=pl.lit(NOW.date()) - pl.duration(days=20 + number % 300),
    )  # fmt: skip
    missing = [name for name in ACCOUNT_COLUMNS if name not in known.columns]
    return known.with_columns(**{name: pl.lit(None) for name in missing}).select(ACCOUNT_COLUMNS)


@contextmanager
def _bench(count: int, country: str | None) -> Iterator[_Bench]:
    """A platform of its own with the history of `count` people, gone after the block."""
    from recupero.contacts.queries import packs

    with throwaway.platform(durable=False) as (platform, _running):
        yield _Bench(platform, _filled(platform, count), count, places_of(packs(), country))


def _filled(platform: runtime.Runtime, count: int) -> Scope:
    scope = tenancy_bench.creditor(platform, tenancy_bench.agency(platform))
    owner = create_engine(platform.config.owner_database_url)
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for first in range(1, count + 1, CHUNK):
            last = min(first + CHUNK - 1, count)
            connection.execute(text("BEGIN"))
            connection.execute(
                text("SELECT set_config('app.agency_id', :agency, true)"), {"agency": str(scope.agency())}
            )
            connection.execute(
                text(_FILL),
                {
                    "agency": scope.agency(),
                    "tenant": scope.tenant(),
                    "now": NOW,
                    "first": first,
                    "last": last,
                },
            )
            connection.execute(text("COMMIT"))
        connection.execute(text("VACUUM ANALYZE person_contacts"))
    owner.dispose()
    return scope


def measure(count: int, rounds: int = 2, country: str | None = None) -> dict[str, Any]:
    """The best of some rounds in turn, so that a busy moment of the machine hurts neither side alone.

    `peak_mib` is that of the batch form: the query, which is read whole, comes after it.
    """
    with _bench(count, country) as bench:
        _warm(bench.places)
        ours, reference, chunks, allowed, peak = list[float](), list[float](), list[float](), 0, 0.0
        for _ in range(rounds):
            seconds, chunks, allowed = bench.judged()
            ours.append(seconds)
            peak = peak or throwaway.peak_mib()
            reference.append(bench.grouped())
        countries = bench.places["country"].unique().sort()
    own, bare = min(ours), min(reference)
    return {
        "n": count, "countries": country or f"by their people: {', '.join(countries)}",
        "channels": len(CHANNELS), "seconds": round(own, 3), "rate": round(count / own),
        "reference": "the same history read by one GROUP BY query",
        "reference_seconds": round(bare, 3), "reference_rate": round(count / bare),
        "ratio": round(bare / own, 3), "times_the_query": round(own / bare, 2),
        "growth": round(chunks[-1] / chunks[0], 2), "allowed": allowed, "peak_mib": round(peak, 1),
    }  # fmt: skip


def _warm(places: pl.DataFrame) -> None:
    """Compile packs and plans, which a planner does once a day."""
    import polars as pl

    from recupero.contacts.queries import packs
    from recupero.law.batch import Question, judge_many

    schema: dict[str, Any] = {
        "person": pl.Int64, "debt": pl.Int64, "creditor": pl.Int64, "at": pl.Datetime("us", "UTC"),
        "channel": pl.String, "direction": pl.String, "outcome": pl.String,
    }  # fmt: skip
    judge_many(packs(), accounts(1, 500, places), pl.DataFrame(schema=schema), list(CHANNELS), Question(NOW))


@click.command("law")
@click.option("--n", "count", default=1_000_000, show_default=True, type=click.IntRange(1_000, 20_000_000))
@click.option("--rounds", default=2, show_default=True, type=click.IntRange(1, 10))
@click.option("--country", help="Two letters; left out: all countries with a pack, by their people.")
@command.json_option
@command.answers
def law_bench(count: int, rounds: int, country: str | None, as_json: bool) -> None:
    """Accounts judged per second by five channels with their history, and the same history merely read.

    `growth` is what an account costs in the last part compared with the first: 1 where growth is linear.
    """
    command.finish(measure(count, rounds, country and country.upper()), as_json=as_json)
