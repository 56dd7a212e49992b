"""Who serves: promotion by a measured win and a person's yes, its way back, and a creditor's own model.

A version wins over the champion where both of these hold, each on rows that neither the champion nor its own
judged training ever saw:

- In shadow: both answered for the same held-out rows, and it lost less (log-loss), with the whole 90 %
  interval on the better side.
- By its choices: on the decisions that were made, what it would have chosen brought no less (the 95 %
  interval of the difference is not wholly below 0). Where that interval is wholly above 0 it is the win by
  itself. Where the log cannot say, nothing is promoted. A kind whose answers choose no action is not asked.

A win is one over what serves now: what was measured against another version has to be trained anew.
A version that was champion before may always come back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from recupero.decisions.learning import registry
from recupero.decisions.learning.registry import CHALLENGER, CHAMPION, Version
from recupero.kernel import audit
from recupero.kernel.database import Database, Scope
from recupero.kernel.errors import Conflict, NotFound, UserError, Words
from recupero.kernel.jobs import enqueue
from recupero.kernel.marking import N_

SERVED_BEFORE = "was_champion"
#: Why a version may not serve.
WHY_NOT = {
    "unmeasured": N_("it was never measured against what serves"),
    "too_soon": N_("too little has come since what serves was trained to tell which is better"),
    "outdated": N_("it was measured against a version that no longer serves: train it anew"),
    "worse": N_("on the held-out rows it loses more than what serves"),
    "no_better": N_("on the held-out rows it is not proven to lose less than what serves"),
    "choices_worse": N_("what it would have chosen brought less"),
    "choices_unsupported": N_("the decisions made so far cannot say what it would have brought"),
    "choices_few_apart": N_("it would have chosen otherwise for too few who paid to tell which is better"),
}


@dataclass(frozen=True, slots=True)
class Win:
    """A measured difference to the champion with its interval; above 0 is better."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a version against the champion. `missing` says in codes of `WHY_NOT` why it may not be
    promoted: in shadow, and by its choices; nothing where it may."""

    shadow: Win | None
    choices: Win | None
    choices_ess: float | None
    served_before: bool
    missing: tuple[str, ...]

    @property
    def won(self) -> bool:
        return not self.missing


def evidence(version: Version, serving: Version | None) -> Evidence:
    """As its run tells, measured against the version that was champion when it was trained; `serving` is what
    serves now."""
    shadow, choices = _win(version, "gain"), _win(version, "choices_gain")
    before = version.notes.get(SERVED_BEFORE) == "yes"
    missing = [] if before else _missing(version, shadow, choices)
    against = version.notes.get(registry.AGAINST)
    if not before and serving and against and serving.called not in (against, version.called):
        missing = ["outdated"]
    return Evidence(shadow, choices, version.metrics.get("choices_ess"), before, tuple(missing))


def _win(version: Version, name: str) -> Win | None:
    told = [version.metrics.get(each) for each in (name, f"{name}_low", f"{name}_high")]
    known = [each for each in told if each is not None]
    return Win(*known) if len(known) == len(told) else None


def _missing(version: Version, shadow: Win | None, choices: Win | None) -> list[str]:
    if choices is not None and choices.low > 0:
        return []
    found = []
    if shadow is None:
        too_soon = version.notes.get(registry.SHADOWED) == registry.TOO_SOON
        found.append("too_soon" if too_soon else "unmeasured")
    elif shadow.low <= 0:
        found.append("worse" if shadow.high < 0 else "no_better")
    if choices is not None and choices.high < 0:
        found.append("choices_worse")
    if (why := version.notes.get(registry.CHOICES)) in (registry.UNSUPPORTED, registry.FEW_APART):
        found.append(f"choices_{why}")
    return found


def promote(database: Database, scope: Scope, name: str, version: str, *, actor: str) -> Version:
    """Make a version the champion; the one before can be promoted back the same way.

    Raises UserError where no measured win stands behind it, NotFound where it is not of the agency and
    creditors in scope, Conflict where it is champion already.
    """
    found = version_of(scope, name, version)
    champion = registry.by_alias(name, CHAMPION)
    if champion is not None and champion.version == version:
        raise Conflict("version %(version)s of %(name)s is the champion already", version=version, name=name)
    serving = registry.serving(scope, name)
    spoken = evidence(found, serving)
    if serving is not None and not spoken.won:
        raise UserError(
            "version %(version)s of %(name)s is not promoted: %(why)s",
            field="version", version=version, name=name,
            why=Words("model_missing", spoken.missing, tuple(WHY_NOT[code] for code in spoken.missing)),
        )  # fmt: skip
    registry.set_alias(name, CHAMPION, version)
    for served in (found, champion):
        if served is not None:
            registry.tag(served, SERVED_BEFORE, "yes")
    challenger = registry.by_alias(name, CHALLENGER)
    if challenger is not None and challenger.version == version:
        registry.drop_alias(name, CHALLENGER)
    audit_model(database, scope, "decisions.model_promoted", found, actor=actor,
                before=champion.version if champion else None)  # fmt: skip
    _look_again(database, scope)
    return found


def retire(database: Database, scope: Scope, name: str, *, actor: str) -> Version:
    """Take a creditor's own champion out of service: its agency's serves it again. Any version of it that
    served may be promoted back. Raises NotFound where it has none, UserError for an agency's model."""
    champion = registry.by_alias(name, CHAMPION)
    if champion is None or not registry.versions(name, scope):
        raise NotFound("%(name)s has no champion: see `recupero models list`", name=name)
    if registry.parts_of(name)[1] is None:
        raise UserError(
            "%(name)s is the agency's: promote another version of it instead", field="name", name=name
        )
    registry.drop_alias(name, CHAMPION)
    registry.tag(champion, SERVED_BEFORE, "yes")
    audit_model(database, scope, "decisions.model_retired", champion, actor=actor)
    _look_again(database, scope)
    return champion


def _look_again(database: Database, scope: Scope) -> None:
    """What serves has changed: its drift is measured anew."""
    with database.transaction(scope) as session:
        enqueue(session, "decisions.watch", queue="bulk", unique_key=f"watch:{scope.agency()}")


def version_of(scope: Scope, name: str, version: str) -> Version:
    """A version of the agency or of a creditor in scope, with what its run tells. Raises NotFound."""
    found = next((each for each in registry.versions(name, scope) if each.version == version), None)
    if found is None:
        raise NotFound(
            "there is no version %(version)s of %(name)s: see `recupero models list`",
            version=version,
            name=name,
        )
    return found


def audit_model(
    database: Database, scope: Scope, what: str, version: Version, *, actor: str = "system", **more: Any
) -> None:
    """What was done with a version, in the audit."""
    with database.transaction(scope) as session:
        audit.record(session, what, f"model:{version.name}", actor=actor, version=version.version, **more)
