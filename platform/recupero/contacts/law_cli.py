"""`recupero law proof`, `week` and `policy`: what the law said, what it will say, and what the house adds."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy.orm import Session

from recupero.contacts import law_words, policies, proving, trials
from recupero.contacts.proving import AccountWeek, Proof
from recupero.kernel import clock, command
from recupero.kernel.database import Database, Scope
from recupero.kernel.errors import NotFound, UserError
from recupero.law.policy import COUNTED, COUNTS
from recupero.law.proof import Step
from recupero.placements import reach
from recupero.tenancy import queries as tenancy
from recupero_sdk.law import CHANNELS
from recupero_sdk.law.reasons import LANGUAGES
from recupero_sdk.law.zones import load_zone

_language = click.option(
    "--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Words of the answer."
)


@click.command("proof")
@click.argument("contact", metavar="CONTACT")
@_language
@command.data_dir_option
@command.json_option
@command.answers
def proof(contact: str, language: str, data_dir: Path | None, as_json: bool) -> None:
    """Every rule that was consulted for a stored contact, and the same judged again.

    Exits 1 where the contact would be refused under law and house rules of its day.
    """
    contact_id = _contact_number(contact)
    with command.opened(data_dir) as platform, _owning(platform.database, contact_id) as session:
        found = proving.prove(session, contact_id)
    if as_json:
        command.finish(law_words.proof_to_json(found, language), as_json=True, ok=_holds(found))
        return
    for line in _proof_lines(found, language):
        click.echo(line)
    if not _holds(found):
        raise SystemExit(1)


def _contact_number(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 2**63):
        raise UserError(
            "'%(text)s' is not the number of a contact: give a whole number, as the timeline of the account"
            " and `recupero law replay` show it",
            field="contact", text=text,
        )  # fmt: skip
    return int(text)


def _holds(found: Proof) -> bool:
    return found.again is None or found.again.allowed


@contextmanager
def _owning(database: Database, contact_id: int) -> Iterator[Session]:
    """A transaction in the scope of the agency that made the contact. Raises NotFound."""
    for agency in tenancy.agency_scopes(database):
        with database.transaction(agency.scope()) as session:
            if proving.has_contact(session, contact_id):
                yield session
                return
    raise NotFound("no such contact")


def _proof_lines(found: Proof, language: str) -> Iterator[str]:
    contact, verdict = found.contact, found.verdict
    about = f"{contact.stored.contact.channel}, {contact.direction}, {contact.at:%Y-%m-%d %H:%M} UTC"
    yield f"contact {contact.id}: {about}, {contact.state}"
    if verdict is None or found.again is None or found.today is None:
        yield "the law was not asked: the contact came from the debtor, or is older than the house's record"
        return
    outcome = "allowed" if verdict.allowed else "refused"
    yield f"judged by {verdict.pack_id} {verdict.pack_version}: {outcome}"
    clocks = (f"{contact.at.astimezone(load_zone(zone)):%H:%M} {zone}" for zone in found.zones)
    yield f"local time of the person: {' and '.join(clocks)}{_in_all(found.zones)}"
    decided = [step for step in found.law if step.decided]
    for step in decided:
        yield from _step_lines(step, language)
    rest = ", ".join(dict.fromkeys(step.outcome.rule_id for step in found.law if not step.decided))
    yield f"consulted, deciding nothing here: {rest or 'none'}"
    yield "house rules above the law: " + (
        ", ".join(f"version {version.id}" for version in contact.policies) or "none"
    )
    for step in found.house:
        yield from _step_lines(step, language)
    if caller := contact.caller:
        yield f"number called from: {caller.number or 'withheld, or not known'}{_CALLED_BY[caller.automated]}"
        for said in caller.said:
            yield f"{said.rule_id}  {said.outcome}: {said.explain(language)}"
            yield f"    {said.citation}"
    yield f"judged again as of its day: {_again(found.again.allowed, not found.changed)}"
    today = f"{found.today.pack_id} {found.today.pack_version}"
    yield f"judged with the pack of today ({today}): {_again(found.today.allowed, not found.changed_today)}"
    for change in found.changed_today:
        yield f"  {change.rule_id}: {change.then} -> {change.now}"


_CALLED_BY = {True: ", by a machine", False: ", by a person", None: ""}


def _in_all(zones: tuple[str, ...]) -> str:
    return "; lawful only where it is so in all of these" if len(zones) > 1 else ""


def _again(allowed: bool, same: bool) -> str:
    return f"{'allowed' if allowed else 'refused'}, {'the same' if same else 'different'}"


def _step_lines(step: Step, language: str) -> Iterator[str]:
    outcome = step.outcome
    yield f"{outcome.rule_id}  {outcome.outcome}: {outcome.explain(language)}"
    if step.text(language):
        yield f"    {step.text(language)}"
    if parameters := "; ".join(f"{name}: {value}" for name, value in step.parameters(language)):
        yield f"    [{parameters}]"
    link = f" <{step.rule.source.url}>" if step.rule and step.rule.source.url else ""
    yield f"    {outcome.citation}{link}"


@click.command("week")
@click.argument("account", metavar="ACCOUNT")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 60))
@_language
@command.data_dir_option
@command.json_option
@command.answers
def week(account: str, days: int, language: str, data_dir: Path | None, as_json: bool) -> None:
    """An account's coming days by channel: what is open, what is used up and by what, what opens when.

    ACCOUNT is its id, or its number at the creditor.
    """
    with command.opened(data_dir) as platform, _with_account(platform.database, account) as (session, found):
        answer = proving.account_week(session, found, clock.now(), days)
    if as_json:
        command.finish(law_words.week_to_json(answer, language), as_json=True)
        return
    for line in _week_lines(answer, language):
        click.echo(line)


@contextmanager
def _with_account(database: Database, name: str) -> Iterator[tuple[Session, int]]:
    """A transaction in the scope of the agency that holds the account. Raises NotFound, UserError."""
    for agency in tenancy.agency_scopes(database):
        with database.transaction(agency.scope()) as session:
            matches = reach.called(session, name)
            if len(matches) > 1:
                raise UserError(
                    "%(number)s accounts are called %(name)s: give one's id (%(ids)s)",
                    number=len(matches), name=name, ids=", ".join(map(str, matches[:10])),
                )  # fmt: skip
            if matches:
                yield session, matches[0]
                return
    raise NotFound("no such account")


def _week_lines(answer: AccountWeek, language: str) -> Iterator[str]:
    zone = ZoneInfo(answer.zone)
    yield f"account {answer.account_id}, hours in {answer.zone}, judged by {answer.pack}"
    if answer.closed:
        yield f"the country is closed to contact: {answer.closed}"
        return
    if answer.unknown:
        yield "nothing tells in which time zone this person is: no contact until their region is known"
    for one, point in answer.channels:
        yield f"{one.channel}{'' if point else '  (no number or address known)'}"
        for day in one.days:
            stretches = ", ".join(
                f"{starts.astimezone(zone):%H:%M}-{_end(ends.astimezone(zone))}"
                for starts, ends in day.stretches
            )
            why = "; ".join(f"{why.explain(language)} ({why.citation})" for why in day.reasons)
            yield f"  {day.day:%a %Y-%m-%d}  {stretches or 'closed: ' + why}"
        for use in one.uses:
            told = law_words.use_to_json(use)
            made = ", ".join(
                f"{contact.channel} {contact.at.astimezone(zone):%Y-%m-%d %H:%M}"
                for contact in use.contacts
                if contact.same_creditor
            )
            others = told["for_other_creditors"]
            others_told = f"{others} for other creditors" if others else ""
            made = "; ".join(filter(None, (made, others_told)))
            yield f"  {use.rule_id}: {told['used']} of {use.limit or 1} used ({made})"


def _end(at: datetime) -> str:
    return f"{at:%H:%M}" if (at.hour, at.minute) != (0, 0) else "24:00"


@click.group("policy")
def policy() -> None:
    """House rules above the law: show, set, lift. They only ever tighten."""


_agency = click.option("--agency", help="The agency: its short name.")
_tenant = click.option("--tenant", help="One creditor: its short name, agency/name or id.")


@policy.command("list")
@_agency
@_tenant
@command.data_dir_option
@command.json_option
@command.answers
def list_policies(agency: str | None, tenant: str | None, data_dir: Path | None, as_json: bool) -> None:
    """Every version of the house rules of an agency, or of one creditor."""
    with command.opened(data_dir) as platform:
        scope, tenant_id = _whose(platform.database, agency, tenant)
        with platform.database.transaction(scope) as session:
            found = [
                one for one in policies.versions(session) if tenant is None or one.tenant_id == tenant_id
            ]
            holding = {
                one.id for each in (None, *scope.tenant_ids)
                for one in policies.lawbook(session).holding(each, clock.now())
            }  # fmt: skip
    rows = [{**law_words.version_to_json(one), "holds": one.id in holding} for one in found]
    if as_json:
        command.finish({"policies": rows}, as_json=True)
        return
    for row in rows:
        whose = "agency" if row["tenant"] is None else f"creditor {row['tenant']}"
        state = "holds" if row["holds"] else "-"
        click.echo(f"{row['id']}  {whose}  from {row['starts_at']}  {state}  {json.dumps(row['limits'])}")


@policy.command("set")
@_agency
@_tenant
@click.option("--per-day", type=int, help="Contacts a day at most.")
@click.option("--per-week", type=int, help="Contacts a week at most, calendar and 7 days.")
@click.option("--per-month", type=int, help="Contacts a month at most, calendar and 30 days.")
@click.option("--gap-hours", type=int, help="Hours between contacts at least.")
@click.option("--counted", type=click.Choice(COUNTED), help="Whose contacts count together.")
@click.option("--counts", type=click.Choice(COUNTS), help="What uses a cap up.")
@click.option("--channels", type=click.Choice(CHANNELS), multiple=True, help="Caps concern only these.")
@click.option("--weekdays", metavar="HH:MM-HH:MM", help="Hours from Monday to Friday, or closed.")
@click.option("--saturday", metavar="HH:MM-HH:MM", help="Hours on Saturdays, or closed.")
@click.option("--sunday", metavar="HH:MM-HH:MM", help="Hours on Sundays, or closed.")
@click.option("--no-holidays", is_flag=True, help="No contact on public holidays.")
@click.option("--unused", type=click.Choice(CHANNELS), multiple=True, help="Channels that are not used.")
@click.option("--rules", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="More, as YAML.")
@click.option("--from", "starts_on", metavar="DATE", help="First day (YYYY-MM-DD); now, where left out.")
@click.option("--note", default="", help="Why, for the record.")
@click.option("--dry-run", is_flag=True, help="Only check it.")
@command.data_dir_option
@command.json_option
@command.answers
def set_policy(
    agency: str | None,
    tenant: str | None,
    rules: Path | None,
    starts_on: str | None,
    note: str,
    dry_run: bool,
    data_dir: Path | None,
    as_json: bool,
    **stated: Any,
) -> None:
    """Put house rules above the law, in place of those that hold; without any, the law alone decides."""
    limits = {name: value for name, value in stated.items() if value not in (None, (), False)}
    begins, document = _day(starts_on), _read(rules)
    with command.opened(data_dir) as platform:
        scope, tenant_id = _whose(platform.database, agency, tenant)
        with platform.database.transaction(scope) as session:
            house = policies.house_rules(tenant_id, limits, document)
            if dry_run:
                command.finish({"valid": True, "limits": house.limits.to_json()}, as_json=as_json)
                return
            made = policies.set_policy(
                session, tenant_id=tenant_id, house=house, starts_on=begins, note=note, actor="system"
            )
    command.finish(law_words.version_to_json(made), as_json=as_json)


def _read(file: Path | None) -> str:
    try:
        return "" if file is None else file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError("%(file)s is not UTF-8: save it as UTF-8", field="rules", file=str(file)) from None


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise UserError("%(text)s is not a date: write YYYY-MM-DD", field="from", text=text) from None


def _whose(database: Database, agency: str | None, tenant: str | None) -> tuple[Scope, int | None]:
    """Scope and tenant of the house rules that a command names; the only agency where it names none."""
    if tenant is not None:
        scope = tenancy.tenant_scope(database, tenant)
        return scope, scope.tenant()
    slugs: dict[str, Scope] = {}
    for one in tenancy.agency_scopes(database):
        with database.transaction(one.scope()) as session:
            slugs[tenancy.agency(session).slug] = one.scope()
    if agency is None and len(slugs) == 1:
        return next(iter(slugs.values())), None
    if agency not in slugs:
        known = ", ".join(sorted(slugs)) or "-"
        raise NotFound("name the agency with --agency; agencies: %(known)s", field="agency", known=known)
    return slugs[agency], None


@click.command("try")
@click.argument("draft", metavar="FOLDER", type=click.Path(exists=True, path_type=Path))
@_agency
@_tenant
@click.option(
    "--since", metavar="DATE", help="First day of the contacts (YYYY-MM-DD); 90 days, where left out."
)
@command.data_dir_option
@command.json_option
@command.answers
def try_law(
    draft: Path,
    agency: str | None,
    tenant: str | None,
    since: str | None,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Load a draft pack beside the one in force: which contacts and which accounts of tomorrow would change.

    FOLDER holds pack.yaml and rules/, or is a ZIP of them. Nothing in production changes.
    """
    pack, first = trials.load_draft(draft), _day(since)
    with command.opened(data_dir) as platform:
        scope, _tenant_id = _whose(platform.database, agency, tenant)
        with platform.database.transaction(scope) as session:
            began = clock.now() - trials.TRIED if first is None else datetime.combine(first, time.min, UTC)
            found = trials.try_laws(session, trials.of_draft(session, pack), since=began)
    answer = {"draft": f"{pack.id} {pack.version}", "country": pack.country, **found.to_json()}
    command.finish(answer, as_json=as_json)
