"""The hooks. Each returns a list of objects to register; the core asks once, at start."""

from recupero_sdk import hookspec
from recupero_sdk.channels import Channel
from recupero_sdk.gateways import Gateway
from recupero_sdk.law import RegulationPack
from recupero_sdk.models import ActionModel, ScoringModel
from recupero_sdk.texts import TextModel


@hookspec
def register_regulation_packs() -> list[RegulationPack]:
    """Return the country packs that this distribution holds. The key claimed is the country (ISO 3166-1)."""
    raise AssertionError("a specification is never called")


@hookspec
def register_channels() -> list[Channel]:
    """Return the connectors that carry messages out. The key claimed is the connector's `key`."""
    raise AssertionError("a specification is never called")


@hookspec
def register_scoring_models() -> list[ScoringModel]:
    """Return the kinds of model that can be trained and served. The key claimed is the model's `key`."""
    raise AssertionError("a specification is never called")


@hookspec
def register_action_models() -> list[ActionModel]:
    """Return the kinds of model that value what could be done. The key claimed is the model's `key`."""
    raise AssertionError("a specification is never called")


@hookspec
def register_gateways() -> list[Gateway]:
    """Return the payment gateways. The key claimed is the gateway's `key`."""
    raise AssertionError("a specification is never called")


@hookspec
def register_text_models() -> list[TextModel]:
    """Return the models that read messages. The key claimed is the model's `key`."""
    raise AssertionError("a specification is never called")
