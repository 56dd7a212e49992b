"""The figures of a run as a picture: calibration, and how it learns with data. Drawn without a browser."""

from collections.abc import Mapping, Sequence
from typing import Any


def figures(curve: Sequence[Mapping[str, float]], learning: Sequence[Mapping[str, float]]) -> str:
    """Both as one SVG."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(_spec(curve, learning))
    return drawn


def _spec(curve: Sequence[Mapping[str, float]], learning: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    top = max([each[key] for each in curve for key in ("predicted", "happened")], default=1.0)
    calibration = {
        "title": "Calibration",
        "layer": [
            {"data": {"values": [{"x": 0, "y": 0}, {"x": top, "y": top}]},
             "mark": {"type": "line", "strokeDash": [4, 4], "color": "gray"},
             "encoding": {"x": _axis("x", "predicted"), "y": _axis("y", "happened")}},
            {"data": {"values": [dict(each) for each in curve]}, "mark": {"type": "line", "point": True},
             "encoding": {"x": _axis("predicted", "predicted"), "y": _axis("happened", "happened")}},
        ],
    }  # fmt: skip
    learned = {
        "title": "With more data",
        "data": {"values": [dict(each) for each in learning]},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": _axis("rows", "rows learned from"),
            "y": {**_axis("auc", "AUC"), "scale": {"zero": False}},
        },
    }
    return {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "hconcat": [calibration, learned]}


def _axis(field: str, title: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": title}
