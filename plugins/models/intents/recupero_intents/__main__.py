"""`python -m recupero_intents` fits the model on the written messages and keeps it beside them."""

import sys

from recupero_intents.model import Intents
from recupero_intents.written import keep
from recupero_sdk.models import Training
from recupero_sdk.texts import digest


def fit(model: Intents) -> Training:
    """Fitted on every written message, with the figures of writers that it did not see; always the same."""
    written = model.examples()
    return model.train(
        [each.text for each in written], [each.labels for each in written],
        groups=[each.writer for each in written],
    )  # fmt: skip


def main() -> None:
    model = Intents()
    training = fit(model)
    made = keep(model.dump(training.fitted), digest(model.examples()))
    figures = ", ".join(f"{name} {value:.3g}" for name, value in training.metrics.items())
    sys.stdout.write(f"{made.name}: {figures}\n")


if __name__ == "__main__":
    main()
