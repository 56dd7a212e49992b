"""What brought a payment, for many payments at once (`queries.last_reached` answers for one)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ARRAY, BigInteger, DateTime, bindparam, text
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of

_LAST = text("""
SELECT DISTINCT ON (w.place) w.place, c.id, c.channel
FROM unnest(:accounts, :moments) WITH ORDINALITY AS w(account_id, until, place)
JOIN contacts c ON c.tenant_id = ANY(:tenants) AND c.account_id = w.account_id
 AND c.at BETWEEN w.until - :within AND w.until
 AND c.state IN ('sent', 'delivered', 'answered', 'received')
ORDER BY w.place, c.at DESC, c.id DESC
""").bindparams(bindparam("accounts", type_=ARRAY(BigInteger)), bindparam("tenants", type_=ARRAY(BigInteger)),
                bindparam("moments", type_=ARRAY(DateTime(timezone=True))))  # fmt: skip


def last_reached_each(
    session: Session, asked: Sequence[tuple[int, datetime]], *, within: timedelta
) -> dict[tuple[int, datetime], tuple[int, str]]:
    """For each account and moment: id and channel of the newest contact about the account that reached
    somebody in the time before the moment; left out where there was none."""
    rows = session.execute(
        _LAST,
        {"accounts": [account for account, _ in asked], "moments": [moment for _, moment in asked],
         "within": within, "tenants": list(scope_of(session).tenant_ids)},
    )  # fmt: skip
    return {asked[place - 1]: (contact_id, channel) for place, contact_id, channel in rows}
