"""Errors that reach people. Anything else that is raised is a defect and is reported as such."""


class UserError(Exception):
    """Something the user did or sent cannot be done as it is.

    The message says which row, field or value, and what to do. `field` and `row` let a form or an
    import report put it in its place; `status` is the HTTP status an endpoint answers with.
    """

    status = 422

    def __init__(self, message: str, *, field: str | None = None, row: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.row = row


class NotFound(UserError):
    """No such thing in the caller's scope; whether it exists elsewhere is not told."""

    status = 404


class Forbidden(UserError):
    """The caller's role or key does not carry the permission."""

    status = 403


class Conflict(UserError):
    """The thing has changed, or the request contradicts its present state."""

    status = 409
