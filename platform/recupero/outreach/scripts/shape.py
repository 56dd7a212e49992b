"""What a call script consists of, and reading one from YAML."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from recupero.kernel.errors import UserError
from recupero_sdk.law import PackError
from recupero_sdk.law.loader import read_yaml_text

Language = Literal["es", "en", "pt"]
#: The flow of a call (domain page, 7), in order.
Stage = Literal[
    "greeting", "identity", "third_party", "disclosures", "purpose", "listen", "reason", "solve", "agree",
    "confirm", "close",
]  # fmt: skip
#: What a call may turn out to be; a script has an answer to each.
Branch = Literal[
    "wrong_person", "absent", "no_invoice", "cannot_pay", "already_paid", "dispute", "refuses", "vulnerable",
    "wants_person",
]  # fmt: skip
#: Why somebody did not pay (domain page, 4.2).
Reason = Literal[
    "FORGOT", "NO_INVOICE", "CASH_SHORT", "JOB_LOSS", "ILLNESS", "OVERINDEBTED", "SERVICE_COMPLAINT",
    "PRICE_OR_BILLING_ERROR", "DISPUTE", "PAYMENT_MEANS", "WAITING_INCOME", "UNWILLING", "DECEASED", "OTHER",
]  # fmt: skip
#: What the voice assistant understands, the weightiest first; `other` is what it does not, `hung_up` what it
#: is told.
HEARD = (
    "stop", "person", "wrong_person", "hardship", "angry", "paid_already", "dispute", "absent", "no_invoice",
    "later", "wants_plan", "cannot_pay", "refuses", "wants_settlement", "wants_link", "will_pay", "who", "no",
    "yes", "other", "hung_up",
)  # fmt: skip
#: What the screen offers beside a step.
Tool = Literal[
    "link", "promise", "plan", "settlement", "invoice", "hardship", "dispute", "preferences", "call_back",
]  # fmt: skip
#: For which accounts a script is the right one (`segments`); `general` is any.
Segment = Literal["general", "reminder", "early", "late", "broken_promise", "vulnerable"]
CAREFUL: Segment = "vulnerable"  # no other script comes before that of people in need of particular care
STAGES: tuple[str, ...] = get_args(Stage)
BRANCHES: tuple[str, ...] = get_args(Branch)
REASONS: tuple[str, ...] = get_args(Reason)
SEGMENTS: tuple[str, ...] = get_args(Segment)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
#: The two ways out of an identity step that only the check of the person's answers opens.
PROVEN, FAILED = "proven", "failed"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Choice(_Part):
    """One way on from a step. `intents` are what the voice bot takes for it when it is said."""

    id: Name
    label: dict[str, Text]
    to: Name
    branch: Branch | None = None
    reason: Reason | None = None
    intents: tuple[str, ...] = ()


class Step(_Part):
    """One moment of a call.

    `ask` says something and waits for a choice; `identity` asks two facts that the person must give, and
    goes on to `proven` or `failed` by itself; `disclose` reads out what the country wants said; `end` closes
    the call with a coded result. `hint` is for the agent's eyes. `person`: somebody has to take it over.
    """

    kind: Literal["ask", "identity", "disclose", "end"]
    stage: Stage
    say: dict[str, Text]
    hint: dict[str, Text] = Field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    tools: tuple[Tool, ...] = ()
    disposition: str | None = None
    person: bool = False

    def choice(self, wanted: str) -> Choice | None:
        """The choice of that id."""
        return next((choice for choice in self.choices if choice.id == wanted), None)


class Script(_Part):
    """A call from its first word to its last. `country` `**` is any country; `records`: calls are recorded,
    so that the notice must be said first."""

    name: Name
    title: dict[str, Text]
    country: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}|\*\*)$")] = "**"
    segment: Segment = "general"
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    records: bool = False
    start: Name
    steps: dict[Name, Step]


def read(document: str) -> Script:
    """The script that a YAML document describes. Raises UserError at `document`, naming place and remedy."""
    try:
        return Script.model_validate(_mapping(document))
    except ValidationError as error:
        raise _told(error)[0] from None


def problems(document: str) -> list[UserError]:
    """All by which a document describes no script, at `document`; empty where it does."""
    try:
        Script.model_validate(_mapping(document))
    except UserError as error:
        return [error]
    except ValidationError as error:
        return _told(error)
    return []


def _mapping(document: str) -> dict[Any, Any]:
    try:
        data: Any = read_yaml_text(document, "script")
    except PackError as error:
        raise UserError(
            "This is not YAML that can be read. %(why)s", field="document", why=str(error)
        ) from None
    if not isinstance(data, dict):
        raise UserError("A script is a mapping: name, title, languages, start, steps.", field="document")
    return data


def _told(error: ValidationError) -> list[UserError]:
    return [
        _unfit(
            " › ".join(str(part) for part in one["loc"]) or "script", one["type"], one["msg"],
            dict(one.get("ctx", {})),
        )
        for one in error.errors(include_url=False)
    ]  # fmt: skip


def _unfit(place: str, kind: str, said: str, context: dict[str, Any]) -> UserError:
    if kind == "missing":
        return UserError("%(place)s: is missing; add it.", field="document", place=place)
    if kind == "extra_forbidden":
        return UserError(
            "%(place)s: is not a property here; remove it or correct its name.", field="document", place=place
        )
    if kind == "literal_error":
        return UserError(
            "%(place)s: is not allowed; use one of %(allowed)s.",
            field="document", place=place, allowed=context.get("expected", ""),
        )  # fmt: skip
    return UserError("%(place)s: %(why)s.", field="document", place=place, why=said)
