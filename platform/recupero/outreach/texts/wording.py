"""An agency's or a creditor's own words of messages: which are used, what makes them fit, their versions.

What the law wants said and the words leave out is added when a message is written (`disclosures`); what
cannot be added refuses the send. So own words need not repeat it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from jinja2 import TemplateError, meta
from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.bulk import any_of
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Quoted, UserError
from recupero.kernel.marking import LANGUAGES
from recupero.kernel.statements import Parameters, Statement
from recupero.outreach.actions.kinds import TEMPLATES, TONES
from recupero.outreach.tables import Draft
from recupero.outreach.template_tables import MessageTemplate
from recupero.outreach.texts import templating, versions
from recupero_sdk.wording import VALUES

FORMS = ("long", "short")
#: What own words may say of an account; each message has them all.
KNOWN = VALUES - {"reply", "reply_subject"}
#: Without these nobody could pay or find out whether the message is real.
NEEDED = ("link", "code")
LONGEST = {"long": 6000, "short": 900}


@dataclass(frozen=True, slots=True)
class Own:
    """Own words of one template; `id` is the row of their version, `version` its number."""

    id: int
    subject: str
    body: str
    version: int = 0


@dataclass(frozen=True, slots=True)
class Wording:
    """The own words of one tenant that are approved now."""

    chosen: Mapping[tuple[str, str, str, str | None], Own]

    def of(self, template: str, language: str, form: str, tone: str) -> Own | None:
        """The own words for a message: those of its tone before those for every tone."""
        exact = self.chosen.get((template, language, form, tone))
        return exact or self.chosen.get((template, language, form, None))


_APPROVED = Statement(
    select(
        MessageTemplate.template, MessageTemplate.language, MessageTemplate.form, MessageTemplate.tone,
        MessageTemplate.id, MessageTemplate.subject, MessageTemplate.body, MessageTemplate.version,
    )
    .where(
        MessageTemplate.agency_id == bindparam("agency"),
        or_(MessageTemplate.tenant_id.is_(None), any_of(MessageTemplate.tenant_id, "tenants")),
        MessageTemplate.state == "approved",
    )
    .order_by(MessageTemplate.tenant_id.is_not(None))
)  # fmt: skip


def wording(session: Session) -> Wording:
    """What the tenant in scope words for itself, over what its agency does, in one query."""
    statement, asked = ask_wording(session)
    return Wording({row[:4]: Own(*row[4:]) for row in statement.rows(session, asked)})


def ask_wording(session: Session) -> tuple[Statement, Parameters]:
    """What `wording` asks, for `statements.asked_together`."""
    scope = scope_of(session)
    return _APPROVED, {"agency": scope.agency(), "tenants": list(scope.tenant_ids)}


def drafted(session: Session, draft_ids: Collection[int]) -> dict[int, Own]:
    """The words of what people wrote to one debtor, of the tenant in scope, by draft."""
    if not draft_ids:
        return {}
    rows = session.execute(
        select(Draft.id, Draft.subject, Draft.body).where(
            Draft.tenant_id == scope_of(session).tenant(), Draft.id.in_(draft_ids)
        )
    )
    return {row.id: Own(0, row.subject, row.body) for row in rows}


def draft(
    session: Session,
    *,
    tenant_id: int | None,
    template: str,
    language: str,
    form: str,
    tone: str | None,
    subject: str,
    body: str,
    actor: str,
) -> MessageTemplate:
    """Keep a new draft. Raises UserError at the first field that is unfit, NotFound for another's tenant."""
    found = problems(template, language, form, tone, subject, body)
    if found:
        raise found[0]
    key: dict[str, object] = {"template": template, "language": language, "form": form, "tone": tone}
    row = MessageTemplate(
        agency_id=scope_of(session).agency(), tenant_id=tenant_id, template=template, language=language,
        form=form, tone=tone, version=versions.next_version(session, MessageTemplate, tenant_id, key),
        state="draft", subject=subject, body=body, made_by=actor, made_at=clock.now(),
    )  # fmt: skip
    versions.keep(session, row, actor=actor)
    return row


def problems(
    template: str, language: str, form: str, tone: str | None, subject: str, body: str
) -> list[UserError]:
    """All that speaks against own words, each at its field; empty where they may be kept."""
    found = [
        *one_of("template", template, TEMPLATES),
        *one_of("language", language, LANGUAGES),
        *one_of("form", form, FORMS),
        *([] if tone is None else one_of("tone", tone, TONES)),
    ]
    found += empty(form, subject, body)
    if any(one.field != "subject" for one in found):
        return found
    if len(body) > LONGEST[form]:
        found.append(UserError("At most %(most)s characters fit here.", field="body", most=LONGEST[form]))
    found += [*_values("subject", subject), *_values("body", body), *_missing(body)]
    return found or [*_unwritable("subject", subject), *_unwritable("body", body)]


def empty(form: str, subject: str, body: str) -> list[UserError]:
    """What of a message has to be written and is not, at its field."""
    wanted = (("subject", subject), ("body", body)) if form == "long" else (("body", body),)
    return [UserError("Please fill this in.", field=name) for name, text in wanted if not text.strip()]


def one_of(field: str, value: str, known: Sequence[str]) -> list[UserError]:
    """The problem of a value that is not one of those known, at its field; empty where it is."""
    if value in known:
        return []
    return [
        UserError(
            "'%(value)s' is not possible here: use %(known)s",
            field=field, value=value, known=", ".join(known),
        )
    ]  # fmt: skip


def _values(field: str, text: str) -> list[UserError]:
    try:
        wanted = meta.find_undeclared_variables(templating.parsed(text))
    except TemplateError as error:
        return [UserError("This cannot be read as a template: %(why)s", field=field, why=Quoted(str(error)))]
    unknown = sorted(wanted - KNOWN)
    if not unknown:
        return []
    return [
        UserError(
            "No message has %(what)s: use %(known)s",
            field=field, what=", ".join(unknown), known=", ".join(sorted(KNOWN)),
        )
    ]  # fmt: skip


def _unwritable(field: str, text: str) -> list[UserError]:
    """What fails only when the words are written (`{{ name.first }}`): with every value, and with none."""
    for value in ("x", ""):
        try:
            templating.sandbox().from_string(text).render(dict.fromkeys(KNOWN, value))
        except Exception as error:  # noqa: BLE001 - whatever a template may raise: such words cannot be sent
            return [
                UserError("This cannot be read as a template: %(why)s", field=field, why=Quoted(str(error)))
            ]
    return []


def _missing(body: str) -> list[UserError]:
    try:
        wanted = meta.find_undeclared_variables(templating.parsed(body))
    except TemplateError:
        return []  # told already
    lacking = [name for name in NEEDED if name not in wanted]
    if not lacking:
        return []
    return [UserError("The words must contain %(what)s.", field="body", what=", ".join(lacking))]
