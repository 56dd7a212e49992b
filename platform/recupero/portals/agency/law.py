"""The law: packs and their rules, a year of permitted hours, house rules, a bill tried, a contact proven."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.contacts import policies, proving, trials
from recupero.contacts.policies import Version
from recupero.contacts.queries import packs
from recupero.contacts.trials import Tried
from recupero.kernel import clock
from recupero.kernel.errors import Forbidden, NotFound, UserError
from recupero.law import calendar as calendars
from recupero.law import queries as law_queries
from recupero.law.calendar import CalendarDay
from recupero.law.policy import COUNTED, COUNTS, HouseRules
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.words.language import brand, language
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, the_caller, transaction
from recupero.tenancy.permissions import Permission
from recupero_sdk.law import CHANNELS, Channel, RegulationPack
from recupero_sdk.law.schema import Rule

#: Contacts and accounts that a page tries a law on; the command has no limit.
MOST = 3_000
_PARTS = ("weekdays", "saturday", "sunday")
_CAPS = ("per_day", "per_week", "per_month", "gap_hours")


@blueprint.get("/law")
@requires(Permission.LAW_READ)
def law() -> ResponseReturnValue:
    return render_template("law/packs.html", packs=law_queries.list_packs(packs()), code=language())


@blueprint.get("/law/<country>")
@requires(Permission.LAW_READ)
def law_country(country: str) -> ResponseReturnValue:
    pack = _pack(country)
    wanted, kind = request.args.get("q", "").strip()[:100], request.args.get("kind", "")
    rules = [rule for rule in pack.known() if _matches(rule, wanted) and kind in ("", rule.kind)]
    return render_template(
        "law/rules.html", pack=pack, rules=rules, code=language(), today=clock.now().date(), wanted=wanted,
        kind=kind, kinds=sorted({rule.kind for rule in pack.known()}), total=len(pack.known()),
    )  # fmt: skip


def _pack(country: str) -> RegulationPack:
    known = packs()
    found = known.by_country.get(country)
    if country in known.closed:
        raise NotFound(
            "%(country)s is closed to contact, since its law failed to load: %(why)s",
            country=country, why=known.closed[country],
        )  # fmt: skip
    if found is None:
        raise NotFound("No law is loaded for this country.")
    return found


def _matches(rule: Rule, wanted: str) -> bool:
    """Whether the words stand in a rule's id, title, text or source, whatever their case."""
    text = " ".join(
        [
            rule.id,
            rule.kind,
            rule.source.citation,
            *_all(rule.title.model_dump()),
            *_all(rule.text.model_dump()),
        ]
    )
    return all(word in text.lower() for word in wanted.lower().split())


def _all(words: Mapping[str, str | None]) -> list[str]:
    return [text for text in words.values() if text]


@blueprint.get("/law/calendar")
@requires(Permission.LAW_READ)
def hours() -> ResponseReturnValue:
    """A year of one country, region and channel; the house's own country first."""
    known = packs().by_country
    country = request.args.get("country", brand().country or "")
    country = country if country in known else next(iter(sorted(known)), "")
    if not country:
        return render_template("law/calendar.html", pack=None)
    pack, region = known[country], request.args.get("region") or None
    region = region if region in pack.manifest.regions else None
    channel = _channel(request.args.get("channel", "call"))
    year = min(max(request.args.get("year", clock.now().year, type=int), 1990), 2100)
    days = calendars.year_of(pack, region, channel, year)
    return render_template(
        "law/calendar.html", pack=pack, country=country, region=region, channel=channel, year=year,
        countries=_countries(known),
        regions=[("", _("Whole country")), *_regions(pack)],
        channels=CHANNELS, months=_months(days), summary=_summary(days), closed=packs().closed,
        zones=calendars.zones_of(pack, region),
    )  # fmt: skip


def _channel(text: str) -> Channel:
    return next((channel for channel in CHANNELS if channel == text), "call")


def _countries(known: Iterable[str]) -> list[tuple[str, str]]:
    """Code and name by name, in the reader's language."""
    names: Mapping[str, str] = (get_locale() or Locale("en")).territories
    return sorted(((code, names.get(code, code)) for code in known), key=lambda pair: pair[1])


def _regions(pack: RegulationPack) -> list[tuple[str, str]]:
    named = [(code, region.name) for code, region in pack.manifest.regions.items()]
    return sorted(named, key=lambda pair: pair[1])


def _months(days: Sequence[CalendarDay]) -> list[list[CalendarDay]]:
    return [[day for day in days if day.day.month == month] for month in range(1, 13)]


@dataclass(frozen=True, slots=True)
class Pattern:
    """Hours that some days of the week share, told as text for those who do not see the colours."""

    hours: str
    days: int
    examples: Sequence[date]


def _summary(days: Sequence[CalendarDay]) -> list[Pattern]:
    """The different daily hours of the year, most frequent first."""
    found: dict[str, list[date]] = {}
    for one in days:
        found.setdefault(one.hours, []).append(one.day)
    ordered = sorted(found.items(), key=lambda pair: -len(pair[1]))
    return [Pattern(hours, len(dates), dates) for hours, dates in ordered]


@blueprint.get("/law/policies")
@requires(Permission.LAW_READ)
def house_rules() -> ResponseReturnValue:
    """The house rules of the agency and of its creditors, those that hold and their versions."""
    with transaction() as session:
        tenants = tenancy.tenants(session)
        book, now = policies.lawbook(session), clock.now()
        holding = {one.id for each in tenants for one in book.holding(each.id, now)}
        holding |= {one.id for one in book.holding(None, now)}
        whole = tenancy.whole_agency(session)
    return render_template(
        "law/policies.html", versions=list(reversed(book.versions)), holding=holding, tenants=tenants,
        names={each.id: each.name for each in tenants}, whole=whole, now=now,
    )  # fmt: skip


@blueprint.route("/law/policies/edit", methods=["GET", "POST"])
@requires(Permission.LAW_MANAGE)
def house_rules_edit() -> ResponseReturnValue:
    """State house rules, see what they would change, and let them hold from a day on."""
    tenant_id = request.args.get("tenant", type=int)
    with transaction() as session:
        whose = _whose(session, tenant_id)
        held = _held(session, tenant_id)
        form = Form.sent_or(_values(held.house) if held else {"counted": "agency", "counts": "attempts"})
        preview = None
        if form.is_sent:
            try:
                done, preview = _state_policy(session, tenant_id, form)
                if done:
                    flash(_("The house rules have been kept. What is sent from their day on keeps to them."))
                    return redirect(url_for("portals.house_rules"))
            except UserError as error:
                form.refuse(error, *_FIELDS)
    page = render_template(
        "law/policy.html", form=form, whose=whose, tenant_id=tenant_id, preview=preview, parts=_PARTS,
        channels=CHANNELS, counted=COUNTED, counts=COUNTS, most=MOST, code=language(), held=held,
    )  # fmt: skip
    return page, form.status


_FIELDS = (*_CAPS, "weekdays_from", "saturday_from", "sunday_from", "document", "starts_on", "note")


def _whose(session: Session, tenant_id: int | None) -> str | None:
    """The creditor whose rules are edited, None for the agency's. Raises NotFound, Forbidden."""
    if tenant_id is not None:
        return tenancy.tenant(session, tenant_id).name
    if not tenancy.whole_agency(session):
        raise Forbidden("house rules of the whole agency are for those who see all of its creditors")
    return None


def _held(session: Session, tenant_id: int | None) -> Version | None:
    """The version that holds now for exactly this layer."""
    holding = policies.lawbook(session).holding(tenant_id, clock.now())
    return next((one for one in holding if one.tenant_id == tenant_id), None)


def _values(house: HouseRules) -> dict[str, object]:
    """The form's fields for rules that hold."""
    limits = house.limits
    values: dict[str, object] = {name: getattr(limits, name) or "" for name in _CAPS}
    values |= {"counted": limits.counted, "counts": limits.counts, "document": house.document}
    values |= {"no_holidays": "yes"} if limits.no_holidays else {}
    values |= {f"channel_{one}": "yes" for one in limits.channels}
    values |= {f"unused_{one}": "yes" for one in limits.unused}
    for part in _PARTS:
        window = getattr(limits, part)
        if window == "closed":
            values[f"{part}_closed"] = "yes"
        elif window:
            opens, _dash, closes = window.partition("-")
            values |= {f"{part}_from": opens, f"{part}_to": "00:00" if closes == "24:00" else closes}
    return values


def _state_policy(session: Session, tenant_id: int | None, form: Form) -> tuple[bool, Tried | None]:
    """Whether the rules were kept; else what they would change. Raises UserError at the field."""
    file = request.files.get("file")
    if file is not None and file.filename:
        form.values = {**form.values, "document": _text(file.read(1_000_000))}
    with form.together(**{part: f"{part}_from" for part in _PARTS}):
        starts_on = form.day("starts_on") if form.optional("starts_on") else None
        house = policies.house_rules(tenant_id, _limits(form), form.optional("document"))
    if form.optional("step") == "keep":
        policies.set_policy(
            session, tenant_id=tenant_id, house=house, starts_on=starts_on, note=form.optional("note"),
            actor=the_caller().actor,
        )  # fmt: skip
        return True, None
    laws = trials.of_house_rules(session, tenant_id, house)
    return False, trials.try_laws(session, laws, since=clock.now() - trials.TRIED, limit=MOST)


def _text(blob: bytes) -> str:
    try:
        return blob.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError("The file is not UTF-8: save it as UTF-8.", field="document") from None


def _limits(form: Form) -> dict[str, Any]:
    """The limits as `Limits` takes them. Raises UserError at the field."""
    limits: dict[str, Any] = {name: form.whole(name) for name in _CAPS if form.optional(name)}
    limits |= {name: form.optional(name) for name in ("counted", "counts") if form.optional(name)}
    for part in _PARTS:
        if window := _window(form, part):
            limits[part] = window
    limits["no_holidays"] = bool(form.optional("no_holidays"))
    limits["channels"] = [one for one in CHANNELS if form.optional(f"channel_{one}")]
    limits["unused"] = [one for one in CHANNELS if form.optional(f"unused_{one}")]
    return limits


def _window(form: Form, part: str) -> str | None:
    if form.optional(f"{part}_closed"):
        return "closed"
    opens, closes = form.optional(f"{part}_from"), form.optional(f"{part}_to")
    if not opens and not closes:
        return None
    if not opens or not closes:
        form.wrong(UserError("Give both the first and the last hour, or neither.", field=f"{part}_from"))
        return None
    return f"{opens}-{'24:00' if closes == '00:00' else closes}"


@blueprint.route("/law/try", methods=["GET", "POST"])
@requires(Permission.LAW_MANAGE)
def bill() -> ResponseReturnValue:
    """Try a draft pack on the contacts that were made and on tomorrow's accounts."""
    form, tried, draft = Form.sent_or({"since": _ago().date().isoformat()}), None, None
    with transaction() as session:
        if form.is_sent:
            try:
                draft = _draft()
                tried = trials.try_laws(
                    session, trials.of_draft(session, draft), since=_since(form), limit=MOST
                )
            except UserError as error:
                form.refuse(error, "draft", "since")
    page = render_template(
        "law/try.html", form=form, tried=tried, draft=draft, code=language(), most=MOST,
        now=packs().by_country.get(draft.country) if draft else None,
    )  # fmt: skip
    return page, form.status


def _ago() -> datetime:
    return clock.now() - trials.TRIED


def _since(form: Form) -> datetime:
    return datetime.combine(form.day("since"), time.min, ZoneInfo(brand().timezone))


def _draft() -> RegulationPack:
    """The pack in the ZIP that was sent. Raises UserError at the field."""
    file = request.files.get("draft")
    if file is None or not file.filename:
        raise UserError("Choose the ZIP of the draft's folder.", field="draft")
    with TemporaryDirectory(prefix="recupero-draft-") as folder:
        path = Path(folder) / "draft.zip"
        file.save(path)
        return trials.load_draft(path)


@blueprint.get("/contacts/<int:contact_id>/proof")
@requires(Permission.LAW_READ)
def contact_proof(contact_id: int) -> ResponseReturnValue:
    with transaction() as session:
        found = proving.prove(session, contact_id)
        tenant = tenancy.tenant(session, found.contact.tenant_id)
    return render_template("law/proof.html", proof=found, tenant=tenant, code=language())


@blueprint.app_context_processor
def _closed_law() -> dict[str, Any]:
    """For every page that plans for a country: `closed_law("CL")` says why nobody there is contacted."""
    return {"closed_law": lambda country: packs().closed_because(country)}
