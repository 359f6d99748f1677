"""What the repository says of itself is true."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import cofire
from cofire import _core

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_version_is_the_same_everywhere():
    assert cofire.__version__ == version("cofire") == _core.__version__ == PROJECT["version"]
    assert f"version: {PROJECT['version']}" in (ROOT / "CITATION.cff").read_text()


def test_dependencies_have_lower_bounds_and_no_caps():
    for requirement in PROJECT["dependencies"]:
        assert re.fullmatch(r"[\w\[\]-]+>=[\d.]+", requirement), requirement


def test_all_sources_are_built():
    listed = set(re.findall(r"cpp/[\w/]+\.cpp", (ROOT / "CMakeLists.txt").read_text()))
    on_disk = {str(p.relative_to(ROOT)) for p in (ROOT / "cpp").rglob("*.cpp")}
    assert listed == on_disk


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "data/README.md"])
def test_links_of_documents_lead_somewhere(name):
    document = ROOT / name
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), f"{name} links to {target}"


def test_make_help_lists_the_two_commands():
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^demo:.*## ", makefile, flags=re.M)
    assert re.search(r"^test:.*## ", makefile, flags=re.M)
