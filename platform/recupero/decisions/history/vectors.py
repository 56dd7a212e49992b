"""The vectors of an option beside the debtor's: who would speak and how (assistant), what would be done, when
and with which offer (action). With `features` they are what models of actions learn from.

Only what is known when a decision is made is among them: which of the agents takes a call from the queue is
not, nor what came of it. Waiting is an option, too: it has no assistant, and an action that contacts nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats
from recupero.decisions.strategies.assistants import number
from recupero.decisions.strategies.strategy import Strategy
from recupero.kernel.marking import LANGUAGES, N_
from recupero.outreach.actions.kinds import CALL, SHORT_CHANNELS
from recupero.outreach.scripts import store
from recupero.outreach.texts.wording import wording

if TYPE_CHECKING:
    import polars as pl

AGENT, VOICE, WRITTEN = "agent", "voice", "written"
#: Contacted by a plan; a visit is never planned by a machine.
PLANNED = ("email", "sms", "whatsapp", "call", "letter")
#: What a planned contact is for: the templates that a plan or a person with an offer may send.
ERRANDS = (
    "reminder", "first_notice", "follow_up", "promise_reminder", "broken_promise", "late_instalment", "offer",
)  # fmt: skip
TONE = {"kind": -1.0, "neutral": 0.0, "firm": 1.0}


@dataclass(frozen=True, slots=True)
class Spec:
    """One column. `value` makes it from the options' columns (`encode`), given the polars module."""

    name: str
    label: str
    meaning: str
    unit: str
    source: str
    as_of: str
    value: Callable[[Any], Any]


def _is(column: str, word: str) -> Callable[[Any], Any]:
    return lambda pl: (pl.col(column) == word).fill_null(value=False)


def _told(column: str) -> Callable[[Any], Any]:
    return lambda pl: pl.col(column)


def _spoke(pl: Any) -> Any:
    before = (
        pl.when(pl.col("led_by") == AGENT).then(pl.col("talked_agent"))
        .when(pl.col("led_by") == VOICE).then(pl.col("talked_voice"))
        .when(pl.col("led_by") == WRITTEN).then(pl.col("answered_text"))
    )  # fmt: skip
    return before > 0


def _understood(pl: Any) -> Any:
    known = pl.col("language").is_not_null() & pl.col("led_by").is_not_null()
    return pl.when(known).then(pl.col("language").is_in(LANGUAGES))


_AT = "known at the decision"
_WORDS = "words approved at the decision"
_HEARD = "contacts with the debtor before the decision, results by the time they became known"
_MOMENT = "the option's moment in the debtor's zone"
_FORM = "the channel and who carries it"

ASSISTANT: tuple[Spec, ...] = (
    Spec("assistant_agent", N_("A person speaks"), "1 where a person calls", "0 or 1", _FORM, _AT,
         _is("led_by", AGENT)),
    Spec("assistant_voice", N_("The voice assistant speaks"), "1 where a machine leads the call", "0 or 1",
         _FORM, _AT, _is("led_by", VOICE)),
    Spec("assistant_written", N_("A written message"), "1 where words of a template are sent", "0 or 1",
         _FORM, _AT, _is("led_by", WRITTEN)),
    Spec("assistant_own_words", N_("Words of the house"),
         "1 where the agency's or creditor's own words are used, 0 for the platform's", "0 or 1",
         "templates and call scripts", _WORDS,
         lambda pl: pl.col("script_version") > 0),
    Spec("assistant_script_version", N_("Version of the words"),
         "version of the template, or of the general call script of the country; 0 the platform's", "number",
         "templates and call scripts", _WORDS, _told("script_version")),
    Spec("assistant_persona", N_("The assistant's name"),
         "a number that hangs on the name of who speaks, 1 to 997", "number", "the strategy", _AT,
         _told("persona")),
    Spec("assistant_tone", N_("Tone"), "-1 kind, 0 neutral, 1 firm", "-1 to 1", "the strategy", _AT,
         lambda pl: pl.col("tone").replace_strict(TONE, default=None, return_dtype=pl.Float64)),
    Spec("assistant_language", N_("Words in the debtor's language"),
         "1 where the words are in the debtor's own language", "0 or 1", "the debtor's language", _AT,
         _understood),
    Spec("assistant_spoke_before", N_("They spoke before"),
         "1 where the debtor spoke with, or answered, this kind of assistant before", "0 or 1", "contacts",
         _HEARD, _spoke),
)  # fmt: skip
ACTION: tuple[Spec, ...] = (
    Spec("action_contact", N_("A contact at all"), "1 for a contact, 0 for waiting", "0 or 1", "the option",
         _AT, lambda pl: pl.col("channel").is_not_null()),
    *(
        Spec(f"action_{channel}", N_("Channel"), f"1 where the contact goes by {channel}", "0 or 1",
             "the option", _AT, _is("channel", channel))
        for channel in PLANNED
    ),
    *(
        Spec(f"action_{errand}", N_("What it is for"), f"1 where it is a {errand.replace('_', ' ')}",
             "0 or 1", "the option", _AT, _is("errand", errand))
        for errand in ERRANDS
    ),
    Spec("action_hour", N_("Hour of the contact"), "local hour with its minutes as a fraction", "hour",
         _MOMENT, _AT, _told("local_hour")),
    Spec("action_weekday", N_("Day of the contact"), "1 Monday to 7 Sunday", "day", _MOMENT, _AT,
         _told("local_weekday")),
    Spec("action_day_of_month", N_("Day of the month of the contact"), "1 to 31", "day", _MOMENT, _AT,
         _told("local_day")),
    Spec("action_days_ahead", N_("Time until the contact"), "the option's moment less the decision's", "days",
         "the option", _AT,
         lambda pl: (pl.col("moment") - pl.col("at")).dt.total_seconds() / 86400),
    Spec("action_days_since_contact", N_("Time since the last contact"),
         "the option's moment less the newest contact with the debtor; of waiting, the decision's moment",
         "days", "contacts", _HEARD,
         lambda pl: (pl.coalesce("moment", "at") - pl.col("last_at")).dt.total_seconds() / 86400),
    Spec("action_plan", N_("Instalments are offered"), "1 where payment in instalments is offered", "0 or 1",
         "the offer attached", _AT, _is("offer_kind", "plan")),
    Spec("action_settlement", N_("A settlement is offered"), "1 where less is offered as the whole", "0 or 1",
         "the offer attached", _AT, _is("offer_kind", "settlement")),
    Spec("action_discount", N_("Discount"), "share of the balance that the offer gives up", "0 to 1",
         "the offer attached", _AT, _told("offer_discount")),
    Spec("action_instalments", N_("Instalments"), "number of payments that the offer asks for", "count",
         "the offer attached", _AT, _told("offer_instalments")),
)  # fmt: skip
NAMES: tuple[str, ...] = tuple(spec.name for spec in (*ASSISTANT, *ACTION))
BY_NAME: dict[str, Spec] = {spec.name: spec for spec in (*ASSISTANT, *ACTION)}


def encode(options: pl.DataFrame) -> dict[str, Floats]:
    """The columns of `ASSISTANT` and `ACTION`, one value per option, NaN where not known.

    Of `options` it reads `channel` (null: wait), `moment` (UTC), `clock_zone` and, where they are there, what
    `described` adds (`tone`, `led_by`, `script_version`, `persona`), `template`, `language`, `last_at`, `at`
    (the decision's moment), `talked_agent`, `talked_voice`, `answered_text` (earlier conversations),
    `offer_kind` (plan, settlement), `offer_discount`, `offer_instalments`. A column takes 8 bytes an
    option: give slices of a great plan.
    """
    import polars as pl

    frame = _completed(options).with_columns(**_local(options))
    specs = (*ASSISTANT, *ACTION)
    columns = frame.select(
        spec.value(pl).cast(pl.Float64).fill_null(float("nan")).alias(spec.name) for spec in specs
    )
    return {spec.name: columns[spec.name].to_numpy() for spec in specs}


def _completed(options: pl.DataFrame) -> pl.DataFrame:
    """With every column that may be left out, and nothing of a contact where there is none."""
    import polars as pl

    moment, words, count = pl.Datetime("us", "UTC"), pl.String, pl.Int64
    optional: dict[str, Any] = {
        "template": words, "tone": words, "led_by": words, "language": words, "script_version": count,
        "at": moment, "last_at": moment, "talked_agent": count, "talked_voice": count, "answered_text": count,
        "persona": count, "offer_kind": words, "offer_discount": pl.Float64, "offer_instalments": count,
    }  # fmt: skip
    missing = [
        pl.lit(None, kind).alias(name) for name, kind in optional.items() if name not in options.columns
    ]
    frame = options.with_columns(*missing)
    there = pl.col("channel").is_not_null()
    of_contacts = (
        "tone", "led_by", "script_version", "persona", "offer_kind", "offer_discount", "offer_instalments",
    )  # fmt: skip
    return frame.with_columns(
        *(pl.when(there).then(name).alias(name) for name in of_contacts),
        errand=pl.when(there).then(pl.col("template")),
        moment=pl.when(there).then(pl.col("moment")),
    )


def _local(options: pl.DataFrame) -> dict[str, Any]:
    """Hour, weekday and day of the month of the moments, in each debtor's zone."""
    import polars as pl

    hour, weekday, day = (np.full(len(options), np.nan) for _ in range(3))
    moments, zones = options["moment"], options["clock_zone"].fill_null("UTC")
    contacts = moments.is_not_null() & options["channel"].is_not_null()
    for zone in zones.unique():
        rows = (contacts & (zones == zone)).arg_true()
        local = moments.gather(rows).dt.convert_time_zone(zone)
        place = rows.to_numpy()
        hour[place] = local.dt.hour().to_numpy() + local.dt.minute().to_numpy() / 60
        weekday[place], day[place] = local.dt.weekday().to_numpy(), local.dt.day().to_numpy()
    return {
        "local_hour": pl.Series(hour), "local_weekday": pl.Series(weekday), "local_day": pl.Series(day)
    }  # fmt: skip


def described(
    session: Session, options: pl.DataFrame, strategies: Mapping[int, Strategy], *, by_machine: bool
) -> pl.DataFrame:
    """The options with `tone`, `led_by` (agent, voice, written), `script_version` and `persona` (the number
    of a name): who would speak, and in which words, for the tenant in scope now. Reads `branch`,
    `template`, `channel`, `language`, `country`.
    """
    import polars as pl

    voiced = [key for key, each in strategies.items() if each.machine_calls(by_machine=by_machine)]
    channel, machine = pl.col("channel"), pl.col("branch").is_in(voiced)
    spoken = pl.when(machine).then(pl.lit(VOICE)).otherwise(pl.lit(AGENT))
    plan = (pl.col("template") == "offer") & channel.is_not_null()
    options = options.with_columns(
        offer_kind=pl.when(plan).then(pl.lit("plan")),
        led_by=pl.when(channel == CALL).then(spoken).when(channel.is_not_null()).then(pl.lit(WRITTEN)),
    )
    keys = ["branch", "template", "channel", "language", "country"]
    kinds = options.filter(channel.is_not_null()).select(keys).unique()
    own, found = wording(session), []
    scripts: dict[tuple[str, str], int] = {}
    for branch, template, by, language, country in kinds.iter_rows():
        tone, speaker = strategies[branch].tone(template, by), strategies[branch].assistant(by)
        if by == CALL:
            key = (country, speaker.script if speaker else "")
            if key not in scripts:
                scripts[key] = store.script_for(session, country, name=key[1]).version
            version = scripts[key]
        else:
            written = language if language in LANGUAGES else "en"
            form = "short" if by in SHORT_CHANNELS else "long"
            words = own.of(template, written, form, tone)
            version = words.version if words else 0
        found.append((tone, version, speaker.name if speaker else None))
    tones, versions, names = zip(*found, strict=True) if found else ((), (), ())
    told = kinds.with_columns(
        tone=pl.Series(tones, dtype=pl.String), script_version=pl.Series(versions, dtype=pl.Int64),
        persona=pl.Series([number(name) for name in names], dtype=pl.Int16),
    )  # fmt: skip
    return options.join(told, on=keys, how="left", nulls_equal=True, maintain_order="left")
