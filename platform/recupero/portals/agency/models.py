"""The models: what serves whom and how well, what moved, and a person's yes to a better one.

Everything here is read from tables and files of the runs; MLflow itself is never started by a page.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.decisions.learning import looks, promotion, registry
from recupero.decisions.learning.promotion import Evidence
from recupero.decisions.learning.registry import CHALLENGER, CHAMPION, Version
from recupero.decisions.learning.tasks import TASKS
from recupero.decisions.tables import ModelLook
from recupero.kernel import runtime
from recupero.kernel.database import scope_of
from recupero.kernel.drawing import Chart, Series
from recupero.kernel.errors import NotFound, UserError
from recupero.kernel.jobs import enqueue
from recupero.portals.frame.errors import said
from recupero.portals.frame.pages import blueprint
from recupero.portals.words import words_of_models as model_words
from recupero.portals.words.language import day, figure, number, percent
from recupero.portals.words.told import feature_word
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, the_caller, transaction
from recupero.tenancy.permissions import Permission

#: Features that moved most which a page names.
MOVED = 8


@dataclass(frozen=True, slots=True)
class Line:
    """One model, the agency's or a creditor's own: what serves of it, what is in shadow, what was seen."""

    name: str
    owner: str
    own: bool
    champion: Version | None
    challenger: Version | None
    evidence: Evidence | None
    drift: ModelLook | None


@blueprint.get("/models")
@requires(Permission.DECISIONS_READ)
def models() -> ResponseReturnValue:
    """Every kind with what serves of it."""
    with transaction() as session:
        lines = _lines(session)
        drifted = looks.drifted(session)
    kinds = sorted({*model_words.KINDS, *(registry.parts_of(line.name)[0] for line in lines)}, key=_place)
    groups = [(kind, [line for line in lines if registry.parts_of(line.name)[0] == kind]) for kind in kinds]
    return render_template(
        "models/list.html", groups=groups, drifted=[look.name for look in drifted], reads=_reads,
        heads=lambda kind: model_words.heads(texts=_reads(kind)),
    )  # fmt: skip


def _reads(kind: str) -> bool:
    """Whether models of this kind read texts; the others answer for rows."""
    return kind in runtime.current().plugins.texts


def _place(kind: str) -> tuple[int, str]:
    known = list(model_words.KINDS)
    return (known.index(kind) if kind in known else len(known), kind)


def _lines(session: Session) -> list[Line]:
    """The models of the scope, the agency's before its creditors' own."""
    by_name: dict[str, list[Version]] = {}
    all_versions = registry.versions(scope=scope_of(session))
    serving = registry.serving_among(all_versions, scope_of(session))
    for version in all_versions:
        by_name.setdefault(version.name, []).append(version)
    seen, owners = looks.newest(session, list(by_name)), _owners(session)
    found = []
    for name, versions in by_name.items():
        champion, challenger = (_under(versions, alias) for alias in (CHAMPION, CHALLENGER))
        evidence = promotion.evidence(challenger, serving.get(name)) if challenger else None
        tenant_id = registry.parts_of(name)[1]
        drift = seen.get((name, looks.DRIFT)) if champion else None
        found.append(
            Line(name, owners[tenant_id], tenant_id is not None, champion, challenger, evidence, drift)
        )
    return sorted(found, key=lambda line: (line.own, line.owner))


def _under(versions: Sequence[Version], alias: str) -> Version | None:
    return next((each for each in versions if alias in each.aliases), None)


def _owners(session: Session) -> dict[int | None, str]:
    """Whose model it is, by the creditor whose own it is."""
    agency: dict[int | None, str] = {None: _("The agency")}
    return agency | {tenant.id: tenant.name for tenant in tenancy.tenants(session)}


@blueprint.get("/models/<name>")
@requires(Permission.DECISIONS_READ)
def model(name: str) -> ResponseReturnValue:
    """One model: its versions, how far today's rows have moved, and the challenger in shadow."""
    with transaction() as session:
        versions = registry.versions(name, scope_of(session))
        serving = registry.serving(scope_of(session), name)
        if not versions:
            raise NotFound("there is no such model")
        drifts = looks.history(session, name, looks.DRIFT)
        shadow = looks.newest(session, [name]).get((name, looks.SHADOW))
        owner = _owners(session)[registry.parts_of(name)[1]]
    champion, challenger = (_under(versions, alias) for alias in (CHAMPION, CHALLENGER))
    if shadow is not None and (challenger is None or shadow.version != challenger.version):
        shadow = None
    kind = registry.parts_of(name)[0]
    return render_template(
        "models/model.html", name=name, kind=kind, owner=owner, reads=_reads(kind),
        heads=model_words.heads(texts=_reads(kind), versions=True),
        own=registry.parts_of(name)[1] is not None, versions=versions, champion=champion,
        challenger=challenger, trained=_trained,
        evidence={each.version: promotion.evidence(each, serving) for each in versions},
        drift=drifts[-1] if drifts and champion else None, drifts=_drift_chart(drifts), moved=_moved(drifts),
        shadow=shadow,
    )  # fmt: skip


@blueprint.get("/models/<name>/<version>")
@requires(Permission.DECISIONS_READ)
def model_version(name: str, version: str) -> ResponseReturnValue:
    """One version: figures, curves, groups, its card, and what speaks for it."""
    return _version_page(name, version, None)


@blueprint.post("/models/<name>/<version>/promote")
@requires(Permission.MODELS_PROMOTE)
def model_promoted(name: str, version: str) -> ResponseReturnValue:
    """Let a version serve: a person's yes, where a measured win stands behind it."""
    with transaction() as session:
        scope = scope_of(session)
    try:
        promotion.promote(runtime.current().database, scope, name, version, actor=the_caller().actor)
    except NotFound:
        raise
    except UserError as error:
        return _version_page(name, version, error)
    if _reads(registry.parts_of(name)[0]):
        flash(_("Version %(version)s reads the next message.", version=version))
    else:
        flash(_("Version %(version)s serves from the next plan on.", version=version))
    return redirect(url_for("portals.model", name=name))


@blueprint.post("/models/<name>/retire")
@requires(Permission.MODELS_PROMOTE)
def model_retired(name: str) -> ResponseReturnValue:
    """Let the agency's model serve a creditor that had its own."""
    with transaction() as session:
        scope = scope_of(session)
    promotion.retire(runtime.current().database, scope, name, actor=the_caller().actor)
    flash(_("The agency's model serves this creditor from the next plan on."))
    return redirect(url_for("portals.model", name=name))


@blueprint.post("/models/look")
@requires(Permission.MODELS_PROMOTE)
def models_looked_at() -> ResponseReturnValue:
    """Ask for a look at drift and shadows now; a worker has it within minutes."""
    with transaction() as session:
        enqueue(session, "decisions.watch", queue="bulk", unique_key=f"watch:{scope_of(session).agency()}")
    flash(_("It is being looked at. Load the page again in a few minutes."))
    return redirect(url_for("portals.models"))


def _version_page(name: str, version: str, refused: UserError | None) -> ResponseReturnValue:
    with transaction() as session:
        found = promotion.version_of(scope_of(session), name, version)
        owner = _owners(session)[registry.parts_of(name)[1]]
        serving = registry.serving(scope_of(session), name)
    curve, learning, groups = (
        _kept(found, file, empty)
        for file, empty in (("calibration.json", []), ("learning.json", []), ("fairness.json", {}))
    )
    page = render_template(
        "models/version.html", name=name, kind=registry.parts_of(name)[0], owner=owner, version=found,
        trained=_trained(found), evidence=promotion.evidence(found, serving), serving=serving,
        figures=_figures(found), uplifts=_uplifts(found),
        calibration=_calibration_chart(curve), learned=_learning_chart(learning), groups=groups,
        card=registry.read_text(found, "card.md"), refused=said(refused) if refused else None,
    )  # fmt: skip
    return page, refused.status if refused else 200


def _figures(version: Version) -> list[tuple[str, float]]:
    """The figures that have a word, in their order."""
    told = version.metrics
    return [(str(word), told[key]) for key, word in model_words.FIGURES.items() if key in told]


def _uplifts(version: Version) -> list[tuple[str, float, float, float]]:
    """What contacting brought, by part of the held-out rows: words, value and interval."""
    words, told = {"uplift": _("All"), "uplift_top_half": _("The half that it ranks first")}, version.metrics
    return [
        (word, told[name], told[f"{name}_low"], told[f"{name}_high"])
        for name, word in words.items()
        if name in told
    ]


def _kept(version: Version, file: str, empty: Any) -> Any:
    text = registry.read_text(version, file)
    return empty if text is None else json.loads(text)


def _trained(version: Version) -> datetime | None:
    made = version.notes.get(registry.TRAINED_AT)
    return datetime.fromisoformat(made) if made else None


def _calibration_chart(curve: Sequence[Mapping[str, float]]) -> Chart | None:
    if not curve:
        return None
    return Chart(
        _("Predicted and happened, by tenths of the held-out rows"),
        [number(place + 1) for place in range(len(curve))],
        [Series(_("Predicted"), [each["predicted"] for each in curve]),
         Series(_("Happened"), [each["happened"] for each in curve])],
        kind="lines", told=_("The nearer the two lines, the more a probability means what it says."),
        write=percent,
    )  # fmt: skip


def _learning_chart(learning: Sequence[Mapping[str, float]]) -> Chart | None:
    if not learning:
        return None
    return Chart(
        _("AUC after learning from more rows"),
        [number(each["rows"]) for each in learning],
        [Series("AUC", [each["auc"] for each in learning])],
        kind="lines", told=_("Where the line still rises, more history makes it better."),
        write=figure,
    )  # fmt: skip


def _drift_chart(drifts: Sequence[ModelLook]) -> Chart | None:
    if not drifts:
        return None
    return Chart(
        _("How far scores and the most moved feature lie from the training (PSI)"),
        [day(look.at) for look in drifts],
        [Series(_("Score"), [look.figures["score"] for look in drifts]),
         Series(_("Most moved feature"), [_most(look) for look in drifts])],
        kind="lines", told=_("Above 0.25 it has drifted."), write=figure,
    )  # fmt: skip


def _most(look: ModelLook) -> float:
    return max(look.figures["features"].values(), default=0.0)


def _moved(drifts: Sequence[ModelLook]) -> list[tuple[str, str, float]]:
    """The features that moved most at the newest look: name, words, PSI."""
    if not drifts:
        return []
    features = sorted(drifts[-1].figures["features"].items(), key=lambda each: -each[1])
    words = {spec.name: spec.label for task in TASKS.values() for spec in task.features}
    return [(feature, feature_word(feature, words), psi) for feature, psi in features[:MOVED]]
