"""docs/frames.md is a contract: whatever the node may say stands in it, with a remedy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bpnp_ros.doctor.checks import SELF_CHECKS
from bpnp_ros.localizer.types import Category

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "frames.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and line.count("|") == 4]
SYMPTOMS = [row.split("|")[1] for row in ROWS]
NODES = "\n".join(path.read_text() for path in (ROOT / "bpnp_ros" / "nodes").glob("*.py"))
STATES = sorted(set(re.findall(r'Report\(\s*"([A-Z_]+)"', NODES)) - {"TRACKING"})


@pytest.mark.parametrize("said", [*Category, *STATES, *SELF_CHECKS, "MAP_UNKNOWN"])
def test_what_the_node_may_say_has_a_row(said: str) -> None:
    word = said.value if isinstance(said, Category) else said
    assert any(f"`{word}`" in symptom for symptom in SYMPTOMS)


def test_words_that_the_page_quotes_are_those_of_the_code() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "bpnp_ros").rglob("*.py"))
    spoken = re.sub(r'"\s*\n\s*f?"', "", code)
    quoted = [
        part.strip()
        for symptom in SYMPTOMS
        for words in re.findall(r'"([^"]+)"', symptom)
        for part in words.split("...")
    ]
    assert len(quoted) > 8
    assert [words for words in quoted if words not in spoken] == []


def test_every_row_says_what_to_do() -> None:
    assert all(cell.strip() for row in ROWS for cell in row.split("|")[1:4])
