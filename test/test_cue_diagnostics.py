"""Whoever looks at the diagnostics reads which cue contradicts what was found."""

from __future__ import annotations

import time

import numpy as np
import pytest

pytest.importorskip("diagnostic_msgs", reason="needs ROS 2")

from std_msgs.msg import Header

from bpnp_ros.localizer.types import Fix
from bpnp_ros.nodes.diagnostics import diagnostics
from bpnp_ros.nodes.report import Report
from bpnp_ros.runtime.tally import Tally


def test_a_cue_that_speaks_against_the_pairs_of_a_fix_is_named() -> None:
    rows, cues = np.arange(30), {"rgb": (-40.0, 30), "size": (25.0, 30)}
    fix = Fix(np.eye(4), np.eye(6), rows, rows, 0.0, "search", 0.0, 0.0, cues=cues)
    tally = Tally()
    tally.fix, tally.fix_at = fix, time.monotonic()
    status = diagnostics(Header(), "/localization", Report("TRACKING"), tally).status[0]
    told = {value.key: value.value for value in status.values}
    assert told["cues_that_disagree"] == "rgb"
    assert told["cue_rgb_nats"] == "-40.0 of 30 pairs"
