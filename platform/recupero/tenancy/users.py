"""What changes users: their logins, their work, their telephone."""

import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, crypto
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, Faults, NotFound, UserError
from recupero.tenancy import passwords, queries
from recupero.tenancy.callers import normalise_email
from recupero.tenancy.permissions import CREDITOR_ROLES, Role
from recupero.tenancy.queries import concerns
from recupero.tenancy.tables import LoginDirectory, User

_E164 = re.compile(r"\+[1-9]\d{6,14}")
#: Matters that want somebody trained for them.
SKILLS = ("complaints", "disputes", "hardship", "identity")
#: Languages that debtors are written to in.
SPOKEN = ("es", "en", "pt")
LONGEST = 200  # characters of a name, and of an e-mail address
LONGEST_DESK = 40  # characters of a name of a desk


def create(
    session: Session,
    *,
    email: str,
    name: str,
    password: str,
    role: Role,
    tenant_ids: Iterable[int] | None,
    locale: str,
    actor: str,
    desk: str | None = None,
    skills: Iterable[str] = (),
    languages: Iterable[str] = (),
) -> User:
    """Add a user to the agency in scope. `tenant_ids` None means every tenant; creditor roles need one.

    Raises UserError on a short password, an address without @, a creditor without tenant or a skill that is
    not known, Conflict on a login that exists.
    """
    tenants = None if tenant_ids is None else list(tenant_ids)
    check(email=email, name=name, password=password, role=role, tenants=tenants, desk=desk)
    agency, index = scope_of(session).agency(), crypto.keyring().blind_index(normalise_email(email))
    user = User(
        agency_id=agency, email=normalise_email(email), email_index=index, name=name,
        password_hash=passwords.hashed(password), role=role.value, tenant_ids=tenants, locale=locale,
        desk=_team(desk), skills=_known(skills, SKILLS, "skills"),
        languages=_known(languages, SPOKEN, "languages"), created_at=clock.now(),
    )  # fmt: skip
    session.add(user)
    session.flush()
    listed = session.execute(
        insert(LoginDirectory)
        .values(email_index=index, agency_id=agency, user_id=user.id)
        .on_conflict_do_nothing()
        .returning(LoginDirectory.user_id)
    ).scalar_one_or_none()
    if listed is None:
        raise Conflict("somebody signs in with this e-mail already: choose another", field="email")
    audit.record(
        session,
        "tenancy.create_user",
        f"user:{user.id}",
        actor=actor,
        tenant_id=_only(tenants),
        role=role.value,
    )  # fmt: skip
    return user


def set_work(
    session: Session,
    user_id: int,
    *,
    desk: str | None,
    skills: Iterable[str],
    languages: Iterable[str],
    actor: str,
) -> None:
    """What work a user of the agency in scope is given. Raises NotFound, UserError on an unknown skill."""
    scope = scope_of(session)
    user = session.execute(
        select(User).where(
            User.agency_id == scope.agency(), User.id == user_id, concerns(scope, User.tenant_ids)
        )
    ).scalar_one_or_none()
    if user is None:
        raise NotFound("no such user")
    user.desk = _team(desk)
    user.skills, user.languages = _known(skills, SKILLS, "skills"), _known(languages, SPOKEN, "languages")
    audit.record(
        session, "tenancy.set_work", f"user:{user_id}", actor=actor, desk=user.desk, skills=user.skills,
        languages=user.languages,
    )  # fmt: skip


def _team(desk: str | None) -> str | None:
    """A desk's name as it is kept. Raises UserError at its field where it is too long."""
    name = (desk or "").strip()
    if len(name) > LONGEST_DESK:
        raise UserError("At most %(most)s characters fit here.", field="desk", most=LONGEST_DESK)
    return name or None


def _known(chosen: Iterable[str], known: Sequence[str], field: str) -> list[str]:
    wanted = sorted(set(chosen))
    if not set(wanted) <= set(known):
        raise UserError("Please choose one.", field=field)
    return wanted


def _only(tenants: list[int] | None) -> int | None:
    """The one tenant that something is about, so that only its people are shown the audit event."""
    return tenants[0] if tenants is not None and len(tenants) == 1 else None


def check(
    *, email: str, name: str, password: str, role: Role, tenants: list[int] | None, desk: str | None
) -> None:
    """Whether there may be such a user. Raises UserError at each field that is wrong."""
    faults, least = Faults(), passwords.MIN_PASSWORD
    if "@" not in email:
        faults.note(UserError("the e-mail needs an @", field="email"))
    for field, text in (("email", email), ("name", name)):
        if len(text) > LONGEST:
            faults.note(UserError("At most %(most)s characters fit here.", field=field, most=LONGEST))
    if len(password) < least:
        faults.note(
            UserError("the password needs at least %(least)s characters", field="password", least=least)
        )
    if role in CREDITOR_ROLES and (tenants is None or len(tenants) != 1):
        faults.note(UserError("a creditor's user belongs to exactly one creditor", field="tenant_ids"))
    with faults.caught():
        _team(desk)
    faults.tell()


def set_locale(session: Session, user_id: int, locale: str) -> None:
    """Keep the language in which the user wants their pages."""
    session.execute(
        update(User)
        .where(User.agency_id == scope_of(session).agency(), User.id == user_id)
        .values(locale=locale)
    )


def set_phone(session: Session, user_id: int, phone: str) -> None:
    """Where calls ring for the user; empty for nowhere, which ends their taking calls. Raises UserError for
    what is no number with its country's code."""
    number = "".join(letter for letter in phone if letter not in " ().-")
    if number and not _E164.fullmatch(number):
        raise UserError("Write the number with its country code, such as +56 2 2345 6789.", field="phone")
    found = queries.user(session, user_id)
    found.phone = number or None
    if not number:
        found.takes_calls_until = None


def take_calls(session: Session, user_id: int, until: datetime | None) -> None:
    """Calls are put through to the user until then; None: no more. Raises UserError where no number is known
    at which they ring."""
    found = queries.user(session, user_id)
    if until is not None and not found.phone:
        raise UserError("First tell at which number calls ring for you.", field="phone")
    found.takes_calls_until = until


def set_active(session: Session, user_id: int, *, active: bool, actor: str) -> None:
    """Let a user sign in, or end every session of theirs and keep them out. Raises NotFound where the user
    sees none of the tenants in scope."""
    scope = scope_of(session)
    done = session.execute(
        update(User)
        .where(User.agency_id == scope.agency(), User.id == user_id, concerns(scope, User.tenant_ids))
        .values(active=active, session_version=User.session_version + 1)
        .returning(User.id)
    ).scalar_one_or_none()
    if done is None:
        raise NotFound("no such user")
    audit.record(session, "tenancy.set_active", f"user:{user_id}", actor=actor, active=active)


def new_password(session: Session, user_id: int, *, actor: str) -> str:
    """Give the user a fresh random password, end their sessions, and return it; it is shown this once.

    Raises NotFound.
    """
    password = secrets.token_urlsafe(12)
    done = session.execute(
        update(User)
        .where(User.agency_id == scope_of(session).agency(), User.id == user_id)
        .values(
            password_hash=passwords.hashed(password),
            session_version=User.session_version + 1,
            failed_logins=0,
            locked_until=None,
        )
        .returning(User.id)
    ).scalar_one_or_none()
    if done is None:
        raise NotFound("no such user")
    audit.record(session, "tenancy.new_password", f"user:{user_id}", actor=actor)
    return password


def sign_out_everywhere(session: Session, user_id: int, *, actor: str) -> None:
    """End every session of the user."""
    session.execute(
        update(User)
        .where(User.agency_id == scope_of(session).agency(), User.id == user_id)
        .values(session_version=User.session_version + 1)
    )
    audit.record(session, "tenancy.sign_out_everywhere", f"user:{user_id}", actor=actor)
