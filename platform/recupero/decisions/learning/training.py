"""Training a kind of model, whatever it learns: accounts by columns, actions, or texts."""

from datetime import datetime

from recupero.decisions.learning import action_models, models, text_models, valuing
from recupero.decisions.learning.models import Trained
from recupero.kernel import runtime
from recupero.kernel.database import Database, Scope
from recupero.kernel.errors import UserError


def train(
    database: Database, scope: Scope, kind: str, *, at: datetime | None = None, seed: int = 0
) -> Trained:
    """Train on the history of the scope up to `at` (of texts: on all of it) and register the version. Raises
    NotFound where no plug-in brings the kind, UserError where there is too little history."""
    plugins = runtime.current().plugins
    if kind in plugins.texts:
        if len(scope.tenant_ids) == 1 and models.owner_of(database, scope) is not None:
            raise UserError("a model of texts is the agency's: give --agency", field="tenant")
        return text_models.train(database, scope, kind, seed=seed)
    if kind == valuing.KIND or kind in plugins.actions:
        return action_models.train(database, scope, kind, at=at, seed=seed)
    return models.train(database, scope, kind, at=at, seed=seed)


def known(kind: str) -> None:
    """Raises NotFound, naming those installed, unless a plug-in brings the kind."""
    plugins = runtime.current().plugins
    if kind not in (valuing.KIND, *plugins.texts, *plugins.actions):
        models.kind_of(kind)
