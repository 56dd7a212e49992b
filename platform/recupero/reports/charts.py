"""Charts of the report's PDF, drawn from Vega-Lite descriptions without a browser or the network. Those of
its pages are drawn with each: `drawn.py`.
"""

from typing import Any, Literal

from recupero.kernel.marking import N_
from recupero.kernel.money import minor_units
from recupero.reports.report import Section
from recupero.reports.words import Words

INK, SOFT, LINE = "#1f2523", "#6a736f", "#e2dfd8"
AGENCY, DIRECT = "#0f6b5f", "#d79a3a"
STEPS = ("#bfe0d8", "#8fcabd", "#5fb1a1", "#3a9586", "#0f6b5f")
LINES = ("#0f6b5f", "#d79a3a", "#7a5ba6", "#2f7fb8", "#b5483f", "#6a736f")
_FORMATS: dict[str, Literal["es-ES", "pt-BR", "en-US"]] = {"es": "es-ES", "pt": "pt-BR", "en": "en-US"}
_CONFIG: dict[str, Any] = {
    "background": None,
    "font": "Liberation Sans, DejaVu Sans, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": SOFT, "titleColor": SOFT, "gridColor": LINE, "domainColor": LINE, "tickColor": LINE,
        "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal", "labelPadding": 5,
    },
    "legend": {
        "labelColor": INK, "labelFontSize": 11, "symbolType": "circle", "orient": "top", "title": None,
    },
}  # fmt: skip


def money_by_month(section: Section, words: Words, width: int = 900) -> dict[str, Any] | None:
    """Bars of what was collected in each month, to the agency and to the creditor."""
    scale = 10 ** minor_units(section.currency)
    names = (words(N_("Paid to the agency")), words(N_("Paid to the creditor")))
    values = [
        {"month": words.month(flow.month), "way": names[place], "order": place, "amount": minor / scale}
        for flow in section.flows
        for place, minor in enumerate((flow.agency_minor, flow.direct_minor))
    ]
    if not any(value["amount"] for value in values):
        return None
    return {
        "data": {"values": values},
        "mark": {"type": "bar", "cornerRadiusEnd": 3, "width": {"band": 0.62}},
        "encoding": {
            "x": {"field": "month", "type": "ordinal", "sort": None, "title": None,
                  "axis": {"labelAngle": 0, "ticks": False, "domain": False}},
            "y": {"field": "amount", "type": "quantitative", "title": section.currency,
                  "axis": {"format": "~s", "tickCount": 5, "domain": False, "ticks": False}},
            "color": {"field": "way", "type": "nominal",
                      "scale": {"domain": list(names), "range": [AGENCY, DIRECT]}},
            "order": {"field": "order"},
        },
        "width": width, "height": 220, "config": _CONFIG,
    }  # fmt: skip


def liquidation_curves(section: Section, words: Words, width: int = 560) -> dict[str, Any] | None:
    """A line for each of the last six placement months: cumulative liquidation by months since placement."""
    chosen = section.vintages[-len(LINES):]  # fmt: skip
    values = [
        {"placed": words.month(vintage.month), "months": step, "rate": figure.value}
        for vintage in chosen
        for step, figure in enumerate(vintage.cumulative)
        if figure.value is not None
    ]
    if not any(value["rate"] for value in values):
        return None
    last = max(
        step for one in chosen for step, figure in enumerate(one.cumulative) if figure.value is not None
    )
    return {
        "data": {"values": values},
        "mark": {"type": "line", "point": {"size": 42, "filled": True}, "strokeWidth": 2.5},
        "encoding": {
            "x": {"field": "months", "type": "quantitative", "title": words(N_("months since placement")),
                  "axis": {"grid": False, "values": list(range(0, last + 1, 1 + last // 12)), "format": "d",
                           "ticks": False}},
            "y": {"field": "rate", "type": "quantitative", "title": None,
                  "axis": {"format": ".1~%", "tickCount": 5, "domain": False, "ticks": False}},
            "color": {"field": "placed", "type": "nominal", "sort": None, "scale": {"range": list(LINES)}},
        },
        "width": width, "height": 220, "config": _CONFIG,
    }  # fmt: skip


def funnel(section: Section, words: Words, width: int = 400) -> dict[str, Any] | None:
    """Bars from attempts to payments on a root scale, each with its count."""
    values = [
        {"step": words(figure.metric.label), "count": figure.numerator, "text": words.count(figure.numerator)}
        for figure in section.funnel
    ]
    if not any(value["count"] for value in values):
        return None
    y = {"field": "step", "type": "nominal", "sort": None, "title": None,
         "axis": {"ticks": False, "domain": False, "labelColor": INK, "labelLimit": 190,
                  "minExtent": 140}}  # fmt: skip
    x = {"field": "count", "type": "quantitative", "axis": None, "scale": {"type": "sqrt"}}
    order = [value["step"] for value in values]
    return {
        "data": {"values": values},
        "encoding": {"y": y, "x": x},
        "layer": [
            {"mark": {"type": "bar", "cornerRadiusEnd": 4, "height": {"band": 0.66}},
             "encoding": {"color": {"field": "step", "type": "nominal", "legend": None,
                                    "scale": {"domain": order, "range": list(STEPS)}}}},
            {"mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 12, "fontWeight": "bold",
                      "color": INK}, "encoding": {"text": {"field": "text"}}},
        ],
        "width": width, "height": 200, "config": _CONFIG,
    }  # fmt: skip


def charts(section: Section, words: Words) -> list[tuple[str, str, dict[str, Any]]]:
    """Key, title and description of each chart that has something to show."""
    drawn = (
        ("months", words(N_("Collected by month")), money_by_month(section, words)),
        ("curves", words(N_("Cumulative liquidation")), liquidation_curves(section, words)),
        ("funnel", words(N_("From attempt to payment")), funnel(section, words)),
    )
    return [(key, title, spec) for key, title, spec in drawn if spec is not None]


def pdf(spec: dict[str, Any], words: Words) -> bytes:
    """The chart as a one-page PDF with its own fonts, to be set into a document."""
    import vl_convert

    drawn: bytes = vl_convert.vegalite_to_pdf(spec, format_locale=_FORMATS[words.language])
    return drawn
