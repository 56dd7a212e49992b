"""The part of the local Stripe that keeps cards: checkout sessions in set-up mode, set-up intents, payment
methods and payment intents confirmed off-session, in Stripe's published shapes. Parameters are checked; what
belongs to one connected account is not there for another.
"""

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from recupero.kernel import clock

_SETUP = re.compile(
    r"mode|payment_method_types\[0\]|customer_creation|custom_text\[submit\]\[message\]|success_url|cancel_url"
    r"|metadata\[\w+\]|setup_intent_data\[(metadata\]\[\w+|on_behalf_of)\]"
)
_INTENT = re.compile(
    r"amount|currency|customer|payment_method|payment_method_types\[0\]|off_session|confirm|description"
    r"|metadata\[\w+\]|application_fee_amount|on_behalf_of|transfer_data\[destination\]"
)
Refuse = Callable[[int, str, str, str, dict[str, Any]], Exception]


@dataclass
class Cards:
    """What is kept. `answers` says what the bank of a card does when it is charged: `ok`, `processing`, or a
    code of https://docs.stripe.com/declines/codes, by the payment method."""

    shapes: dict[str, Any]
    refuse: Refuse
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    setups: dict[str, dict[str, Any]] = field(default_factory=dict)
    methods: dict[str, dict[str, Any]] = field(default_factory=dict)
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    owners: dict[str, str | None] = field(default_factory=dict)
    account: str | None = None  # of the request that is being answered
    _number: int = 0

    def post(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        """One request that changes something."""
        if path == "/v1/checkout/sessions":
            return self._ask(form)
        if path == "/v1/payment_intents":
            return self._charge(form)
        found = re.fullmatch(r"/v1/payment_methods/(\w+)/detach", path)
        method = self._own(self.methods, found[1] if found else "")
        if method["customer"] is None or form:
            raise self._bad("payment_method", "The payment method is not attached to a customer", "")
        method["customer"] = None
        return method

    def get(self, path: str, asked: dict[str, str]) -> dict[str, Any]:
        """One thing, or the list of payment intents of a customer, newest first."""
        if path == "/v1/payment_intents":
            if set(asked) - {"customer", "limit", "starting_after"}:
                raise self._bad("", f"unknown: {sorted(asked)}", "parameter_unknown")
            data = [one for one in self.intents.values() if one["customer"] == asked["customer"]]
            return {"object": "list", "url": path, "has_more": False, "data": data[::-1]}
        _, _, kind, name = path.split("/", 3)
        kept = {"setup_intents": self.setups, "payment_methods": self.methods}.get(kind, {})
        found = copy.deepcopy(self._own(kept, name))
        if asked.get("expand[0]") == "payment_method":
            found["payment_method"] = self.methods.get(found["payment_method"])
        return found

    def agree(self, session_id: str, answer: str = "ok", **card: Any) -> dict[str, Any]:
        """The payer enters a card on the page and agrees; the finished session."""
        session = self.sessions[session_id]
        self._number += 1
        method, customer = f"pm_{self._number}", f"cus_{self._number}"
        made = copy.deepcopy(self.shapes["payment_method"])
        self.methods[method] = {
            **made, "id": method, "customer": customer, "metadata": {}, "card": {**made["card"], **card},
        }  # fmt: skip
        self.answers[method] = answer
        setup = self.setups[session["setup_intent"]]
        setup.update(status="succeeded", payment_method=method, customer=customer)
        session.update(status="complete", customer=customer, payment_status="no_payment_required")
        for name in (method, customer):
            self.owners[name] = self.owners[session_id]
        return session

    def _ask(self, form: dict[str, str]) -> dict[str, Any]:
        unknown = [name for name in form if not _SETUP.fullmatch(name)]
        wanted = {"mode": "setup", "payment_method_types[0]": "card", "customer_creation": "always"}
        if unknown or {name: form.get(name) for name in wanted} != wanted:
            raise self._bad("", f"Received unknown parameter: {unknown}", "parameter_unknown")
        if not 0 < len(form.get("custom_text[submit][message]", "")) <= 1200:
            raise self._bad("custom_text", "at most 1200 characters", "parameter_invalid")
        self._number += 1
        session, setup = f"cs_test_{self._number}", f"seti_{self._number}"
        metadata = _nested(form, "metadata")
        self.setups[setup] = {
            **copy.deepcopy(self.shapes["setup_intent"]), "id": setup, "usage": "off_session",
            "metadata": _nested(form, "setup_intent_data[metadata]"), "last_setup_error": None,
            "on_behalf_of": form.get("setup_intent_data[on_behalf_of]"), "next_action": None,
        }  # fmt: skip
        self.sessions[session] = {
            **copy.deepcopy(self.shapes["checkout.session"]), "id": session, "mode": "setup",
            "setup_intent": setup, "status": "open", "metadata": metadata, "payment_link": None,
            "payment_intent": None, "amount_total": None, "amount_subtotal": None, "currency": None,
            "customer": None, "url": f"https://checkout.stripe.com/c/pay/{session}",
            "success_url": form["success_url"], "cancel_url": form["cancel_url"],
            "custom_text": {"submit": {"message": form["custom_text[submit][message]"]}},
        }  # fmt: skip
        for name in (session, setup):
            self.owners[name] = self.account
        return self.sessions[session]

    def _charge(self, form: dict[str, str]) -> dict[str, Any]:
        unknown = [name for name in form if not _INTENT.fullmatch(name)]
        if unknown or (form.get("off_session"), form.get("confirm")) != ("true", "true"):
            raise self._bad("", f"Received unknown parameter: {unknown}", "parameter_unknown")
        method = self._own(self.methods, form["payment_method"], "payment_method")
        if method["customer"] is None or method["customer"] != form.get("customer"):
            raise self._bad("payment_method", "The payment method may not be used again", "")
        self._number += 1
        intent, answer = f"pi_saved_{self._number}", self.answers[method["id"]]
        made = {
            **copy.deepcopy(self.shapes["payment_intent"]), "id": intent, "amount": int(form["amount"]),
            "currency": form["currency"], "customer": form["customer"], "payment_method": method["id"],
            "created": int(clock.now().timestamp()), "metadata": _nested(form, "metadata"),
            "description": form.get("description"), "last_payment_error": None, "next_action": None,
            "status": {"ok": "succeeded", "processing": "processing"}.get(answer, "requires_payment_method"),
            "amount_received": int(form["amount"]) if answer == "ok" else 0,
            "application_fee_amount": int(form.get("application_fee_amount", 0)) or None,
            "on_behalf_of": form.get("on_behalf_of"),
            "transfer_data": {"destination": form["transfer_data[destination]"]}
            if "transfer_data[destination]" in form else None,
        }  # fmt: skip
        self.intents[intent], self.owners[intent] = made, self.account
        if answer in ("ok", "processing"):
            return made
        error = _declined(answer)
        made["last_payment_error"] = {"type": "card_error", **error}
        raise self.refuse(402, "card_error", error["code"], "Your card was declined.",
                          {**error, "payment_intent": made})  # fmt: skip

    def _own(self, kept: dict[str, dict[str, Any]], name: str, param: str = "id") -> dict[str, Any]:
        if name not in kept or self.owners.get(name) != self.account:
            raise self.refuse(404, "invalid_request_error", "resource_missing", f"No such {name!r}",
                              {"param": param})  # fmt: skip
        return kept[name]

    def _bad(self, param: str, message: str, code: str) -> Exception:
        return self.refuse(400, "invalid_request_error", code, message, {"param": param})


def _declined(answer: str) -> dict[str, Any]:
    """The fields of a card error. `authentication_required` and `expired_card` are codes of their own; other
    declines have the code card_declined and say more in `decline_code`."""
    advice = {"lost_card": "do_not_try_again", "do_not_honor": "try_again_later"}.get(answer)
    if answer in ("authentication_required", "expired_card"):
        return {"code": answer, "decline_code": answer}
    return {"code": "card_declined", "decline_code": answer, "advice_code": advice or "try_again_later"}


def _nested(form: dict[str, str], name: str) -> dict[str, str]:
    return {key[len(name) + 1 : -1]: value for key, value in form.items() if key.startswith(name + "[")}
