"""The model card: what a compliance officer reads before saying yes to a model."""

from collections.abc import Mapping

from recupero.decisions.features import FEATURES

_NEVER = "sex, age, marital status, nationality, health, religion, neighbourhood"


def write_card(
    name: str,
    *,
    split: str,
    window: tuple[str, str],
    metrics: Mapping[str, float],
    curve: list[dict[str, float]],
    parameters: Mapping[str, str],
    against: str,
) -> str:
    """The card as Markdown."""
    lines = [
        f"# {name}",
        "",
        "**What it says.** The chance that an account brings a payment within 30 days. It ranks work; it"
        " never decides whether a contact is lawful, and a hold or an opt-out always stands above it.",
        f"**Learned from** {metrics.get('train_rows', 0):.0f} rows between {window[0]} and {window[1]}.",
        f"**Held out:** {split}.",
        f"**Against the model in use:** {against}",
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
        "## Parameters",
        "",
        *(f"- {key}: {value}" for key, value in sorted(parameters.items())),
        "",
        "## Features",
        "",
        *(f"- `{spec.name}` ({spec.unit}): {spec.meaning}; {spec.as_of}." for spec in FEATURES),
        "",
    ]
    return "\n".join(lines)
