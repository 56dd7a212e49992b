"""Plug-ins: found by entry point, isolated when they fail, stopped when two claim one key."""

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner

from recupero.commands.running import up, work
from recupero.contacts.cli import law
from recupero.kernel.plugins import ClaimConflict, Plugins

GOOD = """
from recupero_sdk import hookimpl
from recupero_sdk.channels import Capabilities, Receipt, SendOutcome

class Pigeon:
    key = "pigeon"
    capabilities = Capabilities(channels=("letter",))
    settings = ()
    def check(self, config): return None
    def send(self, messages, config):
        return [Receipt(message.key, SendOutcome.SENT) for message in messages]

@hookimpl
def register_channels():
    return [Pigeon()]
"""


@pytest.fixture
def modules(tmp_path: Path) -> Iterator[Path]:
    sys.path.insert(0, str(tmp_path))
    yield tmp_path
    sys.path.remove(str(tmp_path))


def _point(folder: Path, name: str, source: str, group: str = "recupero.channels") -> EntryPoint:
    module = f"tests_plugin_{folder.name.replace('-', '_')}_{name}"
    (folder / f"{module}.py").write_text(dedent(source))
    return EntryPoint(name=name, value=module, group=group)


def test_a_good_plug_in_is_registered_under_its_key(modules: Path) -> None:
    plugins = Plugins.load({"channel": [_point(modules, "pigeon", GOOD)]})
    assert set(plugins.channels) == {"pigeon"}
    assert plugins.states[0].keys == ("pigeon",)


@pytest.mark.parametrize(
    "source, reason",
    [
        ("raise RuntimeError('broken on import')", "broken on import"),
        ("x = 1", "registers nothing"),
        (GOOD.replace("def register_channels():", "def register_channels(colour):"), "colour"),
        (GOOD.replace('    key = "pigeon"\n', ""), "key"),
        (GOOD.replace("return [Pigeon()]", "return [object()]"), "Channel"),
        (GOOD.replace("def register_channels", "def register_chanels"), "register_chanels"),
    ],
)
def test_a_failing_plug_in_is_listed_with_its_reason_and_hurts_no_other(
    modules: Path, source: str, reason: str
) -> None:
    points = [_point(modules, "bad", source), _point(modules, "good", GOOD)]
    plugins = Plugins.load({"channel": points})
    assert set(plugins.channels) == {"pigeon"}
    bad = next(state for state in plugins.states if state.name == "bad")
    assert bad.error is not None
    assert reason in bad.error


def test_two_claims_to_one_key_stop_the_start(modules: Path) -> None:
    points = [_point(modules, "first", GOOD), _point(modules, "second", GOOD)]
    with pytest.raises(ClaimConflict, match=r"'\S+_first' and '\S+_second' both claim the channel 'pigeon'"):
        Plugins.load({"channel": points})


@pytest.mark.parametrize("name", ["cl", "chile"])
def test_two_packs_of_one_country_stop_every_command_with_one_sentence(modules: Path, name: str) -> None:
    """Whether both entry points are named after the country, or only their packs are of it."""
    _distribution(modules, "acme-chile", "recupero.regulations", f"{name} = recupero_regulation_cl")
    for command, arguments in ((law, ["list"]), (law, ["show", "CL"]), (up, []), (work, ["--burst"])):
        done = CliRunner().invoke(command, arguments)
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr.splitlines() == [
            "the plug-ins 'acme-chile' and 'recupero-regulation-cl' both claim the regulation 'CL':"
            " uninstall one of them"
        ]


def _distribution(folder: Path, name: str, group: str, entry_point: str) -> None:
    """What an installed distribution leaves behind for others to find it by."""
    about = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{group}]\n{entry_point}\n")


def test_a_kind_is_loaded_when_it_is_asked_for(modules: Path) -> None:
    bad = _point(modules, "bad", "raise RuntimeError('broken on import')")
    plugins = Plugins({"channel": [bad], "regulation": []})
    assert plugins.failed_countries() == {}
    assert plugins.packs == {}
    assert [state.error for state in plugins.states] == ["RuntimeError: broken on import"]


def test_a_country_whose_pack_failed_is_named_as_closed(modules: Path) -> None:
    point = _point(modules, "zz", "raise RuntimeError('no rules')", "recupero.regulations")
    plugins = Plugins.load({"regulation": [point]})
    assert plugins.failed_countries() == {"ZZ": "RuntimeError: no rules"}


def test_of_a_pack_with_errors_the_reason_is_what_is_wrong_with_it(modules: Path) -> None:
    broken = "from recupero_sdk.law import PackError\nraise PackError(['rules/01.yaml, line 3: no rule'])"
    plugins = Plugins.load({"regulation": [_point(modules, "zz", broken, "recupero.regulations")]})
    assert plugins.failed_countries() == {"ZZ": "rules/01.yaml, line 3: no rule"}


def test_the_installed_plug_ins_all_load() -> None:
    plugins = Plugins.load()
    assert [state for state in plugins.states if state.error] == []
    assert {"CL", "CO"} <= set(plugins.packs)
    assert {"outbox", "email"} <= set(plugins.channels)
    assert {"propensity"} <= set(plugins.models)
    assert {"intents"} <= set(plugins.texts)
    assert {"sandbox", "stripe"} <= set(plugins.gateways)
