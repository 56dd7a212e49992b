"""The inbox: conversations across all channels, answering in them, and what nobody could place."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.kernel import clock, rest, runtime
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.outreach.channels.connectors import CARRIED
from recupero.outreach.conversations import collecting, queries, replies
from recupero.outreach.conversations.tables import Conversation
from recupero.outreach.debtors import dispute_answers, tellings
from recupero.outreach.reception import working
from recupero.outreach.understanding import brief, desk, hand_overs, policy, readings
from recupero.placements import browse, reach
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form, id_of
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Table, answer, creditor_pick
from recupero.portals.words.words import label
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission
from recupero_sdk.inbound import ReadsFiles

LARGEST_FILE = 20 * 1024 * 1024


def only_of() -> int | None:
    """Whose conversations the caller sees: an agent their own and those of nobody, others all of them."""
    caller = the_caller()
    kind, _colon, number = caller.actor.partition(":")
    return None if caller.may(Permission.OUTBOX_READ) else int(number) if kind == "user" else 0


@blueprint.get("/inbox")
@requires(Permission.INBOX_READ)
def inbox() -> ResponseReturnValue:
    people: dict[int, browse.AccountLine] = {}
    with transaction() as session:
        tenants = {tenant.id: tenant for tenant in tenancy.tenants(session)}
        names = {user.id: user.name for user in tenancy.users(session)}
        table = _conversations({id_: tenant.name for id_, tenant in tenants.items()}, names, people)
        chosen = table.chosen
        table.fill(
            queries.conversations(
                session, of_user=only_of(), tenant_id=int(chosen.get("tenant") or 0) or None,
                waiting={"yes": True, "no": False}.get(chosen["waiting"]),
                handed_over=chosen["waiting"] == "person", part=table.part,
            )
        )  # fmt: skip
        people |= browse.lines(session, [row.account_id for row in table.rows])
        waiting, problems = len(queries.unplaced(session)), queries.unreachable(session)
    return answer(
        "inbox/list.html", table, tenants=tenants, unplaced=waiting, problems=problems, now=clock.now(),
        late=any(_late(row) for row in table.rows),
    )  # fmt: skip


def _conversations(
    creditors: Mapping[int, str], names: Mapping[int, str], people: Mapping[int, browse.AccountLine]
) -> Table[Conversation]:
    columns: list[Column[Conversation]] = [
        Column("who", _("Who"), lambda row: people[row.account_id].debtor, sorts=False,
               link=lambda row: url_for("portals.inbox_talk", debtor_id=row.debtor_id),
               note=lambda row: creditors[row.tenant_id]),
        Column("last", _("Last heard"), lambda row: row.last_at),
        Column("channel", _("Channel"), lambda row: row.channel, words="talk_channel"),
        Column("waiting", _("Waits since"), lambda row: row.waiting_since),
        Column("given_to", _("Given to"), lambda row: names.get(row.assigned_to or 0), sorts=False),
        Column("due", _("Deadline"), lambda row: row.due_at),
    ]  # fmt: skip
    answered = [
        ("yes", _("Waits for an answer")),
        ("person", _("A person has them, answered or not")),
        ("no", _("Answered")),
    ]
    return Table(
        "conversations", _("Conversations"), columns, per_page=40,
        filters=(*creditor_pick(creditors), Pick("waiting", _("Answer"), answered)),
    )  # fmt: skip


@blueprint.get("/inbox/<int:debtor_id>")
@requires(Permission.INBOX_READ)
def inbox_talk(debtor_id: int) -> ResponseReturnValue:
    return _talk_page(debtor_id, Form())


@blueprint.post("/inbox/<int:debtor_id>")
@requires(Permission.ACCOUNTS_WORK)
def inbox_reply(debtor_id: int) -> ResponseReturnValue:
    """Answer by the channel of their last message; the law is asked when it goes out, which is at once."""
    form = Form.sent()
    try:
        with tenant_transaction(_tenant_of(debtor_id)) as session:
            replies.reply(
                session, debtor_id, str(form.values.get("text", "")), actor=the_caller().actor,
                subject=form.optional("subject"),
            )  # fmt: skip
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error, "text")
        return _talk_page(debtor_id, form)
    flash(_("Your answer is on its way."))
    return redirect(url_for("portals.inbox_talk", debtor_id=debtor_id))


@blueprint.post("/inbox/<int:debtor_id>/answered")
@requires(Permission.ACCOUNTS_WORK)
def inbox_answered(debtor_id: int) -> ResponseReturnValue:
    with tenant_transaction(_tenant_of(debtor_id)) as session:
        hand_overs.settle(session, debtor_id, actor=the_caller().actor)
    flash(_("Noted: nothing more is to be answered."))
    return redirect(url_for("portals.inbox"))


@blueprint.post("/inbox/<int:debtor_id>/done")
@requires(Permission.ACCOUNTS_WORK)
def inbox_take_back(debtor_id: int) -> ResponseReturnValue:
    """The person who took a debtor over is done: the cause and the next step; the machines may go on."""
    form = Form.sent()
    try:
        with tenant_transaction(_tenant_of(debtor_id)) as session:
            hand_overs.close(
                session, debtor_id, cause=form.optional("cause"), next_step=form.optional("next_step"),
                actor=the_caller().actor,
            )  # fmt: skip
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error, "cause", "next_step")
        return _talk_page(debtor_id, form)
    flash(_("Done."))
    return redirect(url_for("portals.inbox_talk", debtor_id=debtor_id))


@blueprint.post("/inbox/<int:debtor_id>/give")
@requires(Permission.ACCOUNTS_WORK)
def inbox_give(debtor_id: int) -> ResponseReturnValue:
    """Give the conversation to a colleague, or to whoever comes first."""
    form = Form.sent()
    try:
        with tenant_transaction(_tenant_of(debtor_id)) as session:
            desk.pass_on(
                session, debtor_id, form.id("user") if form.optional("user") else None,
                actor=the_caller().actor,
            )  # fmt: skip
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error, "user")
        return _talk_page(debtor_id, form)
    flash(_("Done."))
    return redirect(url_for("portals.inbox"))


@blueprint.post("/inbox/readings/<int:contact_id>")
@requires(Permission.ACCOUNTS_WORK)
def inbox_correct(contact_id: int) -> ResponseReturnValue:
    """Say what a message means; the next training of the agency's model learns it."""
    form = Form.sent()
    with transaction() as session:
        reading = readings.of_contacts(session, [contact_id]).get(contact_id)
        if reading is None:
            raise NotFound("this message was not read")
        debtor_id = reading.debtor_id
    try:
        with tenant_transaction(_tenant_of(debtor_id)) as session:
            readings.correct(session, contact_id, request.form.getlist("intents"), actor=the_caller().actor)
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error)
        return _talk_page(debtor_id, form)
    flash(_("Noted: the next training learns it."))
    return redirect(url_for("portals.inbox_talk", debtor_id=debtor_id))


@blueprint.get("/inbox/files/<int:file_id>")
@requires(Permission.INBOX_READ)
def inbox_file(file_id: int) -> ResponseReturnValue:
    """A file that came with a message, to keep; never shown in the page, whatever it holds."""
    with transaction() as session:
        name, media_type, content, contact_id = queries.file(session, file_id)
        queries.check_sees_contact(session, contact_id, of_user=only_of())
    return rest.file(content, media_type, name)


@blueprint.get("/inbox/unplaced")
@requires(Permission.INBOX_READ)
def inbox_unplaced() -> ResponseReturnValue:
    return _unplaced_page(Form())


@blueprint.post("/inbox/unplaced/<int:event_id>")
@requires(Permission.ACCOUNTS_WORK)
def inbox_place(event_id: int) -> ResponseReturnValue:
    """Give a message to an account, say that it is about nobody here, or have a failed event worked again."""
    form, actor = Form.sent(), the_caller().actor
    try:
        with transaction() as session:
            tenant_id = queries.unplaced_tenant(session, event_id)
        with tenant_transaction(tenant_id) as session:
            if form.optional("do") == "dismiss":
                working.dismiss(session, event_id, actor=actor)
            elif form.optional("do") == "again":
                working.try_again(session, event_id, actor=actor)
            else:
                working.assign(session, event_id, _account(session, form), actor=actor)
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error, "account")
        return _unplaced_page(form, event_id)
    flash(_("Done."))
    return redirect(url_for("portals.inbox_unplaced"))


def _account(session: Session, form: Form) -> int:
    """The account that was typed, by its id or its number at the creditor."""
    found = reach.called(session, form.text("account"))
    if len(found) != 1:
        raise UserError("This creditor has no account of this number.", field="account")
    return found[0]


@blueprint.get("/inbox/returned")
@requires(Permission.ACCOUNTS_WORK)
def inbox_returned() -> ResponseReturnValue:
    return _returned_page(Form())


@blueprint.post("/inbox/returned")
@requires(Permission.ACCOUNTS_WORK)
def inbox_returned_sent() -> ResponseReturnValue:
    """A connector's file: the post's list of returned mail."""
    form = Form.sent()
    try:
        tenant, _colon, connector = form.text("connector").partition(":")
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            raise UserError("Choose a file.", field="file")
        content = sent.stream.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise UserError("The file is too large.", field="file")
        with tenant_transaction(id_of(tenant) or 0) as session:
            taken = collecting.take_file(session, connector, content, actor=the_caller().actor)
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error, "connector", "file")
        return _returned_page(form)
    return _returned_page(form, taken)


def _returned_page(form: Form, taken: collecting.FileTaken | None = None) -> ResponseReturnValue:
    channels = runtime.current().plugins.channels
    readers = {key for key, channel in channels.items() if isinstance(channel, ReadsFiles)}
    with transaction() as session:
        names = {tenant.id: tenant.name for tenant in tenancy.tenants(session)}
        choices = [
            (f"{tenant}:{key}", f"{names[tenant]}: {key}")
            for tenant, key in tenancy.plugins_on(session, "channel")
            if key in readers
        ]
    return render_template(
        "inbox/returned.html", form=form, choices=choices, taken=taken, largest=LARGEST_FILE
    ), form.status


def _unplaced_page(form: Form, event_id: int | None = None) -> ResponseReturnValue:
    with transaction() as session:
        rows = queries.unplaced(session)
        tenants = {tenant.id: tenant for tenant in tenancy.tenants(session)}
    page = render_template("inbox/unplaced.html", rows=rows, tenants=tenants, form=form, event_id=event_id)
    return page, form.status


def _late(talk: Conversation) -> bool:
    return talk.due_at is not None and talk.due_at < clock.now()


def _tenant_of(debtor_id: int) -> int:
    with transaction() as session:
        found: Conversation = queries.conversation(session, debtor_id, of_user=only_of())
        return found.tenant_id


def _unanswerable(debtor_id: int, tenant_id: int) -> tuple[str | None, datetime | None]:
    """Why nothing can be written as an answer here, if so; and until when it can, where that ends."""
    with tenant_transaction(tenant_id) as session:
        try:
            last = replies.last_to_answer(session, debtor_id)
            closes = replies.closes_at(session, debtor_id, last)
            replies.check_open(session, last.account_id, last.channel, closes)
        except Conflict as error:
            return said(error), None
    return None, closes


def _talk_page(debtor_id: int, form: Form) -> ResponseReturnValue:
    with transaction() as session:
        talk = queries.conversation(session, debtor_id, of_user=only_of())
        person = browse.lines(session, [talk.account_id])[talk.account_id]
        tenant: Any = tenancy.tenant(session, talk.tenant_id)
        lines = queries.lines(session, debtor_id)
        given = hand_overs.open_for(session, debtor_id)
        read = readings.of_contacts(session, [one.contact_id for one in lines if one.contact_id])
        written: Any = talk.channel if talk.channel in CARRIED else "email"
        answered = dispute_answers.answers_of(session, debtor_id)
        said_there = tellings.of_debtors(session, [debtor_id])
        told = brief.brief(session, debtor_id, talk.account_id, read.values(), written)
        names = {user.id: user.name for user in tenancy.users(session)}
        colleagues = [(user.id, user.name) for user in desk.workers(session, talk.tenant_id)]
    unanswerable, closes = _unanswerable(debtor_id, talk.tenant_id)
    page = render_template(
        "inbox/talk.html", talk=talk, person=person, tenant=tenant, lines=lines, form=form,
        longest=replies.LONGEST, given=given, readings=read, intents=policy.INTENTS,
        causes=[("", ""), *((cause, label("cause", cause)) for cause in hand_overs.CAUSES)],
        longest_step=hand_overs.LONGEST, reading_currency=tenant.currency, brief=told, names=names,
        colleagues=[("", _("Whoever comes first")), *colleagues], late=_late(talk), answered=answered,
        tellings=said_there, unanswerable=unanswerable, closes=closes,
    )  # fmt: skip
    return page, form.status
