"""The connector for letters proves what the SDK's kit asks of every channel."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from recupero_channel_letter import Letter

from recupero_sdk.conformance.channel import ChannelConformance, Mood, Provider
from recupero_sdk.settings import PluginConfig

RETURN = "Agencia Ñandú, Casilla 12, Santiago"


class TestConformance(ChannelConformance):
    channel = Letter()
    readme = Path(__file__).parents[1] / "README.md"
    recipient = "Av. Siempre Viva 742, 8320000 Santiago"

    @contextmanager
    def provider(self, mood: Mood) -> Iterator[Provider]:
        with TemporaryDirectory() as base, patch.dict(os.environ, {"RECUPERO_LETTERS_DIR": base}):
            folder = Path(base) / "tienda"

            def arrived() -> list[str]:
                manifests = (json.loads(one.read_text()) for one in sorted(folder.glob("*/manifest.json")))
                return [row["reference"] for manifest in manifests for row in manifest["letters"]]

            yield Provider(PluginConfig({"folder": "tienda", "return_address": RETURN}), arrived)
