"""The calibration of a camera as ROS's camera_calibration writes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml

from bpnp_ros.errors import CameraError
from bpnp_ros.geometry.camera import Camera

_ODD = (KeyError, TypeError, ValueError, AttributeError)


def read_camera(path: Path) -> Camera:
    """Size, matrix and distortion out of a YAML file. Raises CameraError."""
    try:
        values = yaml.safe_load(path.read_text())
        return Camera(
            K=np.array(values["camera_matrix"]["data"], np.float64).reshape(3, 3),
            width=int(values["image_width"]),
            height=int(values["image_height"]),
            distortion_model=str(values.get("distortion_model", "plumb_bob")),
            D=tuple(values.get("distortion_coefficients", {}).get("data", ())),
        )
    except (OSError, yaml.YAMLError, ArithmeticError, *_ODD) as error:
        raise CameraError(
            f"{path} cannot be read as a calibration ({error!r}); it needs image_width, "
            "image_height and camera_matrix, as camera_calibration writes them."
        ) from error
