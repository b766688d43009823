"""Every script in examples/ runs as it stands, uses the public door alone and says what it must."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from test_public_door import CHECKOUT, python

EXAMPLES = {
    "bpnpnet_on_two_sets": "pose found: True",
    "first_fix": "the camera is at [",
    "lamps_from_a_csv": "the camera is at [",
    "map_from_colmap": "found at [",
    "replay_a_bag": "of 20 messages ",
    "sinkhorn_and_weighted_pnp": "gradient of the costs",
    "train_on_a_cloud": "proposers: bpnpnet_map",
}
LIBRARY = {
    "BPnPNet": "torch.Size([1, 50, 50]) 1.0",
    "Localizer": "[8.  5.  0.5]",
    "load_map": "100 [",
    "sinkhorn": "0.0333, 0.0333, 0.0333",
    "weighted_pnp": "torch.Size([1, 40, 40])",
}
"""What the blocks of docs/library.md print."""
SCRIPTS = sorted((CHECKOUT / "examples").glob("*.py"))


def test_every_example_is_run() -> None:
    assert {script.stem for script in SCRIPTS} == set(EXAMPLES)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(name: str) -> None:
    if name == "replay_a_bag":
        pytest.importorskip("rosbags", reason='pip install "bpnp_ros[bags]"')
    if name == "train_on_a_cloud":
        pytest.importorskip("lightning", reason='pip install "bpnp_ros[training]"')
    assert EXAMPLES[name] in python(str(CHECKOUT / "examples" / f"{name}.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_example_comes_in_by_the_public_door(script: Path) -> None:
    deeper = [
        node.module
        for node in ast.walk(ast.parse(script.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bpnp_ros.")
    ]
    assert deeper == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", LIBRARY)
def test_ten_lines_show_what_a_name_is_for(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (CHECKOUT / "docs" / "library.md").read_text()
    blocks = dict(re.findall(r"## `(\w+)`.*?```python\n(.*?)```", page, re.DOTALL))
    monkeypatch.chdir(tmp_path)
    exec(blocks[name], {})
    assert set(blocks) == set(LIBRARY)
    assert f" {name}" in blocks[name] and len(blocks[name].splitlines()) <= 12
    assert LIBRARY[name] in capsys.readouterr().out
