"""The least that answers a page of JSON: what `recupero bench api` compares with."""

import json
from pathlib import Path

from flask import Flask, Response, jsonify


def create(page: str) -> Flask:
    """An application whose one view answers with the JSON of the file `page`, written anew each time."""
    app, data = Flask(__name__), json.loads(Path(page).read_text())

    @app.get("/")
    def bare() -> Response:
        return jsonify(data)

    return app
