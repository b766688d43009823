"""A scene whose arrays do not fit together is refused in a sentence, and ends no benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from colmap_scene import scene_arrays

from bpnp_ros.errors import MapError
from bpnp_ros.point_map.sfm.sfm_model import SfmModel


def with_value(name: str, value: float) -> dict[str, Any]:
    changed = np.array(scene_arrays()[name], np.float64)
    changed.flat[0] = value
    return {name: changed}


IMAGES = len(scene_arrays()["R"])
KINDS: dict[str, dict[str, Any]] = {
    "text for fx": {"fx": np.full(IMAGES, "wide")},
    "text for points": {"points3d": scene_arrays()["points3d"].astype(str)},
    "text for R": {"R": scene_arrays()["R"].astype(str)},
    "complex t": {"t": scene_arrays()["t"].astype(complex)},
    "a single R": {"R": np.float64(1)},
    "short t": {"t": scene_arrays()["t"][:-1]},
    "short fx": {"fx": scene_arrays()["fx"][:-1]},
    "short names": {"image_names": np.array(["a.jpg"])},
    "colours of other points": {"points3d_rgb": np.zeros((2, 3), np.uint8)},
    "text for colours": {"points3d_rgb": scene_arrays()["points3d"].astype(str)},
    "camera without parameters": {"cam_model": np.full(IMAGES, "PINHOLE")},
    "too few parameters": {
        "cam_model": np.full(IMAGES, "OPENCV"),
        "cam_params": np.ones((IMAGES, 3)),
    },
    "flat parameters": {"cam_model": np.full(IMAGES, "PINHOLE"), "cam_params": np.ones(IMAGES)},
    "parameters of one number": {
        "cam_model": np.full(IMAGES, "PINHOLE"),
        "cam_params": np.ones(()),
    },
    "unknown camera": {"cam_model": np.full(IMAGES, "EYE"), "cam_params": np.ones((IMAGES, 4))},
    "text for parameters": {
        "cam_model": np.full(IMAGES, "PINHOLE"),
        "cam_params": np.full((IMAGES, 4), "x"),
    },
    "negative width": with_value("width", -640),
    "width of NaN": with_value("width", np.nan),
    "fx of NaN": with_value("fx", np.nan),
    "fx of zero": with_value("fx", 0),
    "R of NaN": with_value("R", np.nan),
    "R that is no rotation": with_value("R", 50),
    "t of infinity": with_value("t", np.inf),
    "keypoint of NaN": with_value("kp_xy", np.nan),
    "point beyond the last": with_value("kp_point3d", 10**6),
    "point before none": with_value("kp_point3d", -2),
    "half a point": with_value("kp_point3d", 0.5),
    "offsets from one": with_value("kp_offsets", 1),
    "unsigned offsets that fall": {
        "kp_offsets": np.array([0, 9**9, *scene_arrays()["kp_offsets"][2:]], np.uint64)
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_that_does_not_fit_together_is_refused(kind: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "scene.npz", **{**scene_arrays(), **KINDS[kind]})
    with pytest.raises(MapError):
        SfmModel.load(tmp_path / "scene.npz")


@pytest.mark.parametrize("missing", scene_arrays())
def test_a_scene_without_one_of_its_arrays_is_refused(missing: str, tmp_path: Path) -> None:
    arrays = {name: values for name, values in scene_arrays().items() if name != missing}
    np.savez(tmp_path / "scene.npz", **arrays)
    with pytest.raises(MapError):
        SfmModel.load(tmp_path / "scene.npz")
