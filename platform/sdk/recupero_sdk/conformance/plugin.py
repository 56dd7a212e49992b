"""The pytest plug-in that brings the conformance checks into a plug-in author's test run."""

import pytest

# The checks are written with plain asserts; rewriting lets a failure show the values compared.
pytest.register_assert_rewrite(
    "recupero_sdk.conformance.channel",
    "recupero_sdk.conformance.model",
    "recupero_sdk.conformance.regulation",
)
