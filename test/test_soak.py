"""What a soak says of its frames: wrong poses, delays that grow, memory that grows."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")

from rooms import CAMERA, CONFIG, rooms, world

from bpnp_ros.live.node_link import FoundPose
from bpnp_ros.localizer.localizer import Localizer
from experiments.soak.__main__ import frames
from experiments.soak.figures import Soak
from experiments.soak.overload import Costs, overloaded


def soak(delays: np.ndarray, off: np.ndarray, megabytes: np.ndarray) -> str:
    """A frame a second, its pose so late and so far off."""
    kept, stamps = Soak(), range(1, len(delays) + 1)
    for stamp, delay, metres, memory in zip(stamps, delays, off, megabytes, strict=True):
        T = np.eye(4)
        kept.truth[stamp], kept.sent_at[stamp] = T.copy(), float(stamp)
        T[0, 3] = metres
        kept.poses.append(FoundPose(stamp, T, stamp + delay))
        kept.memory.append((float(stamp), memory))
    return "\n".join(kept.lines())


def test_growth_and_wrong_poses_are_told() -> None:
    count = 120
    off = np.where(np.arange(count) == 7, 2.0, 0.004)
    off[9] = 0.2
    said = soak(np.linspace(0.01, 0.4, count), off, 500 + np.arange(count) / 10)
    assert "wrong poses 1, half-way 1, median error 4.0 mm" in said
    first, last = (float(said.split(part)[1].split()[0]) for part in ("first third ", "the last "))
    assert 70 < first < 80 and 330 < last < 340
    assert "+6.00 MB a minute" in said


def test_a_calm_run_is_calm_and_an_empty_one_says_so() -> None:
    count = 60
    said = soak(np.full(count, 0.02), np.zeros(count), np.full(count, 500.0))
    assert "wrong poses 0" in said and "+0.00 MB a minute" in said
    assert Soak().lines() == ["0 frames sent, no pose"]


def test_a_machine_that_is_too_slow_answers_late_and_seldom_but_never_wrongly() -> None:
    """Two walks, darkness at the end of each; of frames in the light one of eight is answered."""
    shown = frames(world(), 0.5, 30.0, seed=0, seconds=15.0)
    soak = overloaded(Localizer(rooms(), None, CONFIG), CAMERA, shown, Costs(0.25, 1.5))
    said = "\n".join(soak.lines())
    assert "wrong poses 0, half-way 0" in said
    assert len(soak.poses) > 10 and soak.answered < len(soak.truth) / 2
    delay = [pose.arrived - soak.sent_at[pose.stamp_ns] for pose in soak.poses]
    assert np.median(delay) < 2.5 and max(delay) < 6.0
    memory = [megabytes for _, megabytes in soak.memory]
    assert memory[-1] - memory[len(memory) // 2] < 40.0
