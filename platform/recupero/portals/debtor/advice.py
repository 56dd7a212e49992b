"""Who helps people with debts and consumer complaints, free of charge, by country: public or non-profit.

Nothing here is our service and nobody here is paid by us. Each row says where what the service does is stated
and on which day that was looked up; a country without a row shows none. Names are as the services call
themselves.
"""

from dataclasses import dataclass
from datetime import date

#: The day on which the rows were looked up as a whole.
LOOKED_UP = date(2026, 11, 22)


@dataclass(frozen=True, slots=True)
class Advice:
    """A service: its name, what it helps with (`debts`: advice on debts and budgets; `complaints`: consumer
    complaints, also about collection), its address and where that is stated."""

    name: str
    helps_with: str
    url: str
    source: str
    looked_up: date = LOOKED_UP


ADVICE: dict[str, tuple[Advice, ...]] = {
    "AR": (
        Advice("Defensa del Consumidor (Ventanilla Federal Única)", "complaints",
               "https://www.argentina.gob.ar/defensadelconsumidor", "Ley 24.240; Disposición 890/2025"),
        Advice("Banco Central: usuarios de servicios financieros", "complaints", "https://www.bcra.gob.ar/",
               "Banco Central de la República Argentina, protection of users of financial services"),
    ),
    "BR": (
        Advice("consumidor.gov.br", "complaints", "https://www.consumidor.gov.br/",
               "Decreto 8.573/2015; Secretaria Nacional do Consumidor"),
        Advice("Procon", "debts", "https://www.gov.br/mj/pt-br/assuntos/seus-direitos/consumidor",
               "Lei 14.181/2021 (superendividamento), art. 104-C of the CDC: Procons may mediate"),
    ),
    "CL": (
        Advice("SERNAC", "complaints", "https://www.sernac.cl/",
               "Ley 19.496, art. 58; Servicio Nacional del Consumidor"),
        Advice("Superintendencia de Insolvencia y Reemprendimiento: renegociación", "debts",
               "https://www.superir.gob.cl/", "Ley 20.720: renegotiation of a person's debts"),
    ),
    "CO": (
        Advice("Superintendencia de Industria y Comercio", "complaints", "https://www.sic.gov.co/",
               "Ley 1480 de 2011; Ley 2300 de 2023"),
        Advice("Superintendencia Financiera de Colombia", "complaints", "https://www.superfinanciera.gov.co/",
               "Ley 1328 de 2009: protection of the financial consumer"),
        Advice("Ministerio de Justicia: insolvencia de persona natural no comerciante", "debts",
               "https://www.minjusticia.gov.co/",
               "Ley 1564 de 2012, arts. 531 to 576; Decreto 2677 de 2012: it authorises the conciliation"
               " centres that negotiate a person's debts, those of legal clinics free of charge",
               date(2026, 11, 23)),
    ),
    "ES": (
        Advice("Ministerio de Consumo: reclamaciones y oficinas de consumo (OMIC)", "complaints",
               "https://www.consumo.gob.es/", "Real Decreto Legislativo 1/2007"),
        Advice("Banco de España: reclamaciones", "complaints", "https://sedeelectronica.bde.es/",
               "Banco de España, complaints about the firms that it supervises"),
    ),
    "GB": (
        Advice("StepChange Debt Charity", "debts", "https://www.stepchange.org/",
               "Registered charity; free debt advice (its statement of 28 February 2024)"),
        Advice("MoneyHelper", "debts", "https://www.moneyhelper.org.uk/",
               "Money and Pensions Service, Financial Guidance and Claims Act 2018"),
    ),
    "MX": (
        Advice("CONDUSEF (REDECO)", "complaints", "https://www.condusef.gob.mx/",
               "LTOSF arts. 17 Bis 1 to 4: register of collection firms and complaints about them"),
        Advice("PROFECO", "complaints", "https://www.gob.mx/profeco",
               "Ley Federal de Protección al Consumidor"),
    ),
    "PE": (
        Advice("Indecopi", "complaints", "https://www.gob.pe/indecopi",
               "Ley 29571, arts. 61 and 62, 105"),
        Advice("SBS: atención a usuarios", "complaints", "https://www.sbs.gob.pe/",
               "Superintendencia de Banca, Seguros y AFP, users of financial firms"),
    ),
    "US": (
        Advice("Consumer Financial Protection Bureau (CFPB)", "complaints",
               "https://www.consumerfinance.gov/", "12 CFR 1006 (Regulation F)"),
        Advice("National Foundation for Credit Counseling (NFCC)", "debts", "https://www.nfcc.org/",
               "Non-profit credit counselling; member agencies"),
    ),
}  # fmt: skip


def advice_for(country: str) -> tuple[Advice, ...]:
    """Who helps in a country (ISO 3166-1); none where we know of none."""
    return ADVICE.get(country, ())
