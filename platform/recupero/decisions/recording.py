"""Writes a plan down: its run, a decision per account with everything it rests on, and the actions.

A decision is recorded where something was chosen, where something could have been, and where nothing could be
and that is news; an account that merely waits its pace keeps its last decision.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.contacts.gate import packs
from recupero.decisions import serving, vector_store, vectors
from recupero.decisions.candidates import Candidates
from recupero.decisions.choosing import Choice
from recupero.decisions.columns import write_rows
from recupero.decisions.features import FeatureTable
from recupero.decisions.serving import Scores
from recupero.decisions.strategy import Strategy
from recupero.kernel.database import scope_of
from recupero.outreach import service as outreach
from recupero.outreach.approval import Asked, needs_yes
from recupero.outreach.service import NewAction
from recupero.outreach.words import THANKS

if TYPE_CHECKING:
    import polars as pl

WAIT = "wait"
EXPIRES = timedelta(days=2)
ALTERNATIVES = 6
#: Reasons cost about ten predictions a row: beyond this many of a plan they are left out, and the plan
#: says so.
EXPLAINED = 50_000

_COLUMNS = (
    "tenant_id", "run_id", "account_id", "strategy_version", "at", "choice", "channel", "scheduled_at",
    "model", "model_version", "pack", "pack_version", "score", "propensity", "expected_value_minor",
    "cost_minor", "alternatives", "reasons", "blocked",
)  # fmt: skip
_OF_OPTION = ("channel", "moment", "tone", "led_by", "script_version")


@dataclass(frozen=True)
class Planned:
    """A chosen option with its account: what becomes a decision and an action."""

    rows: list[dict[str, Any]]
    kept: int  # actions that wait already and stay as they are


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
    strategies: Mapping[int, Strategy]
    versions: Mapping[int, int]  # of each portfolio's strategy
    unexplained: int = 0  # decisions kept without the model's reasons

    def record(self, found: Candidates, choice: Choice) -> Planned:
        """Write decisions, take back what is no longer planned, schedule what is new."""
        chosen = self._chosen(found.options, choice)
        rows = self._decisions(found, chosen)
        written = (row["columns"] for row in rows)
        decided = dict(write_rows(self.session, "decisions", _COLUMNS, written, "account_id, id"))
        self._keep_vectors([row["account"] for row in rows], found.options, choice)
        fresh = _ranked([row for row in chosen.values() if not row["stays"]])
        stale = self.waiting - {row["account"] for row in chosen.values() if row["stays"]}
        if stale:
            outreach.cancel(self.session, account_ids=stale, reason="replanned", keep=(*THANKS, "offer"))
        outreach.schedule(self.session, [self._action(row, decided[row["account"]]) for row in fresh])
        return Planned(list(chosen.values()), len(chosen) - len(fresh))

    def _keep_vectors(self, accounts: list[int], options: pl.DataFrame, choice: Choice) -> None:
        """The three vectors of each decision: of the debtor, and of the chosen option or of waiting."""
        import polars as pl

        chosen = options[choice.chosen[choice.chosen >= 0]].select("account", *_OF_OPTION)
        known = self.accounts.drop(_OF_OPTION, strict=False)
        decided = (
            pl.DataFrame({"account": accounts}, schema={"account": pl.Int64})
            .join(known, on="account", how="left", maintain_order="left")
            .join(chosen, on="account", how="left", maintain_order="left")
            .with_columns(at=pl.lit(self.at, pl.Datetime("us", "UTC")))
        )
        ids = decided["account"].to_numpy()
        places = np.searchsorted(self.table.account_id, ids)
        debtors = {name: column[places] for name, column in self.table.values.items()}
        vector_store.keep(self.session, self.run_id, ids, {**debtors, **vectors.encode(decided)})

    def _chosen(self, options: pl.DataFrame, choice: Choice) -> dict[int, dict[str, Any]]:
        """By account: the option chosen for its person."""
        rows = choice.chosen[choice.chosen >= 0]
        people = np.flatnonzero(choice.chosen >= 0)
        chosen = {}
        for person, row in zip(people, options[rows].iter_rows(named=True), strict=True):
            asks = self._needs_yes(row)
            chosen[row["account"]] = {
                **row, "stays": self._stays(row, asks), "needs_yes": asks,
                "propensity": float(choice.propensity[person]), "explored": bool(choice.explored[person]),
            }  # fmt: skip
        self._propensity = {
            int(person): float(choice.propensity[place])
            for place, person in enumerate(np.unique(options["person"].to_numpy()))
        }
        return chosen

    def _stays(self, row: Mapping[str, Any], asks: str | None) -> bool:
        """Whether what an earlier plan made for the account is still what is wanted. The moment of a proposal
        moves on by itself."""
        if (row["waiting_channel"], row["waiting_template"]) != (row["channel"], row["template"]):
            return False
        if row["waiting_proposed"]:
            return asks is not None
        return asks is None and bool(row["waiting_due"] >= self.at)

    def _needs_yes(self, row: Mapping[str, Any]) -> str | None:
        strategy = self.strategies[row["portfolio"]]
        if not strategy.needs_yes:
            return None
        return needs_yes(strategy.needs_yes, Asked(
            row["channel"], row["template"], strategy.tone(row["template"]), row["stage"],
            row["balance_minor"], row["situations"] or (),
        ))  # fmt: skip

    def _action(self, row: Mapping[str, Any], decision_id: int) -> NewAction:
        strategy = self.strategies[row["portfolio"]]
        return NewAction(
            account_id=row["account"], debtor_id=row["debtor"], person_id=row["person"],
            channel=row["channel"],
            template=row["template"], tone=strategy.tone(row["template"]), due_at=row["moment"],
            expires_at=row["moment"] + EXPIRES, decision_id=decision_id, priority=row["priority"],
            needs_yes=row["needs_yes"],
        )  # fmt: skip

    def _decisions(self, found: Candidates, chosen: Mapping[int, Mapping[str, Any]]) -> list[dict[str, Any]]:
        offers = _by_account(found.options, ("channel", "moment", "value_minor"))
        refused: dict[int, dict[str, str]] = {}
        for account, channel, rule in found.refused.select("account", "channel", "rule").iter_rows():
            refused.setdefault(account, {})[channel] = rule
        news = self._news({account: rules for account, rules in refused.items() if account not in offers})
        wanted = [account for account in [*offers, *news] if not chosen.get(account, {}).get("stays")]
        place = {int(account): i for i, account in enumerate(self.table.account_id)}
        wanted = [account for account in wanted if account in place]
        places = np.array([place[account] for account in wanted], dtype=np.int64)
        reasons = self._model_reasons(places)
        facts = {row["account"]: row for row in self.accounts.select("account", "person", "country",
        "portfolio", "template")
                 .filter(self.accounts["account"].is_in(wanted)).iter_rows(named=True)}  # fmt: skip
        return [
            self._decision(account, facts[account], chosen.get(account), offers.get(account, []),
                           refused.get(account, {}), reasons[i],
                           float(self.scores.probability[places[i]]))
            for i, account in enumerate(wanted)
        ]  # fmt: skip

    def _decision(
        self,
        account: int,
        facts: Mapping[str, Any],
        row: Mapping[str, Any] | None,
        offers: Sequence[tuple[Any, ...]],
        refused: dict[str, str],
        reasons: list[dict[str, Any]],
        score: float,
    ) -> dict[str, Any]:
        pack = packs().by_country.get(facts["country"])
        alternatives = [
            {"channel": channel, "at": moment.isoformat(), "value_minor": round(value)}
            for channel, moment, value in sorted(offers, key=lambda offer: -offer[2])[:ALTERNATIVES]
        ]
        propensity = self._propensity.get(facts["person"], 1.0)
        columns = (
            scope_of(self.session).tenant(), self.run_id, account,
            self.versions[facts["portfolio"]], self.at, row["template"] if row else WAIT,
            row["channel"] if row else None, row["moment"] if row else None, self.scores.model,
            self.scores.version,
            pack.id if pack else None, pack.version if pack else None, score, propensity,
            round(row["value_minor"]) if row else 0, row["cost_minor"] if row else 0,
            json.dumps([*alternatives, {"channel": None, "at": None, "value_minor": 0}]),
            json.dumps([*_why(facts["template"], row, alternatives), *reasons]), json.dumps(refused),
        )  # fmt: skip
        return {"account": account, "columns": columns}

    def _model_reasons(
        self, places: np.ndarray[tuple[int], np.dtype[np.int64]]
    ) -> list[list[dict[str, Any]]]:
        if self.scores.served is None or not len(places):
            return [[] for _ in places]
        explained = serving.explain(self.scores.served, self.table.take(places[:EXPLAINED]))
        self.unexplained += max(0, len(places) - EXPLAINED)
        told = [
            [
                {"code": "feature", "feature": each.feature, "contribution": round(each.contribution, 4),
                 "value": None if np.isnan(each.value) else round(each.value, 4)}
                for each in row
            ]
            for row in explained
        ]  # fmt: skip
        return told + [[] for _ in places[EXPLAINED:]]

    def _news(self, silent: Mapping[int, dict[str, str]]) -> list[int]:
        """Accounts without a candidate whose newest decision does not say the same already."""
        self.session.execute(
            text("SET LOCAL enable_seqscan = off")
        )  # one look into an index for each account
        rows = self.session.execute(
            text(
                "SELECT w.id, last.choice, last.blocked FROM unnest(CAST(:ids AS bigint[])) AS w(id)"
                " LEFT JOIN LATERAL (SELECT choice, blocked FROM decisions d WHERE d.tenant_id = :tenant"
                " AND d.account_id = w.id ORDER BY d.at DESC, d.id DESC LIMIT 1) last ON true"
            ),
            {"ids": list(silent), "tenant": scope_of(self.session).tenant()},
        ).all()
        self.session.execute(text("SET LOCAL enable_seqscan = on"))
        return [account for account, choice, blocked in rows if choice != WAIT or blocked != silent[account]]


def _ranked(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with `priority` 0 to 99 by value, so that an agent's queue and a busy day begin with the
    best."""
    ordered = sorted(rows, key=lambda row: row["value_minor"])
    for place, row in enumerate(ordered):
        row["priority"] = place * 100 // len(ordered)
    return ordered


def _by_account(options: pl.DataFrame, names: Sequence[str]) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = {}
    for account, *rest in options.select("account", *names).iter_rows():
        found.setdefault(account, []).append(tuple(rest))
    return found


def _why(
    template: str, row: Mapping[str, Any] | None, alternatives: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rule that led here, in codes that `explain` puts into words."""
    if row is not None:
        return [{"code": template}, *([{"code": "explored"}] if row["explored"] else [])]
    if not alternatives:
        return [{"code": "nothing_lawful"}]
    best = alternatives[0]["value_minor"]
    return [{"code": "not_worth_it" if best <= 0 else "better_elsewhere"}]
