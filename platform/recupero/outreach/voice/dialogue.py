"""The assistant's way through a call script, one turn at a time.

It says a step and reads out its answers with their keys; where the script wants facts, a day or a sum it asks
for them one by one. Zero, or asking for a person, hands the call over at any step; a wish to be left alone is
obeyed at any step. What it cannot do itself (a plan, a settlement) it hands over with the link to the page on
which the debtor can.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import UserError
from recupero.kernel.money import format_minor, minor_units
from recupero.outreach.calls import runs
from recupero.outreach.calls.runs import Talk
from recupero.outreach.scripts import saying, walk
from recupero.outreach.scripts.shape import Choice, Step
from recupero.outreach.texts import words
from recupero.outreach.understanding import reader
from recupero.outreach.understanding.amounts import amounts
from recupero.outreach.voice import ending, hearing, meaning
from recupero.outreach.voice.ending import ASSISTANT, PAGE, Line
from recupero.outreach.voice.hearing import NOT_ME_KEY, PERSON_KEY, REPEAT_KEY
from recupero.outreach.voice.meaning import Meant
from recupero.payments import service as payments
from recupero.payments.offers.policy import Offerer
from recupero.payments.papers import invoice_requests
from recupero.placements.identity import Fact
from recupero_sdk.inbound import CallEvent, CallTurn

#: Turns in a row that were not understood, after which a person takes over.
MOST_MISSES = 3
#: Silences in a row after which the call is over.
MOST_SILENCES = 2
#: What an assistant cannot do: it would have to see money come in, or to work out an agreement.
_NOT_OURS = frozenset({"PAID", "PLAN", "SETL"})
_PROMISED = ("PTPF", "PTPP")
_BY_PEOPLE = frozenset({"plan", "settlement"})
#: What is never passed over for want of an answer in the script, and why a person takes over then; what is
#: about the debt only once identity is proven.
_FOR_PEOPLE = {"hardship": "hardship", "angry": "angry"}
_OF_THE_DEBT = {"dispute": "disputes", "paid_already": "paid_already"}


def begin(line: Line, *, called_us: bool = False) -> CallTurn:
    """The first words of the call."""
    if called_us:
        line.say("welcome")
    return _enter(line)


def hear(line: Line, event: CallEvent) -> CallTurn:
    """On by what was pressed or said."""
    digits = event.digits.strip("#")
    if digits == REPEAT_KEY:
        return _ask(line, again=True)
    if not digits and not event.speech.strip():
        return _silent(line)
    line.memory.silences = 0
    meant = Meant() if digits else _meant(line, event.speech)
    offers = {intent for choice in _offered(line) for intent in choice.intents}
    line.chance = meant.chances.get(meant.first or "")
    if digits == PERSON_KEY or (meant.first == "person" and "person" not in offers):
        return ending.to_person(line)
    if meant.first == "stop" and ("stop" not in offers or meant.owed):
        return ending.stop(line, meant.owed)
    if meant.first == "later" and "later" not in offers:
        return ending.later(line)
    heavy = next((one for one in meant.intents if one in _heavy(line) and one not in offers), None)
    if heavy is not None:
        line.chance = meant.chances.get(heavy)
        return ending.to_person(line, _heavy(line)[heavy])
    asked = line.memory.asked
    if asked == "fact":
        return _heard_fact(line, digits, event.speech, meant)
    if asked == "day":
        return _heard_day(line, digits, event.speech, meant)
    if asked == "confirm":
        return _heard_yes(line, digits, event.speech, meant)
    chosen = _chosen(line, digits, event.speech, meant)
    return _missed(line, asked_who="who" in meant.intents) if chosen is None else _choose(line, chosen)


def _meant(line: Line, speech: str) -> Meant:
    """What was said; the model is not asked about the answers that prove somebody."""
    if line.memory.asked == "fact" or not meaning.sentence(speech):
        return meaning.meant(speech, (), line.sure)
    return meaning.meant(speech, reader.guesses(scope_of(line.session), speech), line.sure)


def _heavy(line: Line) -> Mapping[str, str]:
    """What a person takes over where the step has no answer to it: what was heard, and why they do."""
    return {**_FOR_PEOPLE, **_OF_THE_DEBT} if line.run.proven else _FOR_PEOPLE


def _chosen(line: Line, digits: str, speech: str, meant: Meant) -> Choice | None:
    """The answer of the step that was pressed or said. Words of which nothing is known are `other`."""
    offered = _offered(line)
    if digits:
        return hearing.pressed(offered, digits)
    named = hearing.named(offered, speech, line.run.language)
    if named is not None or not speech:
        line.chance = 1.0 if named is not None else None
        return named
    for intent in meant.intents:
        found = next((one for one in offered if intent in one.intents), None)
        if found is not None:
            line.chance = meant.chances.get(intent)
            return found if meant.safely(intent) else None
    unknown = not meant.intents and (meant.doubted is None or not line.run.proven)
    told, line.chance = unknown and meaning.sentence(speech), 0.0  # taken for something else
    return next((one for one in offered if told and "other" in one.intents), None)


def _silent(line: Line) -> CallTurn:
    """Nobody says anything: asked once more, and then it is over. No person is called to an empty line."""
    line.memory.silences += 1
    if line.memory.silences >= MOST_SILENCES:
        return ending.finish(line, "HUPV" if line.run.proven else "HUNV")
    return _missed(line)


def _missed(line: Line, *, asked_who: bool = False) -> CallTurn:
    """Ask again; whoever asked who calls hears it again from its beginning."""
    line.memory.misses += 1
    if line.memory.misses >= MOST_MISSES:
        return ending.to_person(line)
    if not asked_who:
        line.say("not_understood")
    return _ask(line, again=asked_who)


def _choose(line: Line, choice: Choice) -> CallTurn:
    line.memory.misses = 0
    pays_today = line.script.steps[choice.to].disposition in _PROMISED and not line.memory.promised
    if pays_today and not _promise(line, line.owed_minor, _today(line)):
        return ending.to_person(line)
    runs.answer(line.session, line.run.contact_id, line.run.step, choice.id, chance=line.chance)
    line.chance = None
    return _enter(line)


def _enter(line: Line) -> CallTurn:
    """Say the step that the call came to, and go on by itself where nothing is to be answered."""
    while True:
        talk = _talk(line)
        step = talk.step
        if step.kind == "disclose":
            if any(said.startswith("[") for said in talk.read_out):  # the law wants it, nobody has stated it
                return ending.to_person(line)
            line.first += [talk.text, *talk.read_out]
            runs.answer(line.session, line.run.contact_id, line.run.step, talk.choices[0].id)
            continue
        if step.kind == "end":
            line.words.append(talk.text)
            if _sends_link(step):
                line.send_link()
            return ending.close(line, step)
        if step.stage == "agree" and _BY_PEOPLE & set(step.tools):
            line.send_link()
            return ending.to_person(line)
        noted = _leading_to(line, ("NOIN",)) if "invoice" in step.tools else None
        if noted is not None:
            invoice_requests.ask(line.session, line.run.account_id, asked_with=ending.ACTOR)
            runs.answer(line.session, line.run.contact_id, line.run.step, noted.id)
            continue
        return _begin_step(line, talk)


def _talk(line: Line) -> Talk:
    """Where the call stands. Nobody writes down an address that is read out: the page's goes by message."""
    return runs.talk(
        line.session, line.run.contact_id, agent=line.phrases[ASSISTANT], page=line.phrases[PAGE]
    )


def _sends_link(step: Step) -> bool:
    """Whether the link goes out while this step is said: its words name it, or it is for that."""
    return saying.names(step.say, "link") or ("link" in step.tools and step.stage in ("agree", "close"))


def _begin_step(line: Line, talk: Talk) -> CallTurn:
    line.words.append(talk.text)
    found = line.memory
    found.asked = "choice"
    if _sends_link(talk.step):
        line.send_link()
    if talk.step.kind == "identity":
        found.facts = [fact.value for fact in runs.spoken_questions(line.session, line.run)]
        if not found.facts:
            return ending.to_person(line)
        found.asked, found.place, found.right = "fact", 0, True
    elif talk.step.stage == "agree" and "promise" in talk.step.tools:
        found.asked = "day"
    return _ask(line)


def _ask(line: Line, *, again: bool = False) -> CallTurn:
    """Ask what is open, and listen."""
    asked, choices = line.memory.asked, _offered(line)
    if again and asked == "choice":
        line.words.append(_talk(line).text)
    if asked == "fact":
        line.say(line.memory.facts[line.memory.place], "not_you")
    elif asked == "day":
        line.say("day")
    elif asked == "confirm":
        line.say("confirm", amount=_money(line, line.memory.amount), day=_day(line, line.memory.day))
    else:
        language = line.run.language
        line.say("choose")
        line.words += [
            f"{number}: {choice.label.get(language) or next(iter(choice.label.values()))}."
            for number, choice in enumerate(choices[:9], 1)
        ]
        line.say("always")
    return line.listen(digits=1 if asked == "choice" else 0, hints=_hints(line, choices))


def _hints(line: Line, choices: Sequence[Choice]) -> tuple[str, ...]:
    return tuple(choice.label[line.run.language] for choice in choices if line.run.language in choice.label)


def _offered(line: Line) -> list[Choice]:
    """The answers of the step that somebody on the line can give, and that this machine can follow."""
    step = line.script.steps[line.run.step]
    possible = set(walk.offered(step))
    return [
        choice
        for choice in step.choices
        if choice.id in possible
        and "hung_up" not in choice.intents
        and line.script.steps[choice.to].disposition not in _NOT_OURS
    ]


def _leading_to(line: Line, codes: Sequence[str]) -> Choice | None:
    """The answer of the step after which the call ends with one of these results, the first named before the
    others."""
    choices = line.script.steps[line.run.step].choices
    found = (one for code in codes for one in choices if line.script.steps[one.to].disposition == code)
    return next(found, None)


def _heard_fact(line: Line, digits: str, speech: str, meant: Meant) -> CallTurn:
    """One of the two facts; when both were told the proof is found, or not."""
    remembered, contact_id = line.memory, line.run.contact_id
    if digits == NOT_ME_KEY or meant.first == "wrong_person":
        return _not_me(line)
    if meant.first == "who":
        return _missed(line, asked_who=True)
    asked = Fact(remembered.facts[remembered.place])
    told = hearing.fact(asked, digits, speech, _today(line))
    if not told:
        return _missed(line)
    remembered.misses = 0
    remembered.right &= runs.is_right(line.session, line.run, asked, told)
    remembered.place += 1
    if remembered.place < len(remembered.facts):
        return _ask(line)
    step, right = line.run.step, remembered.right
    runs.found(line.session, contact_id, step, right=right)
    if not right and line.run.step == step:
        remembered.place, remembered.right = 0, True
        line.say("wrong")
        return _ask(line)
    return _enter(line)


def _not_me(line: Line) -> CallTurn:
    """Not the person, or one who will not tell: nothing is said of the matter."""
    step = line.script.steps[line.run.step]
    ends = [choice for choice in _offered(line) if line.script.steps[choice.to].kind == "end"]
    if ends:
        return _choose(line, ends[0])
    runs.left(line.session, line.run, "refuses", chance=line.chance)
    return ending.finish(line, "HUNV") if step else ending.to_person(line)


def _heard_day(line: Line, digits: str, speech: str, meant: Meant) -> CallTurn:
    found = hearing.day(digits, speech, line.run.language, _today(line))
    if found is not None:
        line.memory.misses, line.memory.asked = 0, "confirm"
        line.memory.day = found.isoformat()
        said = _sums(line, speech)
        line.memory.amount = said[0] if said else line.owed_minor
        return _ask(line)
    chosen = None if digits else _chosen(line, "", speech, meant)
    return (
        _missed(line) if chosen is None or chosen == _leading_to(line, _PROMISED) else _choose(line, chosen)
    )


def _heard_yes(line: Line, digits: str, speech: str, meant: Meant) -> CallTurn:
    """Yes to day and amount, another day, or another amount."""
    another = _sums(line, speech, asked=True)
    if digits == "1" or (not another and meant.first == "yes" and meant.safely("yes")):
        return _agree(line)
    if digits == "2" or meant.first == "no":
        line.memory.asked, line.memory.misses = "day", 0
        return _ask(line)
    if digits.isascii() and digits.isdecimal():
        another = [int(digits[:12]) * 10 ** minor_units(line.account.currency)]
    if not another:
        return _missed(line)
    if another[0] > line.owed_minor:
        line.say("not_possible")
        return _missed(line)
    line.memory.amount, line.memory.misses = another[0], 0
    return _ask(line)


def _agree(line: Line) -> CallTurn:
    if not _promise(line, line.memory.amount, date.fromisoformat(line.memory.day)):
        line.memory.asked = "day"
        line.say("not_possible")
        return _missed(line)
    whole = line.memory.amount >= line.owed_minor
    code = _PROMISED[0] if whole else _PROMISED[1]
    chosen = _leading_to(line, (code, *_PROMISED))
    return ending.finish(line, code) if chosen is None else _choose(line, chosen)


def _promise(line: Line, amount: int, day: date) -> bool:
    """Note the promise, on the call's account first and then on the others; False where the creditor's limits
    do not allow it."""
    try:
        payments.make_promises(
            line.session, account_ids=[one.account_id for one in line.owing], amount_minor=amount,
            due_date=day, made_with=ending.ACTOR, contact_id=line.run.contact_id,
            offerer=Offerer("page", ending.ACTOR),
        )  # fmt: skip
    except UserError:
        return False
    line.memory.promised = True
    line.say("noted", amount=_money(line, amount), day=_day(line, day.isoformat()))
    return True


def _sums(line: Line, speech: str, *, asked: bool = False) -> list[int]:
    currency = line.account.currency
    return amounts(speech, locale=_locale(line), currency=currency, asked=asked) if speech else []


def _locale(line: Line) -> str:
    return words.locale_of(line.run.language, line.account.country)


def _money(line: Line, minor: int) -> str:
    return format_minor(minor, line.account.currency, _locale(line))


def _day(line: Line, day: str) -> str:
    return words.day(date.fromisoformat(day), _locale(line))


def _today(line: Line) -> date:
    return clock.now().astimezone(line.zone).date()
