"""The words of models: kinds, what they are for, their figures, and what speaks for one or against it."""

from collections.abc import Callable
from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from recupero.decisions.history.promises import FEATURES as OF_PROMISES
from recupero.decisions.learning.promotion import WHY_NOT
from recupero.portals.words.language import figure, number, percent
from recupero.portals.words.words_of_money import Words

KINDS: Words = {
    "propensity": _("Who pays"),
    "next_action": _("What an action adds"),
    "right_party": _("Which number reaches them"),
    "promise_kept": _("Which promises are kept"),
    "best_time": _("When they are reached"),
    "offer": _("Which offers are kept"),
    "intents": _("What a message means"),
}
#: What a decision was valued by.
VALUED_BY: Words = {**KINDS, "strategy": _("The strategy's own order")}
#: Which rows were held out of a training, as `decisions.history.dataset` says it.
SPLITS: Words = {
    "later moments, whose windows begin after every training window has ended": _(
        "later moments, whose windows begin after every training window has ended"
    ),
    "other accounts at the same moment: the history has only one window": _(
        "other accounts at the same moment: the history has only one window"
    ),
    "later moments of accounts that training never saw": _(
        "later moments of accounts that training never saw"
    ),
}
#: Bands of age, as `decisions.measures.metrics` names them.
GROUPS: Words = {
    "under 30": _("under 30"),
    "30 to 44": _("30 to 44"),
    "45 to 59": _("45 to 59"),
    "60 and over": _("60 and over"),
}
#: What a kind is for, and what is done where none serves.
USES: Words = {
    "propensity": _(
        "The chance of a payment within 30 days. It values options until a model of actions serves."
    ),
    "next_action": _(
        "What a contact adds to waiting, for each channel and moment. It values the options of a plan."
    ),
    "best_time": _(
        "The chance of being reached by channel, local hour and weekday. The best of the lawful moments is"
        " used."
    ),
    "right_party": _(
        "The chance that a number or an address reaches the right person. The likeliest is used first."
    ),
    "offer": _("How likely an offer is taken and kept. It says which one within the limits is put first."),
    "promise_kept": _(
        "How likely a promise is kept, said when it is made. It orders reminders and says what to expect."
    ),
    "intents": _("What debtors write, as probabilities that drafts and hand-overs to people rest on."),
}
WITHOUT: Words = {
    "propensity": _("Plans follow the strategy's own order, and say so."),
    "next_action": _(
        "Options are valued by the chance of a payment; that ranks and is no uplift, and plans say so."
    ),
    "best_time": _("Hours are valued by how the creditor's people answered, and by what is known of calls."),
    "right_party": _("Proven numbers and addresses are used first, then the newest."),
    "offer": _("Offers are ranked by how much, how long and how soon, and the pages say so."),
    "promise_kept": _("All promises are treated alike, and nothing is expected of them."),
    "intents": _("Messages are read by the model that comes with the platform."),
}
_PERSON = _("they were reached, or acted by themselves, at this time of the day before")
_OFTEN = _("they are reached more often than others")
_HERE = _("this creditor's people answer then")
#: What speaks for an hour, by the feature that does.
BECAUSE: Words = {
    "own_rate_then": _PERSON, "own_acts_then": _PERSON, "own_attempts_then": _PERSON,
    "own_rate": _OFTEN, "own_acts": _OFTEN,
    "creditor_hour": _HERE, "creditor_weekday": _HERE,
    "when_hour": _("people are reached at this hour"),
    "when_weekday": _("people are reached on this weekday"),
}  # fmt: skip
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
    "holdout_first_right": _("First guess right, unseen writers"),
    "holdout_share_at_98": _("Share read alone where 98 of 100 first guesses have to be right"),
    "holdout_f1": _("F1 over all intents, unseen writers"),
    "texts": _("Messages learned from"),
    "corrected": _("Corrected messages among them"),
    "judged_texts": _("Newly corrected messages that both read"),
    "judged_first_right": _("First guess right on these"),
    "serving_first_right": _("First guess of what served right on these"),
    "policy_value": _("Share who pay by its choices"),
    "logged_value": _("Share who paid by the choices made"),
}


@dataclass(frozen=True, slots=True)
class Head:
    """A figure that lists of versions show in a column of its own, written as `write` says."""

    key: str
    word: LazyString
    write: Callable[[float], str]


_ROWS = (
    Head("holdout_auc", _("AUC"), lambda value: figure(value, 3)),
    Head("holdout_log_loss", _("Log-loss"), lambda value: figure(value, 4)),
)
_TEXTS = (
    Head("holdout_first_right", _("First guess right"), percent),
    Head("holdout_share_at_98", _("Read alone, 98 of 100 right"), percent),
)
_LEARNED = Head("train_rows", _("Rows learned from"), number)
_ERROR = Head("holdout_calibration_error", _("Calibration error"), lambda value: figure(value, 4))
_CORRECTED = Head("corrected", _("Corrected messages"), number)


def heads(*, texts: bool, versions: bool = False) -> tuple[Head, ...]:
    """The columns of a list of models, of one that reads texts or of one that answers for rows; of a model's
    `versions` with what each learned from."""
    if texts:
        return (
            (Head("texts", _("Messages learned from"), number), _CORRECTED, *_TEXTS) if versions else _TEXTS
        )
    return (_LEARNED, *_ROWS, _ERROR) if versions else _ROWS


#: How the uplift of a run was measured, or why it was not.
UPLIFT: Words = {
    "measured": _("People who were worked less the control group, which is left alone by lot: share per"
                  " held-out row, by person."),
    "over_waiting": _("By its choices less where nobody is contacted: share who pay, on held-out people."),
    "no_control": _("Nobody among the held-out rows is in a control group: nothing can be told."),
    "too_few": _("The control group, or those of it who paid, are too few yet to tell it from chance."),
    "unsupported": _("Too few decisions were left to chance to tell what its choices would have brought."),
}  # fmt: skip
#: Why a version may not serve yet.
MISSING: Words = {code: _(text) for code, text in WHY_NOT.items()}
TRAITS: Words = {
    "age_band": _("Age"),
    "region": _("Region"),
    "language": _("Language"),
}
#: How likely a promise is kept.
OUTLOOKS: Words = {
    "likely": _("Likely to be kept"),
    "even": _("May be kept"),
    "weak": _("Needs help to be kept"),
}
PROMISE_FEATURES: Words = {spec.name: _(spec.label) for spec in OF_PROMISES}
