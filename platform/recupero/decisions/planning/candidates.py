"""From open accounts to lawful candidates: who may be worked, with what in mind, by which channel and when.

Every account that is not worked, and every channel that is refused, is counted under the rule that says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from recupero.contacts.facts import NO_TIMEZONE
from recupero.contacts.gate import LINES, many_zoned, purpose_for_law
from recupero.decisions.advice import promise_chances
from recupero.decisions.history.control import CONTROL
from recupero.decisions.planning.points import POINTS
from recupero.decisions.planning.reading import STATED
from recupero.decisions.strategies.strategy import Strategy
from recupero.law.batch import Known, Question, judge_many
from recupero.law.service import Packs
from recupero.outreach.actions.kinds import CALL, PURPOSES

if TYPE_CHECKING:
    import polars as pl

#: A moment later than this is left to a later plan.
WINDOW = timedelta(days=3)
#: Moments asked about after the plan's own, so that the hour is a choice.
SLOTS = (timedelta(0), timedelta(hours=4), timedelta(hours=9))
AN_HOUR = timedelta(hours=1)
#: Accounts that the law is asked about at once: its answers take several thousand bytes of each.
PART = 50_000
AGREEMENTS = ("promise", "plan")


#: What only the gate needs of an account: options, several for each, do without.
_FOR_LAW = (
    *(f"{channel}_{what}" for channel in POINTS for what in ("point", "zone", "region", "at_work", "line")),
    *STATED, "agency_region", "debt_kind", "permissions", "events", "postal_zone", "postal_area",
    "postal_code", "region", "timezone", "consents", "opt_outs", "wished_channel", "wished_from", "wished_to",
    "last_payment_date", "hold",
)  # fmt: skip
#: What is read of an account to ask about its channels; the rest joins what was found.
_ASKED = (
    *_FOR_LAW, "account", "person", "tenant", "branch", "template", "country", "due_date", "situations",
    "clock_zone",
)  # fmt: skip


@dataclass
class Tally:
    """What was held and blocked, by reason."""

    held: Counter[str] = field(default_factory=Counter)
    blocked: Counter[str] = field(default_factory=Counter)


def workable(
    accounts: pl.DataFrame, strategies: Mapping[int, Strategy], at: datetime, tally: Tally
) -> pl.DataFrame:
    """The accounts that may be worked now, with the template that fits their state.

    A hold beats everything; a promise or a running plan quiets the chase but not the word about itself. Then
    what is under way already, what is too little to chase, the strategy's pace (also since somebody declined
    a proposal) and its most contacts in 30 days. Who is in the control group hears of agreements only.
    """
    import polars as pl

    frame = _with_strategy(accounts, strategies, at)
    reason = (
        pl.when(pl.col("hold").is_not_null() & ~(pl.col("hold").is_in(AGREEMENTS) & pl.col("reminding")))
        .then(pl.lit("hold:") + pl.col("hold"))
        .when(pl.col("branch").is_null()).then(pl.lit("strategy_invalid"))
        .when(_nowhere()).then(pl.lit(NO_TIMEZONE))
        .when(pl.col("busy")).then(pl.lit("already_scheduled"))
        .when(pl.col("promised_for").is_not_null() & ~pl.col("reminding")).then(pl.lit("promise_running"))
        .when(pl.col("reminding")).then(None)
        .when(pl.col("control")).then(pl.lit(CONTROL))
        .when(_little(strategies)).then(pl.lit("below_tolerance"))
        .when(pl.col("last_at") > pl.lit(at) - pl.col("pace")).then(pl.lit("pace"))
        .when(pl.col("declined_at") > pl.lit(at) - pl.col("pace")).then(pl.lit("declined"))
        .when(pl.col("lately") >= pl.col("most")).then(pl.lit("max_contacts_30d"))
    )  # fmt: skip
    frame = frame.with_columns(stopped=reason, template=_template(at))
    for why, count in frame.filter(pl.col("stopped").is_not_null()).group_by("stopped").len().iter_rows():
        tally.held.update({why.removeprefix("hold:"): count} if why.startswith("hold:") else {})
        tally.blocked.update({} if why.startswith("hold:") else {why: count})
    return frame.filter(pl.col("stopped").is_null()).drop("stopped")


def _with_strategy(accounts: pl.DataFrame, strategies: Mapping[int, Strategy], at: datetime) -> pl.DataFrame:
    import polars as pl

    limits = pl.DataFrame(
        {
            "branch": list(strategies),
            "pace": [timedelta(days=each.pace_days) for each in strategies.values()],
            "most": [each.max_contacts_30d for each in strategies.values()],
            "remind": [each.promise_reminder_days for each in strategies.values()],
            "least": [each.tolerance_minor for each in strategies.values()],
            "offer_after": [
                each.offer_after if "plan" in each.offers else None for each in strategies.values()
            ],
        },
        schema={
            "branch": pl.Int64, "pace": pl.Duration("us"), "most": pl.Int64, "remind": pl.Int64,
            "least": pl.Int64, "offer_after": pl.Int64,
        },
    )  # fmt: skip
    today = pl.lit(at).dt.date()
    until = today + pl.duration(days=pl.col("remind"))
    soon = (pl.col("promised_for") <= until) | promise_chances.needs_help_early(today, until)
    reminding = (pl.col("promised_for") >= today) & soon
    heard = pl.col("last_at").dt.date() > pl.col("late_on")  # of an instalment that is late it is told once
    late = pl.col("late_on").is_not_null() & ~heard.fill_null(value=False)
    return accounts.join(limits, on="branch", how="left").with_columns(
        reminding=reminding.fill_null(value=False) | late, late=late
    )


def _little(strategies: Mapping[int, Strategy]) -> Any:
    """All that the debtor owes in the currency together is less than what the portfolio is chased for."""
    import polars as pl

    if not any(each.tolerance_minor for each in strategies.values()):
        return pl.lit(value=False)
    return pl.col("balance_minor").sum().over("debtor", "currency") < pl.col("least")


def _nowhere() -> Any:
    """Nothing tells in which of the country's time zones the debtor is, as `Dossiers.nowhere` has it."""
    import polars as pl

    known = pl.coalesce("timezone", "region", pl.col("^.*_zone$").exclude("clock_zone"))
    return known.is_null() & pl.col("country").is_in(sorted(many_zoned()))


def _template(at: datetime) -> Any:
    import polars as pl

    unheard = pl.col("last_at").is_null()
    return (
        pl.when(pl.col("late")).then(pl.lit("late_instalment"))
        .when(pl.col("reminding")).then(pl.lit("promise_reminder"))
        .when(pl.col("broken_at").is_not_null() & (unheard | (pl.col("broken_at") > pl.col("last_at"))))
        .then(pl.lit("broken_promise"))
        .when(pl.col("due_date") > pl.lit(at).dt.date()).then(pl.lit("reminder"))
        .when(unheard).then(pl.lit("first_notice"))
        .when(pl.col("lately") >= pl.col("offer_after")).then(pl.lit("offer"))
        .otherwise(pl.lit("follow_up"))
    )  # fmt: skip


@dataclass(frozen=True)
class Candidates:
    """`options`: account, channel, moment (UTC), and what is known of the account. `refused`: account,
    channel,
    rule."""

    options: pl.DataFrame
    refused: pl.DataFrame


def lawful(
    accounts: pl.DataFrame,
    history: pl.DataFrame,
    strategies: Mapping[int, Strategy],
    carried: tuple[str, ...],
    at: datetime,
    tally: Tally,
    law: Packs,
    *,
    by_machine: bool = False,
    later: Mapping[str, Sequence[datetime]] | None = None,
    known: Known | None = None,
) -> Candidates:
    """Every channel and moment at which each account may be contacted, by the gate's batch form over `law`:
    the packs with the tenant's house rules. `later` has moments of the week that are worth asking about, too.

    A channel needs a connector (`carried`), a contact point, no opt-out, and the strategy's leave. The law is
    told whether calls are made by a machine: `by_machine` where the strategy names nobody. Parts of one plan
    share what they have `known`.
    """
    import polars as pl

    found, refused, known = [_no_moments()], [_no_refusals()], known or Known()
    asking = accounts.select(name for name in accounts.columns if name in _ASKED)
    for channel, automated, branches in _ways(strategies, carried, by_machine=by_machine):
        rows = asking.filter(pl.col("branch").is_in(branches)).with_columns(
            channel=pl.lit(channel), point=pl.col(f"{channel}_point")
        )
        rows = rows.with_columns(
            rule=pl.when(pl.col("point").is_null()).then(pl.lit("no_contact_point"))
            .when(pl.col("opt_outs").str.split(",").list.contains(channel)).then(pl.lit("opted_out"))
            .when((pl.col("wished_channel") != channel).fill_null(value=False))
            .then(pl.lit("debtor_wishes_other_channel"))
        )  # fmt: skip
        refused.append(rows.filter(pl.col("rule").is_not_null()).select("account", "channel", "rule"))
        for asked in _by_purpose(rows.filter(pl.col("rule").is_null()).drop("rule")):
            ahead = (later or {}).get(channel, ())
            for part in asked.iter_slices(PART):
                judged = _judged(part, history, channel, at, law, known, ahead, automated=automated)
                found.append(judged.filter(pl.col("rule").is_null()).drop("rule"))
                refused.append(
                    judged.filter(pl.col("rule").is_not_null()).select("account", "channel", "rule")
                )
    blocked = pl.concat(refused).unique(["account", "channel"], keep="first", maintain_order=True)
    moments = pl.concat(found)
    blocked = blocked.join(
        moments.select("account", "channel").unique(), on=["account", "channel"], how="anti"
    )
    tally.blocked.update(dict(blocked.group_by("rule").len().iter_rows()))
    of_accounts = accounts.drop(_FOR_LAW, strict=False)
    return Candidates(of_accounts.join(moments, on="account", maintain_order="right"), blocked)


def _ways(
    strategies: Mapping[int, Strategy], carried: tuple[str, ...], *, by_machine: bool
) -> list[tuple[str, bool | None, list[int]]]:
    """Channel, whether a machine leads the calls by it (None: it carries none), and the branches that want
    it so. A machine that nobody connected calls nobody."""
    found: dict[tuple[str, bool | None], list[int]] = {}
    for channel in carried:
        for number, each in strategies.items():
            automated = each.machine_calls(by_machine=by_machine) if channel == CALL else None
            if channel in each.channels and (by_machine or not automated):
                found.setdefault((channel, automated), []).append(number)
    return [(*way, branches) for way, branches in found.items()]


def _by_purpose(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """The rows apart by what the law is told of the template's purpose: the gate is asked once for each."""
    import polars as pl

    told = {template: purpose_for_law(purpose) for template, purpose in PURPOSES.items()}
    purpose = pl.col("template").replace_strict(told, return_dtype=pl.String)
    return rows.with_columns(purpose=purpose).partition_by("purpose")


def _no_moments() -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(schema={
        "account": pl.Int64, "channel": pl.String, "point": pl.Int64, "moment": pl.Datetime("us", "UTC")
    })  # fmt: skip


def _no_refusals() -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(schema={"account": pl.Int64, "channel": pl.String, "rule": pl.String})


def _judged(
    rows: pl.DataFrame,
    history: pl.DataFrame,
    channel: str,
    at: datetime,
    law: Packs,
    known: Known,
    later: Sequence[datetime],
    *,
    automated: bool | None,
) -> pl.DataFrame:
    """Account, channel, point, moment and rule: each account once per distinct lawful moment, or once with
    the rule that refuses; of those `later` only the lawful."""
    import polars as pl

    purpose, rows = rows["purpose"][0], rows.drop("purpose")
    facts = law_columns(rows, channel)
    questions = [Question(at + slot, purpose=purpose, horizon=WINDOW, automated=automated) for slot in SLOTS]
    answers = [
        judge_many(law, facts, history, [channel], question, known)  # type: ignore[list-item]  # a channel of law by construction
        for question in questions
    ]
    until = pl.lit(at + WINDOW)
    answer = pl.concat(answers).select(
        "account",
        moment=pl.when(pl.col("next_lawful_at") <= until).then(pl.col("next_lawful_at")),
        rule=pl.when(pl.col("next_lawful_at") <= until)
        .then(None)
        .otherwise(pl.col("first_refusal").fill_null("later")),
    )
    ahead = [
        judge_many(law, facts, history, [channel], question, known)  # type: ignore[list-item]  # as above
        .filter("allowed").select("account", moment=pl.col("next_lawful_at"), rule=pl.lit(None, pl.String))
        for each in later
        for question in [Question(each, purpose=purpose, horizon=AN_HOUR, automated=automated)]
    ]  # fmt: skip
    answer = pl.concat([answer, *ahead]).unique(["account", "moment", "rule"], maintain_order=True)
    told = rows.select("account", "channel", "point", "clock_zone", "wished_from", "wished_to")
    return _within_wished_hours(told.join(answer, on="account")).select(
        "account", "channel", "point", "moment", "rule"
    )


def law_columns(rows: pl.DataFrame, channel: str) -> pl.DataFrame:
    """The gate's columns for contacting these accounts by this channel."""
    import polars as pl

    return rows.select(
        "account", "person", "country", "region", "timezone", "debt_kind", "due_date",
        "creditor_sector", "owner_type", "party", "agency_region", "permissions", "events",
        debt="account",
        creditor="tenant",
        phone_timezone=pl.col(f"{channel}_zone"),
        phone_region=pl.col(f"{channel}_region"),
        postal_timezone=pl.col("postal_zone"),
        commune=pl.col("postal_area"),
        line_type=pl.col(f"{channel}_line").replace_strict(LINES, default=None, return_dtype=pl.String),
        consented_channels=_list("consents"),
        opted_out_channels=_list("opt_outs"),
        flags=pl.col("situations").fill_null([]),
        employer_contact=pl.col(f"{channel}_at_work"),
    )  # fmt: skip


def _list(name: str) -> Any:
    import polars as pl

    words = pl.col(name).str.split(",").list.eval(pl.element().filter(pl.element() != ""))
    return pl.when(pl.col(name).is_not_null()).then(words)


def _within_wished_hours(rows: pl.DataFrame) -> pl.DataFrame:
    """Refuse moments outside the hours a debtor asked for, in the debtor's own zone."""
    import polars as pl

    if rows["wished_from"].is_null().all() and rows["wished_to"].is_null().all():
        return rows
    parts = [
        part.with_columns(minute=local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute())
        for part in rows.partition_by("clock_zone")
        for local in [part["moment"].dt.convert_time_zone(part["clock_zone"][0] or "UTC")]
    ]
    inside = (pl.col("minute") >= pl.col("wished_from").fill_null(0)) & (
        pl.col("minute") < pl.col("wished_to").fill_null(24 * 60)
    )
    outside = ~inside & pl.col("moment").is_not_null()
    rule = pl.when(outside).then(pl.lit("debtor_wishes_other_hours")).otherwise(pl.col("rule"))
    return pl.concat(parts).with_columns(rule=rule).drop("minute")
