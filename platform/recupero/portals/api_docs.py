"""The API described: as OpenAPI for machines, and as a page to read that needs no script and no network."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import current_app, jsonify, render_template
from flask.typing import ResponseReturnValue

from recupero.portals.frame.pages import blueprint
from recupero.tenancy.guard import public

_METHODS = ("get", "post", "put", "patch", "delete")


@blueprint.get("/api/openapi.json")
@public("describes the interface; holds no data")
def openapi() -> ResponseReturnValue:
    return jsonify(_spec())


@blueprint.get("/api/docs")
@public("describes the interface; holds no data")
def api_docs() -> ResponseReturnValue:
    groups = _groups(_spec())
    return render_template("api/docs.html", groups=groups, schemas=_schemas(_spec()), plain=True, wide=True)


def _spec() -> dict[str, Any]:
    described: dict[str, Any] = current_app.extensions["recupero-api"].spec.to_dict()
    return described


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a schema or one parameter, in words."""

    name: str
    kind: str
    required: bool
    note: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint: what it does, takes and answers. Schemas are named; the page holds them below."""

    identity: str
    method: str
    path: str
    title: str
    text: str
    parameters: tuple[Field, ...]
    takes: str | None
    answers: tuple[tuple[str, str | None], ...]


def _groups(spec: dict[str, Any]) -> list[tuple[str, str, list[Operation]]]:
    """Name, description and operations of each room."""
    found: dict[str, list[Operation]] = {}
    for path, method, operation, shared in _operations(spec):
        found.setdefault(operation["tags"][0], []).append(_operation(path, method, operation, shared))
    told = {tag["name"]: tag.get("description", "") for tag in spec.get("tags", ())}
    return [(name, told.get(name, ""), operations) for name, operations in found.items()]


def _operations(spec: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], list[dict[str, Any]]]]:
    for path, methods in spec["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield path, method, methods[method], methods.get("parameters", [])


def _operation(path: str, method: str, operation: dict[str, Any], shared: list[dict[str, Any]]) -> Operation:
    parameters = [*shared, *operation.get("parameters", ())]
    body = operation.get("requestBody", {}).get("content", {})
    answers = [
        (status, _schema_name(answer.get("content", {})))
        for status, answer in operation["responses"].items()
        if status not in ("default", "422")
    ]
    return Operation(
        identity=f"{method}{path}".translate(_PLAIN),
        method=method.upper(),
        path=path,
        title=operation.get("summary", ""),
        text=operation.get("description", ""),
        parameters=tuple(
            Field(
                one["name"], f"{one['in']}, {_kind(one.get('schema', {}))}", bool(one.get("required")),
                one.get("description", ""),
            )
            for one in parameters
        ),
        takes=_schema_name(body),
        answers=tuple(answers),
    )  # fmt: skip


_PLAIN = str.maketrans({"/": "-", "{": "", "}": "", ".": "-"})


def _schema_name(content: dict[str, Any]) -> str | None:
    """The name of the schema behind a body; `file` where it is none."""
    for kind, body in content.items():
        schema = body.get("schema", {})
        if "$ref" in schema:
            return str(schema["$ref"]).rpartition("/")[2]
        return "multipart" if kind.startswith("multipart") else "file"
    return None


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array":
        return f"[{_kind(schema.get('items', {}))}]"
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    kind = schema.get("type", "object")
    return f"{kind} ({schema['format']})" if "format" in schema else str(kind)


def _schemas(spec: dict[str, Any]) -> dict[str, list[Field]]:
    """Fields of each schema by name."""
    return {
        name: [
            Field(field, _kind(told), field in schema.get("required", ()), told.get("description", ""))
            for field, told in schema.get("properties", {}).items()
        ]
        for name, schema in spec["components"]["schemas"].items()
    }
