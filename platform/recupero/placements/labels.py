"""Labels: each creditor's own set of words with colours, by which people sort its accounts."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, delete, func, select, text, update
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, Faults, NotFound, UserError
from recupero.placements.label_tables import AccountLabel, Label
from recupero.placements.tables import Account

COLOURS = ("grey", "teal", "green", "blue", "violet", "amber", "red")
LONGEST, MOST = 40, 100  # characters of a name; labels of a creditor


def of_scope(session: Session) -> list[Label]:
    """The labels of the tenants in scope, by name."""
    mine = select(Label).where(Label.tenant_id.in_(scope_of(session).tenant_ids))
    return list(session.execute(mine.order_by(Label.key, Label.id)).scalars())


def counts(session: Session) -> dict[int, int]:
    """How many accounts bear each label of the tenants in scope."""
    rows = session.execute(
        select(AccountLabel.label_id, func.count())
        .where(AccountLabel.tenant_id.in_(scope_of(session).tenant_ids), _borne())
        .group_by(AccountLabel.label_id)
    )
    return {row[0]: row[1] for row in rows}


def find(session: Session, label_id: int) -> Label:
    """The label of that id of the tenants in scope. Raises NotFound."""
    found = session.execute(
        select(Label).where(Label.tenant_id.in_(scope_of(session).tenant_ids), Label.id == label_id)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("no such label")
    return found


def named(session: Session, typed: str, limit: int = 10) -> list[Label]:
    """Labels of the tenants in scope that have `typed` in their names."""
    query = select(Label).where(
        Label.tenant_id.in_(scope_of(session).tenant_ids), Label.key.contains(_key(typed), autoescape=True)
    )
    return list(session.execute(query.order_by(Label.key, Label.id).limit(limit)).scalars())


def create(session: Session, *, name: str, colour: str, actor: str) -> int:
    """Add a label to the tenant in scope; its id. Raises UserError at `name` or `colour`, Conflict where
    there is one of that name."""
    name = _checked(session, name, colour)
    tenant = scope_of(session).tenant()
    number = session.execute(select(func.count()).select_from(Label).where(Label.tenant_id == tenant))
    if number.scalar_one() >= MOST:
        raise UserError("a creditor has at most %(most)s labels", field="name", most=MOST)
    made = Label(
        tenant_id=tenant, name=name, key=_key(name), colour=colour, made_by=actor, made_at=clock.now()
    )
    session.add(made)
    session.flush()
    audit.record(session, "placements.label_made", f"label:{made.id}", actor=actor, tenant_id=tenant)
    return made.id


def change(session: Session, label_id: int, *, name: str, colour: str, actor: str) -> None:
    """Give a label of the tenant in scope another name or colour. Raises as `create`, and NotFound."""
    found = find(session, label_id)
    name = _checked(session, name, colour, but=label_id)
    found.name, found.key, found.colour = name, _key(name), colour
    session.flush()
    audit.record(
        session, "placements.label_changed", f"label:{label_id}", actor=actor, tenant_id=found.tenant_id
    )


def remove(session: Session, label_id: int, *, actor: str) -> None:
    """Do away with a label of the tenant in scope; no account bears it any more. Raises NotFound."""
    found = find(session, label_id)
    session.execute(delete(Label).where(Label.tenant_id == found.tenant_id, Label.id == label_id))
    audit.record(
        session, "placements.label_removed", f"label:{label_id}", actor=actor, tenant_id=found.tenant_id
    )


def of_accounts(session: Session, account_ids: Collection[int]) -> dict[int, list[Label]]:
    """The labels that these accounts of the tenants in scope bear, by name."""
    rows = session.execute(
        select(AccountLabel.account_id, Label)
        .join(Label, (Label.tenant_id == AccountLabel.tenant_id) & (Label.id == AccountLabel.label_id))
        .where(
            AccountLabel.tenant_id.in_(scope_of(session).tenant_ids), _borne(),
            among(AccountLabel.account_id, account_ids),
        )
        .order_by(Label.key, Label.id)
    )  # fmt: skip
    found: dict[int, list[Label]] = defaultdict(list)
    for account_id, label in rows:
        found[account_id].append(label)
    return found


def choices(session: Session, account_id: int) -> list[tuple[Label, bool]]:
    """The labels of the creditor of an account in scope, by name, and whether the account bears each."""
    rows = session.execute(
        select(Label, AccountLabel.id.is_not(None))
        .join(Account, (Account.tenant_id == Label.tenant_id) & (Account.id == account_id))
        .outerjoin(
            AccountLabel,
            (AccountLabel.tenant_id == Label.tenant_id) & (AccountLabel.label_id == Label.id)
            & (AccountLabel.account_id == account_id) & _borne(),
        )
        .where(Label.tenant_id.in_(scope_of(session).tenant_ids))
        .order_by(Label.key, Label.id)
    )  # fmt: skip
    return [(row[0], row[1]) for row in rows]


def bearing(session: Session, label_id: int, account_ids: Collection[int]) -> set[int]:
    """Those of the accounts that bear the label."""
    rows = session.execute(
        select(AccountLabel.account_id).where(
            AccountLabel.tenant_id.in_(scope_of(session).tenant_ids), AccountLabel.label_id == label_id,
            _borne(), among(AccountLabel.account_id, account_ids),
        )
    )  # fmt: skip
    return set(rows.scalars())


def bears(label_id: int) -> ColumnElement[bool]:
    """The condition that an account of a query bears the label."""
    return (
        select(AccountLabel.id)
        .where(
            AccountLabel.tenant_id == Account.tenant_id, AccountLabel.account_id == Account.id,
            AccountLabel.label_id == label_id, _borne(),
        )
        .exists()
    )  # fmt: skip


def accounts_of(session: Session, label_id: int, *, after: int, limit: int) -> list[int]:
    """Accounts above the id `after` that bear a label of the tenants in scope, by id."""
    rows = session.execute(
        select(AccountLabel.account_id)
        .where(
            AccountLabel.tenant_id == find(session, label_id).tenant_id, AccountLabel.label_id == label_id,
            _borne(), AccountLabel.account_id > after,
        )
        .order_by(AccountLabel.account_id)
        .limit(limit)
    )  # fmt: skip
    return list(rows.scalars())


def put(session: Session, account_id: int, label_ids: Collection[int], *, actor: str) -> None:
    """Let an account of the tenant in scope bear these labels and no others. Raises NotFound for a label
    that is none of the tenant's."""
    has = {one.id for one in of_accounts(session, [account_id]).get(account_id, ())}
    known = {one.id for one in of_scope(session)}
    if not set(label_ids) <= known:
        raise NotFound("no such label", field="label_ids")
    for label_id in sorted(set(label_ids) - has):
        give(session, label_id, [account_id], by=actor)
    for label_id in sorted(has - set(label_ids)):
        take(session, label_id, [account_id], by=actor)
    if has != set(label_ids):
        audit.record(
            session, "placements.labels_put", f"account:{account_id}", actor=actor,
            tenant_id=scope_of(session).tenant(), labels=sorted(set(label_ids)),
        )  # fmt: skip


_GIVE = text("""
INSERT INTO account_labels (tenant_id, account_id, label_id, given_by, given_at)
SELECT a.tenant_id, a.id, :label, :by, :now FROM accounts a
WHERE a.tenant_id = :tenant AND a.id = ANY (:ids)
ON CONFLICT (tenant_id, account_id, label_id) WHERE removed_by IS NULL DO NOTHING
RETURNING account_id
""")


def give(session: Session, label_id: int, account_ids: Sequence[int], *, by: str) -> int:
    """Let these accounts of the tenant in scope bear the label; how many did not."""
    asked = {
        "tenant": scope_of(session).tenant(), "label": label_id, "ids": list(account_ids), "by": by,
        "now": clock.now(),
    }  # fmt: skip
    return len(session.execute(_GIVE, asked).all())


def take(session: Session, label_id: int, account_ids: Collection[int], *, by: str) -> int:
    """Let these accounts of the tenant in scope bear the label no more; how many did."""
    chosen = (AccountLabel.label_id == label_id, among(AccountLabel.account_id, account_ids))
    return _taken(session, *chosen, by=by)


def take_back_given(session: Session, source: str, *, by: str) -> int:
    """What an order gave to accounts of the tenant in scope is borne no more; how many."""
    return _taken(session, AccountLabel.given_by == source, by=by)


def take_back_removed(session: Session, source: str) -> int:
    """What an order took from accounts of the tenant in scope is borne again, unless it was given anew
    meanwhile; how many."""
    tenant = scope_of(session).tenant()
    return len(session.execute(_AGAIN, {"tenant": tenant, "source": source}).all())


_AGAIN = text("""
UPDATE account_labels one SET removed_by = NULL, removed_at = NULL
WHERE one.tenant_id = :tenant AND one.removed_by = :source AND NOT EXISTS (
    SELECT 1 FROM account_labels other WHERE other.tenant_id = one.tenant_id
      AND other.account_id = one.account_id AND other.label_id = one.label_id AND other.removed_by IS NULL)
RETURNING one.id
""")


def _taken(session: Session, *which: ColumnElement[bool], by: str) -> int:
    done = session.execute(
        update(AccountLabel)
        .where(AccountLabel.tenant_id == scope_of(session).tenant(), _borne(), *which)
        .values(removed_by=by, removed_at=clock.now())
        .returning(AccountLabel.id)
    )
    return len(done.all())


def _borne() -> ColumnElement[bool]:
    return AccountLabel.removed_by.is_(None)


def _key(name: str) -> str:
    return name.strip().casefold()


def _checked(session: Session, name: str, colour: str, but: int | None = None) -> str:
    name = " ".join(name.replace("\x00", "").split())
    faults = Faults()
    if not name:
        faults.note(UserError("Please fill this in.", field="name"))
    if max(len(name), len(_key(name))) > LONGEST:
        faults.note(UserError("At most %(most)s characters fit here.", field="name", most=LONGEST))
    if colour not in COLOURS:
        faults.note(UserError("Please choose one.", field="colour"))
    faults.tell()
    if any(one.key == _key(name) and one.id != but for one in of_scope(session)):
        raise Conflict("there is a label of this name already", field="name")
    return name
