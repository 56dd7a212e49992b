"""The words for the codes that the rooms keep (domain page, sections 1, 3 and 4), and the tone of a badge."""

from collections.abc import Mapping

from recupero.portals.words import words_of_accounts as accounts
from recupero.portals.words import words_of_audit as audit
from recupero.portals.words import words_of_calls as calls
from recupero.portals.words import words_of_console as console
from recupero.portals.words import words_of_contacts as contacts
from recupero.portals.words import words_of_desk as desk
from recupero.portals.words import words_of_house as house
from recupero.portals.words import words_of_jobs as jobs
from recupero.portals.words import words_of_law as law
from recupero.portals.words import words_of_models as models
from recupero.portals.words import words_of_money as money
from recupero.portals.words import words_of_plugins as plugins
from recupero.portals.words import words_of_work as work
from recupero.portals.words.lawful import rule_title
from recupero.portals.words.words_of_money import Words
from recupero.portals.words.words_of_providers import SAID

LABELS: Mapping[str, Words] = {
    "found_by": console.FOUND_BY,
    "timeline": console.TIMELINE,
    "capacity": console.CAPACITY,
    "actor": console.ACTORS,
    "bulk": console.BULK,
    "label_colour": console.LABEL_COLOURS,
    "bulk_told": console.BULK_TOLD,
    "bulk_spared": console.BULK_SPARED,
    "bulk_state": console.BULK_STATES,
    "case": console.CASES,
    "hold_source": console.HOLD_SOURCES,
    "case_state": console.CASE_STATES,
    "complaint": console.COMPLAINTS,
    "strategy": work.STRATEGY,
    "tried": work.TRIED,
    "yes": work.YES,
    "dpd_stage": work.DPD_STAGES,
    "alone": work.ALONE,
    "assistant": work.ASSISTANTS,
    "strategy_offer": work.OFFERS,
    "role": house.ROLES,
    "user": house.USERS,
    "key": house.KEYS,
    "permission": house.PERMISSIONS,
    "status": accounts.STATUSES,
    "stage": accounts.STAGES,
    "close": accounts.CLOSE_CODES,
    "channel": contacts.CHANNELS,
    "talk_channel": contacts.TALK_CHANNELS,
    "contact": contacts.CONTACT_STATES,
    "action": contacts.ACTION_STATES,
    "action_why": contacts.ACTION_WHY,
    "returned": contacts.RETURNED,
    "draft": contacts.DRAFT_STATES,
    "disposition": calls.DISPOSITIONS,
    "hold": accounts.HOLDS,
    "part": accounts.PARTS,
    "payment": money.PAYMENT_STATES,
    "payment_kind": money.PAYMENT_KINDS,
    "means": money.MEANS,
    "refund_means": money.REFUND_MEANS,
    "receipt": money.RECEIPT_STATES,
    "bank_line": money.BANK_LINE_STATES,
    "accrual_start": money.STARTS,
    "day_count": money.DAY_COUNTS,
    "offerer": money.OFFERERS,
    "bank_candidate": money.BANK_CANDIDATES,
    "bank_item": money.BANK_ITEMS,
    "clue": money.CLUES,
    "reconciliation": money.RECONCILIATION_STATES,
    "finding": money.FINDINGS,
    "promise": money.PROMISE_STATES,
    "way": money.WAYS,
    "import": accounts.IMPORT_STATES,
    "import_outcome": accounts.IMPORT_OUTCOMES,
    "import_kind": accounts.IMPORT_KINDS,
    "point": accounts.POINT_STATES,
    "point_kind": accounts.POINT_KINDS,
    "job": house.JOB_STATES,
    "job_name": jobs.JOBS,
    "plugin": house.PLUGIN_KINDS,
    "plugin_state": house.PLUGIN_STATES,
    "purpose": contacts.PURPOSES,
    "refused_file": contacts.REFUSED_FILES,
    "unplaced": contacts.UNPLACED,
    "template": contacts.TEMPLATES,
    "form": contacts.FORMS,
    "tone": contacts.TONES,
    "call_stage": calls.CALL_STAGES,
    "call_answer": desk.CALL_ANSWERS,
    "care": desk.CARE,
    "sitting": desk.SITTINGS,
    "desk_time": desk.TIMES,
    "period": desk.PERIODS,
    "measure": desk.MEASURES,
    "call_leg": calls.CALL_LEGS,
    "call_leg_status": calls.CALL_LEG_STATUSES,
    "cause": contacts.CAUSES,
    "bucket": accounts.BUCKETS,
    "acts": contacts.ACTS,
    "told_by": contacts.TOLD_BY,
    "telling_step": contacts.TELLING_STEPS,
    "intent": contacts.INTENTS,
    "dispute_verdict": contacts.DISPUTE_VERDICTS,
    "dispute_why": contacts.DISPUTE_REASONS,
    "skill": house.SKILLS,
    "webhook_event": house.WEBHOOK_EVENTS,
    "webhook": house.WEBHOOK_STATES,
    "webhook_problem": house.WEBHOOK_PROBLEMS,
    "report": house.REPORTS,
    "report_mail": house.REPORT_MAILS,
    "report_problem": house.REPORT_PROBLEMS,
    "script": calls.SCRIPT_STATES,
    "script_segment": calls.SCRIPT_SEGMENTS,
    "identity_fact": calls.IDENTITY_FACTS,
    "field": accounts.FIELDS,
    "reason": contacts.REASONS,
    "held": contacts.HELD,
    "put_off": contacts.PUT_OFF,
    "dates": accounts.DATE_ORDERS,
    "outcome": law.OUTCOMES,
    "counted": law.COUNTED,
    "counts": law.COUNTS,
    "week_part": law.WEEK_PARTS,
    "rule_kind": law.RULE_KINDS,
    "published_rate": money.PUBLISHED_RATES,
    "plugin_setting": plugins.SETTINGS,
    "plugin_name": {**models.KINDS, **plugins.NAMES},
    "audit_action": audit.ACTIONS,
    "audit_subject": audit.SUBJECTS,
    "term": money.TERMS,
    "document": money.DOCUMENTS,
    "hardship": money.HARDSHIP,
    "severity": money.SEVERITIES,
    "plan": money.PLAN_STATES,
    "invoice_request": money.INVOICE_REQUESTS,
    "instalment": money.INSTALMENT_STATES,
    "mandate": money.MANDATE_STATES,
    "mandate_end": money.MANDATE_ENDS,
    "charge_outcome": money.CHARGE_OUTCOMES,
    "settlement": money.SETTLEMENT_STATES,
    "approver": money.APPROVERS,
    "offer_why": money.OFFER_WHYS,
    "beyond": money.BEYOND,
    "every": money.EVERY,
    "disclosure": calls.DISCLOSURES,
    "law_fact": law.FACTS,
    "debt_kind": law.DEBT_KINDS,
    "sector": law.SECTORS,
    "stated_kind": law.STATED_KINDS,
    "stated_event": law.EVENTS,
    "stated_situation": law.SITUATIONS,
    "stated_permission": law.ALLOWED,
    "owner_type": law.OWNER_TYPES,
    "party": law.PARTIES,
    "remittance": money.REMITTANCE_STATES,
    "remittance_method": money.REMITTANCE_METHODS,
    "statement_line": money.STATEMENT_LINES,
    "model_kind": models.VALUED_BY,
    "model_group": models.GROUPS,
    "model_split": models.SPLITS,
    "model_use": models.USES,
    "model_without": models.WITHOUT,
    "model_alias": models.ALIASES,
    "model_missing": models.MISSING,
    "model_uplift": models.UPLIFT,
    "model_trait": models.TRAITS,
    "outlook": models.OUTLOOKS,
    "promise_feature": models.PROMISE_FEATURES,
}

# ok, warn, bad, info; what is not named stays quiet.
_TONES: Mapping[str, str] = {
    "likely": "ok", "even": "info", "weak": "warn",
    "active": "info", "resolved": "ok", "recalled": "warn", "exhausted": "warn", "promised": "ok",
    "on_plan": "ok", "negotiating": "info", "sent": "info", "delivered": "ok", "answered": "ok",
    "received": "info", "failed": "bad", "unknown": "bad", "blocked": "warn", "expired": "warn",
    "scheduled": "info", "done": "ok", "booked": "ok", "reversed": "bad", "suspense": "warn", "kept": "ok",
    "partly_kept": "warn", "broken": "bad", "open": "info", "running": "info", "rejected": "bad",
    "quarantined": "warn", "warning": "warn", "valid": "ok", "invalid": "bad", "dead": "bad",
    "queued": "info", "draft": "info", "reviewed": "info", "issued": "warn", "paid": "ok",
    "entered": "warn", "approved": "ok", "matched": "ok", "clean": "ok",
    "findings": "warn", "proposed": "warn",
    "asked": "warn", "late": "warn", "missed": "bad", "settled": "ok",
    "shut_out": "bad", "working": "ok", "revoked": "bad",
    "waiting": "info", "sending": "info", "champion": "ok", "challenger": "info",
    "back": "bad", "accepted": "info", "offered": "info", "lapsed": "bad", "refused": "bad",
}  # fmt: skip


def label(kind: str, code: object) -> str:
    """The reader's word for a code; a code that has none (a plug-in's own) is shown as it is."""
    if code is None:
        return "–"
    text = str(getattr(code, "value", code))
    return str(LABELS[kind].get(text, text))


#: Of what kind the code is that stands behind the colon of an action's reason.
_BEHIND = {
    "hold": "hold", "account": "status", "closed": "close", "no_contact_point": "channel",
    "no_connector": "channel", "needs_yes": "yes", "returned mail": "returned",
    "provider_down": "plugin_name", "connector_problem": "plugin_name", "connector_mended": "plugin_name",
    "pace": "plugin_name",
}  # fmt: skip


def because(reason: str | None) -> str:
    """A stored reason of an action (`outreach.service.Move`) in the reader's words: a disposition, or a code
    and what it is about; a provider's own text as it is told (`as_told`)."""
    if reason is None or reason in LABELS["disposition"]:
        return label("disposition", reason)
    code, _colon, about = map(str.strip, reason.partition(":"))
    if code not in LABELS["action_why"]:
        return as_told(reason)
    said = label("action_why", code)
    if not about:
        return said
    if code in ("law", "content"):
        return f"{said}: {rule_title(about) or about}"
    return f"{said}: {label(_BEHIND[code], about) if code in _BEHIND else as_told(about)}"


def as_told(text: str) -> str:
    """What a plug-in said, in the reader's language where its sentence is known; else as it is."""
    return SAID.get(text, text)


def tone(kind: str, code: object) -> str:
    """The badge's tone: ok, warn, bad, info or mute."""
    return "bad" if kind == "hold" else _TONES.get(str(code), "mute")


def options(kind: str) -> list[tuple[str, str]]:
    """Code and word of all codes of a kind, for a list to choose from."""
    return [(code, str(word)) for code, word in LABELS[kind].items()]
