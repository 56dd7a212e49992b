"""The reasons a rule can give, in the languages people read. The gate itself deals in codes and details."""

from __future__ import annotations

from collections.abc import Mapping

from recupero_sdk.law.written import city, day

LANGUAGES = ("es", "en", "pt")

REASONS: dict[str, dict[str, str]] = {
    "within": {
        "en": "The contact keeps within this rule.",
        "es": "El contacto respeta esta regla.",
        "pt": "O contato respeita esta regra.",
    },
    "noted": {
        "en": "Holds for this contact; it does not decide whether it may be made.",
        "es": "Rige para este contacto; no decide si puede hacerse.",
        "pt": "Vale para este contato; não decide se pode ser feito.",
    },
    "other_channel": {
        "en": "Concerns other channels than the proposed one.",
        "es": "Se refiere a otros canales que el propuesto.",
        "pt": "Refere-se a outros canais que não o proposto.",
    },
    "exempt_purpose": {
        "en": "Does not limit contacts with this purpose.",
        "es": "No limita los contactos con este fin.",
        "pt": "Não limita contatos com esta finalidade.",
    },
    "before_due": {
        "en": "The debt is not due yet ({due}); the contact is a reminder.",
        "es": "La deuda aún no vence ({due}); el contacto es un recordatorio.",
        "pt": "A dívida ainda não venceu ({due}); o contato é um lembrete.",
    },
    "outside_hours": {
        "en": "{local} in {zone} is outside the permitted hours ({hours}).",
        "es": "{local} en {zone} está fuera del horario permitido ({hours}).",
        "pt": "{local} em {zone} está fora do horário permitido ({hours}).",
    },
    "closed_day": {
        "en": "{day} is a closed day ({name}).",
        "es": "{day} es un día inhábil ({name}).",
        "pt": "{day} é um dia fechado ({name}).",
    },
    "cap_reached": {
        "en": "The limit {span} is reached: {used} of {limit}; last contact: {last}.",
        "es": "Se alcanzó el límite {span}: {used} de {limit}; último contacto: {last}.",
        "pt": "O limite {span} foi atingido: {used} de {limit}; último contato: {last}.",
    },
    "too_soon": {
        "en": "Last contact: {last}; at least {gap} must lie between.",
        "es": "Último contacto: {last}; deben mediar al menos {gap}.",
        "pt": "Último contato: {last}; devem passar ao menos {gap}.",
    },
    "channel_locked": {
        "en": "There was contact by {channel} ({last}); the limit is one channel {span}.",
        "es": "Hubo contacto por {channel} ({last}); el límite es un solo canal {span}.",
        "pt": "Houve contato por {channel} ({last}); o limite é um só canal {span}.",
    },
    "not_authorised": {
        "en": "The debtor has not authorised {channels}.",
        "es": "La persona no ha autorizado {channels}.",
        "pt": "A pessoa não autorizou {channels}.",
    },
    "authorisation_withdrawn": {
        "en": "The debtor has withdrawn the authorisation for {channels}.",
        "es": "La persona retiró la autorización para {channels}.",
        "pt": "A pessoa retirou a autorização para {channels}.",
    },
    "opted_out": {
        "en": "The debtor asked not to be contacted by {channel}.",
        "es": "La persona pidió no ser contactada por {channel}.",
        "pt": "A pessoa pediu para não ser contatada por {channel}.",
    },
    "stopped": {
        "en": "Contact must stop: {flag}.",
        "es": "El contacto debe cesar: {flag}.",
        "pt": "O contato deve cessar: {flag}.",
    },
    "wrong_recipient": {
        "en": "The debt may not be spoken of with: {recipient}.",
        "es": "No se puede tratar la deuda con: {recipient}.",
        "pt": "A dívida não pode ser tratada com: {recipient}.",
    },
    "workplace": {
        "en": "The contact point is at the debtor's work.",
        "es": "El punto de contacto está en el trabajo de la persona.",
        "pt": "O ponto de contato fica no trabalho da pessoa.",
    },
    "wrong_place": {
        "en": "A visit may not be made at this place: {place}.",
        "es": "No se puede visitar en este lugar: {place}.",
        "pt": "Não se pode visitar neste lugar: {place}.",
    },
    "channel_banned": {
        "en": "Collection by {channel} is forbidden.",
        "es": "La cobranza por {channel} está prohibida.",
        "pt": "A cobrança por {channel} é proibida.",
    },
    "not_concerned": {
        "en": "Concerns other cases than this one.",
        "es": "Se refiere a otros casos que este.",
        "pt": "Refere-se a outros casos que não este.",
    },
    "displaced": {
        "en": "Gives way to the rule of the region.",
        "es": "Cede ante la regla de la región.",
        "pt": "Cede à regra da região.",
    },
    "inconvenient_time": {
        "en": "The debtor named this time as inconvenient ({local}).",
        "es": "La persona señaló esta hora como inconveniente ({local}).",
        "pt": "A pessoa indicou este horário como inconveniente ({local}).",
    },
    "inconvenient_place": {
        "en": "The debtor named this place as inconvenient: {place}.",
        "es": "La persona señaló este lugar como inconveniente: {place}.",
        "pt": "A pessoa indicou este lugar como inconveniente: {place}.",
    },
    "paused": {
        "en": "After {event} on {on} contact rests until the end of {until}.",
        "es": "Tras {event} del {on} el contacto se suspende hasta el fin del {until}.",
        "pt": "Após {event} de {on} o contato fica suspenso até o fim de {until}.",
    },
    "paused_for_good": {
        "en": "After {event} on {on} contact rests until something lifts it.",
        "es": "Tras {event} del {on} el contacto se suspende hasta que algo lo levante.",
        "pt": "Após {event} de {on} o contato fica suspenso até que algo o libere.",
    },
    "notice_missing": {
        "en": "A notice must come first, and none is recorded: {event}.",
        "es": "Antes debe darse un aviso y no consta ninguno: {event}.",
        "pt": "Antes é preciso um aviso, e nenhum consta: {event}.",
    },
    "notice_not_ripe": {
        "en": "The notice of {on} ({event}) does not open contact on this day.",
        "es": "El aviso del {on} ({event}) no abre el contacto en este día.",
        "pt": "O aviso de {on} ({event}) não abre o contato neste dia.",
    },
    "point_refused": {
        "en": "The debtor refused this number or address.",
        "es": "La persona rechazó este número o dirección.",
        "pt": "A pessoa recusou este número ou endereço.",
    },
    "registered": {
        "en": "The number stands in a register that forbids {channels}.",
        "es": "El número consta en un registro que prohíbe {channels}.",
        "pt": "O número consta em um cadastro que proíbe {channels}.",
    },
    "time_barred": {
        "en": "The debt has been time-barred since {since}; contact about it is closed.",
        "es": "La deuda está prescrita desde el {since}; no se puede contactar por ella.",
        "pt": "A dívida está prescrita desde {since}; não se pode contatar por ela.",
    },
    "purpose_banned": {
        "en": "Contact with this purpose is forbidden: {purpose}.",
        "es": "Está prohibido el contacto con este fin: {purpose}.",
        "pt": "É proibido o contato com esta finalidade: {purpose}.",
    },
    "wrong_language": {
        "en": "The message is in {language}; it must be in {wanted}.",
        "es": "El mensaje está en {language}; debe estar en {wanted}.",
        "pt": "A mensagem está em {language}; deve estar em {wanted}.",
    },
    "number_hidden": {
        "en": "The number is withheld; it must show.",
        "es": "El número está oculto; debe mostrarse.",
        "pt": "O número está oculto; deve aparecer.",
    },
    "wrong_number": {
        "en": "The number does not begin as it must: {prefixes}.",
        "es": "El número no comienza como debe: {prefixes}.",
        "pt": "O número não começa como deve: {prefixes}.",
    },
    "number_banned": {
        "en": "Numbers that begin with {prefix} may not be used.",
        "es": "No se pueden usar números que comienzan con {prefix}.",
        "pt": "Não se podem usar números que começam com {prefix}.",
    },
    "item_missing": {
        "en": "The message does not state: {items}.",
        "es": "El mensaje no informa: {items}.",
        "pt": "A mensagem não informa: {items}.",
    },
    "banned_text": {
        "en": "The message says “{found}”, which is forbidden ({what}).",
        "es": "El mensaje dice «{found}», lo que está prohibido ({what}).",
        "pt": "A mensagem diz “{found}”, o que é proibido ({what}).",
    },
    "applied": {
        "en": "Applied by {rule}, which refuses.",
        "es": "Aplicada por {rule}, que rechaza.",
        "pt": "Aplicada por {rule}, que recusa.",
    },
    "not_covered": {
        "en": "The pack knows no law before {covers_from}; unknown means no.",
        "es": "El paquete no conoce ley anterior al {covers_from}; lo desconocido se rechaza.",
        "pt": "O pacote não conhece lei anterior a {covers_from}; o desconhecido é recusado.",
    },
    "no_pack": {
        "en": "No regulation pack is loaded for {country}: {why}.",
        "es": "No hay paquete normativo cargado para {country}: {why}.",
        "pt": "Não há pacote normativo carregado para {country}: {why}.",
    },
    "unknown_zone": {
        "en": "Zone {zone} does not exist; no local time can be worked out.",
        "es": "La zona {zone} no existe; no se puede calcular la hora local.",
        "pt": "A zona {zone} não existe; não é possível calcular a hora local.",
    },
}


_WORDS: dict[str, tuple[str, str, str]] = {
    "call": ("llamada", "call", "ligação"),
    "visit": ("visita", "visit", "visita"),
    "sms": ("SMS", "SMS", "SMS"),
    "email": ("correo electrónico", "e-mail", "e-mail"),
    "whatsapp": ("WhatsApp", "WhatsApp", "WhatsApp"),
    "letter": ("carta", "letter", "carta"),
    "third_party": ("un tercero", "a third party", "um terceiro"),
    "reference": ("una referencia", "a reference", "uma referência"),
    "employer": ("el empleador", "the employer", "o empregador"),
    "guarantor": ("el aval", "the guarantor", "o avalista"),
    "codebtor": ("el codeudor", "the co-debtor", "o codevedor"),
    "representative": ("el representante", "the representative", "o representante"),
    "debtor": ("la persona deudora", "the debtor", "a pessoa devedora"),
    "attorney_represented": (
        "representada por abogado",
        "represented by an attorney",
        "representada por advogado",
    ),
    "disputed": ("deuda disputada", "debt disputed", "dívida contestada"),
    "cease_request": ("pidió el cese", "asked to cease", "pediu para cessar"),
    "breathing_space": ("moratoria", "breathing space", "moratória"),
    "vulnerable": ("persona vulnerable", "vulnerable person", "pessoa vulnerável"),
    "deceased": ("fallecida", "deceased", "falecida"),
    "suit_served": ("demanda notificada", "suit served", "ação notificada"),
    "insolvency": ("procedimiento concursal", "insolvency", "insolvência"),
    "complaint": ("reclamo abierto", "complaint open", "reclamação aberta"),
    "home": ("domicilio", "home", "domicílio"),
    "work": ("lugar de trabajo", "workplace", "local de trabalho"),
    "other": ("otro lugar", "another place", "outro lugar"),
    "day": ("día", "day", "dia"),
    "week": ("semana", "week", "semana"),
    "month": ("mes", "month", "mês"),
    "calendar": ("calendario", "calendar", "calendário"),
    "rolling": ("corrido", "rolling", "corrido"),
    "mon": ("lunes", "Monday", "segunda-feira"),
    "tue": ("martes", "Tuesday", "terça-feira"),
    "wed": ("miércoles", "Wednesday", "quarta-feira"),
    "thu": ("jueves", "Thursday", "quinta-feira"),
    "fri": ("viernes", "Friday", "sexta-feira"),
    "sat": ("sábado", "Saturday", "sábado"),
    "sun": ("domingo", "Sunday", "domingo"),
    "collector": ("quién cobra", "collector", "quem cobra"),
    "creditor": ("acreedor", "creditor", "credor"),
    "contract": ("contrato", "contract", "contrato"),
    "contract_date": ("fecha del contrato", "date of the contract", "data do contrato"),
    "due_date": ("fecha de vencimiento", "due date", "data de vencimento"),
    "amount": ("monto", "amount", "valor"),
    "interest": ("intereses", "interest", "juros"),
    "costs": ("gastos de cobranza", "collection costs", "custos de cobrança"),
    "how_to_pay": ("cómo pagar", "how to pay", "como pagar"),
    "rights": ("derechos", "rights", "direitos"),
    "not_execution": ("que no es una ejecución", "that it is no execution", "que não é uma execução"),
    "contact": ("medio de contacto", "contact means", "meio de contato"),
    "elsewhere": (
        "(para otro acreedor de la agencia)",
        "(for another creditor of the agency)",
        "(para outro credor da agência)",
    ),
    "year": ("año", "year", "ano"),
    "ever": ("toda la gestión", "whole collection", "toda a cobrança"),
    "lacks_capacity": ("sin capacidad mental", "lacks mental capacity", "sem capacidade mental"),
    "limitation_refused": ("invocó la prescripción", "pleaded limitation", "alegou prescrição"),
    "no_visits": ("pidió que no la visiten", "asked for no visits", "pediu para não receber visitas"),
    "judgment": ("sentencia", "judgment", "sentença"),
    "minor": ("menor de edad", "a minor", "menor de idade"),
    "adr_case": ("reclamo ante un organismo", "case at a dispute body", "caso em órgão de conciliação"),
    "undocumented": ("deuda sin documentos", "debt without documents", "dívida sem documentos"),
    "hospital": ("hospitalizada", "in hospital", "hospitalizada"),
    "bureau_notice_served": ("aviso al registro", "bureau notice served", "aviso ao cadastro"),
    "payment": ("un pago", "a payment", "um pagamento"),
    "promise": ("una promesa", "a promise", "uma promessa"),
    "acknowledgement": ("un reconocimiento", "an acknowledgement", "um reconhecimento"),
    "demand": ("un requerimiento", "a demand", "uma cobrança formal"),
    "suit": ("una demanda", "a suit", "uma ação"),
    "dispute": ("una disputa", "a dispute", "uma contestação"),
    "verification": ("la verificación", "the verification", "a verificação"),
    "complaint_answered": ("respuesta al reclamo", "answer to the complaint", "resposta à reclamação"),
    "opt_out": ("una negativa", "an opt-out", "uma recusa"),
    "do_not_call": ("el registro de no llamar", "a do-not-call registration", "o cadastro de não perturbe"),
    "consent": ("un consentimiento", "a consent", "um consentimento"),
    "crisis_moratorium": ("moratoria por crisis", "a crisis moratorium", "moratória por crise"),
    "attorney_notice": ("aviso del abogado", "an attorney's notice", "aviso do advogado"),
    "validation_notice": ("aviso de validación", "the validation notice", "aviso de validação"),
    "rights_notice": ("aviso de derechos", "the notice of rights", "aviso de direitos"),
    "transfer_notice": ("aviso de cesión", "the notice of transfer", "aviso de cessão"),
    "visit_notice": ("aviso de visita", "the notice of the visit", "aviso de visita"),
    "email_notice": ("aviso de uso del correo", "the e-mail notice", "aviso de uso do e-mail"),
    "bureau_notice": ("aviso al registro", "the bureau notice", "aviso ao cadastro"),
    "letter_of_claim": ("carta previa a la demanda", "the letter of claim", "carta anterior à ação"),
    "workplace_request": ("pedido sobre el trabajo", "the workplace request", "pedido sobre o trabalho"),
    "collection": ("cobranza", "collection", "cobrança"),
    "reminder": ("recordatorio", "reminder", "lembrete"),
    "notice": ("aviso", "notice", "aviso"),
    "reply": ("respuesta", "reply", "resposta"),
    "locate": ("localización", "location enquiry", "localização"),
    "ask_consent": ("pedir autorización", "asking for consent", "pedir autorização"),
    "confirmation": ("confirmación", "confirmation", "confirmação"),
    "court": ("acto judicial", "court papers", "ato judicial"),
    "opt_out_text": ("cómo dejar de recibir mensajes", "how to opt out", "como deixar de receber"),
    "licence": ("número de licencia", "licence number", "número de licença"),
    "license_number": ("número de licencia", "licence number", "número de licença"),
    "agent": ("quién llama o escribe", "who calls or writes", "quem liga ou escreve"),
    "collector_address": ("domicilio de quien cobra", "the collector's address", "endereço de quem cobra"),
    "creditor_address": ("domicilio del acreedor", "the creditor's address", "endereço do credor"),
    "creditor_tax_id": (
        "número tributario del acreedor",
        "the creditor's tax number",
        "número fiscal do credor",
    ),
    "amount_date": ("fecha del monto", "the day of the amount", "data do valor"),
    "complaints_unit": ("dónde reclamar", "where to complain", "onde reclamar"),
    "pay_creditor_only": (
        "que solo se paga al acreedor",
        "that only the creditor is paid",
        "que só se paga ao credor",
    ),
    "purpose_of_collection": (
        "que se cobra una deuda",
        "that a debt is collected",
        "que se cobra uma dívida",
    ),
    "debt_collector": ("que escribe un cobrador", "that a collector writes", "que escreve um cobrador"),
    "time_barred_notice": ("aviso de prescripción", "notice on time-barred debt", "aviso de prescrição"),
    "private_and_confidential": (
        "«privado y confidencial»",
        "“private and confidential”",
        "“privado e confidencial”",
    ),
    "recording": ("que la llamada se graba", "that the call is recorded", "que a ligação é gravada"),
}
#: What a message has to state, where its code means something else elsewhere.
_STATED = {"opt_out": "opt_out_text"}
#: Channels as what a person allows or a register forbids.
_CHANNELS: dict[str, tuple[str, str, str]] = {
    "call": ("las llamadas", "calls", "as ligações"),
    "visit": ("las visitas", "visits", "as visitas"),
    "sms": ("los SMS", "SMS", "os SMS"),
    "email": ("el correo electrónico", "e-mail", "o e-mail"),
    "whatsapp": ("WhatsApp", "WhatsApp", "o WhatsApp"),
    "letter": ("las cartas", "letters", "as cartas"),
}
#: The time a limit is for, as calendars have it and as it runs.
_CALENDAR: dict[str, tuple[str, str, str]] = {
    "day": ("por día", "per day", "por dia"),
    "week": ("por semana calendario", "per calendar week", "por semana do calendário"),
    "month": ("por mes calendario", "per calendar month", "por mês do calendário"),
    "year": ("por año calendario", "per calendar year", "por ano do calendário"),
    "ever": ("de toda la gestión", "for the whole collection", "de toda a cobrança"),
}
_RUNNING: dict[str, tuple[str, str, str]] = {
    "day": ("por día corrido", "within a day", "por dia corrido"),
    "week": ("por semana corrida", "within a week", "por semana corrida"),
    "month": ("por mes corrido", "within a month", "por mês corrido"),
    "year": ("por año corrido", "within a year", "por ano corrido"),
    "ever": ("de toda la gestión", "for the whole collection", "de toda a cobrança"),
}
_WITHIN = ("en {length}", "within {length}", "em {length}")
#: Units of lengths: one, several.
_UNITS: dict[str, tuple[tuple[str, str], ...]] = {
    "h": (("hora", "horas"), ("hour", "hours"), ("hora", "horas")),
    "min": (("minuto", "minutos"), ("minute", "minutes"), ("minuto", "minutos")),
    "d": (("día corrido", "días corridos"), ("day", "days"), ("dia corrido", "dias corridos")),
}
_AND = (" y ", " and ", " e ")
#: What stands for no hours at all.
_NO_HOURS = ("ninguna hora", "no hour", "nenhuma hora")
#: Details that hold codes of this vocabulary; days and zones are written as people write them, the others
#: (names, words found) stay as they are.
_CODED = (
    "channel", "flag", "recipient", "place", "period", "reading", "items", "name", "event", "purpose", "last",
)  # fmt: skip


def explain(code: str, details: Mapping[str, str], language: str) -> str:
    """The sentence for `code` in `language` (es, en, pt), its details filled in and put into words.

    A detail may bring its own wording in a language as `<detail>_<language>`.
    """
    column = LANGUAGES.index(language)
    words = {key: details.get(f"{key}_{language}", value) for key, value in details.items()}
    if "channel" in words:
        words["channels"] = _CHANNELS.get(words["channel"], ("", "", ""))[column]
    if "period" in words:
        words["span"] = _span(words["period"], details.get("reading", "calendar"), column)
    if "gap" in words:
        words["gap"] = _length(words["gap"], column)
    for key in _CODED:
        if key in words:
            parts = words[key].split(", ")
            if key == "items":
                parts = [_STATED.get(part, part) for part in parts]
            words[key] = ", ".join(_word(part, column) for part in parts)
    words = {key: day(value, column) for key, value in words.items()}
    if code == "outside_hours":
        words["zone"] = city(words["zone"])
        words["hours"] = _NO_HOURS[column] if words["hours"] == "-" else words["hours"]
    return REASONS[code][language].format_map(words)


def _span(period: str, reading: str, column: int) -> str:
    """The time a limit is for: a named period, or a length such as `7 d`."""
    named = (_RUNNING if reading == "rolling" else _CALENDAR).get(period)
    return named[column] if named else _WITHIN[column].format(length=_length(period, column))


def _length(text: str, column: int) -> str:
    """A length such as `48 h + 2 d` in words."""
    parts = [part.split(" ") for part in text.split(" + ")]
    return _AND[column].join(
        f"{value} {_UNITS[unit][column][0 if value == '1' else 1]}" for value, unit in parts
    )


def _word(code: str, column: int) -> str:
    return _WORDS[code][column] if code in _WORDS else code


def word(code: str, language: str) -> str:
    """The word for a code of the law's vocabulary in `language` (es, en, pt); the code where it has none."""
    return _word(code, LANGUAGES.index(language))
