"""Who may come in: users with their roles, and API keys for machines."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel import clock
from recupero.kernel.errors import NotFound, UserError
from recupero.portals.frame.forms import Form, ids_of
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Search, Table, answer
from recupero.portals.words.language import CODES, LANGUAGES, timezone
from recupero.portals.words.words import label, options
from recupero.tenancy import keys as key_service
from recupero.tenancy import queries
from recupero.tenancy import users as user_service
from recupero.tenancy.guard import requires, the_caller, transaction
from recupero.tenancy.permissions import CREDITOR_ROLES, Permission, Role
from recupero.tenancy.tables import ApiKey, User

#: The platform's own operator is made by command, and no key operates the platform.
ROLES = tuple(role for role in Role if role is not Role.PLATFORM_OPERATOR)
FOR_KEYS = tuple(one for one in Permission if one is not Permission.PLATFORM_OPERATE)


@blueprint.get("/users")
@requires(Permission.TENANCY_MANAGE)
def users() -> ResponseReturnValue:
    return _users_page(Form({"locale": the_caller().locale[:2], "role": Role.AGENT.value}))


@blueprint.post("/users")
@requires(Permission.TENANCY_MANAGE)
def user_new() -> ResponseReturnValue:
    form = Form.sent()
    try:
        _add_user(form)
    except UserError as error:
        form.refuse(error)
        return _users_page(form)
    flash(_("The user has been added."))
    return redirect(url_for("portals.users"))


def _add_user(form: Form) -> None:
    with form.together(tenant_ids="tenants"):
        role, chosen, desk = _role(form), ids_of("tenants"), form.optional("desk")
        if role in CREDITOR_ROLES and len(chosen) != 1:
            form.wrong(UserError("Choose the one creditor that this user belongs to.", field="tenants"))
        if not set(chosen) <= set(the_caller().scope.tenant_ids):
            form.wrong(UserError("Choose among your creditors.", field="tenants"))
        email, name, password = form.text("email"), form.text("name"), form.text("password")
        locale = form.one_of("locale", CODES)
        user_service.check(email=email, name=name, password=password, role=role, tenants=chosen, desk=desk)
    with transaction() as session:
        user_service.create(
            session, email=email, name=name, password=password, role=role, tenant_ids=chosen or None,
            locale=locale, desk=desk, skills=request.form.getlist("skills"),
            languages=request.form.getlist("languages"), actor=the_caller().actor,
        )  # fmt: skip


def _role(form: Form) -> Role:
    return Role(form.one_of("role", ROLES) or Role.AGENT)


@blueprint.post("/users/<int:user_id>/work")
@requires(Permission.TENANCY_MANAGE)
def user_work(user_id: int) -> ResponseReturnValue:
    """What a user is trained for and speaks, by which people who must be taken over are given to them."""
    form = Form.sent()
    try:
        with transaction() as session:
            user_service.set_work(
                session, user_id, desk=form.optional("desk"), skills=request.form.getlist("skills"),
                languages=request.form.getlist("languages"), actor=the_caller().actor,
            )  # fmt: skip
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error, "desk")
        return _users_page(Form({"locale": the_caller().locale[:2]}), work=(user_id, form))
    flash(_("Saved."))
    return redirect(url_for("portals.users"))


@blueprint.post("/users/<int:user_id>/password")
@requires(Permission.TENANCY_MANAGE)
def user_password(user_id: int) -> ResponseReturnValue:
    """Make a new password and show it this once."""
    with transaction() as session:
        if user_id not in {user.id for user in queries.users(session)}:
            raise NotFound("There is no such user.")
        password = user_service.new_password(session, user_id, actor=the_caller().actor)
    return _users_page(Form({"locale": the_caller().locale[:2]}), password)


def _users_page(
    form: Form, password: str | None = None, work: tuple[int, Form] | None = None
) -> ResponseReturnValue:
    """The users; `work` is what was refused of one's work, with whose it is."""
    with transaction() as session:
        rows, tenants = queries.users(session), queries.tenants(session)
    names = {tenant.id: tenant.name for tenant in tenants}
    return answer(
        "admin/users.html", _users_table(names).fill_whole(rows), names=names, form=form,
        roles=[(role.value, label("role", role)) for role in ROLES],
        chosen=request.form.getlist("tenants"), me=the_caller().actor, password=password, refused=work,
        skills=[(skill, label("skill", skill)) for skill in user_service.SKILLS],
        speaks=[(code, name) for code, name in LANGUAGES if code in user_service.SPOKEN],
        longest_desk=user_service.LONGEST_DESK,
        ticked={name: request.form.getlist(name) for name in ("skills", "languages")},
        status=422 if work else form.status,
    )  # fmt: skip


def _users_table(names: Mapping[int, str]) -> Table[User]:
    columns: list[Column[User]] = [
        Column("name", _("Name"), lambda row: row.name),
        Column("email", _("E-mail"), lambda row: row.email),
        Column("role", _("Role"), lambda row: row.role, words="role"),
        Column("creditors", _("Creditors"), lambda row: _names(row.tenant_ids, names)),
        Column("last_login", _("Last signed in"), lambda row: row.last_login_at),
        Column("state", _("State"), _user_state, words="user"),
    ]
    return Table(
        "users", _("Users"), columns, sort="name", endpoint="portals.users",
        filters=(
            Search(_("Search"), _("Name or e-mail"), of=lambda row: f"{row.name} {row.email}"),
            Pick("role", _("Role"), [(one, label("role", one)) for one in ROLES], of=lambda row: row.role),
            Pick("state", _("State"), options("user"), of=_user_state),
        ),
    )  # fmt: skip


def _user_state(user: User) -> str:
    return "active" if user.active else "shut_out"


def _names(tenant_ids: Sequence[int] | None, names: Mapping[int, str]) -> str:
    if tenant_ids is None:
        return str(_("all"))
    return ", ".join(names.get(one, str(one)) for one in tenant_ids)


@blueprint.post("/users/<int:user_id>/<any(activate, deactivate):what>")
@requires(Permission.TENANCY_MANAGE)
def user_switch(user_id: int, what: str) -> ResponseReturnValue:
    caller = the_caller()
    if f"user:{user_id}" == caller.actor:
        raise UserError("You cannot shut yourself out. Ask another administrator.")
    with transaction() as session:
        user_service.set_active(session, user_id, active=what == "activate", actor=caller.actor)
    flash(_("The user may sign in.") if what == "activate" else _("The user is signed out and stays out."))
    return redirect(url_for("portals.users"))


@blueprint.get("/keys")
@requires(Permission.TENANCY_MANAGE)
def keys() -> ResponseReturnValue:
    return _keys_page(Form())


@blueprint.post("/keys")
@requires(Permission.TENANCY_MANAGE)
def key_new() -> ResponseReturnValue:
    """Make a key and show it this once: the page that answers is the only one that ever holds it."""
    form = Form.sent()
    try:
        return _keys_page(Form(), _add_key(form))
    except UserError as error:
        form.refuse(error, "tenants", "permissions")
        return _keys_page(form)


def _add_key(form: Form) -> str:
    granted = [one for one in FOR_KEYS if one.value in request.form.getlist("permissions")]
    chosen = ids_of("tenants")
    with form.together():
        if not granted:
            form.wrong(UserError("Choose at least one thing that the key may do.", field="permissions"))
        if not chosen:
            form.wrong(UserError("Choose at least one creditor.", field="tenants"))
        name, expires_at = form.text("name"), _end_of(form)
    with transaction() as session:
        return key_service.create(
            session, name=name, permissions=granted, tenant_ids=chosen, expires_at=expires_at,
            actor=the_caller().actor,
        )  # fmt: skip


def _end_of(form: Form) -> datetime | None:
    """The end of the day that was chosen; None where the key does not expire."""
    end = form.end_of("expires", timezone() or "UTC")
    if end is not None and end <= clock.now():
        form.wrong(UserError("Choose a day that is yet to come.", field="expires"))
    return end


def _keys_page(form: Form, key: str | None = None) -> ResponseReturnValue:
    with transaction() as session:
        rows, tenants = queries.api_keys(session), queries.tenants(session)
    names = {tenant.id: tenant.name for tenant in tenants}
    return answer(
        "admin/keys.html", _keys_table(names).fill_whole(rows), names=names, form=form, key=key,
        permissions=FOR_KEYS,
        granted=request.form.getlist("permissions") if form.errors else [],
        chosen=request.form.getlist("tenants") if form.errors else [], status=form.status,
    )  # fmt: skip


def _keys_table(names: Mapping[int, str]) -> Table[ApiKey]:
    columns: list[Column[ApiKey]] = [
        Column("name", _("Name"), lambda row: row.name),
        Column("permissions", _("What it may do"), sorts=False,
               value=lambda row: ", ".join(label("permission", code) for code in row.permissions)),
        Column("creditors", _("Creditors"), lambda row: _names(row.tenant_ids, names)),
        Column("last_used", _("Last used"), lambda row: row.last_used_at),
        Column("expires", _("Valid until"), lambda row: row.expires_at),
        Column("state", _("State"), _key_state, words="key"),
    ]  # fmt: skip
    states = Pick[ApiKey]("state", _("State"), options("key"), of=_key_state)
    return Table("keys", _("API keys"), columns, sort="name", filters=(states,), endpoint="portals.keys")


def _key_state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= clock.now() else "valid"


@blueprint.post("/keys/<int:key_id>/revoke")
@requires(Permission.TENANCY_MANAGE)
def key_revoke(key_id: int) -> ResponseReturnValue:
    with transaction() as session:
        key_service.revoke(session, key_id, actor=the_caller().actor)
    flash(_("The key no longer works."))
    return redirect(url_for("portals.keys"))
