"""The words of models: kinds, what they are for, their figures, and what speaks for one or against it."""

from flask_babel import lazy_gettext as _

from recupero.portals.words_of_money import Words

KINDS: Words = {
    "propensity": _("Who pays"),
    "next_action": _("What an action adds"),
    "intents": _("What a message means"),
}
#: What a kind is for, and what is done where none serves.
USES: Words = {
    "propensity": _(
        "The chance of a payment within 30 days. It values options until a model of actions serves."
    ),
    "next_action": _(
        "What a contact adds to waiting, for each channel and moment. It values the options of a plan."
    ),
    "intents": _("What debtors write, as probabilities that drafts and hand-overs to people rest on."),
}
WITHOUT: Words = {
    "propensity": _("Plans follow the strategy's own order, and say so."),
    "next_action": _(
        "Options are valued by the chance of a payment; that ranks and is no uplift, and plans say so."
    ),
    "intents": _("Messages are read by the model that comes with the platform."),
}
ALIASES: Words = {
    "champion": _("Serves"),
    "challenger": _("In shadow"),
}
FIGURES: Words = {
    "holdout_auc": _("AUC (0.5 is chance)"),
    "holdout_brier": _("Brier score"),
    "holdout_log_loss": _("Log-loss"),
    "champion_log_loss": _("Log-loss of what served"),
    "holdout_calibration_error": _("Calibration error, tenths"),
    "holdout_base_rate": _("Share that happened"),
    "holdout_rows": _("Held-out rows"),
    "train_rows": _("Rows learned from"),
    "holdout_texts": _("Held-out messages"),
    "policy_value": _("Share who pay by its choices"),
    "logged_value": _("Share who paid by the choices made"),
    "unseen_first_right": _("First guess right, unseen writers"),
    "unseen_f1": _("F1 over all intents, unseen writers"),
    "texts": _("Messages learned from"),
}
#: Why a version may not serve yet.
MISSING: Words = {
    "unmeasured": _("It was never measured against what serves."),
    "no_better": _("On the held-out rows the log-loss it saves may be none."),
    "choices_worse": _("What it would have chosen brought less."),
    "choices_unsupported": _("The decisions made so far cannot say what it would have brought."),
}
TRAITS: Words = {
    "age_band": _("Age"),
    "region": _("Region"),
    "language": _("Language"),
}
