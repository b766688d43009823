"""What is not known stays unknown: in poses, and in the JSON that leaves the program."""

from __future__ import annotations

import numpy as np

from bpnp_ros.evaluation.metrics import NOWHERE, are_known, for_json


def test_figures_for_json_are_null_where_they_are_not_finite() -> None:
    figures = {"errors": (0.123456, np.inf), "share": float("nan"), "poses": 3, "by": "tracker"}
    assert for_json(figures, digits=2) == {
        "errors": [0.12, None],
        "share": None,
        "poses": 3,
        "by": "tracker",
    }
    assert for_json(figures)["errors"] == [0.123456, None]


def test_a_pose_with_a_gap_in_it_is_not_known() -> None:
    poses = np.stack([np.eye(4), NOWHERE, np.eye(4)])
    poses[2, 0, 3] = np.nan
    assert are_known(poses).tolist() == [True, False, False]
