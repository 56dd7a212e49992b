"""The MLflow registry as this house uses it. Nothing else talks to MLflow; importing it takes seconds,
and only a training does.

A registered model is named `<kind>-agency-<id>` or `<kind>-tenant-<id>`: one agency never learns from or is
served by another's data. Each version keeps the fitted model as the plug-in dumped it (no pickle), an
`MLmodel` file with its signature, and a card in words. Tracking and registry live in PostgreSQL.
"""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote, urlsplit

from psycopg.errors import UndefinedTable
from sqlalchemy import Connection, Engine, NullPool, Row, TextClause, bindparam, create_engine, text
from sqlalchemy.exc import ProgrammingError

from recupero.kernel import clock, runtime
from recupero.kernel.config import Config
from recupero.kernel.database import Scope

CHAMPION, CHALLENGER = "champion", "challenger"
_BLOB = "fitted.bin"
_EXPERIMENT = "recupero"
#: The note of the moment at which a version was trained, by our clock.
TRAINED_AT = "trained_at"
#: The notes of the first and the last day that it learned from, dates of UTC.
WINDOW_FROM, WINDOW_TO = "window_from", "window_to"
#: The note of the version that it was measured against, as `Version.called`.
AGAINST = "measured_against"
#: The note on what a version's choices would have brought over the champion's, and what it says: figures are
#: there; it chooses nothing; the decisions that were made cannot say, of one of the two or, since they part
#: for too few people who paid, of their difference.
CHOICES, MEASURED, NO_CHOICES, UNSUPPORTED = "choices", "measured", "none", "unsupported"
FEW_APART = "few_apart"
#: The note on why it could not be held against what serves in shadow: nothing had come yet of enough rows
#: that are later than what serves learned from.
SHADOWED, TOO_SOON = "shadowed", "too_soon"


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

    @property
    def called(self) -> str:
        """Name and number, as a note tells them."""
        return f"{self.name} {self.version}"

    @property
    def learned_until(self) -> float:
        """The end of the last day that it learned from, POSIX seconds: only what is later tells how good it
        is. Minus infinity where its run does not say."""
        last = self.notes.get(WINDOW_TO)
        if last is None:
            return -inf
        return (datetime.fromisoformat(last) + timedelta(days=1)).replace(tzinfo=UTC).timestamp()


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


def parts_of(name: str) -> tuple[str, int | None]:
    """The kind that a registered name is of, and the creditor whose own it is; None: the agency's."""
    kind, _dash, owner = name.rpartition("-")
    kind, _dash, whose = kind.rpartition("-")
    return kind, int(owner) if whose == "tenant" else None


@lru_cache(maxsize=4)
def _client(uri: str) -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing leaves the house unasked
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=_address(uri), registry_uri=_address(uri))


def client() -> Any:
    """MLflow's client of this process; the first call imports MLflow and creates its tables where needed."""
    return _client(runtime.current().config.mlflow_uri)


def register(name: str, finished: Finished, against: Version | None = None) -> Version:
    """Log a run with everything of `finished` and add it as a new version, without an alias. `against` is
    what it was measured against."""
    from mlflow.exceptions import MlflowException

    if against is not None:
        finished = replace(finished, notes={**finished.notes, AGAINST: against.called})
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
    for key, note in {**finished.notes, TRAINED_AT: clock.now().isoformat()}.items():
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


_ALIAS = text(
    "INSERT INTO registered_model_aliases (name, alias, version) VALUES (:name, :alias, :version)"
    " ON CONFLICT (workspace, name, alias) DO UPDATE SET version = excluded.version"
)
_NO_ALIAS = text("DELETE FROM registered_model_aliases WHERE name = :name AND alias = :alias")
_TAG = text(
    "INSERT INTO tags (run_uuid, key, value) VALUES (:run, :key, :value)"
    " ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value"
)


def set_alias(name: str, alias: str, version: str) -> None:
    """Let the alias stand for this version alone, written as MLflow does: see `versions`."""
    with _begun() as connection:
        connection.execute(_ALIAS, {"name": name, "alias": alias, "version": int(version)})


def drop_alias(name: str, alias: str) -> None:
    """Let the alias stand for no version."""
    with _begun() as connection:
        connection.execute(_NO_ALIAS, {"name": name, "alias": alias})


def tag(version: Version, key: str, value: str) -> None:
    """A note on the version's run."""
    with _begun() as connection:
        connection.execute(_TAG, {"run": version.run_id, "key": key, "value": value})


_VERSIONS = text("""
SELECT v.name, v.version, v.run_id, v.source,
    ARRAY(SELECT a.alias FROM registered_model_aliases a WHERE a.workspace = v.workspace AND a.name = v.name
          AND a.version = v.version ORDER BY a.alias) AS aliases,
    (SELECT json_object_agg(m.key, m.value) FROM latest_metrics m
        WHERE m.run_uuid = v.run_id AND NOT m.is_nan) AS metrics,
    (SELECT json_object_agg(t.key, t.value) FROM tags t
        WHERE t.run_uuid = v.run_id AND t.key NOT LIKE 'mlflow.%') AS notes
FROM model_versions v
WHERE (CAST(:name AS text) IS NULL OR v.name = :name) AND v.name ~ :owner
ORDER BY v.name, v.version DESC
""")


def versions(name: str | None = None, scope: Scope | None = None) -> list[Version]:
    """The versions of all models, or of one, newest first within each; with a scope those of its agency and
    of its creditors alone.

    Read from MLflow's own tables, so that neither pages nor planning import MLflow (seconds, and 200 MB a
    worker).
    """
    if name is not None and not name.isprintable():  # from an address: no database text may hold it
        return []
    rows = _rows(_VERSIONS, {"name": name, "owner": "" if scope is None else _owners(scope)})
    return [
        Version(row.name, str(row.version), row.run_id, row.source, tuple(row.aliases), row.metrics or {},
                row.notes or {})
        for row in rows
    ]  # fmt: skip


def _owners(scope: Scope) -> str:
    """What the names of the scope's models end with, as a regular expression."""
    ends = [f"agency-{scope.agency()}", *(f"tenant-{tenant}" for tenant in scope.tenant_ids)]
    return f"-({'|'.join(ends)})$"


def with_run(name: str, version: str) -> Version | None:
    """A version with the metrics and notes of its run; None where there is none."""
    return next((each for each in versions(name) if each.version == version), None)


def by_alias(name: str, alias: str) -> Version | None:
    """The version under an alias, without what its run tells; None where there is no such model or alias."""
    return first_by_alias([name], alias)


def first_by_alias(names: Sequence[str], alias: str) -> Version | None:
    """`by_alias` of the first of these models that has the alias, asked for together."""
    found = {row.name: row for row in _rows(_BY_ALIAS, {"names": list(names), "alias": alias})}
    row = next((found[name] for name in names if name in found), None)
    return None if row is None else Version(row.name, str(row.version), row.run_id, row.source, (alias,))


def numbered(name: str, number: str) -> Version:
    """A version by its number, without what its run tells. Raises MissingModel."""
    row = next(iter(_rows(_NUMBERED, {"name": name, "version": int(number)})), None)
    if row is None:
        raise MissingModel(f"there is no version {number} of {name}")
    return Version(row.name, str(row.version), row.run_id, row.source)


def serving_among(versions: Sequence[Version], scope: Scope) -> dict[str, Version]:
    """What `serving` answers for each name of these, which are all versions that the scope may see."""
    champions = {each.name: each for each in versions if CHAMPION in each.aliases}
    found = {}
    for name in {each.name for each in versions}:
        agencys = name_of(parts_of(name)[0], agency_id=scope.agency())
        if champion := champions.get(name) or champions.get(agencys):
            found[name] = champion
    return found


def incumbent(scope: Scope, name: str) -> Version | None:
    """`serving` with what its run tells: what a new version of this model is measured against."""
    found = serving(scope, name)
    return None if found is None else with_run(found.name, found.version)


def serving(scope: Scope, name: str) -> Version | None:
    """The champion that serves what this model is for: its own, or the agency's where a creditor's own has
    none."""
    kind, tenant_id = parts_of(name)
    house = [] if tenant_id is None else [name_of(kind, agency_id=scope.agency())]
    return first_by_alias([name, *house], CHAMPION)


_BY_ALIAS = text(
    "SELECT v.name, v.version, v.run_id, v.source FROM registered_model_aliases a"
    " JOIN model_versions v USING (workspace, name, version) WHERE a.name IN :names AND a.alias = :alias"
).bindparams(bindparam("names", expanding=True))

_NUMBERED = text(
    "SELECT name, version, run_id, source FROM model_versions WHERE name = :name AND version = :version"
)


def _rows(query: TextClause, asked: Mapping[str, Any]) -> Sequence[Row[Any]]:
    with _begun() as connection:
        try:
            return connection.execute(query, asked).all()
        except ProgrammingError as error:
            if isinstance(error.orig, UndefinedTable):  # MLflow makes its tables with the first training
                return []
            raise


def _begun() -> AbstractContextManager[Connection]:
    return _engine(runtime.current().config.mlflow_uri).begin()


@lru_cache(maxsize=4)
def _engine(uri: str) -> Engine:
    return create_engine(_address(uri), poolclass=NullPool)


def _address(uri: str) -> str:
    """The URL with the driver that is installed."""
    return uri.replace("postgresql://", "postgresql+psycopg://", 1)


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
