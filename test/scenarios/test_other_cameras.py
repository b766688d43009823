"""A camera that is not the one that CameraInfo describes, over real DDS."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")
from rooms import CAMERA, world
from stage import staged, walk


def test_wrong_lens(tmp_path: Path) -> None:
    """Focal length 10 % off: it is named, and no pose is off by more than half a metre."""
    zoomed = replace(CAMERA, K=CAMERA.K * [[1.1, 1, 1], [1, 1.1, 1], [1, 1, 1]])
    with staged(world().landmarks, tmp_path / "node.log") as stage, stage.nothing_wrong():
        stage.camera = zoomed
        for T in walk()[:80:2]:
            stage.see(T)
            if "CAMERA_MISCALIBRATED" in stage.link.status["notes"]:
                break
        assert "focal length by +" in stage.link.status["notes"]
