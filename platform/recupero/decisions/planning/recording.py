"""Writes a plan down: its run, a decision per account with everything it rests on, and the actions.

A decision is recorded where something was chosen, where something could have been, and where nothing could be
and that is news; an account that merely waits its pace keeps its last decision.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from recupero.contacts.gate import packs
from recupero.decisions.columns import write_frame
from recupero.decisions.history import vector_store
from recupero.decisions.history.features import FeatureTable
from recupero.decisions.history.vectors import AGENT
from recupero.decisions.learning import valuing
from recupero.decisions.learning.serving import Scores
from recupero.decisions.learning.valuing import Served
from recupero.decisions.planning.candidates import Candidates
from recupero.decisions.planning.choosing import Choice
from recupero.decisions.planning.phases import phase
from recupero.decisions.strategies.assistants import HUMAN
from recupero.decisions.strategies.branches import Branched
from recupero.kernel.bulk import NUMBERS, TEXTS
from recupero.kernel.database import scope_of
from recupero.outreach import service as outreach
from recupero.outreach.actions.approval import Asked, needs_yes
from recupero.outreach.actions.kinds import ASKED_FOR, THANKS
from recupero.outreach.moments import REPLANNED

if TYPE_CHECKING:
    import polars as pl

WAIT = "wait"
EXPIRES = timedelta(days=2)
ALTERNATIVES = 6
#: Decisions are put into words and written in parts of this size, so that memory does not grow with them.
PART = 25_000
_OF_OPTION = ("channel", "moment", "tone", "led_by", "script_version", "persona", "offer_kind")
_MADE = ("account_id", "id")
#: What no plan takes back.
KEPT = (*THANKS, *ASKED_FOR)
_WAITING = '{"channel": null, "at": null, "value_minor": 0}'


@dataclass(frozen=True)
class Planned:
    """The chosen options with their accounts, and how many of them wait already and stay as they are."""

    chosen: pl.DataFrame
    kept: int


@dataclass
class Recorder:
    """Everything that decisions of one run have in common."""

    session: Session
    run_id: int
    at: datetime
    accounts: pl.DataFrame  # those that may be worked
    waiting: set[int]  # accounts with an action of an earlier plan that has not gone out
    table: FeatureTable
    scores: Scores
    branches: Branched
    versions: Mapping[int, int]  # of each portfolio's strategy
    actions: Served | None = None  # the model of actions by which the options were valued

    def record(self, found: Candidates, choice: Choice) -> Planned:
        """Write decisions, take back what is no longer planned, schedule what is new."""
        import polars as pl

        with phase("chosen"):
            chosen = self._chosen(found.options, choice)
            decided = self._decided(found, chosen, choice)
        with ThreadPoolExecutor(2) as beside:  # PostgreSQL works on the decisions meanwhile
            vectors = beside.submit(self._vectors, decided["account"], found.options, choice)
            ids = self._written(decided, found, beside)
        with phase("vectors"):
            vector_store.keep(self.session, self.run_id, vectors.result())
        fresh = chosen.filter(~pl.col("stays"))
        stale = self.waiting - set(chosen.filter("stays")["account"].to_list())
        with phase("actions"):
            if stale:
                outreach.cancel(self.session, account_ids=stale, reason=REPLANNED, keep=KEPT)
            self._schedule(fresh.join(ids, left_on="account", right_on="account_id", maintain_order="left"))
        return Planned(chosen, len(chosen) - len(fresh))

    def _written(self, decided: pl.DataFrame, found: Candidates, beside: Executor) -> pl.DataFrame:
        """Write the decisions, one part after the other: account_id, id."""
        import polars as pl

        made = [pl.DataFrame(schema=dict.fromkeys(_MADE, pl.Int64))]
        with phase("words"):
            options, refused = _apart(_weighed(found.options), decided), _apart(found.refused, decided)
        parts = zip(decided.iter_slices(PART), options, refused, strict=True)
        for rows in _ahead(beside, self._rows, parts):
            with phase("decisions"):
                made.append(pl.DataFrame(write_frame(self.session, "decisions", rows, _MADE)))
        return pl.concat(made)

    def _vectors(self, accounts: pl.Series, options: pl.DataFrame, choice: Choice) -> vector_store.Packed:
        """The three vectors of each decision, packed: of the debtor, and of the chosen option or of waiting.
        Asks nothing of the session, which is in use meanwhile."""
        decided = self._with_option(accounts.sort(), options, choice)
        return vector_store.packed(
            (part["account"].to_numpy(), valuing.columns_of(part, self.table, self.at))
            for part in decided.iter_slices(valuing.SLICE)
        )

    def _with_option(self, accounts: pl.Series, options: pl.DataFrame, choice: Choice) -> pl.DataFrame:
        """The accounts with what was chosen for them; without an option where it was waiting."""
        import polars as pl

        chosen = options[choice.chosen[choice.chosen >= 0]].select("account", *_OF_OPTION)
        known = self.accounts.drop(_OF_OPTION, strict=False)
        return (
            pl.DataFrame({"account": accounts}, schema={"account": pl.Int64})
            .join(known, on="account", how="left", maintain_order="left")
            .join(chosen, on="account", how="left", maintain_order="left")
        )

    def _chosen(self, options: pl.DataFrame, choice: Choice) -> pl.DataFrame:
        """The chosen options, one of a person at most: with `needs_yes`, and whether what an earlier plan
        made for the account is still what is wanted (`stays`). The moment of a proposal moves on by
        itself."""
        import polars as pl

        people = np.flatnonzero(choice.chosen >= 0)
        rows = self._spoken_by(options[choice.chosen[people]])
        rows = rows.with_columns(
            pl.Series("explored", choice.explored[people], dtype=pl.Boolean),
            pl.Series("needs_yes", self._needs_yes(rows), dtype=pl.String),
        )
        asks = pl.col("needs_yes").is_not_null()
        same = (pl.col("waiting_channel") == pl.col("channel")) & (
            pl.col("waiting_template") == pl.col("template")
        )
        due = ~asks & (pl.col("waiting_due") >= self.at)
        stays = same & pl.when("waiting_proposed").then(asks).otherwise(due)
        return rows.with_columns(stays=stays.fill_null(value=False))

    def _needs_yes(self, rows: pl.DataFrame) -> list[str | None]:
        if not any(each.strategy.needs_yes for each in self.branches.branches.values()):
            return [None] * len(rows)
        names = ("branch", "channel", "template", "stage", "balance_minor", "situations")
        return [
            needs_yes(strategy.needs_yes, Asked(
                channel, template, strategy.tone(template, channel), stage, balance, situations or ()
            ))
            for branch, channel, template, stage, balance, situations in rows.select(names).iter_rows()
            for strategy in [self.branches.branches[branch].strategy]
        ]  # fmt: skip

    def _schedule(self, fresh: pl.DataFrame) -> None:
        """Queue the chosen, with `priority` 0 to 99 by value, so that an agent's queue and a busy day begin
        with the best."""
        import polars as pl

        place = pl.col("value_minor").rank("ordinal").cast(pl.Int64) - 1
        rows = fresh.with_columns(
            priority=place * 100 // pl.len(),
            expires_at=pl.col("moment") + EXPIRES,
        )
        outreach.schedule_columns(self.session, {
            name: rows[column].to_list()
            for name, column in (
                ("account_id", "account"), ("debtor_id", "debtor"), ("person_id", "person"),
                ("decision_id", "id"), ("channel", "channel"), ("template", "template"), ("tone", "tone"),
                ("due_at", "moment"), ("expires_at", "expires_at"), ("priority", "priority"),
                ("needs_yes", "needs_yes"), ("assistant", "speaker"),
            )
        })  # fmt: skip

    def _spoken_by(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with who speaks as the strategy has it: the name (`assistant`) and, as JSON, what an
        action keeps (`speaker`): also that a person is to lead a call."""
        import polars as pl

        keys, known = ["branch", "channel", "led_by"], list[tuple[Any, ...]]()
        for branch, channel, led_by in rows.select(keys).unique().iter_rows():
            speaker = self.branches.branches[branch].strategy.assistant(channel)
            told = speaker.to_json() if speaker else {"kind": HUMAN} if led_by == AGENT else None
            name, said = speaker.name if speaker else None, orjson.dumps(told).decode() if told else None
            known.append((branch, channel, led_by, name, said))
        schema = {name: rows.schema[name] for name in keys} | {"assistant": pl.String, "speaker": pl.String}
        return rows.join(
            pl.DataFrame(known, orient="row", schema=schema), on=keys, how="left", nulls_equal=True,
            maintain_order="left",
        )  # fmt: skip

    def _decided(self, found: Candidates, chosen: pl.DataFrame, choice: Choice) -> pl.DataFrame:
        """One row per decision to be kept: of accounts that have options, and of those that have none where
        that is news; with the facts of the account, and the chosen option where there is one."""
        import polars as pl

        offered = found.options.select("account").unique(maintain_order=True)
        accounts = pl.concat([offered, self._news(found, offered)])
        scored = pl.DataFrame({"account": self.table.account_id, "score": self.scores.probability})
        people = pl.DataFrame(
            {
                "person": np.unique(found.options["person"].to_numpy()), "propensity": choice.propensity,
                "drawn": choice.explored, "acted_on": choice.chosen >= 0,
            },
            schema={
                "person": pl.Int64, "propensity": pl.Float64, "drawn": pl.Boolean, "acted_on": pl.Boolean
            },
        )  # fmt: skip
        known = [
            (country, pack.id if pack else None, pack.version if pack else None)
            for country in self.accounts["country"].unique().to_list()
            for pack in [packs().by_country.get(country)]
        ]
        law = pl.DataFrame(
            known, orient="row", schema={"country": pl.String, "pack": pl.String, "pack_version": pl.String}
        )
        versions = pl.DataFrame(
            list(self.versions.items()), orient="row",
            schema={"portfolio": pl.Int64, "strategy_version": pl.Int64},
        )  # fmt: skip
        facts = self.accounts.select("account", "person", "country", "portfolio", "branch", "template")
        return (
            accounts.join(chosen.filter("stays"), on="account", how="anti", maintain_order="left")
            .join(scored, on="account", maintain_order="left")
            .join(facts, on="account", maintain_order="left")
            .join(people, on="person", how="left", maintain_order="left")
            .join(law, on="country", how="left", maintain_order="left")
            .join(versions, on="portfolio", how="left", maintain_order="left")
            .join(self.branches.names(), on="branch", how="left", maintain_order="left")
            .join(
                chosen.select(
                    "account", "channel", "moment", "value_minor", "cost_minor", "explored", "assistant"
                ),
                on="account",
                how="left",
                maintain_order="left",
            )
        )

    def _rows(self, decided: pl.DataFrame, weighed: pl.DataFrame, closed: pl.DataFrame) -> pl.DataFrame:
        """A part of the decisions, with the options that were weighed for them and the refusals, in the
        columns of the table, lists and mappings as JSON. The reasons are the rules alone: see `because`."""
        import polars as pl

        rows = decided.join(_alternatives(weighed), on="account", how="left", maintain_order="left").join(
            _blocked(closed), on="account", how="left", maintain_order="left"
        )
        offered = pl.concat_str(pl.col("offers").fill_null(""), pl.lit(_WAITING))
        told = pl.concat_str(pl.lit("["), _why(), pl.lit("]"))
        taken = pl.col("channel").is_not_null()
        by = self.actions
        model, version = (by.name, by.version) if by else (self.scores.model, self.scores.version)
        return rows.select(
            pl.lit(scope_of(self.session).tenant()).alias("tenant_id"),
            pl.lit(self.run_id).alias("run_id"), pl.col("account").alias("account_id"), "strategy_version",
            "segment", "arm", "assistant",
            pl.lit(self.at).alias("at"),
            pl.when(taken).then("template").otherwise(pl.lit(WAIT)).alias("choice"),
            "channel", pl.col("moment").alias("scheduled_at"),
            pl.lit(model).alias("model"), pl.lit(version).alias("model_version"),
            "pack", "pack_version", "score",
            pl.col("propensity").fill_null(1.0),
            pl.col("value_minor").round().cast(pl.Int64).fill_null(0).alias("expected_value_minor"),
            pl.col("cost_minor").fill_null(0),
            pl.concat_str(pl.lit("["), offered, pl.lit("]")).alias("alternatives"),
            told.alias("reasons"), pl.col("rules").fill_null("{}").alias("blocked"),
        )  # fmt: skip

    def _news(self, found: Candidates, offered: pl.DataFrame) -> pl.DataFrame:
        """Accounts without an option whose newest decision does not say the same already."""
        import polars as pl

        silent = _blocked(found.refused.join(offered, on="account", how="anti", maintain_order="left"))
        self.session.execute(_INDEXED)
        ids = self.session.execute(_NEWS, {
            "ids": silent["account"].to_list(), "rules": silent["rules"].to_list(), "wait": WAIT,
            "tenant": scope_of(self.session).tenant(),
        }).scalars()  # fmt: skip
        news = pl.DataFrame({"account": list(ids)}, schema={"account": pl.Int64})
        self.session.execute(text("SET LOCAL enable_sort = on"))
        return news


# One look into the index by account and time for each account: without statistics the planner may read and
# sort all decisions of the tenant for each.
_INDEXED = text("SET LOCAL enable_sort = off")
_NEWS = text(
    "SELECT w.id"
    " FROM unnest(:ids, :rules) AS w(id, rules)"
    " LEFT JOIN LATERAL (SELECT choice, blocked FROM decisions d WHERE d.tenant_id = :tenant"
    " AND d.account_id = w.id ORDER BY d.at DESC LIMIT 1) last ON true"
    " WHERE last.choice IS DISTINCT FROM :wait OR last.blocked IS DISTINCT FROM CAST(w.rules AS jsonb)"
).bindparams(bindparam("ids", type_=NUMBERS), bindparam("rules", type_=TEXTS))


def _ahead(
    beside: Executor, call: Callable[..., pl.DataFrame], parts: Iterable[tuple[Any, ...]]
) -> Iterator[pl.DataFrame]:
    """What `call` makes of each part, in their order; each is begun while the one before it is in use."""
    waiting: deque[Future[pl.DataFrame]] = deque()
    for part in parts:
        waiting.append(beside.submit(call, *part))
        if len(waiting) > 1:
            yield _ready(waiting.popleft())
    while waiting:
        yield _ready(waiting.popleft())


def _ready(begun: Future[pl.DataFrame]) -> pl.DataFrame:
    with phase("words"):
        return begun.result()


def _apart(rows: pl.DataFrame, decided: pl.DataFrame) -> list[pl.DataFrame]:
    """Of rows by account those of each part of the decisions, in their order."""
    import polars as pl

    parts = decided.select("account", _part=pl.int_range(pl.len()) // PART)
    found = rows.join(parts, on="account", maintain_order="left").partition_by(
        "_part", as_dict=True, include_key=False, maintain_order=True
    )
    return [found.get((number,), rows.clear()) for number in range(-(-len(decided) // PART))]


def _weighed(options: pl.DataFrame) -> pl.DataFrame:
    """What is kept of an option."""
    import polars as pl

    known = "annoyance_minor" in options.columns  # where a model tells how likely harm is
    annoyance = pl.col("annoyance_minor") if known else pl.lit(None, pl.Float64).alias("annoyance_minor")
    return options.select("account", "channel", "moment", "value_minor", "cost_minor", annoyance)


def _alternatives(options: pl.DataFrame) -> pl.DataFrame:
    """The best options of each account as JSON, the most valuable first, and the highest value: account,
    offers (each followed by a comma), best."""
    import polars as pl

    some = options.sort("account", pl.col("value_minor"), descending=[False, True], maintain_order=True)
    some = some.filter(pl.int_range(pl.len()).over("account") < ALTERNATIVES)
    moments = some.select("moment").unique()
    words = moments.with_columns(said=pl.col("moment").dt.strftime("%Y-%m-%dT%H:%M:%S+00:00"))
    value = pl.col("value_minor").round().cast(pl.Int64)
    return (
        some.join(words, on="moment", how="left", maintain_order="left")
        .select("account", value.alias("value"), offer=pl.concat_str(
            pl.lit('{"channel": "'), "channel", pl.lit('", "at": "'), "said", pl.lit('", "value_minor": '),
            value.cast(pl.String), pl.lit(', "cost_minor": '), pl.col("cost_minor").cast(pl.String),
            pl.lit(', "annoyance_minor": '),
            pl.col("annoyance_minor").round().cast(pl.Int64).cast(pl.String).fill_null("null"), pl.lit("}, "),
        ))
        .group_by("account").agg(offers=pl.col("offer").str.join(""), best=pl.col("value").max())
    )  # fmt: skip


def _blocked(refused: pl.DataFrame) -> pl.DataFrame:
    """The refusing rule by channel as JSON: account, rules."""
    import polars as pl

    pair = pl.concat_str(pl.lit('"'), "channel", pl.lit('": "'), "rule", pl.lit('"'))
    joined = refused.group_by("account", maintain_order=True).agg(rules=pair.str.join(", "))
    return joined.with_columns(rules=pl.concat_str(pl.lit("{"), "rules", pl.lit("}")))


def _why() -> Any:
    """The rule that led to a decision as JSON, in codes that its page puts into words."""
    import polars as pl

    drawn = pl.when("explored").then(pl.lit(', {"code": "explored"}')).otherwise(pl.lit(""))
    chosen = pl.concat_str(pl.lit('{"code": "'), "template", pl.lit('"}'), drawn)
    silent = (
        pl.when(pl.col("best").is_null()).then(pl.lit('{"code": "nothing_lawful"}'))
        .when("acted_on").then(pl.lit('{"code": "better_elsewhere"}'))
        .when("drawn").then(pl.lit('{"code": "explored"}'))
        .when(pl.col("best") <= 0).then(pl.lit('{"code": "not_worth_it"}'))
        .otherwise(pl.lit('{"code": "no_room"}'))
    )  # fmt: skip
    return pl.when(pl.col("channel").is_not_null()).then(chosen).otherwise(silent)
