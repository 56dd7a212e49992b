"""A call turn by turn: what Twilio asks (https://www.twilio.com/docs/voice/twiml#request-parameters) and what
it is told to do, in TwiML.

Each answer names the address of the next request, with the key of our message and the number of the turn: so
a request that Twilio repeats is the same event.
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from twilio.twiml.voice_response import Gather, VoiceResponse

from recupero_sdk.channels import E164, Cost, Message
from recupero_sdk.inbound import CallEvent, CallStage, CallTurn, InboundAnswer, InboundRequest
from recupero_sdk.prices import Tariff
from recupero_sdk.settings import PluginConfig
from recupero_sdk.twilio import believed

#: Amazon's neural voices that Twilio offers, by the language they speak.
VOICES: Mapping[str, str] = {
    "es-MX": "Polly.Mia-Neural",
    "es-US": "Polly.Lupe-Neural",
    "es-ES": "Polly.Lucia-Neural",
    "pt-BR": "Polly.Camila-Neural",
    "pt-PT": "Polly.Ines-Neural",
    "en-US": "Polly.Joanna-Neural",
    "en-GB": "Polly.Amy-Neural",
}
#: Who speaks where a language or a country has no voice of its own.
_SPEAKS = {"es": "es-MX", "pt": "pt-BR", "en": "en-US"}
#: Countries whose speech is recognised, by language; the first where no country is given.
_UNDERSTOOD = {
    "es": ("US", "AR", "BO", "CL", "CO", "CR", "DO", "EC", "ES", "GT", "HN", "MX", "NI", "PA", "PE", "PR",
           "PY", "SV", "UY", "VE"),
    "pt": ("BR", "PT"),
    "en": ("US", "AU", "CA", "GB", "IE", "NZ", "ZA"),
}  # fmt: skip
_CALL_SID = re.compile(r"CA[0-9a-fA-F]{32}")
#: Characters that XML 1.0 cannot hold (https://www.w3.org/TR/xml/#charsets).
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNDER_WAY = ("queued", "initiated", "ringing", "in-progress")
_ENDS = {
    "completed": "answered",
    "answered": "answered",
    "busy": "busy",
    "no-answer": "no_answer",
    "canceled": "no_answer",
    "failed": "failed",
}
#: Answers of the telephone network that speak of the number (RFC 3261, 21.4 and 21.6): not found, gone,
#: incomplete, does not exist anywhere.
_NO_SUCH_NUMBER = ("404", "410", "484", "604")
#: The longest hint, and how many, that Twilio takes.
_HINT_CHARACTERS, _HINTS = 100, 500


def voices(config: PluginConfig) -> dict[str, str]:
    """Voices by language, with the configured ones. Raises ValueError, in plain words."""
    chosen = dict(VOICES)
    for part in filter(None, (piece.strip() for piece in config.get("voices").split(","))):
        language, _, voice = (side.strip() for side in part.partition("="))
        if not re.fullmatch(r"[a-z]{2}-[A-Z]{2}", language) or not voice:
            raise ValueError(f"`{part}` is no voice; write es-MX=Polly.Mia-Neural")
        chosen[language] = voice
    return chosen


def hear_call(request: InboundRequest, config: PluginConfig) -> CallEvent:
    """Where the call stands. Raises `Rejected`."""
    form = believed(request, config)
    sid, status = form.get("CallSid", ""), form.get("CallStatus", "")
    if not _CALL_SID.fullmatch(sid) or not (status in _UNDER_WAY or status in _ENDS):
        raise request.unreadable("the request names no call")
    inbound = form.get("Direction") == "inbound"
    key, turn = request.query.get("key", ""), _turn(request)
    if not key and not inbound:
        raise request.unreadable("the request names no message of ours")
    caller = form.get("From", "") if inbound else ""
    if "DialCallStatus" in form:
        return CallEvent(
            f"{sid}:{turn}", key, sid, CallStage.TRANSFERRED, caller=caller,
            end=_ENDS.get(form["DialCallStatus"], "failed"), seconds=_seconds(form.get("DialCallDuration")),
        )  # fmt: skip
    if status in _ENDS:
        return _ended(sid, key, turn, form, config)
    return CallEvent(
        f"{sid}:{turn}", key, sid, _stage(form, request), digits=form.get("Digits", ""),
        speech=form.get("SpeechResult", ""), caller=caller,
    )  # fmt: skip


def _stage(form: Mapping[str, str], request: InboundRequest) -> CallStage:
    if _turn(request) > 0 or "Digits" in form or "SpeechResult" in form:
        return CallStage.HEARD
    if form.get("Direction") == "inbound":
        return CallStage.INCOMING
    if form.get("AnsweredBy", "").startswith(("machine", "fax")):
        return CallStage.MACHINE
    return CallStage.AGENT if request.query.get("leg") == "agent" else CallStage.HUMAN


def _ended(sid: str, key: str, turn: int, form: Mapping[str, str], config: PluginConfig) -> CallEvent:
    """The end, as the status callback tells it with the length, or a turn that nobody waited for."""
    caller = form.get("From", "") if form.get("Direction") == "inbound" else ""
    end, seconds = _ENDS[form["CallStatus"]], _seconds(form.get("CallDuration"))
    if end == "failed" and form.get("SipResponseCode") in _NO_SUCH_NUMBER:
        end = "invalid"
    cost = None if caller else _cost(form.get("To", ""), seconds or 0, config)
    name = f"{sid}:ended" if "CallDuration" in form else f"{sid}:{turn}:ended"
    return CallEvent(name, key, sid, CallStage.ENDED, caller=caller, end=end, seconds=seconds, cost=cost)


def _cost(number: str, seconds: int, config: PluginConfig) -> Cost | None:
    """Each minute that was begun is charged."""
    if seconds == 0:
        return None
    tariff = Tariff.parse(config.get("prices"), config.get("currency", "USD"))
    return tariff.cost(number, -(-seconds // 60), counted=seconds)


def _seconds(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() else None


def _turn(request: InboundRequest) -> int:
    return _seconds(request.query.get("turn")) or 0


def say(turn: CallTurn, request: InboundRequest, config: PluginConfig) -> InboundAnswer:
    """The turn as TwiML."""
    response, starts = VoiceResponse(), turn.record and "recorded" not in request.query
    following = _following(request, recorded=turn.record or "recorded" in request.query)
    speech = _speech(turn, config)
    _say(response, {**speech, "message": _plain(turn.first)})
    if turn.transfer_to is not None:
        _say(response, speech)
        _transfer(response, turn.transfer_to, following, config, record=starts)
    elif turn.listens:
        gather = _gather(turn, following)
        if starts:  # what is said here may be the notice: nothing before it is recorded
            _say(response, speech)
            response.start().recording(channels="dual")
        else:
            _say(gather, speech)
        response.append(gather)
    else:
        _say(response, speech)
        response.hangup()
    return InboundAnswer(body=str(response), content_type="text/xml")


def _say(into: VoiceResponse | Gather, speech: Mapping[str, str]) -> None:
    if speech["message"].strip():
        into.say(**speech)


def _plain(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return _NO_XML.sub(" ", text)


def _speech(turn: CallTurn, config: PluginConfig) -> dict[str, str]:
    known = voices(config)
    language = turn.language.replace("_", "-")
    if language not in known:
        language = _SPEAKS.get(language[:2], "")
    if not language:
        raise ValueError(f"there is no voice for the language {turn.language}")
    return {"message": _plain(turn.say), "language": language, "voice": known[language]}


def _gather(turn: CallTurn, following: str) -> Gather:
    """Keys and speech. Silence, too, comes back to us (`actionOnEmptyResult`)."""
    hints = [
        " ".join(_plain(hint).replace(",", " ").split())[:_HINT_CHARACTERS] for hint in turn.hints[:_HINTS]
    ]
    return Gather(
        input="dtmf speech",
        action=following,
        method="POST",
        timeout=turn.wait_seconds,
        speech_timeout="auto",
        language=_understood(turn.language),
        hints=", ".join(hint[:_HINT_CHARACTERS] for hint in hints if hint) or None,
        num_digits=turn.digits or None,
        finish_on_key="#",
        action_on_empty_result=True,
    )


def _understood(language: str) -> str:
    tongue, _, country = language.replace("_", "-").partition("-")
    known = _UNDERSTOOD.get(tongue, (country,))
    return f"{tongue}-{country if country in known else known[0]}"


def _transfer(
    response: VoiceResponse, number: str, following: str, config: PluginConfig, *, record: bool
) -> None:
    if not E164.fullmatch(number):
        raise ValueError("the number to transfer to is not in E.164")
    dial = response.dial(
        action=following,
        method="POST",
        caller_id=config.get("caller"),
        answer_on_bridge=True,
        timeout=int(config.get("ring_seconds", "30")),
        record="record-from-answer-dual" if record else None,
    )
    dial.number(number)


def first_address(message: Message, *, agent: bool) -> str:
    """Where Twilio asks what to do once the call is taken: `/call` beside the message's own address, with
    its key; `leg` tells an agent of a click-to-call from a person."""
    parts = urlsplit(message.callback_url)
    names = dict(parse_qsl(parts.query)) | {"key": message.key} | ({"leg": "agent"} if agent else {})
    return parts._replace(path=f"{parts.path}/call", query=urlencode(names)).geturl()


def _following(request: InboundRequest, *, recorded: bool) -> str:
    """The address of the next request of this call."""
    names = {**request.query, "turn": str(_turn(request) + 1), **({"recorded": "1"} if recorded else {})}
    return urlsplit(request.url)._replace(query=urlencode(names), fragment="").geturl()
