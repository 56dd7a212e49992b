"""The model card: what a compliance officer reads before saying yes to a model."""

from collections.abc import Mapping, Sequence

from recupero.decisions.history import vectors
from recupero.decisions.history.feature_list import Spec

_NEVER = "sex, age, marital status, nationality, health, religion, neighbourhood"


def write_card(
    name: str,
    says: str,
    *,
    features: Sequence[Spec | vectors.Spec],
    split: str,
    window: tuple[str, str],
    metrics: Mapping[str, float],
    curve: list[dict[str, float]],
    parameters: Mapping[str, str],
    against: str,
    uplift: str,
    learning: Sequence[Mapping[str, float]] = (),
    fairness: Mapping[str, Mapping[str, Mapping[str, float]]] | None = None,
) -> str:
    """The card as Markdown."""
    lines = [
        f"# {name}",
        "",
        f"**What it says.** {says}",
        f"**Learned from** {metrics.get('train_rows', 0):.0f} rows between {window[0]} and {window[1]}.",
        f"**Held out:** {split}.",
        f"**Against the model in use:** {against}",
        f"**Uplift:** {uplift}",
        f"**Never used:** {_NEVER}.",
        "",
        "## Figures on the held-out rows",
        "",
        "| measure | value |",
        "|---|---|",
        *(f"| {key} | {value:.5g} |" for key, value in sorted(metrics.items())),
        "",
        "## Calibration",
        "",
        "| rows | predicted | happened |",
        "|---|---|---|",
        *(f"| {bin_['rows']:.0f} | {bin_['predicted']:.4f} | {bin_['happened']:.4f} |" for bin_ in curve),
        "",
        *_learning(learning),
        *_fairness(fairness or {}),
        "## Parameters",
        "",
        *(f"- {key}: {value}" for key, value in sorted(parameters.items())),
        "",
        "## Features",
        "",
        *(f"- `{spec.name}` ({spec.unit}): {spec.meaning}; {spec.as_of}." for spec in features),
        "",
    ]
    return "\n".join(lines)


def _learning(learning: Sequence[Mapping[str, float]]) -> list[str]:
    if not learning:
        return []
    return [
        "## With more data",
        "",
        "| rows learned from | AUC | log-loss |",
        "|---|---|---|",
        *(f"| {each['rows']:.0f} | {each['auc']:.4f} | {each['log_loss']:.4f} |" for each in learning),
        "",
    ]


def _fairness(fairness: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[str]:
    """By group, of held-out rows: a group that is scored too high or low, or chosen more than its share."""
    if not fairness:
        return []
    lines = [
        "## By group",
        "",
        "Held-out rows by what the model never sees; groups under 50 rows are left out. *Off by*: predicted"
        " less happened. *Among the best tenth*: share of the group there over its share of all.",
        "",
        "| group | rows | predicted | happened | off by | AUC | among the best tenth |",
        "|---|---|---|---|---|---|---|",
    ]
    for trait, groups in fairness.items():
        for group, each in groups.items():
            auc = f"{each['auc']:.3f}" if "auc" in each else "-"
            lines.append(
                f"| {trait.replace('_', ' ')}: {group} | {each['rows']:.0f} | {each['predicted']:.4f} |"
                f" {each['happened']:.4f} | {each['off_by']:+.4f} | {auc} | {each['chosen_share']:.2f} |"
            )
    return [*lines, ""]
