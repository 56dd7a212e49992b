"""What the ledger announces."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BooksChecked:
    """The books in scope are being proved; rooms above add what they find wrong to `problems`."""

    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RemittanceIssued:
    """A statement of remittance of the tenant in scope has its number and stands."""

    remittance_id: int
