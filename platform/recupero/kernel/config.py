"""Settings of one deployment, read from the environment once at start."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from recupero.kernel.errors import UserError


@dataclass(frozen=True)
class Config:
    """Where things are, and what is switched on.

    `database_url` is what the application connects with, always under the role `recupero_app`;
    `owner_database_url` owns the tables and is used by migrations only.
    """

    data_dir: Path
    database_url: str
    owner_database_url: str
    redis_url: str
    mlflow_uri: str
    base_url: str = "http://127.0.0.1:8000"
    testing: bool = False
    smtp_url: str | None = None
    environment: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def key_file(self) -> Path:
        return Path(self.environment.get("RECUPERO_KEY_FILE", self.data_dir / "keys.json"))

    @property
    def artifacts_dir(self) -> Path:
        return Path(self.environment.get("RECUPERO_ARTIFACTS_DIR", self.data_dir / "artifacts"))

    @property
    def reports_dir(self) -> Path:
        return self.data_dir / "reports"

    @classmethod
    def build(
        cls,
        data_dir: Path,
        *,
        owner_database_url: str,
        redis_url: str,
        base_url: str | None = None,
        testing: bool = False,
        environment: dict[str, str] | None = None,
    ) -> "Config":
        """From the engines' addresses and the environment (`RECUPERO_…`, listed in docs/operations.md)."""
        env = dict(os.environ if environment is None else environment)
        owner = _psycopg(owner_database_url)
        return cls(
            data_dir=data_dir,
            database_url=_psycopg(env.get("RECUPERO_APP_DATABASE_URL", owner)),
            owner_database_url=owner,
            redis_url=redis_url,
            mlflow_uri=env.get("RECUPERO_MLFLOW_URL") or _beside(owner, "mlflow"),
            base_url=(base_url or env.get("RECUPERO_BASE_URL") or cls.base_url).rstrip("/"),
            testing=testing,
            smtp_url=env.get("RECUPERO_SMTP_URL"),
            environment={name: value for name, value in env.items() if name.startswith("RECUPERO_")},
        )


def _psycopg(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise UserError(
            "RECUPERO_DATABASE_URL must begin with postgresql://, not '%(scheme)s'", scheme=scheme
        )
    return f"postgresql+psycopg://{rest}"


def _beside(url: str, database: str) -> str:
    """The same server with another database name."""
    path = urlsplit(url.replace("+psycopg", "")).path
    head, _, tail = url.partition("://")
    authority, slash, query = tail.partition("/")
    name = path.lstrip("/")
    return f"{head}://{authority}{slash}{query.replace(name, database, 1) if name else database + query}"
