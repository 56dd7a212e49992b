"""The MLflow registry as this house uses it. Nothing else talks to MLflow; importing it takes seconds.

A registered model is named `<kind>-agency-<id>` or `<kind>-tenant-<id>`: one agency never learns from or is
served by another's data. Each version keeps the fitted model as the plug-in dumped it (no pickle), an
`MLmodel` file with its signature, and a card in words. Tracking and registry live in PostgreSQL.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote, urlsplit

from psycopg.errors import UndefinedTable
from sqlalchemy import Engine, NullPool, create_engine, text
from sqlalchemy.exc import ProgrammingError

from recupero.kernel import runtime
from recupero.kernel.config import Config

CHAMPION, CHALLENGER = "champion", "challenger"
_BLOB = "fitted.bin"
_EXPERIMENT = "recupero"


class MissingModel(Exception):
    """The registry names a version whose fitted model cannot be read."""


@dataclass(frozen=True, slots=True)
class Version:
    """One registered version. `metrics` and `notes` (tags) are those of its run."""

    name: str
    version: str
    run_id: str
    source: str
    aliases: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finished:
    """A training that is ready to be registered."""

    kind: str
    blob: bytes
    features: Sequence[str]
    metrics: Mapping[str, float]
    parameters: Mapping[str, str]
    notes: Mapping[str, str]
    texts: Mapping[str, str]


def name_of(kind: str, *, agency_id: int, tenant_id: int | None = None) -> str:
    """The registered name of an agency's model, or of one tenant's own."""
    return f"{kind}-tenant-{tenant_id}" if tenant_id is not None else f"{kind}-agency-{agency_id}"


@lru_cache(maxsize=4)
def _client(uri: str) -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing leaves the house unasked
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=_address(uri), registry_uri=_address(uri))


def client() -> Any:
    """MLflow's client of this process; the first call imports MLflow and creates its tables where needed."""
    return _client(runtime.current().config.mlflow_uri)


def register(name: str, finished: Finished) -> Version:
    """Log a run with everything of `finished` and add it as a new version, without an alias."""
    from mlflow.exceptions import MlflowException

    mlflow = client()
    run_id = mlflow.create_run(_experiment(mlflow, runtime.current().config), run_name=name).info.run_id
    try:
        _log(mlflow, run_id, finished)
        mlflow.set_terminated(run_id, "FINISHED")
    except BaseException:
        mlflow.set_terminated(run_id, "FAILED")
        raise
    try:
        mlflow.get_registered_model(name)
    except MlflowException:
        mlflow.create_registered_model(name)
    source = f"{mlflow.get_run(run_id).info.artifact_uri}/model"
    made = mlflow.create_model_version(name, source=source, run_id=run_id)
    return Version(name, str(made.version), run_id, source, (), finished.metrics, finished.notes)


def _experiment(mlflow: Any, config: Config) -> str:
    found = mlflow.get_experiment_by_name(_EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    config.artifacts_dir.mkdir(parents=True, exist_ok=True)
    return str(
        mlflow.create_experiment(_EXPERIMENT, artifact_location=config.artifacts_dir.resolve().as_uri())
    )


def _log(mlflow: Any, run_id: str, finished: Finished) -> None:
    for key, setting in finished.parameters.items():
        mlflow.log_param(run_id, key, setting)
    for key, value in finished.metrics.items():
        mlflow.log_metric(run_id, key, value)
    for key, note in finished.notes.items():
        mlflow.set_tag(run_id, key, note)
    for file, content in finished.texts.items():
        mlflow.log_text(run_id, content, file)
    with TemporaryDirectory() as folder:
        _write_model(Path(folder), run_id, finished)
        mlflow.log_artifacts(run_id, folder, "model")


def _write_model(folder: Path, run_id: str, finished: Finished) -> None:
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, Schema

    columns = Schema([ColSpec("double", name) for name in finished.features])
    model = Model("model", run_id, signature=ModelSignature(columns, Schema([ColSpec("double", "score")])))
    model.add_flavor("recupero", kind=finished.kind, data=_BLOB)
    model.save(str(folder / "MLmodel"))
    (folder / _BLOB).write_bytes(finished.blob)
    (folder / "features.json").write_text(json.dumps(list(finished.features)))


def set_alias(name: str, alias: str, version: str) -> None:
    client().set_registered_model_alias(name, alias, version)


def tag(version: Version, key: str, value: str) -> None:
    """A note on the version's run."""
    client().set_tag(version.run_id, key, value)


_BY_ALIAS = text(
    "SELECT v.name, v.version, v.run_id, v.source FROM registered_model_aliases a"
    " JOIN model_versions v USING (workspace, name, version) WHERE a.name = :name AND a.alias = :alias"
)


def by_alias(name: str, alias: str) -> Version | None:
    """The version under an alias; None where there is no such model or alias.

    Read from MLflow's own tables, so that planning need not import MLflow (seconds, and 200 MB a worker).
    """
    with _engine(runtime.current().config.mlflow_uri).connect() as connection:
        try:
            row = connection.execute(_BY_ALIAS, {"name": name, "alias": alias}).one_or_none()
        except ProgrammingError as error:
            if isinstance(error.orig, UndefinedTable):  # MLflow makes its tables with the first training
                return None
            raise
    return None if row is None else Version(row.name, str(row.version), row.run_id, row.source, (alias,))


@lru_cache(maxsize=4)
def _engine(uri: str) -> Engine:
    return create_engine(_address(uri), poolclass=NullPool)


def _address(uri: str) -> str:
    """The URL with the driver that is installed."""
    return uri.replace("postgresql://", "postgresql+psycopg://", 1)


def with_run(name: str, version: str) -> Version | None:
    """A version with the metrics and notes of its run; None where there is none."""
    from mlflow.exceptions import MlflowException

    try:
        return _version(client().get_model_version(name, version), with_run=True)
    except MlflowException:
        return None


def versions() -> list[Version]:
    """All versions of all models, newest first within each."""
    found = []
    for model in client().search_registered_models():
        aliases = {alias: str(number) for alias, number in model.aliases.items()}
        for each in client().search_model_versions(f"name = '{model.name}'"):
            names = tuple(sorted(alias for alias, number in aliases.items() if number == str(each.version)))
            found.append(_version(each, with_run=True, aliases=names))
    return sorted(found, key=lambda each: (each.name, -int(each.version)))


def _version(found: Any, *, with_run: bool, aliases: tuple[str, ...] | None = None) -> Version:
    run = client().get_run(found.run_id) if with_run else None
    return Version(
        name=found.name, version=str(found.version), run_id=found.run_id, source=found.source,
        aliases=aliases if aliases is not None else tuple(found.aliases or ()),
        metrics=dict(run.data.metrics) if run else {},
        notes={k: v for k, v in run.data.tags.items() if not k.startswith("mlflow.")} if run else {},
    )  # fmt: skip


def kind_of(version: Version) -> str:
    """The plug-in's key that a version was registered with. Raises MissingModel."""
    import yaml

    try:
        told = yaml.safe_load((_folder(version) / "MLmodel").read_text(encoding="utf-8"))
        return str(told["flavors"]["recupero"]["kind"])
    except (OSError, ValueError, KeyError, yaml.YAMLError) as error:
        raise MissingModel(f"the fitted model of {version.name} version {version.version} is gone") from error


def _folder(version: Version) -> Path:
    return Path(unquote(urlsplit(version.source).path))


def read_text(version: Version, file: str) -> str | None:
    """A text that was logged with the version's run; None where there is none of this name."""
    try:
        return (_folder(version).parent / file).read_text(encoding="utf-8")
    except OSError:
        return None


def read_blob(version: Version) -> tuple[bytes, tuple[str, ...]]:
    """The dumped model and the names of its columns. Raises MissingModel."""
    folder = _folder(version)
    try:
        return (folder / _BLOB).read_bytes(), tuple(json.loads((folder / "features.json").read_text()))
    except (OSError, ValueError) as error:
        raise MissingModel(f"the fitted model of {version.name} version {version.version} is gone") from error
