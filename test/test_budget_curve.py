"""The model card's table of budgets, as a figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpnp_ros.errors import ConfigError
from experiments.budget_curve import curve, recall_by_budget

TABLE = """Before.

| of the 85 minutes | samples | 0 % | whole map |
|---|---|---|---|
| 7 | 23,000 | 83 | 5 |
| 85 | 139,000 | 88 | 27 |

After | it.
"""


def test_every_setting_has_a_line_over_the_minutes(tmp_path: Path) -> None:
    page = tmp_path / "card.md"
    page.write_text(TABLE)
    recall = recall_by_budget(page)
    assert recall == {"0 %": {7: 83, 85: 88}, "whole map": {7: 5, 85: 27}}
    lines = curve(recall).axes[0].lines
    assert [np.asarray(line.get_ydata()).tolist() for line in lines] == [[83, 88], [5, 27]]


def test_a_page_without_the_table_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "card.md"
    page.write_text("Nothing.")
    with pytest.raises(ConfigError, match="no table"):
        recall_by_budget(page)
