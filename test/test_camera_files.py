"""Calibrations are read as the usual tools write them; what is none is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pytorch_lightning", reason="needs the training extra")

from bpnp_ros.errors import CameraError
from training.own_map.camera_file import read_cameras

ROS = """image_width: 640
image_height: 400
camera_name: head
camera_matrix: {rows: 3, cols: 3, data: [500, 0, 300, 0, 510, 210, 0, 0, 1]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [-0.2, 0.05, 0, 0, 0.01]}
"""
OPENCV = """%YAML:1.0
---
calibration_time: "Fri 27 Nov 2026"
image_width: 640
image_height: 400
flags: 0
camera_matrix: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: [ 500., 0., 3.0e+02, 0., 5.1000000000000000e+002, 210., 0., 0., 1. ]
distortion_coefficients: !!opencv-matrix
   rows: 5
   cols: 1
   dt: d
   data: [ -2.0e-01, 5.0e-02, 0., 0., 1.0e-02 ]
avg_reprojection_error: 2.5e-01
"""
OPENCV_XML = """<?xml version="1.0"?>
<opencv_storage>
<image_Width>640</image_Width>
<image_Height>400</image_Height>
<Camera_Matrix type_id="opencv-matrix">
  <rows>3</rows><cols>3</cols><dt>d</dt>
  <data>
    500. 0. 300. 0. 510. 210. 0. 0. 1.</data></Camera_Matrix>
<Distortion_Coefficients type_id="opencv-matrix">
  <rows>5</rows><cols>1</cols><dt>d</dt>
  <data>-2.0e-01 5.0e-02 0. 0. 1.0e-02</data></Distortion_Coefficients>
</opencv_storage>
"""
COLMAP = """# Camera list with one line of data per camera:
#   CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]
1 FULL_OPENCV 640 400 500 510 300.5 210.5 -0.2 0.05 0 0 0.01 0 0 0
"""
KALIBR = """cam0:
  cam_overlaps: [1]
  camera_model: pinhole
  distortion_coeffs: [-0.2, 0.05, 0.0, 0.0]
  distortion_model: radtan
  intrinsics: [500.0, 510.0, 300.0, 210.0]
  resolution: [640, 400]
  rostopic: /cam0/image_raw
cam1:
  T_cn_cnm1: [[1, 0, 0, 0.1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
  camera_model: pinhole
  distortion_coeffs: [0.1, 0.02, 0.0, 0.0]
  distortion_model: equidistant
  intrinsics: [500.0, 510.0, 300.0, 210.0]
  resolution: [640, 400]
"""
BASALT = """{"value0": {"T_imu_cam": [], "intrinsics": [
  {"camera_type": "pinhole-radtan8", "intrinsics": {"fx": 500, "fy": 510, "cx": 300, "cy": 210,
   "k1": -0.2, "k2": 0.05, "p1": 0, "p2": 0, "k3": 0.01, "k4": 0, "k5": 0, "k6": 0, "rpmax": 2}},
  {"camera_type": "kb4", "intrinsics": {"fx": 500, "fy": 510, "cx": 300, "cy": 210,
   "k1": 0.1, "k2": 0.02, "k3": 0, "k4": 0}}],
 "resolution": [[640, 400], [640, 400]]}}
"""
FISHEYE = OPENCV.replace("flags: 0", "fisheye_model: 1").replace(", 1.0e-02 ]", " ]")
PLUMB, WIDE = (-0.2, 0.05, 0, 0, 0.01), (0.1, 0.02, 0, 0)


@pytest.mark.parametrize(
    ("text", "lenses"),
    [
        (ROS, [("plumb_bob", PLUMB)]),
        (OPENCV, [("plumb_bob", PLUMB)]),
        (OPENCV_XML, [("plumb_bob", PLUMB)]),
        (FISHEYE, [("equidistant", PLUMB[:4])]),
        (COLMAP, [("rational_polynomial", (*PLUMB, 0, 0, 0))]),
        (KALIBR, [("plumb_bob", PLUMB[:4]), ("equidistant", WIDE)]),
        (BASALT, [("rational_polynomial", (*PLUMB, 0, 0, 0)), ("equidistant", WIDE)]),
    ],
    ids=["ROS", "OpenCV", "OpenCV XML", "OpenCV fisheye", "COLMAP", "Kalibr", "Basalt"],
)
def test_the_same_camera_is_read_from_every_tools_file(
    tmp_path: Path, text: str, lenses: list[tuple[str, tuple[float, ...]]]
) -> None:
    (tmp_path / "camera").write_text(text)
    cameras = read_cameras(tmp_path / "camera")
    assert [(camera.distortion_model, camera.D) for camera in cameras] == lenses
    for camera in cameras:
        np.testing.assert_array_equal(camera.K, [[500, 0, 300], [0, 510, 210], [0, 0, 1]])
        assert (camera.width, camera.height) == (640, 400)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (KALIBR.replace("pinhole", "omni"), "omni.*pinhole-radtan"),
        (BASALT.replace("kb4", "ds"), "'ds' has no equal"),
        (COLMAP.replace("FULL_OPENCV", "FOV"), "parameters"),
        ("1 FOV 640 400 500 510 300 210 0.9", "FOV has no equal"),
        (OPENCV.replace("image_width", "of"), "size of the image is missing"),
        ("<a><b></a>", "cannot be read"),
        ("<opencv_storage/>", "size of the image"),
        ("%YAML:1.0\n---\n", "cannot be read"),
        ("# nothing", "cannot be read"),
        ("\x00\x01", "cannot be read"),
        ("[" * 5000, "cannot be read"),
    ],
)
def test_what_is_no_calibration_is_said_in_one_sentence(
    tmp_path: Path, text: str, named: str
) -> None:
    (tmp_path / "camera").write_text(text)
    with pytest.raises(CameraError, match=rf"(?s)camera.*{named}"):
        read_cameras(tmp_path / "camera")


@pytest.mark.parametrize("text", [ROS, OPENCV, OPENCV_XML, COLMAP, KALIBR, BASALT])
def test_a_file_that_was_cut_off_gives_a_camera_or_a_sentence(tmp_path: Path, text: str) -> None:
    for end in range(0, len(text), 7):
        (tmp_path / "camera").write_text(text[:end])
        try:
            assert read_cameras(tmp_path / "camera")
        except CameraError as error:
            assert "camera" in str(error)
