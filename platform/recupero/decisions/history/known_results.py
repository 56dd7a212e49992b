"""What was known of contacts at a moment of the past: their results in the stretches of time in which they
held, for the statements that read other rooms' tables.

A result that was put right, or overtaken by newer news, held from its `state_at` until then; what holds now
has no end, and is the `latest` of its contact, of which there is exactly one. It alone says when the message
was read, for that never changes once it is told.
"""

_OF_CONTACT = "tenant_id, debtor_id, account_id, contact_point_id, at, direction, channel"
_RESULT = "state, disposition, right_party, state_at"
#: What stands for the table of contacts.
RESULTS = f"""(
    SELECT {_OF_CONTACT}, {_RESULT}, 'infinity'::timestamptz AS until, true AS latest, read_at
    FROM contacts
    UNION ALL SELECT {_OF_CONTACT}, {_RESULT}, until, false, NULL FROM earlier_results
)"""  # noqa: S608 - constants of ours
#: A result was what was known at the moment `at` of a statement.
KNOWN = "(state_at <= %(at)s::timestamptz AND until > %(at)s::timestamptz)"


def known(row: str, moment: str) -> str:
    """The result `row` was what was known at `moment`."""
    return f"({row}.state_at <= {moment} AND {row}.until > {moment})"
