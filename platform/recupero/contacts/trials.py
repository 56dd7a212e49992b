"""Try a law, or house rules, before they hold: on the contacts that were made, and on tomorrow's work.

Nothing is stored and nothing in production changes: both laws are only asked.
"""

import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from recupero.contacts.facts import Dossiers, column_of, dossiers
from recupero.contacts.policies import Lawbook, lawbook
from recupero.contacts.proving import POINT_FOR
from recupero.contacts.reservation import HISTORY, Made, person_history
from recupero.contacts.stored import stored_contacts
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import InLanguages, UserError
from recupero.law import policy, trial
from recupero.law.policy import HouseRules
from recupero.law.service import Packs, judge_contact
from recupero.law.trial import Trial
from recupero.placements import reach
from recupero.tenancy import queries as tenancy
from recupero_sdk.law import CHANNELS, Channel, PackError, Proposal, RegulationPack, load_pack
from recupero_sdk.law.problems import Problem
from recupero_sdk.law.reasons import LANGUAGES

if TYPE_CHECKING:
    import polars as pl

DAY = timedelta(days=1)
TRIED = timedelta(days=90)  # how far back, where nobody says
_CHUNK = 2_000
_MOST_FILES, _MOST_BYTES = 200, 8 * 1024 * 1024
#: The law of a tenant as it is, and as it would be.
Laws = Callable[[int], tuple[Packs, Packs]]


@dataclass(slots=True)
class Workable:
    """Open accounts that may be contacted tomorrow by some channel of theirs, before and after.

    `lost` counts, by rule, the channels that are open now of accounts that could not be worked then.
    """

    accounts: int = 0
    before: int = 0
    after: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    lost_accounts: list[int] = field(default_factory=list)
    gained_accounts: list[int] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "accounts": self.accounts, "before": self.before, "after": self.after,
            "lost": dict(self.lost.most_common()), "lost_accounts": self.lost_accounts[:20],
            "gained_accounts": self.gained_accounts[:20],
        }  # fmt: skip


@dataclass(slots=True)
class Tried:
    """What would change: in the contacts made since a moment, and for the accounts of tomorrow."""

    since: datetime
    tomorrow: datetime
    history: Trial
    workable: Workable

    def to_json(self) -> dict[str, Any]:
        return {
            "since": self.since.isoformat(), "tomorrow": self.tomorrow.date().isoformat(),
            **self.history.to_json(), "workable": self.workable.to_json(),
        }  # fmt: skip


def of_draft(session: Session, draft: RegulationPack) -> Laws:
    """A draft pack in place of its country's own, under the house rules that hold now."""
    book, now = lawbook(session), clock.now()

    def laws(tenant_id: int) -> tuple[Packs, Packs]:
        houses = [version.house for version in book.holding(tenant_id, now)]
        return book.of(tenant_id, now), policy.tightened(trial.moved_to(book.packs, draft), houses)

    return laws


def of_house_rules(session: Session, tenant_id: int | None, house: HouseRules) -> Laws:
    """House rules in place of those of the agency (`tenant_id` None) or of one tenant that hold now."""
    book, now = lawbook(session), clock.now()

    def laws(tenant: int) -> tuple[Packs, Packs]:
        if tenant_id not in (None, tenant):
            return (book.of(tenant, now),) * 2
        kept = _others(book, tenant, tenant_id, now)
        return book.of(tenant, now), policy.tightened(book.packs, [*kept, house])

    return laws


def _others(book: Lawbook, tenant: int, replaced: int | None, now: datetime) -> list[HouseRules]:
    return [one.house for one in book.holding(tenant, now) if one.tenant_id != replaced]


def try_laws(session: Session, laws: Laws, *, since: datetime, limit: int | None = None) -> Tried:
    """Ask both laws of every tenant in scope. `limit`: at most so many contacts and so many accounts, newest
    tenants last; None: all. Needs the agency in scope."""
    zone, history, workable = ZoneInfo(tenancy.agency(session).timezone), Trial(), Workable()
    tomorrow = datetime.combine(clock.now().astimezone(zone).date() + DAY, time.min, zone)
    for tenant_id in scope_of(session).tenant_ids:
        now, then = laws(tenant_id)
        left = None if limit is None else max(0, limit - history.judged)
        rows = stored_contacts(session, (tenant_id,))
        history.add(trial.compare(rows, now, then, since=since, mine=frozenset({str(tenant_id)}), limit=left))
    accounts = reach.account_ids(session)
    wanted = accounts if limit is None else accounts[:limit]
    for start in range(0, len(wanted), _CHUNK):
        _add_workable(workable, session, wanted[start : start + _CHUNK], laws, tomorrow)
    return Tried(since, tomorrow, history, workable)


def _add_workable(
    found: Workable, session: Session, account_ids: Sequence[int], laws: Laws, at: datetime
) -> None:
    known = dossiers(session, account_ids)
    people = {account.person_id for account in known.accounts.values()}
    made = person_history(session, people, at - HISTORY)
    past = _history_frame(made)
    for tenant_id in {account.tenant_id for account in known.accounts.values()}:
        now, then = laws(tenant_id)
        mine = [
            one for one in account_ids if one in known.accounts and known.accounts[one].tenant_id == tenant_id
        ]
        before, after = _lawful(now, known, mine, past, at), _lawful(then, known, mine, past, at)
        open_before, open_after = {account for account, _ in before}, {account for account, _ in after}
        found.accounts += len(mine)
        found.before += len(open_before)
        found.after += len(open_after)
        found.lost_accounts += sorted(open_before - open_after)
        found.gained_accounts += sorted(open_after - open_before)
        for (account_id, channel), moment in before.items():
            if account_id not in open_after:
                found.lost.update(_refusing(then, known, made, account_id, Proposal(moment, channel)))


def _refusing(
    law: Packs, known: Dossiers, made: dict[int, list[Made]], account_id: int, proposal: Proposal
) -> set[str]:
    """The rules that would refuse a contact that is lawful now."""
    account = known.accounts[account_id]
    past = made.get(account.person_id, [])
    facts = known.facts(account_id, _point(known, account_id, proposal.channel))
    history = [one.seen_from(account.tenant_id, account_id) for one in past]
    verdict = judge_contact(law, facts, history, proposal, next_lawful=False)
    return {why.rule_id for why in verdict.refusals if why.decides}


def _lawful(
    law: Packs, known: Dossiers, account_ids: Sequence[int], past: "pl.DataFrame", at: datetime
) -> dict[tuple[int, Channel], datetime]:
    """The first lawful moment of the day from `at`, of each account and channel that has one."""
    import polars as pl

    from recupero.law.batch import Known, Question, judge_many

    found, known_law = dict[tuple[int, Channel], datetime](), Known()
    starts, ends = at.astimezone(UTC), (at + DAY).astimezone(UTC)
    for channel in CHANNELS:
        frame = _frame(known, account_ids, channel)
        if frame.is_empty():
            continue
        answer = judge_many(law, frame, past, [channel], Question(starts, horizon=DAY), known_law)
        inside = answer.filter(pl.col("next_lawful_at") < ends)
        for account, moment in inside.select("account", "next_lawful_at").iter_rows():
            found[account, channel] = moment
    return found


def _point(known: Dossiers, account_id: int, channel: Channel) -> int | None:
    """The contact point that carries the channel; None where there is none."""
    points = known.points.get(known.accounts[account_id].debtor_id, ())
    return next((point.id for point in points if point.kind == POINT_FOR[channel]), None)


def _frame(known: Dossiers, account_ids: Sequence[int], channel: Channel) -> "pl.DataFrame":
    """The gate's columns of the accounts that have a contact point for the channel."""
    import polars as pl

    from recupero.law.batch import ACCOUNT_COLUMNS
    from recupero.law.batch_settings import FACT_COLUMNS

    names = dict.fromkeys((*ACCOUNT_COLUMNS, *FACT_COLUMNS, "amount"))
    for key in ("account", "person", "debt", "creditor"):
        del names[key]
    rows = []
    for account_id in account_ids:
        account = known.accounts[account_id]
        point_id = _point(known, account_id, channel)
        if point_id is None or known.nowhere(account):
            continue
        facts = known.facts(account_id, point_id)
        keys = {
            "account": account_id, "person": account.person_id, "creditor": str(account.tenant_id),
            "debt": f"{account.tenant_id}:{account_id}",
        }  # fmt: skip
        stated = {name: column_of(getattr(facts, name)) for name in names}
        rows.append({**keys, **stated})
    lists = (
        {
            name: pl.List(pl.String)
            for name, value in rows[0].items()
            if isinstance(value, list) or name == "consented_channels"
        }
        if rows
        else {}
    )
    return pl.DataFrame(rows, schema_overrides=lists, infer_schema_length=None)


def _history_frame(made: dict[int, list[Made]]) -> "pl.DataFrame":
    import polars as pl

    rows = [
        (person, f"{one.tenant_id}:{one.account_id}", str(one.tenant_id), one.at, one.channel, one.direction,
         one.outcome, one.recipient, one.purpose)
        for person, contacts in made.items() for one in contacts
    ]  # fmt: skip
    schema: dict[str, Any] = {
        "person": pl.Int64, "debt": pl.String, "creditor": pl.String, "at": pl.Datetime("us", "UTC"),
        "channel": pl.String, "direction": pl.String, "outcome": pl.String, "recipient": pl.String,
        "purpose": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def load_draft(path: Path) -> RegulationPack:
    """The draft pack in a folder or a ZIP of one. Raises UserError with every problem of it."""
    try:
        if path.is_dir():
            return load_pack(path)
        with TemporaryDirectory(prefix="recupero-draft-") as folder:
            return _load_unpacked(path, Path(folder))
    except PackError as error:
        said = InLanguages({language: f"\n{error.explain(language)}" for language in LANGUAGES})
        raise UserError("the draft cannot be used: %(problems)s", field="draft", problems=said) from None


def _load_unpacked(path: Path, folder: Path) -> RegulationPack:
    """The pack in a ZIP; its problems name files as the ZIP has them."""
    try:
        return load_pack(_unpacked(path, folder))
    except PackError as error:
        raise PackError(
            one.without(str(folder)) if isinstance(one, Problem) else one for one in error.problems
        ) from None


def _unpacked(path: Path, folder: Path) -> Path:
    """The YAML files of the pack in a ZIP, put into `folder` under names of ours."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _unpack(archive, folder)
    except zipfile.BadZipFile:
        raise UserError(
            "this is neither a folder nor a ZIP file: send the pack's folder as a ZIP", field="draft"
        ) from None


def _unpack(archive: zipfile.ZipFile, folder: Path) -> Path:
    files = [info for info in archive.infolist() if info.filename.endswith(".yaml")]
    roots = [info.filename.removesuffix("pack.yaml") for info in files if info.filename.endswith("pack.yaml")]
    if len(roots) != 1:
        raise UserError(
            "the ZIP must hold one pack: one pack.yaml with rules/*.yaml beside it", field="draft"
        )
    if len(files) > _MOST_FILES or sum(info.file_size for info in files) > _MOST_BYTES:
        raise UserError("the ZIP is larger than any pack: at most 200 files and 8 MiB", field="draft")
    (folder / "rules").mkdir()
    for info in files:
        name = info.filename.removeprefix(roots[0])
        if name == "pack.yaml":
            (folder / name).write_bytes(archive.read(info))
        elif name.startswith("rules/") and "/" not in name.removeprefix("rules/"):
            (folder / "rules" / Path(name).name).write_bytes(archive.read(info))
    return folder
