"""Cameras by frame, as CameraInfo tells them; what is news, and what is wrong."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bpnp_ros.configuration.parameters import KeypointConfig, LocalizationSettings
from bpnp_ros.errors import CameraError
from bpnp_ros.geometry.camera import Camera, Frustum
from bpnp_ros.runtime.cameras import WIDEST_GUESS, Cameras, _enclosing
from bpnp_ros.runtime.conversions import read_camera


def info(frame: str = "camera", focal: float = 400.0, **changes: Any) -> Any:
    """A CameraInfo, as far as anybody reads one."""
    k = [focal, 0, 320, 0, focal, 240, 0, 0, 1]
    roi = SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0)
    message = SimpleNamespace(
        header=SimpleNamespace(frame_id=frame),
        **{"width": 640, "height": 480, "distortion_model": "plumb_bob", "d": [0.0] * 5},
        **{"k": k, "p": [0.9 * k[0], 0, 310, 0, 0, 0.9 * k[0], 230, 0, 0, 0, 1, 0]},
        **{"binning_x": 0, "binning_y": 0, "roi": roi},
    )
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def cameras(**settings: Any) -> Cameras:
    return Cameras(LocalizationSettings(**settings), KeypointConfig())


def test_a_camera_is_news_once() -> None:
    known = cameras()
    first = known.update(info())
    assert isinstance(first, Camera) and first.K[0, 0] == 400
    assert known.update(info()) is None
    assert isinstance(known.update(info("other")), Camera)
    assert isinstance(known.update(info(focal=300.0)), Camera)


def test_a_camera_that_breathes_is_no_news_but_every_keypoint_is_read_with_it() -> None:
    known = cameras()
    known.update(info())
    assert known.update(info(focal=400.5)) is None
    camera = known.camera_of("camera")
    assert camera is not None and camera.K[0, 0] == 400.5


def test_rectified_keypoints_are_read_with_p() -> None:
    known = cameras(keypoints_rectified=True)
    known.update(info())
    camera = known.camera_of("camera")
    assert camera is not None and camera.K[0, 0] == 360 and camera.K[0, 2] == 310


def test_a_camera_info_that_is_wrong_is_told_until_a_good_one_comes() -> None:
    known = cameras()
    assert known.problem == "no CameraInfo yet"
    refused = known.update(info(k=[0.0] * 9))
    assert isinstance(refused, CameraError) and "'camera'" in str(refused)
    assert known.update(info(k=[0.0] * 9)) is None  # told once
    assert "K is zero" in known.problem and known.camera_of("camera") is None
    known.update(info())
    assert known.problem == ""
    known.clear()
    assert known.camera_of("camera") is None and known.view is None


def test_an_image_of_another_size_than_its_camera_s_is_refused() -> None:
    known = cameras()
    known.update(info())
    known.check_size("camera", (640, 480))
    known.check_size("unknown", (1, 1))
    for size in ((480, 640), (640, 360), (320, 480)):
        with pytest.raises(CameraError, match="resized or turned"):
            known.check_size("camera", size)


def test_a_region_of_interest_and_binning_move_the_principal_point() -> None:
    roi = SimpleNamespace(x_offset=100, y_offset=60, width=400, height=300)
    camera = read_camera(info(roi=roi, binning_x=2, binning_y=2))
    assert camera.K[0].tolist() == [200, 0, 110] and camera.K[1].tolist() == [0, 200, 90]
    assert (camera.width, camera.height) == (200, 150)


def test_the_view_of_bearings_grows_and_never_shrinks() -> None:
    narrow, wide = (Frustum(-x, x, -x / 2, x / 2, 0.002) for x in (0.5, 0.8))
    grown = _enclosing(_enclosing(None, narrow), wide)
    assert grown.x_min < -0.8 and grown.x_max > 0.8 and grown.y_max > 0.4
    assert _enclosing(grown, narrow) == grown
    assert _enclosing(None, Frustum(-9, 9, -9, 9, 0.002)).x_max == WIDEST_GUESS
    assert np.isclose(grown.pixel, 0.002)
