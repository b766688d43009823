"""`import bpnp_ros`: what it offers, what it costs, and that all of it is documented."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import bpnp_ros

CHECKOUT = Path(__file__).resolve().parents[1]
PUBLIC = [name for name in bpnp_ros.__all__ if name != "__version__"]


def python(*words: str) -> str:
    """Standard output of a fresh interpreter, which must not fail."""
    done = subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_import_is_cheap() -> None:
    heavy = {"torch", "numpy", "open3d", "cv2", "rclpy", "matplotlib"}
    loaded = python("-c", "import sys, bpnp_ros; print(*sys.modules)").split()
    assert heavy & set(loaded) == set()


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_there_under_its_own_name(name: str) -> None:
    assert getattr(bpnp_ros, name).__name__ == name
    assert name in dir(bpnp_ros)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_and_its_methods_are_documented(name: str) -> None:
    thing = getattr(bpnp_ros, name)
    undocumented = [] if (thing.__doc__ or "").strip() else [name]
    if inspect.isclass(thing):
        members = {k: v for k, v in vars(thing).items() if not k.startswith("_")}
        functions = {k: v for k, v in members.items() if callable(v) or isinstance(v, property)}
        undocumented += [k for k, member in functions.items() if not inspect.getdoc(member)]
    assert undocumented == []


def test_an_unknown_name_is_refused_with_what_there_is() -> None:
    with pytest.raises(AttributeError, match=r"no name 'Localiser'; it has .*Localizer"):
        _ = bpnp_ros.Localiser


def test_type_checkers_see_every_name() -> None:
    source = Path(bpnp_ros.__file__).read_text()
    assert [name for name in PUBLIC if f" as {name}\n" not in source] == []
    assert (Path(bpnp_ros.__file__).parent / "py.typed").exists()


def test_the_pages_are_built_and_show_every_name(tmp_path: Path) -> None:
    pytest.importorskip("pdoc", reason='pip install "bpnp_ros[docs]"')
    python(str(CHECKOUT / "scripts" / "api_pages.py"), str(tmp_path))
    page = (tmp_path / "bpnp_ros.html").read_text()
    assert [name for name in PUBLIC if f'id="{name}"' not in page] == []


def test_the_citation_tells_the_version() -> None:
    citation = (CHECKOUT / "CITATION.cff").read_text()
    assert f"version: {bpnp_ros.__version__}" in citation
    assert metadata.version("bpnp_ros") == bpnp_ros.__version__
    assert f"## {bpnp_ros.__version__}" in (CHECKOUT / "CHANGELOG.md").read_text()
