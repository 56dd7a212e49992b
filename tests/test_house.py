"""The rules of the house that tools can check: style, types, who imports whom, and the folder names."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["ruff", "check", "."], id="style"),
        pytest.param(["ruff", "format", "--check", "."], id="format"),
        pytest.param(["mypy"], id="types", marks=pytest.mark.slow),
        pytest.param(["lint-imports"], id="imports"),
    ],
)
def test_the_tool_finds_nothing(command: list[str]) -> None:
    program, *arguments = command
    done = subprocess.run(
        [str(_BIN / program), *arguments], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_folders_named_like_modules_are_not_packages() -> None:
    """`platform` and `mlflow` would hide the standard library's module and the MLflow package."""
    assert not [
        name for name in ("platform", "platform/sdk", "mlflow") if (_ROOT / name / "__init__.py").exists()
    ]
    script = (
        "from importlib.util import find_spec; import platform; platform.system();"
        " print(find_spec('platform').origin, find_spec('mlflow').origin, sep='\\n')"
    )  # found, not imported: MLflow takes seconds
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=_ROOT, capture_output=True, text=True, check=True
    )
    named = [Path(origin) for origin in found.stdout.splitlines()]
    assert [origin.name for origin in named] == ["platform.py", "__init__.py"]
    assert not [origin for origin in named if origin.parent.parent == _ROOT]


def test_no_file_records_where_packages_are_downloaded_from() -> None:
    for name in ("requirements.txt", "requirements-bootstrap.txt", "requirements.in"):
        assert "://" not in (_ROOT / name).read_text()
    assert not [name for name in ("uv.lock", "pylock.toml", "poetry.lock") if (_ROOT / name).exists()]


def test_every_fragment_of_the_changelog_is_of_a_kind_that_is_folded_in() -> None:
    """Any other kind would be left out without a word, and a name without plus be taken for an issue."""
    kinds = re.compile(r"\+[a-z0-9-]+\.(feature|fix)\.md")
    odd = [file.name for file in (_ROOT / "changelog.d").glob("*.md") if not kinds.fullmatch(file.name)]
    assert not odd


def test_every_requirement_is_pinned_with_hashes() -> None:
    text = (_ROOT / "requirements.txt").read_text().replace("\\\n", " ")
    pins = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert len(pins) > 100
    assert all("==" in pin and "--hash=sha256:" in pin for pin in pins)


def test_links_between_pages_of_the_documentation_lead_somewhere() -> None:
    pages = [_ROOT / "README.md", *(_ROOT / "docs").rglob("*.md"), *(_ROOT / "plugins").glob("*/*/README.md")]
    broken = []
    for page in pages:
        for place, heading in re.findall(r"\]\(([^)#:\s]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
            aim = (page.parent / place) if place else page
            if not aim.exists() or (heading and heading not in _anchors(aim)):
                broken.append(f"{page.relative_to(_ROOT)}: {place}#{heading}")
    assert not broken


def _anchors(page: Path) -> set[str]:
    """What the headings of a page are reached by: words in small letters with hyphens between."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
