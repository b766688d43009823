"""What the pages name is there: files, commands, parameters of the Python lines."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
PAGES = [*sorted(CHECKOUT.glob("*.md")), *sorted((CHECKOUT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    files = [link for link in links if "://" not in link]
    assert [link for link in files if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_module_that_is_called_exists(page: Path) -> None:
    modules = set(re.findall(r"-m ((?:bpnp_ros|training|experiments)[\w.]*\w)", page.read_text()))
    assert [module for module in modules if find_spec(module) is None] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_source_file_that_is_named_exists(page: Path) -> None:
    named = re.findall(
        r"`((?:bpnp_ros|training|experiments|test|scripts)/[\w/]+\.\w+)`", page.read_text()
    )
    assert [name for name in named if not (CHECKOUT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_lines_are_python(page: Path) -> None:
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        compile(block, page.name, "exec")


def test_the_drawing_of_the_rooms_has_them_all() -> None:
    drawing = (CHECKOUT / "docs" / "architecture.md").read_text()
    rooms = {path.parent.name for path in (CHECKOUT / "bpnp_ros").glob("*/__init__.py")}
    assert {room for room in rooms if room not in drawing} == set()
