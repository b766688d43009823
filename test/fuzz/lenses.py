"""CameraInfo and images as no driver should send them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import landmarks
import numpy as np
from fuzz.damage import ODD_NAMES, damaged, odd_count, one_of, with_odd_numbers
from fuzz.kind import Kind

from bpnp_ros.configuration.parameters import DetectorConfig, KeypointConfig, LocalizationSettings
from bpnp_ros.errors import CameraError
from bpnp_ros.keypoints.detector import detect_keypoints
from bpnp_ros.keypoints.image import LAYOUTS
from bpnp_ros.keypoints.keypoints import keypoints_from_pixels
from bpnp_ros.runtime.cameras import Cameras
from bpnp_ros.runtime.conversions import read_image

MODELS = ("plumb_bob", "rational_polynomial", "equidistant", "fisheye", "none", "", "mystery")
_COUNTS = ("width", "height", "binning_x", "binning_y")
_SIZES = (1, 2, 7, 8, 33, 64)
_PIXELS = np.random.default_rng(0).uniform(0, (640, 480), (50, 2))


def camera_info() -> Any:
    """As a driver should send it, of `landmarks.CAMERA`."""
    K = landmarks.CAMERA.K
    names = ("x_offset", "y_offset", "width", "height")
    return SimpleNamespace(
        header=SimpleNamespace(frame_id="camera"),
        width=640,
        height=480,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=K.ravel(),
        p=np.column_stack([K, np.zeros(3)]).ravel(),
        binning_x=0,
        binning_y=0,
        roi=SimpleNamespace(**dict.fromkeys(names, 0)),
    )


def _camera_info(rng: np.random.Generator, folder: Path) -> SimpleNamespace:
    info: SimpleNamespace = camera_info()
    for _ in range(rng.integers(1, 4)):
        kind = rng.integers(7)
        if kind == 0:
            setattr(info, one_of(rng, _COUNTS), odd_count(rng))
        elif kind == 1:
            info.k = one_of(rng, (0 * info.k, with_odd_numbers(info.k, rng)))
        elif kind == 2:
            info.p = with_odd_numbers(info.p, rng)
        elif kind == 3:
            count, size = rng.integers(20), float(one_of(rng, (1e-3, 0.3, 10.0, 1e9)))
            info.d = size * rng.normal(size=count)
        elif kind == 4:
            info.d = with_odd_numbers(info.d, rng)
        elif kind == 5:
            info.distortion_model = one_of(rng, (*MODELS, *ODD_NAMES))
        else:
            setattr(info.roi, one_of(rng, sorted(vars(info.roi))), int(rng.integers(700)))
    info.header.frame_id = one_of(rng, ("camera", *ODD_NAMES))
    return info


def _take_camera_info(info: Any) -> None:
    for rectified in (False, True):
        settings = LocalizationSettings(keypoints_rectified=rectified)
        camera = Cameras(settings, KeypointConfig()).update(info)
        if isinstance(camera, CameraError):
            raise camera
        assert camera is not None, "no news, though it is the first"
        assert np.isfinite(camera.K).all(), "K is not finite"
        xy = keypoints_from_pixels(_PIXELS, camera).xy
        assert np.isfinite(xy).all(), "keypoints that are not finite"


def _image(rng: np.random.Generator, folder: Path) -> SimpleNamespace:
    encoding = one_of(rng, (*LAYOUTS, *ODD_NAMES))
    layout = LAYOUTS.get(encoding, LAYOUTS["mono8"])
    width, height = one_of(rng, _SIZES), one_of(rng, _SIZES)
    step = width * layout.channels * np.dtype(layout.dtype).itemsize + one_of(rng, (0, 0, 5))
    data = rng.bytes(step * int(np.ceil(height * layout.rows)))
    big_endian = bool(rng.integers(2))
    image = SimpleNamespace(
        encoding=encoding, width=width, height=height, step=step, is_bigendian=big_endian, data=data
    )
    if rng.random() < 0.3:
        setattr(image, one_of(rng, ("width", "height", "step")), odd_count(rng))
    if rng.random() < 0.2:
        image.data = data[: rng.integers(len(data) + 1)]
    return image


@cache
def _photographs() -> list[bytes]:
    """JPEG and PNG, grey, coloured, of 16 bits and with an alpha channel."""
    rng = np.random.default_rng(0)
    colours, grey = rng.integers(0, 256, (48, 64, 4), np.uint8), rng.integers(0, 65536, (9, 9))
    kinds = [colours[..., 0], colours[..., :3], colours, grey.astype(np.uint16)]
    encoded = [cv2.imencode(".png", pixels)[1].tobytes() for pixels in kinds]
    return encoded + [cv2.imencode(".jpg", pixels)[1].tobytes() for pixels in kinds[:2]]


def _compressed_image(rng: np.random.Generator, folder: Path) -> SimpleNamespace:
    content = one_of(rng, _photographs())
    if rng.random() < 0.3:  # the size in a PNG's header, or near a JPEG's
        at = int(rng.integers(14, 26))
        content = content[:at] + rng.bytes(4) + content[at + 4 :]
    else:
        content = damaged(content, rng)
    return SimpleNamespace(format=one_of(rng, ("jpeg", "png", *ODD_NAMES)), data=content)


def _take_image(message: Any) -> None:
    image = read_image(message)
    assert image.grey.dtype == np.uint8 and image.grey.size, "no grey image"
    assert image.rgb is None or image.rgb.shape == (*image.grey.shape, 3), "colours that do not fit"
    for detector in ("sift", "orb", "corners", "lights"):
        found = detect_keypoints(image, DetectorConfig(detector, max_features=50))
        assert np.isfinite(found.pixels).all() and len(found) <= 50, "odd keypoints"


KINDS = {
    "camera info": Kind(_camera_info, _take_camera_info),
    "image": Kind(_image, _take_image),
    "compressed image": Kind(_compressed_image, _take_image),
}
